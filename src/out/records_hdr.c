/* A log of histograms, one of all response times and one of the ok ones (tag "ok") for each second of due times: what HdrHistogram's own tools read.
 * Format: HdrHistogram's interval log 1.3, encoding V2 (G. Tene): counts of the same buckets as record/hist.h, zigzag LEB128 of at most 9 bytes, runs of zeros as
 * negative numbers, deflated, base64. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "out/records.h"
#include "out/whole_file.h"
#include "record/hist.h"
#include "stats/fleet.h"
#include "stats/series.h"

#define COOKIE 0x1c849313u
#define COOKIE_DEFLATED 0x1c849314u
#define HEAD_BYTES 40
#define ENCODED_MAX (HEAD_BYTES + HIST_SLOTS * 9)

struct hdr_state {
	struct whole_file file;
	int64_t second; /* that is being collected; -1: none yet */
	struct hist *all, *ok;
	unsigned char *encoded, *deflated;
	size_t deflated_room;
	struct buf text;
};

/* Where a histogram belongs: from the end of the warm-up, ns. */
struct span {
	nsec start, width;
};

static void put32(unsigned char *at, uint32_t value) {
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(unsigned char *at, uint64_t value) {
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

/* Seven bits a byte, the lowest first; the ninth byte has eight. */
static unsigned char *put_leb(unsigned char *at, int64_t number) {
	uint64_t value = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
	for (int i = 0; i < 8 && value >= 0x80; i++) {
		*at++ = (unsigned char)(value | 0x80);
		value >>= 7;
	}
	*at++ = (unsigned char)value;
	return at;
}

static size_t hist_encode(const struct hist *hist, unsigned char *into) {
	unsigned char *at = into + HEAD_BYTES;
	uint32_t end = hist->count > 0 ? hist_slot(hist->max) + 1 : 0;
	const double ratio = 1;
	uint64_t bits;
	for (uint32_t i = 0; i < end;) {
		uint32_t zeros = 0;
		while (i + zeros < end && hist->slots[i + zeros] == 0) zeros++;
		at = zeros > 0 ? put_leb(at, -(int64_t)zeros) : put_leb(at, (int64_t)hist->slots[i]);
		i += zeros > 0 ? zeros : 1;
	}
	memcpy(&bits, &ratio, sizeof(bits));
	put32(into, COOKIE);
	put32(into + 4, (uint32_t)(at - into - HEAD_BYTES));
	put32(into + 8, 0); /* no shift of the buckets */
	put32(into + 12, 3);
	put64(into + 16, 1);
	put64(into + 24, (uint64_t)HIST_MAX);
	put64(into + 32, bits);
	return (size_t)(at - into);
}

static bool put_line(struct hdr_state *state, const char *tag, struct span span, const struct hist *hist, struct err *err) {
	uLongf size = state->deflated_room - 8;
	size_t encoded = hist_encode(hist, state->encoded);
	if (compress2(state->deflated + 8, &size, state->encoded, encoded, Z_DEFAULT_COMPRESSION) != Z_OK)
		return err_set(err, ERR_FAILED, "cannot write '%s': a histogram cannot be deflated", state->file.path);
	put32(state->deflated, COOKIE_DEFLATED);
	put32(state->deflated + 4, (uint32_t)size);
	state->text.size = 0;
	buf_add_format(&state->text, "%s%lld.%03d,%lld.%03d,%.3f,", tag, (long long)(span.start / SEC), (int)(span.start % SEC / MSEC),
		(long long)(span.width / SEC), (int)(span.width % SEC / MSEC), (double)hist->max / (double)MSEC);
	base64_add(&state->text, (struct slice){(const char *)state->deflated, size + 8});
	buf_add_text(&state->text, "\n");
	return whole_file_add(&state->file, (struct slice){state->text.at, state->text.size}, err);
}

/* An interval is over. */
static bool put_span(struct hdr_state *state, struct span span, struct err *err) {
	if (state->all->count > 0 && !put_line(state, "", span, state->all, err)) return false;
	if (state->ok->count > 0 && !put_line(state, "Tag=ok,", span, state->ok, err)) return false;
	memset(state->all, 0, sizeof(*state->all));
	memset(state->ok, 0, sizeof(*state->ok));
	return true;
}

static bool put_second(struct hdr_state *state, struct err *err) {
	return put_span(state, (struct span){state->second * SEC, SEC}, err);
}

/* ---- of a fleet ---- */

struct slots_walk {
	struct hdr_state *state;
	nsec warmup;
	bool ok;
	struct err *err;
};

/* Counts one time of a slot, if there is one left. */
static void add_exact(struct hist *into, nsec time, uint64_t *left) {
	if (*left == 0) return;
	hist_record(into, time, 1);
	--*left;
}

/* Counts what is known to 1 % in the middle of its slots; the longest and the shortest time are exact. */
static void add_coarse(struct hist *into, const struct histlet *from) {
	for (uint32_t i = 0; from->count > 0 && i <= histlet_slot(from->max); i++) {
		nsec time = histlet_slot_low(i) + (histlet_slot_high(i) - histlet_slot_low(i)) / 2;
		uint64_t left = from->slots[i];
		if (i == histlet_slot(from->max)) add_exact(into, from->max, &left);
		if (i == histlet_slot(from->min)) add_exact(into, from->min, &left);
		if (left > 0) hist_record(into, time < from->min ? from->min : time > from->max ? from->max : time, left);
	}
}

static void put_slot(void *user, const struct series_slot *slot) {
	struct slots_walk *walk = user;
	nsec start = slot->start - walk->warmup, end = start + slot->width;
	if (!walk->ok || end <= 0) return;
	if (start < 0) start = 0;
	add_coarse(walk->state->all, &slot->response_ok);
	add_coarse(walk->state->all, &slot->response_other);
	add_coarse(walk->state->ok, &slot->response_ok);
	walk->ok = put_span(walk->state, (struct span){start, end - start}, walk->err);
}

/* A controller has no records: what the agents have streamed stands for them, or the whole run as one interval, from their reports. */
static bool put_fleet(struct hdr_state *state, const struct report *report, struct err *err) {
	struct slots_walk walk = {state, report->run.warmup, true, err};
	if (report->series) {
		series_walk(report->series, put_slot, &walk);
		return walk.ok;
	}
	hist_merge(state->all, &report->totals->response_ok);
	hist_merge(state->all, &report->totals->response_failed);
	hist_merge(state->all, &report->totals->response_open);
	hist_merge(state->ok, &report->totals->response_ok);
	return put_span(state, (struct span){0, report->window}, err);
}

static void put_fleet_comment(const struct report *report, struct buf *into) {
	const struct fleet_report *fleet = report->fleet;
	if (!fleet) return;
	buf_add_format(into, "#[of %zu of %zu agents; %s]\n", fleet->reported, fleet->expected,
		report->series ? "times are known to 1 %, by when requests ended, as the agents streamed them"
			       : "the whole run is one interval: nothing was streamed");
}

static void hdr_free(struct hdr_state *state) {
	whole_file_abandon(&state->file);
	buf_fini(&state->text);
	free(state->all);
	free(state->ok);
	free(state->encoded);
	free(state->deflated);
	free(state);
}

/* Times count from the end of the warm-up, which is the base. */
static bool put_head(struct hdr_state *state, const struct report *report, struct err *err) {
	const struct run_info *run = &report->run;
	int64_t base = run->start_unix_ns + run->warmup;
	time_t seconds = (time_t)(base / SEC);
	struct tm utc;
	char day[64];
	gmtime_r(&seconds, &utc);
	strftime(day, sizeof(day), "%a %b %d %H:%M:%S UTC %Y", &utc);
	buf_add_format(&state->text, "#[strest %s, run %s, response times in ns]\n#[Histogram log format version 1.3]\n", run->version, run->id);
	for (size_t i = 0; i < run->label_count; i++) buf_add_format(&state->text, "#[label %s]\n", run->labels[i]);
	put_fleet_comment(report, &state->text);
	buf_add_format(&state->text, "#[StartTime: %lld.%03d (seconds since epoch), %s]\n", (long long)seconds, (int)(base % SEC / MSEC), day);
	buf_add_text(&state->text, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
	return whole_file_add(&state->file, (struct slice){state->text.at, state->text.size}, err);
}

static bool hdr_open(const char *path, const struct records_run *run, void **ret_state, struct err *err) {
	struct hdr_state *state = mem_zeroed(1, sizeof(*state));
	if (!whole_file_open(path, &state->file, err)) {
		free(state);
		return false;
	}
	state->second = -1;
	state->all = mem_zeroed(1, sizeof(*state->all));
	state->ok = mem_zeroed(1, sizeof(*state->ok));
	state->encoded = mem_alloc(ENCODED_MAX);
	state->deflated_room = compressBound(ENCODED_MAX) + 8;
	state->deflated = mem_alloc(state->deflated_room);
	buf_init(&state->text, 2 * state->deflated_room + 4096);
	if (put_head(state, run->report, err) && (!run->report->fleet || put_fleet(state, run->report, err))) {
		*ret_state = state;
		return true;
	}
	hdr_free(state);
	return false;
}

static bool hdr_add(void *given, const struct logged *record, struct err *err) {
	struct hdr_state *state = given;
	int64_t second = record->sample.due / SEC;
	if (second != state->second && !put_second(state, err)) return false;
	state->second = second;
	nsec time = sample_response(&record->sample);
	hist_record(state->all, time, 1);
	if (record->sample.reason == REASON_NONE) hist_record(state->ok, time, 1);
	return true;
}

static bool hdr_close(void *given, bool keep, struct err *err) {
	struct hdr_state *state = given;
	bool ok = keep && (put_second(state, err) && whole_file_commit(&state->file, err));
	hdr_free(state);
	return ok;
}

const struct record_ops hdr_log_ops = {.open = hdr_open, .add = hdr_add, .close = hdr_close};
