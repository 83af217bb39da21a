/* SQLite: table `metrics`, a row for each request in the compatible columns and ours, and table `runs`, a row for each run. Rows are appended. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "out/records_text.h"

#define BATCH 10000   /* rows of a transaction */
#define BUSY_MS 5000  /* somebody else writes: so long they are waited for */
#define COLUMNS_OWN 9 /* of metrics, behind the compatible ones */

struct sqlite_state {
	const char *path;
	sqlite3 *db;
	sqlite3_stmt *insert;
	const struct report *report;
	char run_id[37];
	unsigned pending; /* rows that are not committed */
	uint64_t batches; /* committed */
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, elapsed_ms INTEGER NOT NULL, latency_ms INTEGER NOT NULL,"
	" status_code INTEGER NOT NULL, timed_out INTEGER NOT NULL, transport_error INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS idx_metrics_elapsed_ms ON metrics (elapsed_ms);"
	"CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, start TEXT NOT NULL, target TEXT NOT NULL, version TEXT NOT NULL, summary TEXT "
	"NOT NULL);";

/* Columns that a table made by the reference tool has not. */
static const char *const own[COLUMNS_OWN][2] = {{"run_id", "TEXT"}, {"latency_ns", "INTEGER"}, {"service_ns", "INTEGER"}, {"due_ns", "INTEGER"},
	{"outcome", "TEXT"}, {"reason", "TEXT"}, {"step", "INTEGER"}, {"response_bytes", "INTEGER"}, {"step_name", "TEXT"}};

static bool fail(const struct sqlite_state *state, struct err *err) {
	const char *words = state->db ? sqlite3_errmsg(state->db) : "out of memory";
	return err_set(err, ERR_FAILED, "cannot write the database '%s': %s", state->path, words);
}

static bool run_sql(const struct sqlite_state *state, const char *sql, struct err *err) {
	return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(state, err);
}

static bool has_column(const struct sqlite_state *state, const char *name) {
	return sqlite3_table_column_metadata(state->db, NULL, "metrics", name, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static bool make_tables(const struct sqlite_state *state, struct err *err) {
	char sql[120];
	if (!run_sql(state, schema, err)) return false;
	for (int i = 0; i < COLUMNS_OWN; i++) {
		snprintf(sql, sizeof(sql), "ALTER TABLE metrics ADD COLUMN %s %s", own[i][0], own[i][1]);
		if (!has_column(state, own[i][0]) && !run_sql(state, sql, err)) return false;
	}
	return true;
}

/* The row of the run, its summary as in the JSON export. */
static bool put_run(struct sqlite_state *state, const struct records_run *run, struct err *err) {
	sqlite3_stmt *insert = NULL;
	struct json *summary = json_new_object();
	records_put_summary(summary, run);
	char *text = json_format_line(summary);
	bool ok = sqlite3_prepare_v2(state->db, "INSERT INTO runs VALUES (?1, json_extract(?4, '$.start'), ?2, ?3, ?4)", -1, &insert, NULL) ==
		  SQLITE_OK;
	ok = ok && sqlite3_bind_text(insert, 1, run->report->run.id, -1, SQLITE_STATIC) == SQLITE_OK;
	ok = ok && sqlite3_bind_text(insert, 2, run->report->run.target, -1, SQLITE_STATIC) == SQLITE_OK;
	ok = ok && sqlite3_bind_text(insert, 3, run->report->run.version, -1, SQLITE_STATIC) == SQLITE_OK;
	ok = ok && sqlite3_bind_text(insert, 4, text, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(insert) == SQLITE_DONE;
	if (!ok) fail(state, err);
	sqlite3_finalize(insert);
	free(text);
	json_free(summary);
	return ok;
}

static bool prepare_insert(struct sqlite_state *state, struct err *err) {
	static const char sql[] =
		"INSERT INTO metrics (elapsed_ms, latency_ms, status_code, timed_out, transport_error, run_id, latency_ns, service_ns, due_ns,"
		" outcome, reason, step, response_bytes, step_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	return sqlite3_prepare_v2(state->db, sql, -1, &state->insert, NULL) == SQLITE_OK || fail(state, err);
}

/* Nothing of the run is to stay, batches that were committed included. */
static void take_back(struct sqlite_state *state) {
	char sql[120];
	sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE run_id = '%s'", i == 0 ? "metrics" : "runs", state->run_id);
		if (state->batches > 0) sqlite3_exec(state->db, sql, NULL, NULL, NULL);
	}
}

static bool sqlite_close(void *given, bool keep, struct err *err) {
	struct sqlite_state *state = given;
	bool ok = keep && run_sql(state, "COMMIT", err);
	if (!ok && state->db) take_back(state);
	sqlite3_finalize(state->insert);
	sqlite3_close(state->db);
	free(state);
	return ok;
}

static bool sqlite_open(const char *path, const struct records_run *run, void **ret_state, struct err *err) {
	struct sqlite_state *state = mem_zeroed(1, sizeof(*state));
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	state->path = path;
	state->report = run->report;
	memcpy(state->run_id, run->report->run.id, sizeof(state->run_id));
	bool ok = sqlite3_open_v2(path, &state->db, flags, NULL) == SQLITE_OK || fail(state, err);
	if (ok) sqlite3_busy_timeout(state->db, BUSY_MS);
	ok = ok && run_sql(state, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", err) && run_sql(state, "BEGIN IMMEDIATE", err) &&
	     make_tables(state, err) && put_run(state, run, err) && prepare_insert(state, err);
	*ret_state = state;
	return ok || sqlite_close(state, false, err);
}

static bool sqlite_add(void *given, const struct logged *record, struct err *err) {
	struct sqlite_state *state = given;
	const struct sample *sample = &record->sample;
	sqlite3_stmt *insert = state->insert;
	struct compatible c;
	runlog_translate(record, &c);
	const sqlite3_int64 first[] = {(sqlite3_int64)c.elapsed_ms, (sqlite3_int64)c.latency_ms, c.status, c.timed_out, c.transport_error};
	for (int i = 0; i < (int)LENGTH(first); i++) sqlite3_bind_int64(insert, i + 1, first[i]);
	sqlite3_bind_text(insert, 6, state->run_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(insert, 7, sample_response(sample));
	sqlite3_bind_int64(insert, 8, sample_service(sample));
	sqlite3_bind_int64(insert, 9, sample->due);
	sqlite3_bind_text(insert, 10, outcome_name(reason_outcome(sample->reason)), -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 11, reason_name(sample->reason), -1, SQLITE_STATIC);
	sqlite3_bind_int64(insert, 12, record->has_step ? sample->row : 0);
	sqlite3_bind_int64(insert, 13, sample->bytes < INT64_MAX ? (sqlite3_int64)sample->bytes : INT64_MAX);
	if (sample->row < state->report->step_count) /* else NULL */
		sqlite3_bind_text(insert, 14, state->report->steps[sample->row].group.group.name, -1, SQLITE_STATIC);
	if (sqlite3_step(insert) != SQLITE_DONE) return fail(state, err);
	sqlite3_reset(insert);
	if (++state->pending < BATCH) return true;
	if (!run_sql(state, "COMMIT", err)) return false;
	state->pending = 0;
	state->batches++;
	return run_sql(state, "BEGIN IMMEDIATE", err);
}

const struct record_ops sqlite_ops = {.open = sqlite_open, .add = sqlite_add, .close = sqlite_close};
