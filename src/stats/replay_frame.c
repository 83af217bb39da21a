#include "stats/replay_frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/course.h"

#define WIDTH (100 * MSEC)

struct replay_frame {
	struct replay_frame_setup setup;
	nsec end; /* from setup.from on */
	struct course *course;
	size_t row_count;
	size_t row_groups[FRAME_ROWS]; /* rows of the group table */
	struct course *row_courses[FRAME_ROWS];
	struct slot_sum sum; /* scratch */
	nsec row_width;      /* the smallest of a row's course */
	nsec rows_at;        /* the end of what `rows` has; -1: nothing yet */
	struct frame_row rows[FRAME_ROWS];
	struct frame_column columns[FRAME_COLUMNS];
};

/* Rows share what they may have. */
static struct course_setup row_setup(size_t rows) {
	struct course_setup setup = {WIDTH, REPLAY_FRAME_ROW_SLOTS, HISTLET_SLOTS};
	if (rows == 0) return setup;
	if (setup.most > REPLAY_FRAME_ROWS_SLOTS / rows) setup.most = REPLAY_FRAME_ROWS_SLOTS / rows / 2 * 2;
	if (setup.times_most < REPLAY_FRAME_ROWS_TIMES / rows) setup.times_most = REPLAY_FRAME_ROWS_TIMES / rows;
	return setup;
}

struct replay_frame *replay_frame_new(const struct replay_frame_setup *setup) {
	struct replay_frame *frames = mem_zeroed(1, sizeof(*frames));
	const struct group_table *groups = setup->records.groups;
	frames->setup = *setup;
	frames->course = course_new(&(struct course_setup){WIDTH, REPLAY_FRAME_SLOTS, REPLAY_FRAME_TIMES});
	frames->row_count = groups->first_scenario - groups->first_stage;
	if (frames->row_count > FRAME_ROWS) frames->row_count = FRAME_ROWS;
	const struct course_setup of_row = row_setup(frames->row_count);
	for (size_t i = 0; i < frames->row_count; i++) {
		frames->row_groups[i] = groups->first_stage + i;
		frames->row_courses[i] = course_new(&of_row);
	}
	frames->sum.low = HISTLET_SLOTS;
	frames->rows_at = -1;
	return frames;
}

void replay_frame_free(struct replay_frame *frames) {
	if (!frames) return;
	course_free(frames->course);
	for (size_t i = 0; i < frames->row_count; i++) course_free(frames->row_courses[i]);
	free(frames);
}

/* What became of a request, for a slot of all or of a row. */
static void course_count_sample(struct course *course, nsec done, const struct sample *sample) {
	struct course_slot *slot = course_at(course, done);
	bool open = sample->flags & SAMPLE_OPEN, ok = !open && sample->reason == REASON_NONE;
	slot->slot.ok += ok;
	slot->slot.failed += !ok && !open;
	slot->reasons[open ? REASON_OPEN : sample->reason] += !ok;
	slot->slot.classes[frame_class(sample->status)]++;
	course_add_time(course, done, sample_response(sample), ok);
}

static void row_count(struct replay_frame *frames, size_t group, const struct sample *sample, nsec done) {
	size_t row = group - frames->setup.records.groups->first_stage;
	if (row < frames->row_count) course_count_sample(frames->row_courses[row], done, sample);
}

/* Returns a stamp as a time from the beginning of the window on. */
static nsec from_start(const struct replay_frame *frames, nsec stamp) {
	return stamp > frames->setup.from ? stamp - frames->setup.from : 0;
}

void replay_frame_add(struct replay_frame *frames, const struct logged *record) {
	const struct sample *sample = &record->sample;
	const struct replay_setup *setup = &frames->setup.records;
	nsec due = from_start(frames, sample->due), sent = from_start(frames, sample->sent), done = from_start(frames, sample->done);
	size_t stage = replay_stage(setup->groups, sample->due + setup->warmup), steps = setup->groups->first_scenario - setup->groups->first_step;
	if (done > frames->end) frames->end = done;
	course_count_sample(frames->course, done, sample);
	if (sent < done) course_at(frames->course, sent)->slot.sent++;
	course_add_wire(frames->course, sent, done);
	if (frames->setup.open_loop) course_at(frames->course, due)->slot.asked += 1;
	if (stage > 0) row_count(frames, stage, sample, done);
	if (steps > 0) row_count(frames, setup->groups->first_step + replay_row(setup, sample->row), sample, done);
}

nsec replay_frame_close(struct replay_frame *frames, nsec to) {
	nsec end = from_start(frames, to);
	if (end < frames->end + 1) end = frames->end + 1; /* what ended at the end has its place */
	frames->end = (end + MSEC - 1) / MSEC * MSEC;
	course_close(frames->course, frames->end);
	frames->row_width = INT64_MAX;
	for (size_t i = 0; i < frames->row_count; i++) {
		course_close(frames->row_courses[i], frames->end);
		nsec width = course_width(frames->row_courses[i]);
		if (width < frames->row_width) frames->row_width = width;
	}
	return frames->setup.from + frames->end;
}

/* Returns how many slots are over. */
static size_t slots_over(const struct replay_frame *frames, const struct course *course, nsec at) {
	return at >= frames->end ? course_count(course) : (size_t)(at / course_width(course));
}

static void fill_run(struct replay_frame *frames, size_t count, struct frame *ret) {
	uint64_t reasons[REASON_COUNT] = {0};
	struct slot_sum *sum = &frames->sum;
	slot_sum_clear(sum);
	course_sum(frames->course, 0, count, sum, reasons);
	ret->ok = sum->counts.ok;
	ret->failed = sum->counts.failed;
	ret->open = reasons[REASON_OPEN];
	ret->run_all = slot_sum_all(sum);
	ret->run_ok = slot_sum_ok(sum);
	memcpy(ret->classes, sum->counts.classes, sizeof(ret->classes));
	frame_count_reasons(ret, reasons);
}

/* Adds up the slots from first to before end. */
static void sum_slots(struct replay_frame *frames, size_t first, size_t end) {
	slot_sum_clear(&frames->sum);
	course_sum(frames->course, first, end, &frames->sum, NULL);
}

/* Returns the first of the slots that cover `span` before `end`. */
static size_t first_of(const struct replay_frame *frames, size_t end, nsec span) {
	nsec width = course_width(frames->course);
	size_t count = span > width ? (size_t)((span + width - 1) / width) : 1;
	return end > count ? end - count : 0;
}

static void fill_window(struct replay_frame *frames, size_t count, struct frame *ret) {
	struct slot_sum *sum = &frames->sum;
	sum_slots(frames, first_of(frames, count, ret->window), count);
	ret->window_all = slot_sum_all(sum);
	ret->window_ok = slot_sum_ok(sum);
	sum_slots(frames, first_of(frames, count, SEC), count);
	ret->rps = slot_sum_per_s(sum, (double)(sum->counts.ok + sum->counts.failed));
	ret->sent_per_s = slot_sum_per_s(sum, (double)sum->counts.sent);
	ret->asked_per_s = frames->setup.open_loop ? slot_sum_per_s(sum, sum->counts.asked) : -1;
	ret->in_flight = (uint64_t)(slot_sum_in_flight(sum, 1) + 0.5);
}

/* Columns begin at multiples of their width: what is drawn does not flicker while it moves. */
static void fill_columns(struct replay_frame *frames, size_t count, struct frame *ret) {
	nsec width = course_width(frames->course);
	size_t wanted = (size_t)((ret->window + width - 1) / width), each = (wanted + FRAME_COLUMNS - 1) / FRAME_COLUMNS;
	size_t columns = (wanted + each - 1) / each, end = (count + each - 1) / each, first = end > columns ? end - columns : 0;
	for (size_t i = first; i < end; i++) {
		struct frame_column *column = &frames->columns[ret->column_count++];
		size_t last = (i + 1) * each < count ? (i + 1) * each : count;
		*column = (struct frame_column){.start = frames->setup.from + (nsec)(i * each) * width, .width = (nsec)each * width};
		sum_slots(frames, i * each, last);
		slot_sum_fill_column(&frames->sum, 1, column);
		if (!frames->setup.open_loop) column->asked_per_s = -1;
	}
}

static void fill_rows(struct replay_frame *frames, nsec at) {
	nsec width = frames->row_width;
	nsec over = at >= frames->end ? frames->end : at / width * width;
	if (over == frames->rows_at) return;
	frames->rows_at = over;
	for (size_t i = 0; i < frames->row_count; i++) {
		const struct group *group = &frames->setup.records.groups->rows[frames->row_groups[i]];
		uint64_t reasons[REASON_COUNT] = {0};
		slot_sum_clear(&frames->sum);
		course_sum(frames->row_courses[i], 0, slots_over(frames, frames->row_courses[i], over), &frames->sum, reasons);
		frames->rows[i] = (struct frame_row){group_dimension_name(group->dimension), group->name, frames->sum.counts.ok,
			frames->sum.counts.failed, reasons[REASON_OPEN], slot_sum_all(&frames->sum)};
	}
}

void replay_frame_fill(struct replay_frame *frames, nsec cursor, nsec window, struct frame *ret) {
	nsec at = from_start(frames, cursor);
	size_t count = slots_over(frames, frames->course, at);
	window = window < SEC ? SEC : window > REPLAY_FRAME_LONGEST ? REPLAY_FRAME_LONGEST : window;
	*ret = (struct frame){.phase = FRAME_REPLAY,
		.elapsed = cursor,
		.window = window,
		.speed = 1,
		.from = frames->setup.from,
		.to = frames->setup.from + frames->end,
		.cursor = cursor,
		.mark_from = -1,
		.mark_to = -1};
	ret->columns = frames->columns;
	ret->rows = frames->rows;
	ret->row_count = frames->row_count;
	fill_run(frames, count, ret);
	fill_window(frames, count, ret);
	fill_columns(frames, count, ret);
	fill_rows(frames, at);
}

nsec replay_frame_next_failure(const struct replay_frame *frames, nsec cursor) {
	nsec width = course_width(frames->course);
	for (size_t i = slots_over(frames, frames->course, from_start(frames, cursor)); i < course_count(frames->course); i++) {
		nsec over = (nsec)(i + 1) * width;
		if (course_slot(frames->course, i)->slot.failed == 0) continue;
		return frames->setup.from + (over < frames->end ? over : frames->end);
	}
	return -1;
}
