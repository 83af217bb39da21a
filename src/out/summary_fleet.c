#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "out/summary_inner.h"
#include "stats/fleet.h"

#define ROWS_MOST 20
#define LINES_MOST 20 /* of words about single agents, of each kind */
#define ID_COLUMNS 18
#define SPREAD_MOST (50 * MSEC) /* between the starts, without a warning */

static uint64_t requests_of(const struct fleet_agent *agent) {
	return agent->ok + agent->failed + agent->open;
}

static double ok_share(const struct fleet_agent *agent) {
	uint64_t requests = requests_of(agent);
	return requests > 0 ? (double)agent->ok / (double)requests : 0;
}

/* How much an agent should be looked at: the larger, the worse. */
static int trouble_of(const struct fleet_agent *agent) {
	if (agent->state != FLEET_REPORTED) return 4;
	if (agent->early) return 3;
	if (agent->error_count > 0) return 2;
	return agent->verdict.count > 0;
}

/* The worse one first: state, then the share of ok requests, then the p99; among equals as they joined. */
static int compare_worse(const void *a, const void *b) {
	const struct fleet_agent *one = *(const struct fleet_agent *const *)a, *other = *(const struct fleet_agent *const *)b;
	int trouble = trouble_of(other) - trouble_of(one);
	double share = ok_share(one) - ok_share(other);
	nsec slow = other->response[FLEET_P99].value - one->response[FLEET_P99].value;
	if (trouble != 0) return trouble;
	if (share != 0) return share < 0 ? -1 : 1;
	if (slow != 0) return slow < 0 ? -1 : 1;
	return one < other ? -1 : 1;
}

static const char *last_column(const struct fleet_agent *agent) {
	if (agent->state != FLEET_REPORTED) return fleet_state_name(agent->state);
	if (agent->early) return "ended early";
	return agent->verdict.count > 0 ? cause_name(agent->verdict.at[0].cause) : "nothing";
}

static void write_row(const struct fleet_agent *agent, int width, struct buf *into) {
	char id[ID_COLUMNS + 1], rate[32];
	buf_add_format(into, "  %-*s %7llu", width, summary_format_cut(agent->id, ID_COLUMNS, id), (unsigned long long)agent->weight);
	if (agent->has_figures && requests_of(agent) > 0) {
		buf_add_format(into, " %10llu %6.2f%% %9s", (unsigned long long)requests_of(agent), 100 * ok_share(agent),
			summary_format_rate(agent->throughput_per_s, rate, sizeof(rate)));
		summary_put_quantile(into, &agent->response[FLEET_P50]);
		summary_put_quantile(into, &agent->response[FLEET_P99]);
		summary_put_quantile(into, &agent->late[FLEET_P99]);
	} else {
		buf_add_format(into, " %10s %7s %9s", agent->has_figures ? "0" : "-", "-", "-");
		for (int i = 0; i < 3; i++) summary_put_dash(into);
	}
	buf_add_format(into, "  %s\n", last_column(agent));
}

static void write_table(const struct fleet_report *fleet, struct buf *into) {
	const struct fleet_agent **order = mem_zeroed(fleet->count + 1, sizeof(const struct fleet_agent *));
	size_t shown = fleet->count < ROWS_MOST ? fleet->count : ROWS_MOST, width = strlen("agent");
	for (size_t i = 0; i < fleet->count; i++) order[i] = &fleet->at[i];
	if (fleet->count > ROWS_MOST) qsort(order, fleet->count, sizeof(const struct fleet_agent *), compare_worse);
	for (size_t i = 0; i < shown; i++)
		if (strlen(order[i]->id) > width) width = strlen(order[i]->id);
	if (width > ID_COLUMNS) width = ID_COLUMNS;
	buf_add_format(into, "  %-*s %7s %10s %7s %9s %9s %9s %9s  %s\n", (int)width, "agent", "weight", "requests", "ok", "per s", "p50", "p99",
		"late p99", "limited by");
	for (size_t i = 0; i < shown; i++) write_row(order[i], (int)width, into);
	if (fleet->count > shown) buf_add_format(into, "  and %zu more; these are the worst\n", fleet->count - shown);
	free(order);
}

/* Who is missing, since when, and why. */
static void write_missing(const struct fleet_report *fleet, struct buf *into) {
	size_t told = 0, missing = 0;
	char heard[32], first[ID_COLUMNS + 16], id[ID_COLUMNS + 1];
	for (size_t i = 0; i < fleet->count; i++) missing += fleet->at[i].state != FLEET_REPORTED || fleet->at[i].early;
	for (size_t i = 0; i < fleet->count && told < LINES_MOST; i++) {
		const struct fleet_agent *agent = &fleet->at[i];
		struct buf words;
		if (agent->state == FLEET_REPORTED && !agent->early) continue;
		told++;
		buf_init(&words, 8192);
		if (agent->state == FLEET_LOST)
			buf_add_format(&words, "lost %s after the start; %s", units_format_duration(agent->last_heard, heard, sizeof(heard)),
				agent->has_figures ? "its last snapshot counts" : "nothing of it counts");
		else
			buf_add_text(&words, agent->early ? "ended early" : fleet_state_name(agent->state));
		if (agent->words) buf_add_format(&words, ": %s", agent->words);
		snprintf(first, sizeof(first), "  %s: ", summary_format_cut(agent->id, ID_COLUMNS, id));
		summary_put_wrapped(into, first, buf_text(&words));
		buf_fini(&words);
	}
	if (missing > told) buf_add_format(into, "  and %zu more\n", missing - told);
}

static void write_clocks(const struct fleet_report *fleet, struct buf *into) {
	char spread[32], doubt[32];
	bool wide = fleet->spread > SPREAD_MOST;
	if (fleet->count < 2) return;
	buf_add_format(into, "  %sthey started within %s of each other%s, by clocks that may be %s wrong\n", wide ? "warning: " : "",
		units_format_duration(fleet->spread, spread, sizeof(spread)), wide ? " (over 50 ms)" : "",
		units_format_duration(fleet->clock_doubt, doubt, sizeof(doubt)));
}

static void write_errors(const struct fleet_report *fleet, struct buf *into) {
	size_t told = 0, all = 0;
	char first[ID_COLUMNS + 24], id[ID_COLUMNS + 1];
	for (size_t i = 0; i < fleet->count; i++) {
		const struct fleet_agent *agent = &fleet->at[i];
		all += agent->error_count;
		for (size_t k = 0; k < agent->error_count && told < LINES_MOST; k++, told++) {
			snprintf(first, sizeof(first), "  error of %s: ", summary_format_cut(agent->id, ID_COLUMNS, id));
			summary_put_wrapped(into, first, agent->errors[k]);
		}
	}
	if (all > told) buf_add_format(into, "  and %zu more errors\n", all - told);
}

void summary_write_fleet(const struct report *report, struct buf *into) {
	const struct fleet_report *fleet = report->fleet;
	if (!fleet) return;
	buf_add_format(into, "\nAgents: %zu/%zu reported\n", fleet->reported, fleet->expected);
	if (fleet->reported < fleet->expected) buf_add_format(into, "partial: %zu of %zu agents\n", fleet->reported, fleet->expected);
	write_table(fleet, into);
	write_missing(fleet, into);
	write_clocks(fleet, into);
	write_errors(fleet, into);
	buf_add_text(into, "\n");
}
