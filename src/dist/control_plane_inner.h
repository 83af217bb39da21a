/* What the files of the control plane share: its connections (visits), and the requests that the main thread answers.
 * In: sockets, the calls of dist/control_plane.h. Out: answers. One lock guards what stands below the line in struct control_plane; all else is the
 * plane's thread's. */
#pragma once

#include <pthread.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "dist/control_head.h"
#include "dist/control_plane.h"
#include "net/listening.h"

#define PLANE_PIECE ((size_t)64 << 10) /* bytes that are read at once */
#define PLANE_LINGER (1 * SEC)         /* what a client still sends after its answer is read and dropped, so that the answer is not lost with it */
#define PLANE_WRITE_LIMIT (10 * SEC)   /* for taking an answer */
#define PLANE_CLOSE_LIMIT (1 * SEC)

/* A request that the main thread is to answer. The plane's list owns it, until its visit takes it out. */
struct plane_request {
	TAILQ_ENTRY(plane_request) in_line;
	uint64_t id;
	enum control_kind kind;
	char *body; /* NULL after it was shown: then it is the plane's `shown` */
	size_t size;
	bool was_shown;
	nsec until;      /* 504 then */
	unsigned status; /* of the answer; 0: none yet */
	char *answer;
};

enum visit_state {
	VISIT_HEAD,
	VISIT_BODY,
	VISIT_WAIT, /* for the main thread */
	VISIT_ANSWER,
	VISIT_LINGER,
	VISIT_OVER, /* closed */
};

/* A connection. */
struct visit {
	int fd;
	enum visit_state state;
	nsec until; /* of the state; not of VISIT_WAIT */
	struct buf in, out;
	size_t sent;
	struct control_head_reader *reader;
	size_t body_at, body_size;
	enum control_kind kind;
	bool bare; /* a HEAD: no body in the answer */
	struct plane_request *request;
};

struct control_plane {
	struct listening place;
	char *token; /* NULL: none */
	nsec read_limit, answer_limit;
	int events, wake; /* eventfds: for the main thread, for the plane's */
	pthread_t thread;
	struct visit visits[CONTROL_PLANE_CONNECTIONS];
	unsigned count;
	nsec deaf_until; /* nothing is accepted before: no descriptor is left */
	char piece[PLANE_PIECE];
	char *shown; /* the main thread's: the body that it looks at */

	/* ---- locked ---- */
	pthread_mutex_t lock;
	TAILQ_HEAD(, plane_request) requests; /* oldest first */
	uint64_t last_id;
	bool closing;
};

/* ---- control_visit.c ---- */

/* Begins a visit over this socket. */
void visit_begin(struct visit *visit, int fd, nsec until);

/* Returns what to wait for (poll's events), and until when. */
short visit_events(const struct visit *visit);
nsec visit_until(const struct visit *visit);

/* Goes on with it: `happened` are poll's events. With `closing` it comes to its end. */
void visit_turn(struct control_plane *plane, struct visit *visit, short happened, bool closing);

/* Ends it at once. */
void visit_end(struct control_plane *plane, struct visit *visit);

/* ---- control_plane.c ---- */

/* Hands a request over to the main thread; `body` (malloc) is the request's. */
struct plane_request *plane_put(struct control_plane *plane, enum control_kind kind, char *body, size_t size);

/* Returns whether the answer is there, or will not come: then *ret_status and *ret_answer (free() it), and `request` is gone. */
bool plane_take(struct control_plane *plane, struct plane_request *request, bool closing, unsigned *ret_status, char **ret_answer);

/* Nobody waits for it any more. */
void plane_forget(struct control_plane *plane, struct plane_request *request);
