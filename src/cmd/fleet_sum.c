#include "cmd/fleet_sum.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "plan/script.h"
#include "stats/slot_sum.h"

struct member {
	struct fleet_agent row;
	struct parcel_map map;
	struct buf last; /* its last snapshot; empty: none */
	nsec upto;       /* of that */
	bool over;       /* no further snapshot comes */
};

struct fleet_sum {
	struct fleet_sum_setup setup;
	struct arena arena;
	size_t count;
	struct member *members;
	struct frame_row *live;               /* by agent */
	struct fleet_agent *rows;             /* after the end */
	struct parcel_sum all, one;           /* `one`: scratch, of a single agent */
	uint64_t first;                       /* the interval that is passed on next */
	struct tally *slots[FLEET_SUM_SLOTS]; /* NULL: nothing is in it yet */
};

#define LAST_BYTES MESSAGE_TAIL_MAX

static void sum_open(const struct fleet_sum *sum, struct parcel_sum *ret) {
	const struct plan *plan = sum->setup.plan;
	const struct script *script = plan->source.script && !plan->source.script->is_plain ? plan->source.script : NULL;
	size_t rows = plan->targets->row_count;
	*ret = (struct parcel_sum){.tally = tally_new(plan->groups.count), .totals = mem_zeroed(1, sizeof(struct totals))};
	ret->step_count = script ? script->step_count : 0;
	ret->url_count = rows < SAMPLE_ROWS_MAX ? rows : SAMPLE_ROWS_MAX;
	if (ret->step_count > 0) ret->step_reasons = mem_zeroed(ret->step_count, sizeof(*ret->step_reasons));
	if (ret->url_count > 0) ret->urls = mem_zeroed(ret->url_count, sizeof(*ret->urls));
}

static void sum_clear(struct parcel_sum *one) {
	tally_clear(one->tally);
	memset(one->totals, 0, sizeof(*one->totals));
	if (one->step_count > 0) memset(one->step_reasons, 0, one->step_count * sizeof(*one->step_reasons));
	if (one->url_count > 0) memset(one->urls, 0, one->url_count * sizeof(*one->urls));
	one->facts = (struct parcel_facts){0};
	one->most_failures = 0;
}

static void sum_close(struct parcel_sum *one) {
	free(one->tally);
	free(one->totals);
	free(one->step_reasons);
	free(one->urls);
}

/* The agent's rows are ours but for the addresses, of which it has its own in its own order. */
static void member_map(struct fleet_sum *sum, struct member *member, const struct controller_agent *agent) {
	const struct group_table *groups = &sum->setup.plan->groups;
	size_t ours = sum->setup.began->address_count, behind = groups->count - groups->first_address - ours;
	size_t *rows = arena_array(&sum->arena, groups->first_address + agent->address_count + behind, sizeof(*rows));
	size_t count = 0;
	while (count < groups->first_address) {
		rows[count] = count;
		count++;
	}
	for (size_t i = 0; i < agent->address_count; i++) rows[count++] = groups->first_address + agent->addresses[i];
	for (size_t i = 0; i < behind; i++) rows[count++] = groups->first_address + ours + i;
	member->map = (struct parcel_map){count, rows};
}

struct fleet_sum *fleet_sum_new(const struct fleet_sum_setup *setup) {
	const struct controller_began *began = setup->began;
	struct fleet_sum *sum = mem_zeroed(1, sizeof(*sum));
	sum->setup = *setup;
	arena_init(&sum->arena);
	sum->count = began->count;
	sum->members = mem_zeroed(sum->count, sizeof(*sum->members));
	sum->live = arena_array(&sum->arena, sum->count, sizeof(*sum->live));
	sum_open(sum, &sum->all);
	sum_open(sum, &sum->one);
	for (size_t i = 0; i < sum->count; i++) {
		const struct controller_agent *agent = &began->agents[i];
		struct member *member = &sum->members[i];
		member->row = (struct fleet_agent){.id = arena_copy(&sum->arena, slice_of(agent->id)),
			.hostname = arena_copy(&sum->arena, slice_of(agent->host)),
			.weight = agent->weight,
			.state = FLEET_LOST,
			.clock_offset = agent->offset};
		sum->live[i] = (struct frame_row){.kind = "agent", .name = member->row.id, .times = {-1, -1, -1, -1}};
		buf_init(&member->last, LAST_BYTES);
		member_map(sum, member, agent);
	}
	return sum;
}

void fleet_sum_free(struct fleet_sum *sum) {
	if (!sum) return;
	for (size_t i = 0; i < sum->count; i++) buf_fini(&sum->members[i].last);
	for (size_t i = 0; i < FLEET_SUM_SLOTS; i++) free(sum->slots[i]);
	sum_close(&sum->all);
	sum_close(&sum->one);
	free(sum->members);
	arena_fini(&sum->arena);
	free(sum);
}

/* ---- the course ---- */

/* Passes the oldest interval on. */
static void pass_on(struct fleet_sum *sum) {
	struct tally **slot = &sum->slots[sum->first % FLEET_SUM_SLOTS];
	nsec end = (nsec)(++sum->first) * sum->setup.interval;
	if (*slot) sum->setup.tick(sum->setup.user, end, *slot);
	free(*slot);
	*slot = NULL;
}

static bool is_told(const struct fleet_sum *sum, uint64_t number) {
	bool all_over = true;
	for (size_t i = 0; i < sum->count; i++) {
		const struct member *member = &sum->members[i];
		all_over = all_over && member->over;
		if (!member->over && member->upto < (nsec)(number + 1) * sum->setup.interval) return false;
	}
	return !all_over;
}

static bool any_waits(const struct fleet_sum *sum) {
	for (size_t i = 0; i < FLEET_SUM_SLOTS; i++)
		if (sum->slots[i]) return true;
	return false;
}

static void pass_on_told(struct fleet_sum *sum) {
	while (any_waits(sum) && is_told(sum, sum->first)) pass_on(sum);
}

/* Returns the tally of the interval that a moment ends. One that is passed on is joined by the one after it. */
static struct tally *slot_at(struct fleet_sum *sum, nsec elapsed) {
	uint64_t number = elapsed > 0 ? (uint64_t)((elapsed - 1) / sum->setup.interval) : 0;
	if (number < sum->first) number = sum->first;
	while (number - sum->first >= FLEET_SUM_SLOTS) pass_on(sum);
	struct tally **slot = &sum->slots[number % FLEET_SUM_SLOTS];
	if (!*slot) *slot = tally_new(sum->setup.plan->groups.count);
	return *slot;
}

static struct slice last_of(const struct member *member) {
	return (struct slice){member->last.at, member->last.size};
}

/* Says in an agent's row what it has counted so far: what lies in `one`. */
static void show_row(struct fleet_sum *sum, size_t index) {
	const struct tally *tally = sum->one.tally;
	struct frame_row *row = &sum->live[index];
	const struct cell *cell = &tally->cells[0];
	row->ok = tally->ok;
	row->failed = tally->failed;
	row->open = tally->open;
	row->times = slot_sum_of_histlets(&cell->response_ok, &cell->response_other);
}

bool fleet_sum_snapshot(struct fleet_sum *sum, size_t index, const struct message_snapshot *snapshot, struct err *err) {
	struct member *member = &sum->members[index];
	if (sum->setup.interval <= 0 || member->row.state == FLEET_REPORTED || snapshot->elapsed_ns < member->upto)
		return true; /* of no use any more */
	/* An interval is over a little before its snapshot is made. */
	nsec at = snapshot->elapsed_ns / sum->setup.interval * sum->setup.interval;
	if (!parcel_subtract(last_of(member), snapshot->bytes, &member->map, slot_at(sum, at), err)) return false;
	member->last.size = 0;
	buf_add(&member->last, snapshot->bytes);
	member->upto = snapshot->elapsed_ns;
	if (sum->setup.shown) {
		struct err ignored;
		sum_clear(&sum->one);
		if (parcel_add(snapshot->bytes, &member->map, &sum->one, &ignored)) show_row(sum, index);
	}
	pass_on_told(sum);
	return true;
}

bool fleet_sum_report(struct fleet_sum *sum, size_t index, const struct controller_report *report, struct err *err) {
	struct member *member = &sum->members[index];
	struct fleet_agent *row = &member->row;
	sum_clear(&sum->one);
	if (!parcel_add(report->bytes, &member->map, &sum->one, err)) return false;
	if (sum->setup.interval > 0) {
		struct err ignored;
		nsec end = sum->setup.plan->warmup + sum->one.facts.window;
		parcel_subtract(last_of(member), report->bytes, &member->map, slot_at(sum, end > member->upto ? end : member->upto), &ignored);
	}
	if (!parcel_add(report->bytes, &member->map, &sum->all, err)) return false;
	*row = (struct fleet_agent){.id = row->id,
		.hostname = row->hostname,
		.weight = row->weight,
		.state = FLEET_REPORTED,
		.early = report->early,
		.clock_offset = row->clock_offset,
		.started_late = report->started_late,
		.words = report->early ? arena_copy(&sum->arena, slice_of(report->reason)) : NULL,
		.error_count = report->errors.count};
	const char **errors = arena_array(&sum->arena, report->errors.count + 1, sizeof(*errors));
	for (size_t i = 0; i < report->errors.count; i++) errors[i] = arena_copy(&sum->arena, slice_of(report->errors.at[i]));
	row->errors = errors;
	fleet_agent_from_parcel(sum->setup.info, &sum->one, row);
	show_row(sum, index);
	sum->live[index].name = row->id;
	member->last.size = 0;
	member->over = true;
	if (sum->setup.interval > 0) pass_on_told(sum);
	return true;
}

void fleet_sum_lose(struct fleet_sum *sum, size_t index, const char *why, nsec at) {
	struct member *member = &sum->members[index];
	member->row.words = arena_copy(&sum->arena, slice_of(why));
	member->row.last_heard = at;
	sum->live[index].name = arena_format(&sum->arena, "%s (lost)", member->row.id);
	member->over = true;
	if (sum->setup.interval > 0) pass_on_told(sum);
}

/* ---- the end ---- */

/* What an agent told before it was lost is all that is known of it. */
static void add_lost(struct fleet_sum *sum, struct member *member) {
	struct err ignored;
	if (member->row.state == FLEET_REPORTED || member->last.size == 0) return;
	sum_clear(&sum->one);
	if (!parcel_add(last_of(member), &member->map, &sum->one, &ignored)) return;
	parcel_add(last_of(member), &member->map, &sum->all, &ignored);
	parcel_totals_from_tally(sum->one.tally, sum->all.totals);
	fleet_agent_from_parcel(sum->setup.info, &sum->one, &member->row);
}

void fleet_sum_finish(struct fleet_sum *sum) {
	while (sum->setup.interval > 0 && any_waits(sum)) pass_on(sum);
	sum->rows = arena_array(&sum->arena, sum->count, sizeof(*sum->rows));
	for (size_t i = 0; i < sum->count; i++) {
		add_lost(sum, &sum->members[i]);
		sum->rows[i] = sum->members[i].row;
	}
}

size_t fleet_sum_present(const struct fleet_sum *sum) {
	size_t present = 0;
	for (size_t i = 0; i < sum->count; i++) present += !sum->members[i].over || sum->members[i].row.state == FLEET_REPORTED;
	return present;
}

const struct frame_row *fleet_sum_live(const struct fleet_sum *sum, size_t *ret_count) {
	*ret_count = sum->count;
	return sum->live;
}

const struct parcel_sum *fleet_sum_all(const struct fleet_sum *sum) {
	return &sum->all;
}

void fleet_sum_rows(const struct fleet_sum *sum, const struct fleet_agent **ret, size_t *ret_count) {
	*ret = sum->rows;
	*ret_count = sum->count;
}
