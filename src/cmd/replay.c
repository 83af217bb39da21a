#include "cmd/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/home.h"
#include "base/log.h"
#include "chart/chart.h"
#include "cmd/replay_snapshot.h"
#include "cmd/replay_source.h"
#include "cmd/replay_view.h"
#include "out/result_json.h"
#include "out/summary.h"
#include "stats/replay.h"

#define RESULT_MAX ((size_t)64 << 20)

/* Everything of one replay. */
struct replaying {
	const struct out_settings *out;
	struct arena *arena;
	struct replay_source source;
	struct replay_span all, span; /* of the records; of what is shown */
	struct replay_pass pass;
	struct replay *replay;
	struct series *series;
	bool is_shown;               /* on the terminal, before the results */
	struct replay_frame *frames; /* NULL: not shown */
	struct replay_progress progress;
	bool whole; /* everything of the run is known and shown */
};

static void count_each(void *user, const struct logged *record) {
	struct replaying *r = user;
	replay_add(r->replay, record);
	if (r->frames) replay_frame_add(r->frames, record);
}

static bool has_bounds(const struct out_settings *out) {
	return out->replay_start || out->replay_end;
}

/* With bounds the records are looked at once more before, since bounds are cut to them; and for a view of a file that does not say where its run begins. */
static bool wants_span(const struct replaying *r) {
	return has_bounds(r->out) || replay_snapshot_wanted(r->out) || (r->is_shown && !r->source.has_head);
}

static bool find_span(struct replaying *r, struct err *err) {
	struct replay_pass pass;
	r->all = r->span = (struct replay_span){0, UINT64_MAX};
	if (!wants_span(r)) return true;
	if (!replay_source_walk(&r->source, &(struct replay_taker){&r->span}, r->arena, &pass, err)) return false;
	if (pass.totals.records == 0) return true;
	r->all = (struct replay_span){pass.first_ms, pass.last_ms};
	return replay_span_read(&(struct replay_bounds){"--replay", r->out->replay_start, r->out->replay_end}, &r->all, &r->span, err);
}

static bool refuse_empty(const struct replaying *r, struct err *err) {
	static const char *const kinds[] = {[REPLAY_LINES] = "lines such as 0,12,200,0,0",
		[REPLAY_JSON] = "an object with an array \"records\"",
		[REPLAY_JSONL] = "an object in each line"};
	const struct replay_totals *totals = &r->pass.totals;
	const char *option = r->source.option, *words = r->source.words, *kind = kinds[r->source.input.kind];
	if (totals->skipped == 0) return err_set(err, ERR_FAILED, "%s: '%s' has no record of a request, which would be %s", option, words, kind);
	return err_set(err, ERR_FAILED,
		"%s: '%s' has no record of a request, which would be %s; what it has cannot be read (%llu line%s or object%s)", option, words, kind,
		(unsigned long long)totals->skipped, totals->skipped == 1 ? "" : "s", totals->skipped == 1 ? "" : "s");
}

/* Says what could not be read. */
static void say_skipped(const struct replay_pass *pass) {
	const struct replay_totals *totals = &pass->totals;
	const char *what = totals->skipped == 1 ? "" : "s";
	if (pass->halves > 0)
		log_warn("%llu line%s of the log %s cut off and left out", (unsigned long long)pass->halves, pass->halves == 1 ? "" : "s",
			pass->halves == 1 ? "is" : "are");
	if (totals->skipped == 0) return;
	log_warn("%llu line%s or record%s could not be read and %s left out; the first is number %llu of '%s'%s", (unsigned long long)totals->skipped,
		what, what, totals->skipped == 1 ? "is" : "are", (unsigned long long)totals->first_skipped, totals->skipped_path,
		totals->cut ? "; the file is cut off in its last one" : "");
}

/* Says what a log lacks; returns whether it lacks nothing. */
static bool say_missing(const struct replaying *r) {
	const struct replay_pass *pass = &r->pass;
	const char *missing = "connections, bytes, the verdict and what was not sent are not known";
	if (!r->source.has_head) return false;
	if (!pass->has_end || pass->ends < r->source.input.count) {
		bool goes_on = r->source.run && replay_run_goes_on(r->source.run);
		log_warn("the log has no last line, %s: %s", goes_on ? "its run goes on" : "its run was ended by force or is of an older version",
			missing);
		return false;
	}
	if (pass->end.counted == pass->totals.records) return true;
	log_warn("the log has %llu of the %llu requests of its run: %s", (unsigned long long)pass->totals.records,
		(unsigned long long)pass->end.counted, missing);
	return false;
}

/* What is shown of records alone: as the bounds say, or from the first one to the last. */
static struct replay_span replaying_part(const struct replaying *r) {
	return has_bounds(r->out) ? r->span : (struct replay_span){r->pass.first_ms, r->pass.last_ms};
}

/* Books as far as they are known: what was planned is what became of it. */
static void report_make(struct replaying *r, struct report *ret) {
	struct run_info info = r->source.head.info;
	struct run_result result = {0};
	const struct run_end *end = &r->pass.end;
	const struct tally *tally = r->replay->tally;
	if (r->whole) {
		result = end->result; /* its window too */
		run_lines_apply_end(end, r->replay->tally, r->replay->totals);
		info.asked_per_s = end->asked_per_s;
		info.tls_version = end->tls_version;
		info.tls_cipher = end->tls_cipher;
		info.tls = info.tls || end->tls_version;
		if (end->aborted_by >= 0 && (size_t)end->aborted_by < info.threshold_count) result.aborted_by = &info.thresholds[end->aborted_by];
	} else {
		result.planned = tally->ok + tally->failed + tally->open;
		info.threshold_count = 0; /* they are rules for the whole run */
		info.records_only = true;
		info.truth = false; /* its times are not in the records */
		const struct replay_span part = replaying_part(r);
		info.part_from = (nsec)part.from * MSEC;
		result.window = (nsec)(part.to - part.from) * MSEC;
	}
	r->series = replay_series(r->replay, result.window);
	result.tally = tally;
	result.totals = r->replay->totals;
	result.step_reasons = (const uint64_t(*)[REASON_COUNT])r->replay->step_reasons;
	result.series = r->series;
	result.url_count = r->source.head.url_count;
	result.urls = r->source.head.urls;
	result.url_digests = r->replay->urls;
	report_build(&info, &result, r->arena, ret);
}

static bool write_out(const struct buf *text) {
	size_t done = 0;
	while (done < text->size) {
		ssize_t more = write(STDOUT_FILENO, text->at + done, text->size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0 && errno == EPIPE) return true; /* a reader that has left is no error */
		if (more < 0) {
			log_write(LOG_ERROR, "cannot write the results: %s", strerror(errno));
			return false;
		}
		done += (size_t)more;
	}
	return true;
}

static bool print(const struct replaying *r, const struct report *report) {
	struct buf text;
	buf_init(&text, RESULT_MAX);
	if (r->out->json) {
		result_json_write(report, &text);
	} else {
		summary_write_block(report, &text);
		summary_write_lines(report, &text);
	}
	bool written = write_out(&text);
	buf_fini(&text);
	return written;
}

static bool draw(const struct replaying *r, struct report *report) {
	struct err err;
	if (!r->out->charts_path || r->out->no_charts) return true;
	const char *folder = home_path(r->out->charts_path, "charts", r->arena);
	bool good = charts_write(report, folder, &report->run.charts, &err);
	if (report->run.charts > 0) log_info("charts: %zu files in %s", report->run.charts, folder);
	if (!good) log_write(LOG_ERROR, "--charts-path: %s", err.text);
	return good;
}

static bool replaying_count(struct replaying *r, struct err *err) {
	if (!find_span(r, err)) return false;
	const struct replay_setup setup = {&r->source.head.info.groups, r->source.head.info.warmup, r->source.head.url_count};
	const struct run_info *info = &r->source.head.info;
	r->replay = replay_new(&setup);
	if (r->is_shown)
		r->frames = replay_frame_new(&(struct replay_frame_setup){setup, info->open_loop && !info->unknown, (nsec)r->span.from * MSEC});
	if (!replay_source_walk(&r->source, &(struct replay_taker){&r->span, count_each, r}, r->arena, &r->pass, err)) return false;
	if (!wants_span(r)) r->all = r->span = (struct replay_span){r->pass.first_ms, r->pass.last_ms};
	return true;
}

static bool replaying_read(struct replaying *r, struct err *err) {
	replay_progress_begin(&r->progress, &r->source.input, wants_span(r) ? 2 : 1);
	r->source.progress = &r->progress;
	bool ok = replaying_count(r, err);
	replay_progress_end(&r->progress);
	r->source.progress = NULL;
	if (!ok) return false;
	if (r->pass.totals.records == 0) return refuse_empty(r, err);
	say_skipped(&r->pass);
	r->whole = say_missing(r) && r->replay->records == r->pass.totals.records;
	return true;
}

/* Lets the user look, who says which snapshots are written; without a view the options do. False: one of them was not. */
static bool replaying_play(struct replaying *r) {
	struct err err;
	enum replay_view_end end = REPLAY_VIEW_NONE;
	if (r->frames) {
		nsec to = replay_frame_close(r->frames, (nsec)r->span.to * MSEC);
		end = replay_view_run(&(struct replay_view_setup){r->out, &r->source, &r->span, r->frames, to}, &err);
		if (end == REPLAY_VIEW_NONE) log_info("no view: %s", err.text);
	}
	if (end != REPLAY_VIEW_NONE || !replay_snapshot_wanted(r->out)) return end != REPLAY_VIEW_FAILED;
	if (replay_snapshot_write(r->out, &r->source, &r->span, &err)) return true;
	log_write(LOG_ERROR, "%s", err.text);
	return false;
}

static int replaying_show(struct replaying *r) {
	struct report report;
	bool good = replaying_play(r);
	report_make(r, &report);
	good = draw(r, &report) && good;
	good = print(r, &report) && good;
	return good ? 0 : ERR_FAILED;
}

static int replaying_fail(const struct err *err) {
	log_write(LOG_ERROR, "%s", err->text);
	return (int)err->code;
}

static int list_runs(const struct out_settings *out, struct arena *arena) {
	struct replay_runs runs;
	struct err err;
	if (!replay_runs_find(home_path(out->tmp_path, "tmp", arena), arena, &runs, &err)) {
		err_add(&err, "--tmp-path");
		return replaying_fail(&err);
	}
	replay_runs_print(&runs);
	return fflush(stdout) == 0 ? 0 : ERR_FAILED;
}

int replay_main(const struct cli *cli, struct arena *arena) {
	struct replaying r = {.out = &cli->settings.out, .arena = arena};
	struct err err;
	if (r.out->output) log_warn("--output is not written by a replay; --replay-snapshot-out FILE writes an export");
	if (r.out->run && strcmp(r.out->run, "list") == 0) return list_runs(r.out, arena);
	if (!replay_source_open(&cli->settings, cli->status_given, arena, &r.source, &err)) return replaying_fail(&err);
	r.is_shown = replay_view_wanted(r.out);
	int status = replaying_read(&r, &err) ? replaying_show(&r) : replaying_fail(&err);
	replay_free(r.replay);
	replay_frame_free(r.frames);
	series_free(r.series);
	return status;
}
