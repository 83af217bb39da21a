#include "stats/replay.h"

#include <stdlib.h>

#include "base/arena.h"
#include "record/digest.h"

struct replay *replay_new(const struct replay_setup *setup) {
	const struct group_table *groups = setup->groups;
	size_t steps = groups->first_scenario - groups->first_step, urls = setup->url_count < SAMPLE_ROWS_MAX ? setup->url_count : SAMPLE_ROWS_MAX;
	struct replay *replay = mem_zeroed(1, sizeof(*replay));
	replay->setup = *setup;
	replay->tally = tally_new(groups->count);
	replay->totals = mem_zeroed(1, sizeof(*replay->totals));
	if (steps > 0) replay->step_reasons = mem_zeroed(steps, sizeof(*replay->step_reasons));
	if (urls > 0) replay->urls = mem_zeroed(urls, sizeof(*replay->urls));
	replay->width = SEC;
	replay->first_ms = UINT64_MAX;
	return replay;
}

void replay_free(struct replay *replay) {
	if (!replay) return;
	for (size_t i = 0; i < REPLAY_SLOTS; i++) free(replay->slots[i]);
	free(replay->tally);
	free(replay->totals);
	free(replay->step_reasons);
	free(replay->urls);
	free(replay);
}

/* Makes the slots twice as wide. */
static void slots_halve(struct replay *replay) {
	for (size_t i = 0; i < REPLAY_SLOTS; i += 2) {
		struct tally *left = replay->slots[i], *right = replay->slots[i + 1];
		replay->slots[i] = replay->slots[i + 1] = NULL;
		if (left && right) {
			tally_merge(left, right);
			free(right);
		}
		replay->slots[i / 2] = left ? left : right;
	}
	replay->width *= 2;
}

static struct tally *slot_at(struct replay *replay, nsec at) {
	while (at / replay->width >= REPLAY_SLOTS) slots_halve(replay);
	struct tally **slot = &replay->slots[at / replay->width];
	if (!*slot) *slot = tally_new(1);
	return *slot;
}

/* Shares the time on the wire out to the slots that it lies in. */
static void slots_add_wire(struct replay *replay, nsec from, nsec to) {
	slot_at(replay, to);
	while (from < to) {
		nsec end = (from / replay->width + 1) * replay->width;
		if (end > to) end = to;
		slot_at(replay, from)->wire_area += (uint64_t)(end - from);
		from = end;
	}
}

static void slot_record(struct tally *slot, const struct sample *sample) {
	struct cell *cell = &slot->cells[0];
	bool open = sample->flags & SAMPLE_OPEN, ok = !open && sample->reason == REASON_NONE;
	enum outcome outcome = reason_outcome(sample->reason);
	nsec parts[PART_COUNT];
	slot->ok += ok;
	slot->open += open;
	slot->failed += !ok && !open;
	cell->ok += ok;
	cell->open += open;
	cell->failed += !ok && !open;
	slot->reasons[open ? REASON_OPEN : sample->reason] += !ok;
	slot->status[sample->status < TALLY_STATUSES ? sample->status : 0]++;
	slot->done_in_window += ok || (!open && (outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT));
	slot->bytes_received += sample->bytes;
	histlet_record(ok ? &cell->response_ok : &cell->response_other, sample_response(sample), 1);
	sample_parts(sample, parts);
	histlet_record(&slot->late, parts[PART_LATE], 1);
}

uint16_t replay_row(const struct replay_setup *setup, uint16_t row) {
	const struct group_table *groups = setup->groups;
	size_t rows = groups->first_scenario - groups->first_step;
	if (rows == 0) rows = setup->url_count < SAMPLE_ROWS_MAX ? setup->url_count : SAMPLE_ROWS_MAX;
	return row < rows ? row : rows > 0 ? (uint16_t)(rows - 1) : 0;
}

size_t replay_stage(const struct group_table *groups, nsec due) {
	size_t row = groups->first_stage;
	if (row == groups->first_step) return 0;
	while (row + 1 < groups->first_step && groups->rows[row + 1].begin <= due) row++;
	return row;
}

/* What is known from records alone: a complete response, a request sent. */
static void events_add(struct tally *tally, const struct sample *sample) {
	enum outcome outcome = reason_outcome(sample->reason);
	tally->sent_in_window += sample->sent < sample->done;
	if (sample->flags & SAMPLE_OPEN) return;
	tally->done_in_window += sample->reason == REASON_NONE || outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT;
}

void replay_add(struct replay *replay, const struct logged *record) {
	struct sample sample = record->sample;
	nsec warmup = replay->setup.warmup, due = sample.due + warmup;
	uint64_t due_ms = (uint64_t)(sample.due / MSEC);
	sample.row = replay_row(&replay->setup, sample.row);
	replay->records++;
	if (due_ms < replay->first_ms) replay->first_ms = due_ms;
	if (due_ms > replay->last_ms) replay->last_ms = due_ms;
	if (sample.done > replay->last_done) replay->last_done = sample.done;
	tally_record(replay->tally, replay->totals, &sample, replay->setup.groups, replay_stage(replay->setup.groups, due));
	events_add(replay->tally, &sample);
	if (replay->step_reasons && sample.reason != REASON_NONE) replay->step_reasons[sample.row][sample.reason]++;
	if (replay->urls) digest_record(&replay->urls[sample.row], &sample);
	slot_record(slot_at(replay, sample.done + warmup), &sample);
	slot_at(replay, sample.sent + warmup)->sent_in_window++;
	slots_add_wire(replay, sample.sent + warmup, sample.done + warmup);
}

struct series *replay_series(const struct replay *replay, nsec window) {
	struct series *series = series_new(replay->width, 1);
	nsec over = window + replay->setup.warmup;
	if (replay->last_done + replay->setup.warmup > over) over = replay->last_done + replay->setup.warmup;
	for (size_t i = 0; i < REPLAY_SLOTS; i++) {
		struct tally *slot = replay->slots[i];
		nsec end = (nsec)(i + 1) * replay->width;
		if (!slot) continue;
		if (end > over) end = over;
		slot->wire_span = end - (nsec)i * replay->width;
		series_add(series, end, slot);
	}
	return series;
}
