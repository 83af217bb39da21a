/* Any bytes as a file to be replayed: the first one picks its kind. Whatever is taken can be counted, and so can what its first and last line say. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "out/replay_read.h"
#include "out/run_lines.h"
#include "stats/replay.h"

struct heads {
	struct arena arena;
	bool has_head;
	struct run_head head;
	struct replay *replay;
};

static void take_comment(void *user, struct slice line) {
	struct heads *heads = user;
	struct run_end end;
	struct slice text = {line.at + 2, line.size < 2 ? 0 : line.size - 2};
	if (!heads->has_head) {
		heads->has_head = run_lines_read_head(text, &heads->arena, &heads->head);
		if (!heads->has_head) return;
		const struct replay_setup setup = {&heads->head.info.groups, heads->head.info.warmup, heads->head.url_count};
		heads->replay = replay_new(&setup);
	} else if (run_lines_read_end(text, &heads->arena, &end)) {
		run_lines_apply_end(&end, heads->replay->tally, heads->replay->totals);
	}
}

static void take_record(void *user, const struct logged *record, bool from_reference) {
	struct heads *heads = user;
	(void)from_reference;
	if (heads->replay) replay_add(heads->replay, record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static int file = -1;
	static char path[64];
	struct heads heads = {.has_head = false};
	struct replay_reader reader = {.record = take_record, .comment = take_comment, .user = &heads};
	struct replay_totals totals;
	struct err err;
	if (size < 2) return 0;
	if (file < 0) {
		file = memfd_create("replay", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	const char *const paths[] = {path};
	struct replay_input input = {(enum replay_kind)(data[0] % 3), 1, paths, 1 + data[1]};
	assert(ftruncate(file, 0) == 0 && pwrite(file, data + 2, size - 2, 0) == (ssize_t)(size - 2));
	arena_init(&heads.arena);
	assert(replay_read(&input, &reader, &totals, &err));
	assert((totals.skipped > 0) == (totals.first_skipped > 0) && (!totals.cut || totals.skipped > 0));
	if (heads.replay) series_free(replay_series(heads.replay, heads.head.info.duration));
	replay_free(heads.replay);
	arena_fini(&heads.arena);
	return 0;
}
