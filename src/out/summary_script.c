#include <stdio.h>
#include <string.h>

#include "out/summary_inner.h"

#define NAME_COLUMNS 16 /* so that a row fits 80 columns; a longer name has a line of its own */
#define LINE_COLUMNS 80

enum { P50 = 0, P95 = 3, P99 = 4 };

static const int quantiles[] = {P50, P95, P99};

/* A row of either table. */
struct script_row {
	const char *name;
	uint64_t count, ok, failed; /* of count the others are neither */
	const struct distribution *times;
};

static void put_titles(const char *title, const char *counted, struct buf *into) {
	buf_add_format(into, "\n%-*s %8s %6s %7s %9s %9s %9s %9s\n", NAME_COLUMNS, title, counted, "ok %", "failed", "p50", "p95", "p99", "max");
}

/* A share in percent is cut off, so that 100 means all. */
static void put_row(const struct script_row *row, struct buf *into) {
	char name[LINE_COLUMNS + 1], share[24] = "-";
	uint64_t x100 = row->count > 0 ? 10000 * row->ok / row->count : 0;
	bool is_long = strlen(row->name) > NAME_COLUMNS;
	if (is_long) buf_add_format(into, "%s\n", summary_format_cut(row->name, LINE_COLUMNS, name));
	if (row->count > 0) snprintf(share, sizeof(share), "%llu.%02llu", (unsigned long long)(x100 / 100), (unsigned long long)(x100 % 100));
	buf_add_format(into, "%-*s %8llu %6s %7llu", NAME_COLUMNS, is_long ? "" : row->name, (unsigned long long)row->count, share,
		(unsigned long long)row->failed);
	for (size_t i = 0; i < LENGTH(quantiles); i++) summary_put_quantile(into, &row->times->at[quantiles[i]]);
	if (row->times->count > 0)
		summary_put_duration(into, row->times->max);
	else
		summary_put_dash(into);
	buf_add_text(into, "\n");
}

static void put_iterations(const struct iterations_report *one, const char *name, struct buf *into) {
	put_row(&(struct script_row){name, one->ok + one->failed, one->ok, one->failed, &one->duration}, into);
}

static void write_iterations(const struct report *report, struct buf *into) {
	put_titles("Iterations", "complete", into);
	put_iterations(&report->iterations, "all", into);
	for (size_t i = 0; report->scenario_count > 1 && i < report->scenario_count; i++)
		put_iterations(&report->scenarios[i], report->scenarios[i].name, into);
	buf_add_text(into, "  From the moment the first step was due to the end of the last one, think times included.\n");
}

/* Why requests of a step failed. */
static void write_reasons(const struct step_report *step, struct buf *into) {
	char first[64];
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		if (step->reasons[reason] == 0) continue;
		snprintf(first, sizeof(first), "    %10llu  %s: ", (unsigned long long)step->reasons[reason], outcome_name(reason_outcome(reason)));
		summary_put_wrapped(into, first, reason_words(reason));
	}
}

static void write_steps(const struct report *report, struct buf *into) {
	put_titles("Steps", "requests", into);
	for (size_t i = 0; i < report->step_count; i++) {
		const struct step_report *step = &report->steps[i];
		const struct group_report *group = &step->group;
		put_row(&(struct script_row){group->group.name, group->ok + group->failed + group->open, group->ok, group->failed,
				report->run.open_loop ? &group->response : &group->service},
			into);
		write_reasons(step, into);
	}
	buf_add_format(into, "  The times are %s times.\n", report->run.open_loop ? "response" : "service");
}

void summary_write_script(const struct report *report, struct buf *into) {
	if (report->step_count == 0) return;
	if (!report->run.records_only) write_iterations(report, into);
	write_steps(report, into);
	if (report->run.records_only) buf_add_text(into, "  Iterations are left out: requests alone do not tell them.\n");
}
