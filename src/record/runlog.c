#include "record/runlog.h"

#include <string.h>

#include "base/digits.h"

const char *const runlog_columns[RUNLOG_COLUMNS] = {"elapsed_ms", "latency_ms", "status_code", "timed_out", "transport_error", "response_bytes",
	"in_flight_ops", "due_ns", "ready_ns", "sent_ns", "written_ns", "first_byte_ns", "done_ns", "dns_ns", "connect_ns", "tls_ns", "retry_ns",
	"outcome", "reason", "step", "protocol", "connection", "bytes", "url"};

static const char *const protocols[LOGGED_PROTOCOLS] = {"none", "http/1.1", "h2"};

const char *logged_protocol_name(enum logged_protocol protocol) {
	return protocols[protocol];
}

void runlog_translate(const struct logged *record, struct compatible *ret) {
	const struct sample *sample = &record->sample;
	enum outcome outcome = reason_outcome(sample->reason);
	bool complete = outcome == OUTCOME_OK || outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT;
	*ret = (struct compatible){
		.elapsed_ms = (uint64_t)(sample->due / MSEC),
		.latency_ms = (uint64_t)(sample_response(sample) / MSEC),
		.status = complete ? sample->status : 500,
		.timed_out = outcome == OUTCOME_TIMEOUT,
		.transport_error = !complete && outcome != OUTCOME_TIMEOUT,
	};
}

static char *put(char *at, uint64_t value) {
	at = digits_put(at, value);
	*at++ = ',';
	return at;
}

static char *put_text(char *at, const char *text) {
	size_t size = strlen(text);
	memcpy(at, text, size);
	at[size] = ',';
	return at + size + 1;
}

static char *put_names(char *at, const struct sample *sample) {
	if (sample->reason == REASON_NONE) return put_text(at, "ok,none");
	at = put_text(at, outcome_name(reason_outcome(sample->reason)));
	return put_text(at, reason_name(sample->reason));
}

/* Its bytes are written twice: the column of the reference tool's later version, and at the place that ours has. */
size_t runlog_format(const struct logged *record, nsec zero, char *at) {
	struct logged moved = *record;
	struct sample *sample = &moved.sample;
	struct compatible compatible;
	char *from = at;
	nsec *const stamps[] = {&sample->due, &sample->ready, &sample->sent, &sample->written, &sample->first, &sample->done};
	for (size_t i = 0; i < LENGTH(stamps); i++) *stamps[i] -= zero;
	runlog_translate(&moved, &compatible);
	at = put(at, compatible.elapsed_ms);
	at = put(at, compatible.latency_ms);
	at = put(at, compatible.status);
	*at++ = compatible.timed_out ? '1' : '0';
	*at++ = ',';
	*at++ = compatible.transport_error ? '1' : '0';
	*at++ = ',';
	at = put(at, sample->bytes);
	at = put(at, record->in_flight);
	for (size_t i = 0; i < LENGTH(stamps); i++) at = put(at, (uint64_t)*stamps[i]);
	at = put(at, (uint64_t)sample->dns);
	at = put(at, (uint64_t)sample->connect);
	at = put(at, (uint64_t)sample->tls);
	at = put(at, (uint64_t)sample->retry);
	at = put_names(at, sample);
	at = put(at, record->has_step ? sample->row : 0);
	at = put_text(at, protocols[record->protocol]);
	at = put(at, record->connection);
	at = put(at, sample->bytes);
	at = digits_put(at, record->has_step ? 0 : sample->row);
	*at++ = '\n';
	return (size_t)(at - from);
}

/* A line being read. */
struct reading {
	const char *at, *end;
	bool over; /* the last column was read */
};

/* Goes over the comma behind a column. Returns false if something else stands there. */
static bool pass_comma(struct reading *r) {
	if (r->at == r->end) {
		r->over = true;
		return true;
	}
	return *r->at++ == ',';
}

static bool take(struct reading *r, uint64_t *ret) {
	return !r->over && digits_take(&r->at, r->end, ret) && pass_comma(r);
}

/* A flag is 0, 1, true or false. */
static bool take_flag(struct reading *r, bool *ret) {
	if (r->over) return false;
	if (r->end - r->at > 1 && r->at[1] == ',' && (*r->at == '0' || *r->at == '1')) { /* as it is nearly always */
		*ret = *r->at == '1';
		r->at += 2;
		return true;
	}
	struct slice rest, word = slice_cut((struct slice){r->at, (size_t)(r->end - r->at)}, ',', &rest);
	*ret = slice_equal(word, SLICE("1")) || slice_equal_nocase(word, SLICE("true"));
	r->at = word.at + word.size;
	return pass_comma(r);
}

static bool take_word(struct reading *r, struct slice *ret) {
	struct slice rest;
	if (r->over) return false;
	*ret = slice_cut((struct slice){r->at, (size_t)(r->end - r->at)}, ',', &rest);
	r->at = ret->at + ret->size;
	return pass_comma(r);
}

static bool find_reason(struct slice outcome, struct slice reason, uint8_t *ret) {
	for (enum reason i = 0; i < REASON_COUNT; i++) {
		if (!slice_equal(reason, slice_of(reason_name(i))) || !slice_equal(outcome, slice_of(outcome_name(reason_outcome(i))))) continue;
		*ret = (uint8_t)i;
		return true;
	}
	return false;
}

/* Two columns: how it ended, and why. */
static bool take_reason(struct reading *r, uint8_t *ret) {
	static const char good[] = "ok,none,";
	struct slice outcome, reason;
	if (r->end - r->at >= (ptrdiff_t)sizeof(good) - 1 && memcmp(r->at, good, sizeof(good) - 1) == 0) {
		*ret = REASON_NONE;
		r->at += sizeof(good) - 1;
		return true;
	}
	return take_word(r, &outcome) && take_word(r, &reason) && find_reason(outcome, reason, ret);
}

/* What is no protocol of ours is none. */
static bool take_protocol(struct reading *r, uint8_t *ret) {
	struct slice word;
	*ret = LOGGED_NONE;
	if (!take_word(r, &word)) return false;
	for (unsigned i = 0; i < LOGGED_PROTOCOLS; i++)
		if (slice_equal(word, slice_of(protocols[i]))) *ret = (uint8_t)i;
	return true;
}

/* What a line of the reference tool says: two times in ms and how it ended. */
static bool fill_compatible(const struct compatible *compatible, struct sample *sample) {
	const uint64_t most = INT64_MAX / 4 / (uint64_t)MSEC;
	if (compatible->elapsed_ms > most || compatible->latency_ms > most) return false;
	nsec due = (nsec)compatible->elapsed_ms * MSEC, done = due + (nsec)compatible->latency_ms * MSEC;
	sample->due = sample->ready = sample->sent = sample->written = due;
	sample->first = sample->done = done;
	sample->status = (uint16_t)(compatible->status < 1000 ? compatible->status : 0);
	sample->reason = compatible->timed_out ? REASON_TIMEOUT_RESPONSE : compatible->transport_error ? REASON_CONNECT_FAILED : REASON_NONE;
	return true;
}

/* Reads our columns, behind the seven; `record` has those already. */
static bool read_ours(struct reading *r, struct logged *record) {
	struct sample *sample = &record->sample;
	nsec *const times[] = {&sample->due, &sample->ready, &sample->sent, &sample->written, &sample->first, &sample->done, &sample->dns,
		&sample->connect, &sample->tls, &sample->retry};
	uint64_t step, connection, bytes, row, value;
	nsec before = 0;
	for (size_t i = 0; i < LENGTH(times); i++) {
		if (!take(r, &value) || value > INT64_MAX / 4) return false;
		*times[i] = (nsec)value;
		if (i < 6 && *times[i] < before) return false;
		before = *times[i];
	}
	if (r->over || !take_reason(r, &sample->reason) || !take(r, &step) || !take_protocol(r, &record->protocol)) return false;
	if (!take(r, &connection) || !take(r, &bytes) || !take(r, &row)) return false;
	if (connection > UINT32_MAX || row >= SAMPLE_ROWS_MAX || step >= SAMPLE_ROWS_MAX) return false;
	record->connection = (uint32_t)connection;
	sample->bytes = bytes;
	record->has_step = step > 0;
	sample->row = (uint16_t)(record->has_step ? step : row);
	if (sample->reason == REASON_OPEN) sample->flags |= SAMPLE_OPEN;
	return true;
}

bool runlog_parse(struct slice line, struct logged *ret) {
	struct reading r = {line.at, line.at + line.size, false};
	struct compatible compatible = {0};
	struct logged record = {0};
	uint64_t status, bytes = 0, in_flight = 0;
	if (line.size > 0 && r.end[-1] == '\r') r.end--;
	if (!take(&r, &compatible.elapsed_ms) || !take(&r, &compatible.latency_ms) || !take(&r, &status) || status > UINT16_MAX) return false;
	compatible.status = (unsigned)status;
	if (!r.over && !take_flag(&r, &compatible.timed_out)) return false;
	if (!r.over && !take_flag(&r, &compatible.transport_error)) return false;
	if (!r.over && !take(&r, &bytes)) return false;
	if (!r.over && !take(&r, &in_flight)) return false;
	if (!fill_compatible(&compatible, &record.sample)) return false;
	record.sample.bytes = bytes;
	record.in_flight = (uint32_t)(in_flight < UINT32_MAX ? in_flight : UINT32_MAX);
	if (!r.over && !read_ours(&r, &record)) return false;
	*ret = record;
	return true;
}
