/* The bodies of the messages of dist/link.h: a JSON object in one line; behind that of SNAPSHOT and REPORT one byte 0x0a and bytes that are not looked at.
 * In: structs, or bytes from outside. Out: bytes, or structs. Any thread. Members that are not known are ignored, every text and number has a limit.
 * The names, kinds and limits of all members are rows of the table in message.c. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dist/link.h"

#define MESSAGE_PROTOCOL 1 /* another number in a HELLO or WELCOME: the two cannot speak to each other */
#define MESSAGE_AGENTS_MAX 10000
#define MESSAGE_WEIGHT_MAX 1000000
#define MESSAGE_NAME_MAX 128  /* bytes of an id, host name, version or run id */
#define MESSAGE_WORDS_MAX 479 /* bytes of a sentence; longer ones are cut when they are written */
#define MESSAGE_TEXTS_MAX 64  /* sentences or addresses in one message */
#define MESSAGE_FILES_MAX 64
#define MESSAGE_PART_MAX ((size_t)1 << 20) /* bytes of one part of a report */
#define MESSAGE_PARTS_MAX 64
#define MESSAGE_TAIL_MAX ((size_t)7 << 19)   /* bytes behind a head */
#define MESSAGE_HEAD_MAX ((size_t)256 << 10) /* bytes of JSON, CONFIG excepted: that may fill the message */

/* Agent to controller, the first message. */
struct message_hello {
	int64_t protocol;    /* MESSAGE_PROTOCOL */
	const char *program; /* version of the program */
	const char *id, *host;
	int64_t cpus;       /* 1 .. 65536 */
	int64_t weight;     /* 0 .. MESSAGE_WEIGHT_MAX; 0 counts as 1 */
	const char *run_id; /* the run it is in, or whose report it keeps; "": none */
};

struct message_welcome {
	int64_t protocol;
	const char *program;
	int64_t clock_ns;             /* link_clock() of the controller when it wrote this */
	int64_t heartbeat_timeout_ms; /* an agent that is silent for longer counts as lost */
	bool busy;                    /* a run is in progress, this agent takes part in the next one */
};

struct message_texts {
	const char *const *at;
	size_t count;
};

struct message_weights {
	const uint32_t *at; /* each 1 .. MESSAGE_WEIGHT_MAX */
	size_t count;       /* 1 .. MESSAGE_AGENTS_MAX */
};

struct message_file {
	const char *name;
	struct slice bytes; /* base64 on the wire */
};

struct message_files {
	const struct message_file *at;
	size_t count;
};

/* What to run. Index and requests are written last: see message_write_share. */
struct message_config {
	const char *run_id;
	int64_t attempt; /* counts the CONFIGs of a run: an agent failed, the rest share anew */
	bool stream;
	int64_t interval_ms; /* between snapshots */
	int64_t heartbeat_timeout_ms;
	const char *config; /* text for config/travel.h */
	struct message_files files;
	struct message_weights weights; /* of all agents of the run, in order */
	int64_t index;                  /* the agent's own place in `weights` */
	int64_t requests;               /* its share of --requests; 0: none was given, or none is its share (`config` tells) */
};

struct message_ready {
	const char *run_id;
	int64_t attempt;
	struct message_texts addresses; /* of the target, as they will be used */
	int64_t threads;                /* 0 .. 4096 */
	int64_t offset_ns;              /* the controller's clock less the agent's */
	int64_t round_trip_ns;          /* of the sample that gave it */
};

/* START: the moment in the controller's clock. STOP: `words` says why. TAKEN, FAULT, GOODBYE use the same members. */
struct message_order {
	const char *run_id; /* FAULT and GOODBYE: "" when it is about no run */
	int64_t attempt;    /* FAULT of an agent that cannot prepare; 0 else */
	int64_t at_ns;      /* START */
	const char *words;  /* STOP, FAULT, GOODBYE */
};

/* An agent sends its clock as t1 and how it is; the controller answers t1, seq, when that arrived (t2) and when it answered (t3). */
struct message_beat {
	int64_t t1, t2, t3; /* link_clock(), each of its own machine; t2 and t3 are 0 in the agent's */
	int64_t seq;
	double cpu;        /* percent of all CPUs, 0 .. 100 */
	int64_t in_flight; /* requests */
	int64_t late;      /* requests that were sent late so far */
};

/* Another share of the schedule from at_ns on (controller's clock). */
struct message_stripe {
	const char *run_id;
	int64_t at_ns;
	struct message_weights weights;
	int64_t index;
};

struct message_snapshot {
	const char *run_id;
	int64_t seq;        /* grows within a run, from 1 */
	int64_t elapsed_ns; /* since the start of the run */
	struct slice bytes; /* cumulative */
};

struct message_report {
	const char *run_id;
	int64_t part, parts; /* 0 .. parts - 1; 1 .. MESSAGE_PARTS_MAX */
	bool early;          /* the run did not come to its end: `reason` says why */
	const char *reason;
	int64_t started_late_ns;
	struct message_texts errors; /* run-time errors; in part 0 */
	struct slice bytes;          /* at most MESSAGE_PART_MAX */
};

struct message {
	enum link_kind kind;
	union {
		struct message_hello hello;
		struct message_welcome welcome;
		struct message_config config;
		struct message_ready ready;
		struct message_order order; /* START, STOP, TAKEN, FAULT, GOODBYE */
		struct message_beat beat;
		struct message_stripe stripe;
		struct message_snapshot snapshot;
		struct message_report report;
	};
};

/* Appends the body of a message. NULL texts count as "". False: a text or number is outside its limits, or the message is longer than
 * LINK_MESSAGE_MAX; the error names it, and `into` is of no use. */
bool message_write(const struct message *message, struct buf *into, struct err *err) __attribute__((warn_unused_result));

/* Appends `body`, a CONFIG or STRIPE that message_write made, with another index (and share of the requests; a STRIPE has none): the bulk is written once for all
 * agents. False: `into` is full. */
bool message_write_share(struct slice body, int64_t index, int64_t requests, struct buf *into) __attribute__((warn_unused_result));

/* Reads the body of a message of this kind. Texts live in the arena, the bytes behind a head in `body`. False: one sentence in err, naming kind and member.
 * A HELLO or WELCOME of another protocol is read as far as `protocol` and `program`, the rest is empty. */
bool message_read(enum link_kind kind, struct slice body, struct arena *arena, struct message *ret, struct err *err)
	__attribute__((warn_unused_result));

/* Returns "HELLO" and so on; "?" for no kind. Constant. */
const char *message_kind_words(enum link_kind kind);
