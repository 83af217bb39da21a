#include "stats/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/report.h"
#include "stats/slot_sum.h"

#define FINE_WIDTH (100 * MSEC)
#define FINE_COUNT 300 /* 30 s; longer windows take the coarse ones */
#define COARSE_WIDTH SEC
#define COARSE_COUNT 600
#define ROWS_EVERY SEC  /* quantiles of 512 rows are work, and so is a verdict: not for each frame */
#define STEPS 20        /* of a window, see live_fill_columns */
#define BUSY_AFTER SEC  /* a shorter time says nothing of how busy a worker is */
#define FULL_SHARE 0.95 /* of the requests at once, in the mean of a second */
#define LIGHT_BYTES 96
#define WARNING_BYTES 240

struct live {
	struct live_setup setup;
	struct live_moment now;
	nsec before; /* the tick before */
	struct slots *fine, *coarse;
	struct tally *so_far;
	struct slot_sum sum; /* scratch */
	double asked, sent;  /* requests since the start line */
	struct strain strain;
	struct verdict verdict;
	struct histlet scratch;
	char light[LIGHT_BYTES];
	nsec rows_at; /* when `rows` and `verdict` were filled; -1: never */
	enum frame_phase rows_phase;
	size_t row_count;
	struct frame_row rows[FRAME_ROWS];
	size_t agent_count;
	const struct frame_row *agents;
	/* Columns of the last frame: all but the last one are over, and stay as they are. */
	nsec columns_width; /* 0: there are none */
	uint64_t columns_first, columns_last;
	struct frame_column columns[FRAME_COLUMNS];
	char warning[WARNING_BYTES];
};

struct live *live_new(const struct live_setup *setup) {
	struct live *live = mem_zeroed(1, sizeof(*live));
	live->setup = *setup;
	live->fine = slots_new(FINE_WIDTH, FINE_COUNT);
	live->coarse = slots_new(COARSE_WIDTH, COARSE_COUNT);
	live->so_far = tally_new(setup->groups->count);
	live->rows_at = -1;
	live->now.phase = FRAME_CONNECT;
	live->now.asked_per_s = -1;
	live->sum.low = HISTLET_SLOTS;
	return live;
}

void live_free(struct live *live) {
	if (!live) return;
	slots_free(live->fine);
	slots_free(live->coarse);
	free(live->so_far);
	free(live);
}

void live_add(struct live *live, const struct live_moment *moment, const struct tally *tick) {
	double asked_per_s = moment->asked_per_s;
	if (asked_per_s >= 0 && live->before > 0 && live->now.asked_per_s >= 0) asked_per_s = (asked_per_s + live->now.asked_per_s) / 2;
	live->now = *moment;
	if (moment->phase == FRAME_CONNECT) return;
	slots_add(live->fine, live->before, moment->elapsed, asked_per_s, tick);
	slots_add(live->coarse, live->before, moment->elapsed, asked_per_s, tick);
	if (moment->elapsed > live->before) live->asked += fmax(asked_per_s, 0) * (double)(moment->elapsed - live->before) / 1e9;
	live->before = moment->elapsed;
	if (!tick) return;
	live->sent += (double)(tick->attempts - tick->retries);
	tally_merge(live->so_far, tick);
}

void live_heed(struct live *live, const struct strain *strain) {
	live->strain = *strain;
}

void live_warn(struct live *live, const char *text) {
	snprintf(live->warning, sizeof(live->warning), "%s", text);
}

/* Keeps those columns of the last frame that are in this one and over. Returns how many. */
static size_t live_keep_columns(struct live *live, nsec width, uint64_t first) {
	uint64_t begin = live->columns_first, end = live->columns_last;
	if (live->columns_width != width || first < begin || first >= end) return 0;
	memmove(live->columns, live->columns + (first - begin), (size_t)(end - first) * sizeof(live->columns[0]));
	return (size_t)(end - first);
}

/* Fills column `number`, of `each` slots; *at is the first slot that may be in it. */
static void live_fill_column(struct live *live, const struct slots *slots, uint64_t number, size_t *at, struct frame_column *ret) {
	nsec width = slots_width(slots);
	uint64_t each = (uint64_t)(live->columns_width / width);
	size_t slot_count = slots_count(slots);
	*ret = (struct frame_column){.start = (nsec)(number * each) * width, .all = {-1, -1, -1, -1}, .ok = {-1, -1, -1, -1}};
	slot_sum_clear(&live->sum);
	while (*at < slot_count && slots_at(slots, *at)->number < number * each) ++*at;
	for (; *at < slot_count && slots_at(slots, *at)->number < (number + 1) * each; ++*at) slot_sum_add(&live->sum, slots_at(slots, *at));
	if (!live->sum.found) return;
	ret->width = (nsec)each * width;
	slot_sum_fill_column(&live->sum, live->setup.threads, ret);
}

/* Fills the columns of the window; the last one may not be over yet. The window moves on by a twentieth of it at once: a drawing of every tick would
 * shift all that is drawn. What lies ahead has width 0. */
static void live_fill_columns(struct live *live, const struct slots *slots, nsec window, struct frame *ret) {
	nsec width = slots_width(slots);
	uint64_t wanted = (uint64_t)((window + width - 1) / width), each = (wanted + FRAME_COLUMNS - 1) / FRAME_COLUMNS;
	uint64_t last = live->before > 0 ? (uint64_t)((live->before - 1) / width) / each : 0;
	uint64_t count = (wanted + each - 1) / each, step = (count + STEPS - 1) / STEPS, end = (last / step + 1) * step;
	uint64_t first = end > count ? end - count : 0;
	size_t at = 0;
	if (live->before == 0) return;
	ret->column_count = (size_t)(end - first);
	size_t kept = live_keep_columns(live, (nsec)each * width, first);
	live->columns_width = (nsec)each * width;
	live->columns_first = first;
	live->columns_last = last;
	for (size_t i = kept; i < ret->column_count; i++) live_fill_column(live, slots, first + i, &at, &live->columns[i]);
}

/* Adds up the slots that began within the last `span`. */
static void live_sum(struct live *live, const struct slots *slots, nsec span) {
	nsec width = slots_width(slots);
	slot_sum_clear(&live->sum);
	for (size_t i = 0; i < slots_count(slots); i++) {
		const struct slot *slot = slots_at(slots, i);
		if ((nsec)slot->number * width >= live->before - span) slot_sum_add(&live->sum, slot);
	}
}

static void live_fill_window(struct live *live, const struct slots *slots, struct frame *ret) {
	live_sum(live, slots, ret->window);
	ret->window_all = slot_sum_all(&live->sum);
	ret->window_ok = slot_sum_ok(&live->sum);
	live_sum(live, live->fine, SEC);
	ret->rps = slot_sum_per_s(&live->sum, (double)(live->sum.counts.ok + live->sum.counts.failed));
	ret->failed_per_s = slot_sum_per_s(&live->sum, (double)live->sum.counts.failed);
	ret->sent_per_s = slot_sum_per_s(&live->sum, (double)live->sum.counts.sent);
	if (ret->asked_per_s >= 0 && live->sum.found) ret->asked_per_s = slot_sum_per_s(&live->sum, live->sum.counts.asked);
	ret->in_flight = (uint64_t)(slot_sum_in_flight(&live->sum, live->setup.threads) + 0.5);
}

static void live_fill_run(const struct live *live, struct frame *ret) {
	const struct tally *so_far = live->so_far;
	const struct cell *all = &so_far->cells[0];
	ret->ok = so_far->ok;
	ret->failed = so_far->failed;
	ret->open = so_far->open;
	ret->unsent = so_far->unsent;
	ret->run_all = slot_sum_of_histlets(&all->response_ok, &all->response_other);
	ret->run_ok = slot_sum_of_histlets(&all->response_ok, NULL);
	frame_count_reasons(ret, so_far->reasons);
	for (size_t status = 0; status < TALLY_STATUSES; status++) ret->classes[frame_class(status)] += so_far->status[status];
}

/* Judges the run so far as it will be judged at its end. */
static void live_judge(struct live *live) {
	struct distribution late, ok, all;
	const struct tally *so_far = live->so_far;
	const struct cell *cell = &so_far->cells[0];
	bool open_loop = live->now.asked_per_s >= 0;
	live->scratch = cell->response_ok;
	histlet_merge(&live->scratch, &cell->response_other);
	distribution_from_histlet(&so_far->late, 0, &late);
	distribution_from_histlet(open_loop ? &cell->response_ok : &cell->service, 0, &ok);
	distribution_from_histlet(open_loop ? &live->scratch : &cell->service, 0, &all);
	verdict_judge(
		&(struct verdict_evidence){.open_loop = open_loop,
			.threads = live->setup.threads,
			.busy = live->strain.busiest_wall >= BUSY_AFTER ? (double)live->strain.busiest_cpu / (double)live->strain.busiest_wall : 0,
			.strain = &live->strain,
			.late = &late,
			.ok = &ok,
			.all = &all,
			.requests = so_far->ok + so_far->failed + so_far->open},
		&live->verdict);
	live->light[0] = 0;
	for (size_t i = 0; i < live->verdict.count; i++) {
		size_t length = strlen(live->light);
		snprintf(live->light + length, sizeof(live->light) - length, "%s%s", i > 0 ? ", " : "", cause_name(live->verdict.at[i].cause));
	}
}

/* Says whom the numbers are about. */
static void live_fill_light(const struct live *live, struct frame *ret) {
	const struct verdict *verdict = &live->verdict;
	bool full = ret->in_flight_most > 0 && (double)ret->in_flight >= FULL_SHARE * (double)ret->in_flight_most;
	ret->limited = verdict->count > 0;
	ret->light = "target";
	if (ret->asked_per_s >= 0 && full && verdict_minds_unsent(live->asked - live->sent, live->asked)) ret->light = "target, or --max-tasks";
	if (!ret->limited) return;
	ret->light = live->light;
	ret->words = verdict->at[0].text;
}

void live_tell_agents(struct live *live, const struct frame_row *rows, size_t count) {
	live->agents = rows;
	live->agent_count = count;
}

static void live_fill_rows(struct live *live) {
	const struct group_table *groups = live->setup.groups;
	live->row_count = 0;
	for (size_t i = groups->first_stage; i < groups->count && live->row_count < FRAME_ROWS; i++) {
		const struct group *group = &groups->rows[i];
		const struct cell *cell = &live->so_far->cells[i];
		live->rows[live->row_count++] = (struct frame_row){group_dimension_name(group->dimension), group->name, cell->ok, cell->failed,
			cell->open, slot_sum_of_histlets(&cell->response_ok, &cell->response_other)};
	}
	for (size_t i = 0; i < live->agent_count && live->row_count < FRAME_ROWS; i++) live->rows[live->row_count++] = live->agents[i];
}

void live_frame(struct live *live, nsec window, struct frame *ret) {
	window = window < SEC ? SEC : window > LIVE_LONGEST ? LIVE_LONGEST : window;
	const struct slots *slots = window <= FINE_WIDTH * FINE_COUNT ? live->fine : live->coarse;
	*ret = (struct frame){.phase = live->now.phase,
		.elapsed = live->now.elapsed,
		.duration = live->setup.duration,
		.requests = live->setup.requests,
		.window = window,
		.asked_per_s = live->now.asked_per_s,
		.in_flight_most = live->setup.in_flight_most,
		.speed = 1,
		.mark_from = -1,
		.mark_to = -1};
	ret->columns = live->columns;
	ret->rows = live->rows;
	if (live->warning[0]) ret->warning = live->warning;
	live_fill_run(live, ret);
	live_fill_window(live, slots, ret);
	live_fill_columns(live, slots, window, ret);
	if (live->rows_at < 0 || live->before - live->rows_at >= ROWS_EVERY || live->now.phase != live->rows_phase) {
		live->rows_phase = live->now.phase;
		live->rows_at = live->before;
		live_fill_rows(live);
		live_judge(live);
	}
	ret->row_count = live->row_count;
	live_fill_light(live, ret);
}
