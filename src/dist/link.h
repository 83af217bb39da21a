/* The link between a controller and its agents: messages both ways, and who is there. Carriers: dist/link_http.h.
 * In: messages to send. Out: events, one at a time, on the caller's thread; a carrier's own threads wait behind a descriptor.
 * A message is at most LINK_MESSAGE_MAX bytes; what is longer is refused before memory is taken for it. A message may be lost when the link breaks:
 * snapshots are cumulative, reports are sent again until they are acknowledged. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

#define LINK_MESSAGE_MAX ((size_t)4 << 20)
#define LINK_QUEUE_MAX ((size_t)16 << 20) /* bytes that wait for a peer; then it counts as gone */

/* What a message is; bodies: dist/message.h. */
enum link_kind {
	/* Agent to controller. */
	LINK_HELLO, /* the first one of a connection */
	LINK_READY, /* the run is prepared: names looked up, files there */
	LINK_BEAT,  /* both ways: the agent asks with its clock, the controller answers with its own */
	LINK_SNAPSHOT,
	LINK_REPORT, /* a part of it */
	LINK_FAULT,  /* both ways: the run cannot be prepared; the other side has broken the rules */
	LINK_GOODBYE,
	/* Controller to agent. */
	LINK_WELCOME,
	LINK_CONFIG,
	LINK_START,
	LINK_STOP,
	LINK_STRIPE, /* another share of the schedule from some moment on */
	LINK_TAKEN,  /* the report is here, all of it */
	LINK_KIND_COUNT
};

enum link_what {
	LINK_NOTHING, /* no event is waiting */
	LINK_UP,      /* a peer is connected and has shown the token (if there is one) */
	LINK_MESSAGE,
	LINK_DOWN, /* it is gone; the last event of a peer. At an agent that could not connect: the only one */
};

struct link_event {
	enum link_what what;
	uint64_t peer; /* >= 1, never used twice; at an agent the controller is always 1 */
	enum link_kind kind;
	struct slice body; /* valid until the next call */
	const char *words; /* UP: its address, for people; DOWN: why. Valid until the next call */
	bool refused;      /* DOWN at an agent: the controller does not want it (token, version); trying again does not help by itself */
	nsec at;           /* link_clock() when it arrived */
};

struct link;

/* What a carrier does; each carrier's struct begins with a struct link. */
struct link_ops {
	bool (*next)(struct link *link, struct link_event *ret);
	bool (*send)(struct link *link, uint64_t peer, enum link_kind kind, struct slice body);
	void (*drop)(struct link *link, uint64_t peer, const char *words);
	int (*descriptor)(const struct link *link);
	const char *(*address)(const struct link *link);
	void (*close)(struct link *link);
};

struct link {
	const struct link_ops *ops;
};

/* Returns the time by which both ends speak of moments: ns since 1970 by the system's clock when the process began, steady since then. */
nsec link_clock(void);

/* Takes the next event; false: none is waiting. */
static inline bool link_next(struct link *link, struct link_event *ret) {
	return link->ops->next(link, ret);
}

/* Sends, soon; false: the peer is gone or lets too much wait, and LINK_DOWN will come or has come. */
static inline bool link_send(struct link *link, uint64_t peer, enum link_kind kind, struct slice body) {
	return link->ops->send(link, peer, kind, body);
}

/* Tells a peer why (its LINK_DOWN has these words, and `refused`) and closes its connection, after what was sent before. LINK_DOWN does not come here, and
 * nothing of it that still waits. At an agent: only ends the link. */
static inline void link_drop(struct link *link, uint64_t peer, const char *words) {
	link->ops->drop(link, peer, words);
}

/* Returns what is readable while events are waiting; for poll(). */
static inline int link_descriptor(const struct link *link) {
	return link->ops->descriptor(link);
}

/* Returns where a controller listens, "127.0.0.1:9009", or whom an agent speaks to. */
static inline const char *link_address(const struct link *link) {
	return link->ops->address(link);
}

/* Sends what waits, for a second at most, then closes everything. NULL is fine. */
static inline void link_close(struct link *link) {
	if (link) link->ops->close(link);
}
