#include "cmd/replay_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/home.h"
#include "base/log.h"
#include "base/output_format.h"
#include "base/units.h"
#include "out/records.h"
#include "stats/replay.h"

#define SNAPSHOTS_MAX 100000

/* All snapshots of one replay. */
struct snapshots {
	const struct out_settings *out;
	const struct replay_source *source;
	struct replay_span span; /* what they can cover */
	struct arena arena;
	const char *folder, *stem, *ending; /* "snapshot", ".json" */
	const char *file;                   /* the name of a single one; NULL: they are named by their times */
	const struct record_ops *ops;
	FILE *sorted; /* the records of the span, by due time: struct logged */
	const char *last;
};

bool replay_snapshot_wanted(const struct out_settings *out) {
	return out->replay_snapshot_interval > 0 || out->replay_snapshot_start || out->replay_snapshot_end || out->replay_snapshot_out;
}

static uint64_t clamp(uint64_t at, const struct replay_span *within) {
	if (at < within->from) return within->from;
	return at > within->to ? within->to : at;
}

/* NSEC_NEVER, max, lies behind everything. */
static uint64_t bound_of(const char *text, uint64_t otherwise) {
	nsec at;
	return text && units_parse_bound(slice_of(text), &at) ? (uint64_t)(at / MSEC) : otherwise;
}

bool replay_span_read(const struct replay_bounds *bounds, const struct replay_span *within, struct replay_span *ret, struct err *err) {
	const char *start = bounds->start, *end = bounds->end, *option = bounds->option;
	uint64_t from = bound_of(start, within->from), to = bound_of(end, within->to), most = NSEC_NEVER / MSEC;
	if (start && end && from > to)
		return err_set(err, ERR_FAILED, "%s-start %s lies behind %s-end %s; write them the other way round", option, start, option, end);
	if (from > within->to && from < most) log_warn("%s-start %s lies behind the last request: only that one is taken", option, start);
	if (to < within->from && to > 0) log_warn("%s-end %s lies before the first request: only that one is taken", option, end);
	*ret = (struct replay_span){clamp(from, within), clamp(to, within)};
	return true;
}

static bool make_folder(const char *path, struct arena *arena, struct err *err) {
	char *copy = arena_copy(arena, slice_of(path));
	for (char *at = copy + 1; *copy; at++) {
		char kept = *at;
		if (kept != '/' && kept != 0) continue;
		*at = 0;
		if (mkdir(copy, 0777) != 0 && errno != EEXIST) return err_set_sys(err, ERR_FAILED, errno, "cannot make the folder '%s'", copy);
		*at = kept;
		if (kept == 0) break;
	}
	return true;
}

/* The ending of a name is not the format; who reads the file later may think so. */
static void warn_of_name(const struct snapshots *s, const char *path) {
	static const char *const words[] = {[OUTPUT_JSON] = "json", [OUTPUT_JSONL] = "jsonl", [OUTPUT_CSV] = "csv"};
	enum output_format named = output_format_of(path, OUTPUT_BY_NAME);
	bool fits = (named == OUTPUT_JSON && s->ops == &json_ops) || (named == OUTPUT_JSONL && s->ops == &jsonl_ops) ||
		    (named == OUTPUT_CSV && s->ops == &csv_ops);
	if (fits || (named != OUTPUT_JSON && named != OUTPUT_JSONL && named != OUTPUT_CSV)) return;
	log_warn("--replay-snapshot-out: '%s' is named as another format; --replay-snapshot-format %s writes that one", path, words[named]);
}

/* Returns whether a file may be written there: not over what is being replayed, of which it would have only a part. */
static bool single_may_be(const struct snapshots *s, const char *path, struct err *err) {
	struct stat there, source;
	if (stat(path, &there) != 0) return true;
	for (unsigned i = 0; i < s->source->input.count; i++)
		if (stat(s->source->input.paths[i], &source) == 0 && source.st_dev == there.st_dev && source.st_ino == there.st_ino)
			return err_set(err, ERR_FAILED, "'%s' is what is being replayed; name another file", path);
	return true;
}

/* A folder, or without an ending in its name one that is made; else the name of a file. */
static bool set_place(struct snapshots *s, bool single, struct err *err) {
	static const struct record_ops *const ops[] = {
		[SNAPSHOT_JSON] = &json_ops, [SNAPSHOT_JSONL] = &jsonl_ops, [SNAPSHOT_NDJSON] = &jsonl_ops, [SNAPSHOT_CSV] = &csv_ops};
	static const char *const endings[] = {
		[SNAPSHOT_JSON] = ".json", [SNAPSHOT_JSONL] = ".jsonl", [SNAPSHOT_NDJSON] = ".jsonl", [SNAPSHOT_CSV] = ".csv"};
	const char *path = home_path(s->out->replay_snapshot_out, "snapshots", &s->arena);
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
	struct stat there;
	s->ops = ops[s->out->replay_snapshot_format];
	s->stem = "snapshot";
	s->ending = endings[s->out->replay_snapshot_format];
	if ((stat(path, &there) == 0 && S_ISDIR(there.st_mode)) || !dot || dot == name || !dot[1]) {
		s->folder = path;
		return make_folder(path, &s->arena, err);
	}
	if (single && !single_may_be(s, path, err)) return false;
	s->folder = !slash ? "." : slash == path ? "/" : arena_format(&s->arena, "%.*s", (int)(slash - path), path);
	s->stem = arena_format(&s->arena, "%.*s", (int)(dot - name), name);
	s->ending = dot;
	if (single) s->file = path;
	warn_of_name(s, path);
	return true;
}

/* A file without a name, in the folder of the snapshots. */
static FILE *open_nameless(const struct snapshots *s, struct err *err) {
	int fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (!file) err_set_sys(err, ERR_FAILED, errno, "cannot make a file in '%s'", s->folder);
	return file;
}

/* Records on their way into the sorter, and out of it. */
struct sorting {
	struct snapshots *s;
	struct log_sorter *sorter;
	struct err err;
	bool ok;
};

static void sort_each(void *user, const struct logged *record) {
	struct sorting *sorting = user;
	sorting->ok = sorting->ok && log_sorter_add(sorting->sorter, record);
}

static bool sorted_each(void *user, const struct logged *record) {
	struct sorting *sorting = user;
	sorting->ok = fwrite(record, sizeof(*record), 1, sorting->s->sorted) == 1;
	if (!sorting->ok) err_set_sys(&sorting->err, ERR_FAILED, errno, "cannot write in '%s'", sorting->s->folder);
	return sorting->ok;
}

/* Sorts the records that the replay itself counts. */
static bool sort_records(struct snapshots *s, struct err *err) {
	struct sorting sorting = {.s = s, .ok = true};
	struct replay_pass pass;
	const struct replay_taker taker = {&s->span, sort_each, &sorting};
	s->sorted = open_nameless(s, err);
	if (!s->sorted) return false;
	sorting.sorter = log_sorter_new(s->folder, 0, &sorting.err);
	bool read = replay_source_walk(s->source, &taker, &s->arena, &pass, err);
	bool sorted = read && sorting.ok && log_sorter_walk(sorting.sorter, sorted_each, &sorting) && sorting.ok;
	log_sorter_free(sorting.sorter);
	if (read && !sorted) *err = sorting.err;
	if (sorted && fflush(s->sorted) != 0) return err_set_sys(err, ERR_FAILED, errno, "cannot write in '%s'", s->folder);
	return sorted;
}

/* Goes to the first record of a time or later. */
static bool seek(struct snapshots *s, uint64_t from, struct err *err) {
	struct logged record;
	off_t low = 0, high = fseeko(s->sorted, 0, SEEK_END) == 0 ? ftello(s->sorted) / (off_t)sizeof(record) : -1;
	while (low < high) {
		off_t mid = low + (high - low) / 2;
		if (fseeko(s->sorted, mid * (off_t)sizeof(record), SEEK_SET) != 0 || fread(&record, sizeof(record), 1, s->sorted) != 1) break;
		if ((uint64_t)(record.sample.due / MSEC) < from)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == high && fseeko(s->sorted, low * (off_t)sizeof(record), SEEK_SET) == 0) return true;
	return err_set(err, ERR_FAILED, "cannot read what was sorted in '%s'", s->folder);
}

static bool part_has(const struct snapshot *part, const struct logged *record) {
	uint64_t ms = (uint64_t)(record->sample.due / MSEC);
	return ms < part->span.to || (part->last && ms == part->span.to);
}

/* Counts the records of a part, from where the file stands. */
static uint64_t count_part(struct snapshots *s, const struct snapshot *part, struct replay *replay) {
	struct logged record;
	while (fread(&record, sizeof(record), 1, s->sorted) == 1 && part_has(part, &record)) replay_add(replay, &record);
	return replay->records;
}

static void report_part(
	const struct snapshots *s, const struct snapshot *part, const struct replay *replay, struct arena *arena, struct report *ret) {
	struct run_info info = s->source->head.info;
	const struct tally *tally = replay->tally;
	info.records_only = true;
	info.truth = false;
	info.threshold_count = 0;
	const struct run_result result = {
		.window = (nsec)(part->span.to - part->span.from) * MSEC,
		.planned = tally->ok + tally->failed + tally->open,
		.tally = tally,
		.totals = replay->totals,
		.step_reasons = (const uint64_t(*)[REASON_COUNT])replay->step_reasons,
	};
	report_build(&info, &result, arena, ret);
}

/* Copies the next `count` records into the export. */
static bool export_part(struct snapshots *s, const char *path, uint64_t count, const struct report *report, struct err *err) {
	const struct records_run run = {.report = report, .records = count, .range_to = NSEC_NEVER, .max = UINT64_MAX};
	struct logged record;
	struct err unused;
	void *state;
	bool ok = s->ops->open(path, &run, &state, err);
	if (!ok) return false;
	for (uint64_t i = 0; ok && i < count; i++) {
		if (fread(&record, sizeof(record), 1, s->sorted) != 1)
			ok = err_set(err, ERR_FAILED, "cannot read what was sorted in '%s'", s->folder);
		else
			ok = s->ops->add(state, &record, err);
	}
	return s->ops->close(state, ok, ok ? err : &unused) && ok;
}

static const char *part_path(const struct snapshots *s, const struct replay_span *span, struct arena *arena) {
	struct timespec now;
	if (s->file) return s->file;
	clock_gettime(CLOCK_REALTIME, &now);
	return arena_format(arena, "%s/%s-%llums-%llums-%lld%s", s->folder, s->stem, (unsigned long long)span->from, (unsigned long long)span->to,
		(long long)now.tv_sec * 1000 + now.tv_nsec / MSEC, s->ending);
}

bool snapshots_write(struct snapshots *s, const struct snapshot *part, struct err *err) {
	struct arena arena;
	struct report report;
	const struct replay_setup setup = {&s->source->head.info.groups, s->source->head.info.warmup, 0};
	if (!seek(s, part->span.from, err)) return false;
	off_t begin = ftello(s->sorted);
	struct replay *replay = replay_new(&setup);
	arena_init(&arena);
	uint64_t count = count_part(s, part, replay);
	report_part(s, part, replay, &arena, &report);
	const char *path = part_path(s, &part->span, &arena);
	fseeko(s->sorted, begin, SEEK_SET);
	bool ok = export_part(s, path, count, &report, err) || err_add(err, "--replay-snapshot-out");
	if (ok) log_info("snapshot: %llu request%s in %s", (unsigned long long)count, count == 1 ? "" : "s", path);
	if (ok) s->last = arena_copy(&s->arena, slice_of(path));
	arena_fini(&arena);
	replay_free(replay);
	return ok;
}

const char *snapshots_last(const struct snapshots *s) {
	return s->last;
}

bool replay_snapshot_span(const struct out_settings *out, const struct replay_span *within, struct replay_span *ret, struct err *err) {
	const struct replay_bounds bounds = {"--replay-snapshot", out->replay_snapshot_start, out->replay_snapshot_end};
	uint64_t step = (uint64_t)(out->replay_snapshot_interval / MSEC);
	if (!replay_span_read(&bounds, within, ret, err)) return false;
	if (step > 0 && (ret->to - ret->from) / step >= SNAPSHOTS_MAX)
		return err_set(err, ERR_FAILED, "--replay-snapshot-interval: that would be over %d files; write a longer time", SNAPSHOTS_MAX);
	return true;
}

struct snapshot snapshot_first(const struct out_settings *out, const struct replay_span *span) {
	uint64_t step = (uint64_t)(out->replay_snapshot_interval / MSEC);
	bool last = step == 0 || span->to - span->from <= step;
	return (struct snapshot){{span->from, last ? span->to : span->from + step}, last};
}

struct snapshots *snapshots_open(const struct snapshots_setup *setup, struct err *err) {
	struct snapshots *s = mem_zeroed(1, sizeof(*s));
	s->out = setup->out;
	s->source = setup->source;
	s->span = setup->span;
	arena_init(&s->arena);
	if (set_place(s, setup->single, err) && sort_records(s, err)) return s;
	err_add(err, "--replay-snapshot-out");
	snapshots_close(s);
	return NULL;
}

void snapshots_close(struct snapshots *s) {
	if (!s) return;
	if (s->sorted) fclose(s->sorted);
	arena_fini(&s->arena);
	free(s);
}

bool replay_snapshot_write(const struct out_settings *out, const struct replay_source *source, const struct replay_span *span, struct err *err) {
	struct snapshots_setup setup = {out, source, .single = out->replay_snapshot_interval == 0};
	if (!replay_snapshot_span(out, span, &setup.span, err)) return false;
	struct snapshots *s = snapshots_open(&setup, err);
	struct replay_span rest = setup.span;
	bool ok = s != NULL, last = false;
	while (ok && !last) {
		struct snapshot part = snapshot_first(out, &rest);
		ok = snapshots_write(s, &part, err);
		rest.from = part.span.to;
		last = part.last;
	}
	snapshots_close(s);
	return ok;
}
