#include <stdio.h>
#include <string.h>

#include "out/summary_inner.h"

enum { P50 = 0, P99 = 4 };

struct table_row {
	const char *name;
	uint64_t ok, not_ok;
	struct quantile p50, p99;
	nsec max;
};

static void put_titles(const char *title, size_t width, struct buf *into) {
	buf_add_format(into, "\n%-*s %10s %10s %9s %9s %9s\n", (int)width, title, "ok", "not ok", "p50", "p99", "max");
}

static void put_row(const struct table_row *row, size_t width, struct buf *into) {
	char name[SUMMARY_NAME_COLUMNS + 1];
	buf_add_format(into, "%-*s %10llu %10llu", (int)width, summary_format_cut(row->name, SUMMARY_NAME_COLUMNS, name), (unsigned long long)row->ok,
		(unsigned long long)row->not_ok);
	summary_put_quantile(into, &row->p50);
	summary_put_quantile(into, &row->p99);
	if (row->ok + row->not_ok > 0)
		summary_put_duration(into, row->max);
	else
		summary_put_dash(into);
	buf_add_text(into, "\n");
}

/* Widens a column to a name, at most to SUMMARY_NAME_COLUMNS. */
static void widen(size_t *width, const char *name) {
	size_t size = strlen(name);
	if (size > SUMMARY_NAME_COLUMNS) size = SUMMARY_NAME_COLUMNS;
	if (size > *width) *width = size;
}

static void write_group_row(const struct group_report *group, bool open_loop, size_t width, struct buf *into) {
	const struct distribution *times = open_loop ? &group->response : &group->service;
	struct table_row row = {.name = group->group.name,
		.ok = group->ok,
		.not_ok = group->failed + group->open,
		.p50 = times->at[P50],
		.p99 = times->at[P99],
		.max = times->max};
	put_row(&row, width, into);
}

static void write_dimension(const struct report *report, enum group_dimension dimension, struct buf *into) {
	char title[SUMMARY_NAME_COLUMNS];
	snprintf(title, sizeof(title), "%s time per %s", report->run.open_loop ? "Response" : "Service", group_dimension_name(dimension));
	size_t count = 0, width = strlen(title);
	for (size_t i = 0; i < report->group_count; i++) {
		const struct group *group = &report->groups[i].group;
		if (group->dimension != dimension) continue;
		count++;
		widen(&width, group->name);
	}
	if (count < 2) return;
	put_titles(title, width, into);
	for (size_t i = 0; i < report->group_count; i++)
		if (report->groups[i].group.dimension == dimension) write_group_row(&report->groups[i], report->run.open_loop, width, into);
}

static void write_url_row(const struct url_report *url, const char *name, size_t width, struct buf *into) {
	struct table_row row = {.name = name, .ok = url->ok, .not_ok = url->failed + url->open, .p50 = url->p50, .p99 = url->p99, .max = url->max};
	row.p50.few = row.p99.few = row.ok + row.not_ok == 0; /* the ranking is by them, however few there are */
	put_row(&row, width, into);
}

/* The worst URLs by themselves, and what is behind them. */
static void write_urls(const struct report *report, struct buf *into) {
	static const char title[] = "Response time per URL";
	char others[48];
	size_t width = strlen(title);
	size_t count = report->url_count < REPORT_URLS_WORST ? report->url_count : REPORT_URLS_WORST;
	const struct url_report *rest = &report->url_rest;
	if (count < 2) return;
	for (size_t i = 0; i < count; i++) widen(&width, report->urls[i].name);
	put_titles(title, width, into);
	for (size_t i = 0; i < count; i++) write_url_row(&report->urls[i], report->urls[i].name, width, into);
	if (rest->urls > 0) {
		snprintf(others, sizeof(others), "%s (%llu URL%s)", rest->name, (unsigned long long)rest->urls, rest->urls == 1 ? "" : "s");
		write_url_row(rest, others, width, into);
	}
	buf_add_text(
		into, "  The worst first: by what was not ok, then by p99, of few requests, too. Percentiles here are\n  at most 6 % too high.\n");
}

void summary_write_groups(const struct report *report, struct buf *into) {
	write_dimension(report, GROUP_BY_STAGE, into);
	write_dimension(report, GROUP_BY_ADDRESS, into);
	write_urls(report, into);
}
