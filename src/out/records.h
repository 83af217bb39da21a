/* Outputs that get every request of the run log, in the order of their due times: CSV, JSON, JSONL, a HdrHistogram log, SQLite.
 * In: a report and the sorted log. Out: files. A failing one never takes the others with it. One thread. A new one is one file and a row in records.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "out/log_sort.h"
#include "stats/report.h"

/* What is known before the first record. */
struct records_run {
	const struct report *report;
	uint64_t records;          /* that a bounded output will get */
	bool truncated;            /* there were more, which --metrics-max leaves out */
	uint64_t missing;          /* requests that the log has not: shed, or lost with a full disk */
	nsec range_from, range_to; /* --metrics-range: due from the end of the warm-up, [from, to) */
	uint64_t max;              /* --metrics-max */
};

struct record_ops {
	bool bounded; /* --metrics-range and --metrics-max hold for it */
	/* Opens `path`; *ret_state is the output's own until close. */
	bool (*open)(const char *path, const struct records_run *run, void **ret_state, struct err *err);
	bool (*add)(void *state, const struct logged *record, struct err *err);
	/* Ends and frees it. `keep`: everything went well so far; else nothing of it stays, and it returns false. */
	bool (*close)(void *state, bool keep, struct err *err);
};

extern const struct record_ops csv_ops, json_ops, jsonl_ops, hdr_log_ops, sqlite_ops;

/* One output of a run; `fault` is filled by records_write. */
struct record_output {
	const struct record_ops *ops;
	const char *option; /* for messages: "--export-csv" */
	const char *path;
	void *state;
	uint64_t given;
	bool open;
	struct err fault; /* its text is empty if all went well */
};

/* Reads the log once and gives each record to each output. Returns whether all of them went well; a fault of the log is every output's. */
bool records_write(struct record_output *outputs, unsigned count, const struct records_run *run, const struct log_sort *log);
