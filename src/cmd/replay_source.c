#include "cmd/replay_source.h"

#include <string.h>
#include <sys/stat.h>

#include "base/home.h"

/* What an option names. */
struct source_file {
	const char *option, *path;
	enum replay_kind kind;
};

/* A pipe would be empty when it is read for the second time, or never end. */
static bool source_set_file(struct replay_source *source, const struct source_file *file, struct arena *arena, struct err *err) {
	const char **paths = arena_array(arena, 1, sizeof(*paths));
	struct stat there;
	paths[0] = home_path(file->path, NULL, arena);
	source->option = file->option;
	source->words = paths[0];
	source->input = (struct replay_input){file->kind, 1, paths};
	if (stat(paths[0], &there) != 0 || S_ISREG(there.st_mode) || S_ISDIR(there.st_mode)) return true; /* reading says more */
	return err_set(err, ERR_FAILED, "%s: '%s' is a pipe or a device, which cannot be read twice; write what it says into a file, and name that",
		file->option, paths[0]);
}

/* A folder with the logs of runs, or one such file. */
static bool source_set_logs(struct replay_source *source, const struct out_settings *out, struct arena *arena, struct err *err) {
	const char *path = home_path(out->tmp_path, "tmp", arena);
	struct stat there;
	struct replay_runs *runs = arena_alloc(arena, sizeof(*runs));
	if (stat(path, &there) == 0 && S_ISREG(there.st_mode)) {
		if (out->run) return err_set(err, ERR_FAILED, "--run chooses from a folder, but '%s' is a file; leave it out", path);
		return source_set_file(source, &(struct source_file){"--tmp-path", path, REPLAY_LINES}, arena, err);
	}
	source->option = "--tmp-path";
	source->words = path;
	if (!replay_runs_find(path, arena, runs, err)) return err_add(err, "--tmp-path");
	source->run = replay_runs_choose(runs, out->run, err);
	if (!source->run) return false;
	source->input = (struct replay_input){REPLAY_LINES, source->run->count, source->run->paths};
	return true;
}

static void source_make_head(struct replay_source *source, struct arena *arena) {
	struct run_info *info = &source->head.info;
	*info = (struct run_info){
		.version = STREST_VERSION,
		.target = arena_format(arena, "%s (replayed)", source->words),
		.method = "GET",
		.listed = true, /* the methods are not known */
		.keepalive = true,
		.http = "http/1.1",
		.streams = 1,
		.open_loop = true, /* the times are those from when a request was due, as far as is known */
		.spin = "off",
		.kernel_stamps = "off",
		.expected = source->expected,
		.records_only = true,
		.unknown = true,
	};
	run_lines_plain_groups(arena, &info->groups);
}

bool replay_source_open(const struct settings *settings, bool status_given, struct arena *arena, struct replay_source *ret, struct err *err) {
	const struct out_settings *out = &settings->out;
	const struct source_file files[] = {{"--export-csv", out->export_csv, REPLAY_LINES}, {"--export-json", out->export_json, REPLAY_JSON},
		{"--export-jsonl", out->export_jsonl, REPLAY_JSONL}};
	size_t i = 0;
	*ret = (struct replay_source){.judges = status_given, .expected = settings->http.status};
	while (i < LENGTH(files) && !files[i].path) i++;
	bool found = i < LENGTH(files) ? source_set_file(ret, &files[i], arena, err) : source_set_logs(ret, out, arena, err);
	if (!found) return false;
	const struct replay_run alone = {.count = 1, .paths = (const char **)ret->input.paths};
	ret->has_head = ret->input.kind == REPLAY_LINES && replay_run_head(ret->run ? ret->run : &alone, arena, &ret->head);
	if (!ret->has_head) source_make_head(ret, arena);
	if (ret->has_head && status_given) ret->head.info.expected = ret->expected;
	if (ret->has_head && !status_given) ret->expected = ret->head.info.expected;
	return true;
}

/* Judges a record as the source says. */
static void source_judge(const struct replay_source *source, bool from_reference, struct sample *sample) {
	enum outcome outcome = reason_outcome(sample->reason);
	bool complete = outcome == OUTCOME_OK || outcome == OUTCOME_STATUS;
	if (!complete && outcome != OUTCOME_ASSERT) sample->status = 0; /* the column has 500 then */
	if (complete && (from_reference || source->judges))
		sample->reason = status_set_has(&source->expected, sample->status) ? REASON_NONE : REASON_STATUS;
}

struct walk {
	const struct replay_source *source;
	const struct replay_taker *taker;
	struct arena *arena;
	struct replay_pass *pass;
};

static void walk_record(void *user, const struct logged *record, bool from_reference) {
	struct walk *walk = user;
	struct replay_pass *pass = walk->pass;
	uint64_t ms = (uint64_t)(record->sample.due / MSEC);
	if (walk->source->has_head && from_reference && pass->has_wholes) { /* the other lines have more columns */
		pass->halves++;
		return;
	}
	pass->has_wholes = pass->has_wholes || !from_reference;
	if (ms < pass->first_ms) pass->first_ms = ms;
	if (ms > pass->last_ms) pass->last_ms = ms;
	if (!walk->taker->each || ms < walk->taker->span->from || ms > walk->taker->span->to) return;
	struct logged judged = *record;
	source_judge(walk->source, from_reference, &judged.sample);
	walk->taker->each(walk->taker->user, &judged);
}

static void walk_comment(void *user, struct slice line) {
	struct walk *walk = user;
	size_t begin = strlen(RUNLOG_END);
	if (line.size < begin || memcmp(line.at, RUNLOG_END, begin) != 0) return;
	walk->pass->ends++;
	if (walk->pass->has_end) return;
	walk->pass->has_end = run_lines_read_end((struct slice){line.at + begin, line.size - begin}, walk->arena, &walk->pass->end);
}

static void walk_progress(void *user, unsigned file, size_t bytes) {
	const struct walk *walk = user;
	if (walk->source->progress) replay_progress_add(walk->source->progress, file, bytes);
}

bool replay_source_walk(
	const struct replay_source *source, const struct replay_taker *taker, struct arena *arena, struct replay_pass *ret, struct err *err) {
	struct walk walk = {source, taker, arena, ret};
	struct replay_reader reader = {walk_record, walk_comment, walk_progress, &walk};
	*ret = (struct replay_pass){.first_ms = UINT64_MAX};
	if (!replay_read(&source->input, &reader, &ret->totals, err)) return err_add(err, "%s", source->option);
	ret->totals.records -= ret->halves;
	return true;
}
