/* What an endpoint wants to be answered, and the head of such an answer as bytes.
 * In: status, fields, body, faults. Out: a response head with a blank truth header. Plain values; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "target/stream.h"

#define ANSWER_HEAD_MAX 1024
#define ANSWER_BODY "ok\n" /* of every answer that is about something else than its body */

enum answer_framing {
	ANSWER_SIZED,       /* Content-Length */
	ANSWER_CHUNKED,     /* Transfer-Encoding: chunked */
	ANSWER_UNTIL_CLOSE, /* neither: the body ends with the connection */
	ANSWER_NO_BODY,     /* neither: the status has no body */
	ANSWER_OPEN,        /* Content-Length, and a last field whose value and end are the stream's */
	ANSWER_BARE,        /* no head at all: only the body's bytes */
};

enum answer_end {
	ANSWER_KEEP, /* closes nevertheless if the request does not keep alive */
	ANSWER_CLOSE,
	ANSWER_RESET, /* a reset at once, nothing is sent */
	ANSWER_HANG,  /* nothing at all */
};

struct answer {
	unsigned status;
	enum answer_framing framing;
	enum answer_end end;
	bool keep_alive;      /* what the request asks for */
	bool is_head;         /* to HEAD: no body */
	bool is_partial;      /* broken on purpose: not counted as answered */
	bool is_plain;        /* status 200 and ANSWER_BODY, nothing else: the prepared bytes will do */
	bool is_hidden;       /* not counted at all */
	nsec delay;           /* from the read to the answer */
	struct slice before;  /* interim responses, complete */
	struct slice type;    /* Content-Type, constant; NULL: text/plain */
	struct slice fields;  /* more header lines, each with its CRLF */
	struct slice body;    /* with `delay` it must be constant */
	char *owned;          /* NULL, or heap memory that `body` points into: freed with the answer */
	uint64_t body_bytes;  /* for Content-Length */
	struct stream stream; /* what follows `body` */
};

/* Returns the value of Content-Type. */
static inline struct slice answer_type(const struct answer *answer) {
	return answer->type.at ? answer->type : SLICE("text/plain");
}

/* Takes the body away from an answer to HEAD, which tells of it only (RFC 9110 section 9.3.2). */
void answer_fit_method(struct answer *answer);

/* The phrase of a status as registered by IANA; "Status" for the others. */
const char *answer_phrase(unsigned status);

/* Writes the head (interim responses not included) into `out` of ANSWER_HEAD_MAX bytes and returns its size; `*ret_truth` is where the value of the truth
 * header stands, blank. There is no Date header: heads of equal answers are equal but for the truth, so a client's comparison with the last head
 * is not upset once a second. The truth header comes first, so it has one place for all answers of a status. */
size_t answer_format_head(const struct answer *answer, char *out, size_t *ret_truth);
