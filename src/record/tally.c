#include "record/tally.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"

#define ROW_ALL 0
#define ROW_NEW 1
#define ROW_REUSED 2

enum kind { KIND_OK, KIND_UNEXPECTED, KIND_FAILED, KIND_OPEN }; /* UNEXPECTED: failed, with a complete response */

struct tally *tally_new(size_t groups) {
	struct tally *tally = mem_zeroed(1, sizeof(*tally) + groups * sizeof(tally->cells[0]));
	tally->cell_count = groups;
	return tally;
}

static bool cell_empty(const struct cell *cell) {
	return cell->ok + cell->failed + cell->open + cell->unsent + cell->opened == 0;
}

/* Only the slots between min and max can hold anything. */
static void histlet_clear(struct histlet *histlet) {
	if (histlet->count > 0) {
		uint32_t first = histlet_slot(histlet->min);
		uint32_t last = histlet_slot(histlet->max);
		memset(&histlet->slots[first], 0, (last - first + 1) * sizeof(histlet->slots[0]));
	}
	memset(histlet, 0, offsetof(struct histlet, slots));
}

static void cell_clear(struct cell *cell) {
	if (cell_empty(cell)) return;
	cell->ok = cell->failed = cell->open = cell->complete = cell->unsent = cell->bytes = cell->opened = 0;
	histlet_clear(&cell->response_ok);
	histlet_clear(&cell->response_other);
	histlet_clear(&cell->service);
}

void tally_clear(struct tally *tally) {
	size_t cell_count = tally->cell_count;
	for (size_t i = 0; i < cell_count; i++) cell_clear(&tally->cells[i]);
	histlet_clear(&tally->late);
	memset(tally, 0, offsetof(struct tally, late));
	tally->cell_count = cell_count;
}

static void cell_record(struct cell *cell, const struct sample *sample, enum kind kind) {
	cell->ok += kind == KIND_OK;
	cell->failed += kind == KIND_UNEXPECTED || kind == KIND_FAILED;
	cell->open += kind == KIND_OPEN;
	cell->complete += kind == KIND_OK || kind == KIND_UNEXPECTED;
	cell->bytes += sample->bytes;
	histlet_record(kind == KIND_OK ? &cell->response_ok : &cell->response_other, sample_response(sample), 1);
	histlet_record(&cell->service, sample_service(sample), 1);
}

static void totals_record(struct totals *totals, const struct sample *sample, enum kind kind, const nsec parts[PART_COUNT]) {
	nsec response = sample_response(sample);
	nsec service = sample_service(sample);
	switch (kind) {
	case KIND_OK:
		hist_record(&totals->response_ok, response, 1);
		hist_record(&totals->service_ok, service, 1);
		break;
	case KIND_UNEXPECTED:
	case KIND_FAILED:
		hist_record(&totals->response_failed, response, 1);
		hist_record(&totals->service_failed, service, 1);
		break;
	case KIND_OPEN:
		hist_record(&totals->response_open, response, 1);
		hist_record(&totals->service_open, service, 1);
		break;
	}
	for (int part = 0; part < PART_COUNT; part++)
		if (parts[part] != 0) hist_record(&totals->parts[part], parts[part], 1);
}

static enum kind books_record(struct tally *tally, const struct sample *sample) {
	assert(sample->reason < REASON_COUNT);
	tally->status[sample->status < TALLY_STATUSES ? sample->status : 0]++;
	if (sample->flags & SAMPLE_REUSED) tally->reused++;
	if (sample->flags & SAMPLE_OPEN) {
		tally->open++;
		tally->reasons[REASON_OPEN]++;
		return KIND_OPEN;
	}
	if (sample->reason == REASON_NONE) {
		tally->ok++;
		return KIND_OK;
	}
	tally->failed++;
	tally->reasons[sample->reason]++;
	enum outcome outcome = reason_outcome(sample->reason);
	return outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT ? KIND_UNEXPECTED : KIND_FAILED;
}

void tally_record(struct tally *tally, struct totals *totals, const struct sample *sample, const struct group_table *groups, size_t stage) {
	size_t address = groups->first_address + sample->address;
	assert(tally->cell_count == groups->count && address < groups->first_stage && stage < groups->first_step);
	enum kind kind = books_record(tally, sample);
	cell_record(&tally->cells[ROW_ALL], sample, kind);
	cell_record(&tally->cells[sample->flags & SAMPLE_REUSED ? ROW_REUSED : ROW_NEW], sample, kind);
	cell_record(&tally->cells[address], sample, kind);
	if (stage > 0) cell_record(&tally->cells[stage], sample, kind);
	if (groups->first_step < groups->first_scenario) {
		size_t step = groups->first_step + sample->row;
		assert(step < groups->first_scenario);
		cell_record(&tally->cells[step], sample, kind);
	}
	nsec parts[PART_COUNT];
	sample_parts(sample, parts);
	histlet_record(&tally->late, parts[PART_LATE], 1);
	totals_record(totals, sample, kind, parts);
}

void tally_record_iteration(struct tally *tally, const struct group_table *groups, size_t scenario, const struct iteration *iteration) {
	assert(tally->cell_count == groups->count && groups->first_scenario + scenario < groups->count);
	struct cell *cell = &tally->cells[groups->first_scenario + scenario];
	nsec time = iteration->done - iteration->due;
	if (iteration->open) {
		cell->open++;
		return;
	}
	cell->ok += iteration->ok;
	cell->failed += !iteration->ok;
	cell->complete++;
	histlet_record(iteration->ok ? &cell->response_ok : &cell->response_other, time, 1);
}

void cell_merge(struct cell *into, const struct cell *from) {
	if (cell_empty(from)) return;
	into->ok += from->ok;
	into->failed += from->failed;
	into->open += from->open;
	into->complete += from->complete;
	into->unsent += from->unsent;
	into->bytes += from->bytes;
	into->opened += from->opened;
	histlet_merge(&into->response_ok, &from->response_ok);
	histlet_merge(&into->response_other, &from->response_other);
	histlet_merge(&into->service, &from->service);
}

static void counts_merge(uint64_t *into, const uint64_t *from, size_t count) {
	for (size_t i = 0; i < count; i++) into[i] += from[i];
}

void tally_merge(struct tally *into, const struct tally *from) {
	assert(into->cell_count == from->cell_count);
	into->planned += from->planned;
	into->iterations_planned += from->iterations_planned;
	into->ok += from->ok;
	into->failed += from->failed;
	into->open += from->open;
	into->unsent += from->unsent;
	into->attempts += from->attempts;
	into->attempts_warmup += from->attempts_warmup;
	into->retries += from->retries;
	into->hops += from->hops;
	into->lost += from->lost;
	into->bytes_sent += from->bytes_sent;
	into->bytes_received += from->bytes_received;
	into->sent_in_window += from->sent_in_window;
	into->done_in_window += from->done_in_window;
	into->opened_in_window += from->opened_in_window;
	into->shaken_in_window += from->shaken_in_window;
	into->encoded += from->encoded;
	into->decoded += from->decoded;
	counts_merge(into->reasons, from->reasons, REASON_COUNT);
	counts_merge(into->status, from->status, TALLY_STATUSES);
	into->opened += from->opened;
	into->reused += from->reused;
	into->connect_failed += from->connect_failed;
	into->handshakes_full += from->handshakes_full;
	into->handshakes_resumed += from->handshakes_resumed;
	into->handshakes_failed += from->handshakes_failed;
	counts_merge(into->closed, from->closed, CLOSER_COUNT);
	into->opened_h2 += from->opened_h2;
	into->fell_back += from->fell_back;
	into->goaways += from->goaways;
	into->unprocessed += from->unprocessed;
	if (from->stream_limit > 0 && (into->stream_limit == 0 || from->stream_limit < into->stream_limit)) into->stream_limit = from->stream_limit;
	into->spun += from->spun;
	if (from->longest_gap > into->longest_gap) into->longest_gap = from->longest_gap;
	into->wire_area += from->wire_area;
	into->wire_span += from->wire_span;
	histlet_merge(&into->late, &from->late);
	for (size_t i = 0; i < into->cell_count; i++) cell_merge(&into->cells[i], &from->cells[i]);
}

void totals_merge(struct totals *into, const struct totals *from) {
	hist_merge(&into->response_ok, &from->response_ok);
	hist_merge(&into->response_failed, &from->response_failed);
	hist_merge(&into->response_open, &from->response_open);
	hist_merge(&into->service_ok, &from->service_ok);
	hist_merge(&into->service_failed, &from->service_failed);
	hist_merge(&into->service_open, &from->service_open);
	for (int part = 0; part < PART_COUNT; part++) hist_merge(&into->parts[part], &from->parts[part]);
	hist_merge(&into->own_error, &from->own_error);
	hist_merge(&into->outside, &from->outside);
	hist_merge(&into->client_queue, &from->client_queue);
}
