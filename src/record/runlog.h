/* The run log: a line of text for each finished request, and lines that begin with '#': "# strest {…}" first, "# end {…}" last.
 * In: samples, or lines. Out: lines, or samples. Plain functions on the caller's memory; any thread.
 * The first seven columns are those of the reference tool, which reads such a file: see runlog_columns. Times of a record count from the end of the warm-up.
 * The columns "step" and "url" are indices: into "steps" of the first line, and into the rows of the list of URLs; 0 without steps, or a list. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "record/sample.h"

/* What a log has of a request. */
struct logged {
	struct sample sample;
	uint32_t connection; /* number of its connection; 0: it had none */
	uint32_t in_flight;  /* requests of the same thread that were in flight when it ended, itself not counted */
	uint8_t protocol;    /* enum logged_protocol: of its connection */
	bool has_step;       /* the row of its sample is that of a step, not of a URL; one that is read has it only with a row over 0 */
};
enum logged_protocol { LOGGED_NONE, LOGGED_HTTP1, LOGGED_H2, LOGGED_PROTOCOLS };

#define RUNLOG_COLUMNS 24
#define RUNLOG_LINE_MAX 512 /* bytes of a line, with its end */
#define RUNLOG_HEAD "# strest "
#define RUNLOG_END "# end "

/* The names of the columns, in their order: elapsed_ms,latency_ms,status_code,timed_out,transport_error,response_bytes,in_flight_ops, then ours. */
extern const char *const runlog_columns[RUNLOG_COLUMNS];

/* The values of a record in the words of the compatible columns: times in ms, cut off; status 500 where no complete response came. */
struct compatible {
	uint64_t elapsed_ms, latency_ms;
	unsigned status;
	bool timed_out, transport_error;
};
void runlog_translate(const struct logged *record, struct compatible *ret);

/* Returns a name as it stands in the column "protocol": "http/1.1", "h2", "none". */
const char *logged_protocol_name(enum logged_protocol protocol);

/* Writes the line of a record to `at` (RUNLOG_LINE_MAX bytes), with its '\n'; returns its size. `zero` is subtracted from its stamps, none of which lies before. */
size_t runlog_format(const struct logged *record, nsec zero, char *at);

/* Reads a line without its '\n'. A line of the reference tool has three to seven columns: missing flags and numbers are 0, the stamps come from its two times.
 * Columns behind ours are ignored. False, *ret untouched: it is no record (a comment, the names of the columns, cut off, anything else). */
bool runlog_parse(struct slice line, struct logged *ret);
