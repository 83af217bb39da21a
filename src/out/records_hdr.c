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

static bool put_line(struct hdr_state *state, const char *tag, const struct hist *hist, struct err *err) {
	uLongf size = state->deflated_room - 8;
	size_t encoded = hist_encode(hist, state->encoded);
	if (compress2(state->deflated + 8, &size, state->encoded, encoded, Z_DEFAULT_COMPRESSION) != Z_OK)
		return err_set(err, ERR_FAILED, "cannot write '%s': a histogram cannot be deflated", state->file.path);
	put32(state->deflated, COOKIE_DEFLATED);
	put32(state->deflated + 4, (uint32_t)size);
	state->text.size = 0;
	buf_add_format(&state->text, "%s%lld.000,1.000,%.3f,", tag, (long long)state->second, (double)hist->max / (double)MSEC);
	base64_add(&state->text, (struct slice){(const char *)state->deflated, size + 8});
	buf_add_text(&state->text, "\n");
	return whole_file_add(&state->file, (struct slice){state->text.at, state->text.size}, err);
}

/* The second is over. */
static bool put_second(struct hdr_state *state, struct err *err) {
	if (state->all->count > 0 && !put_line(state, "", state->all, err)) return false;
	if (state->ok->count > 0 && !put_line(state, "Tag=ok,", state->ok, err)) return false;
	memset(state->all, 0, sizeof(*state->all));
	memset(state->ok, 0, sizeof(*state->ok));
	return true;
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
static bool put_head(struct hdr_state *state, const struct run_info *run, struct err *err) {
	int64_t base = run->start_unix_ns + run->warmup;
	time_t seconds = (time_t)(base / SEC);
	struct tm utc;
	char day[64];
	gmtime_r(&seconds, &utc);
	strftime(day, sizeof(day), "%a %b %d %H:%M:%S UTC %Y", &utc);
	buf_add_format(&state->text, "#[strest %s, run %s, response times in ns]\n#[Histogram log format version 1.3]\n", run->version, run->id);
	for (size_t i = 0; i < run->label_count; i++) buf_add_format(&state->text, "#[label %s]\n", run->labels[i]);
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
	if (put_head(state, &run->report->run, err)) {
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
