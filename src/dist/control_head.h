/* The head of a request to the control plane, by llhttp.
 * In: bytes as they come. Out: what the head says, or what is wrong with it. No sockets; one thread a head. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum control_head_result {
	CONTROL_HEAD_MORE,
	CONTROL_HEAD_COMPLETE,
	CONTROL_HEAD_BAD, /* no head of HTTP/1.x */
};

/* A complete head. Slices point into it. */
struct control_head {
	size_t size;                 /* bytes, with the empty line */
	struct slice method, target; /* "GET", "/status" */
	struct slice authorization;  /* without blanks around it; empty: none */
	unsigned authorizations;     /* how many fields of that name there are */
	bool has_origin, has_coding; /* Origin, Transfer-Encoding */
	bool has_length, expects;    /* Content-Length, Expect: 100-continue */
	uint64_t length;             /* Content-Length */
};

struct control_head_reader;

/* Makes one, for one head. Never NULL. NULL may be freed. */
struct control_head_reader *control_head_new(void);
void control_head_free(struct control_head_reader *reader);

/* Reads on. `bytes` is all that has come, from the head's first byte; it may lie elsewhere each time. COMPLETE: *ret, once. BAD: *ret_why is a constant
 * text, or one of the reader's, lower case. Not to be called again after either. */
enum control_head_result control_head_read(struct control_head_reader *reader, struct slice bytes, struct control_head *ret, const char **ret_why);
