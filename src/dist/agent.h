/* An agent: does what a controller tells it, and reports. A state machine without sockets and clocks.
 * In: events of dist/link.h, moments (link_clock()), what the load says. Out: calls of struct agent_ops. Main thread; the caller owns what it hands in.
 * Contract: spec/distributed.md 1.5, 1.6; docs/distributed.md. */
#pragma once

#include "base/log.h"
#include "dist/message.h"

#define AGENT_FIRST_SAMPLES 5 /* at once after WELCOME */
#define AGENT_FIRST_PERIOD (20 * MSEC)
#define AGENT_HELLO_TIME (10 * SEC)   /* for WELCOME after HELLO */
#define AGENT_CONNECT_TIME (30 * SEC) /* for a connection */
#define AGENT_SILENCE (15 * SEC)      /* of the controller, at least; or three heartbeat timeouts */
#define AGENT_OFFER_TIME (30 * SEC)   /* for a report without a connection */
#define AGENT_REPORT_TIME (120 * SEC) /* for a report in any case */
#define AGENT_RESEND (5 * SEC)        /* without TAKEN */
#define AGENT_PARTS_AHEAD 8           /* parts that are sent before the controller is heard again: less than LINK_QUEUE_MAX */
#define AGENT_BACKOFF_MAX 10          /* reconnect intervals */

enum agent_state {
	AGENT_CONNECT,
	AGENT_HELLO, /* sent, WELCOME awaited */
	AGENT_IDLE,
	AGENT_ARMED, /* CONFIG is here, the caller prepares */
	AGENT_READY, /* prepared, START awaited */
	AGENT_DELAY, /* START is here, its moment has not come */
	AGENT_RUN,
	AGENT_REPORT,    /* the report waits for TAKEN */
	AGENT_RECONNECT, /* no connection and no run; the next attempt has its time */
	AGENT_LEFT,
};

struct agent_rules {
	const char *id, *host, *program; /* texts must live as long as the agent */
	unsigned cpus;                   /* >= 1 */
	uint32_t weight;
	bool standby;
	nsec reconnect;          /* >= 1 ms: the interval of attempts, +-20 %; doubles up to AGENT_BACKOFF_MAX without a run */
	nsec heartbeat_interval; /* >= 1 ms; a third of the controller's timeout is the most that is used */
	nsec monotonic_behind;   /* link_clock() less clock_now() */
	uint64_t seed;           /* of the jitter */
	nsec skew;               /* for tests: the agent's clock is ahead of `now` by this */
};

/* When to start. */
struct agent_start {
	nsec at;   /* clock_now(); not before now */
	nsec late; /* the moment had passed by this when START came; 0: in time */
	const struct message_config *config;
};

/* A share from a moment on. */
struct agent_stripe {
	nsec at;   /* from the ordered start of the run on, by the controller's clock alone: the same for all agents */
	nsec late; /* the moment had passed by this when it came; 0: in time */
	struct message_weights weights;
	size_t index;
};

struct agent_prepared {
	const char *fault; /* why not; NULL: it is */
	struct message_texts addresses;
	unsigned threads;
};

struct agent_finished {
	struct slice bytes; /* copied; more than MESSAGE_PARTS_MAX * MESSAGE_PART_MAX is reported as an error instead */
	bool early;         /* ended before its time, not by STOP */
	const char *reason; /* of that; "" or NULL else */
	nsec started_late;  /* after the `at` of agent_start */
	struct message_texts errors;
};

/* What the agent does; `user` is as given. None may be NULL. They may call agent_prepared and agent_finished, nothing else;
 * no call of agent_free within one. */
struct agent_ops {
	void (*connect)(void *user);    /* opens the link; LINK_UP or LINK_DOWN follows */
	void (*disconnect)(void *user); /* closes it: events of it are of no use any more; also when there is none */
	bool (*send)(void *user, enum link_kind kind, struct slice body);
	void (*say)(void *user, enum log_level level, const char *text);
	void (*strain)(void *user, struct message_beat *ret); /* fills cpu, in_flight, late */
	/* Prepares a run, answered by agent_prepared, at once or later. What `config` points to lives until cancel(), or until the report is taken. */
	void (*prepare)(void *user, const struct message_config *config);
	void (*cancel)(void *user); /* gives up what is prepared, or being prepared: agent_prepared does not come for it any more */
	/* The run begins at its moment. Answered by agent_finished in any case, also when stop() comes before the moment. */
	void (*start)(void *user, const struct agent_start *start);
	void (*restripe)(void *user, const struct agent_stripe *stripe);
	void (*stop)(void *user, const char *reason); /* ends the run gracefully; may come twice */
	void (*leave)(void *user, int status);        /* the last call: 0, 1, or 130 after a second Ctrl-C */
};

struct agent;

/* Makes one and begins to connect. `now` is link_clock(), here and below. Never NULL; agent_free() it. `rules` and `ops` are copied. */
struct agent *agent_new(const struct agent_rules *rules, const struct agent_ops *ops, void *user, nsec now);
void agent_free(struct agent *agent);

void agent_event(struct agent *agent, const struct link_event *event, nsec now);

/* Lets time pass: heartbeats, limits. At least every 100 ms, and at agent_due() for exact heartbeats. */
void agent_tick(struct agent *agent, nsec now);
nsec agent_due(const struct agent *agent);

/* The answer to ops.prepare. */
void agent_prepared(struct agent *agent, const struct agent_prepared *prepared, nsec now);

/* Sends a cumulative snapshot, if the run wants some and there is a connection; bytes up to MESSAGE_TAIL_MAX. */
void agent_snapshot(struct agent *agent, nsec elapsed, struct slice bytes);

/* The run is over, all of it: hands over the report. */
void agent_finished(struct agent *agent, const struct agent_finished *finished, nsec now);

/* Ctrl-C, SIGTERM. The first one ends the run early, reports and leaves; the second one leaves at once. */
void agent_interrupt(struct agent *agent, nsec now);

enum agent_state agent_state(const struct agent *agent);

/* Returns whether the controller's clock is known, and tells it less the agent's, with the round trip of the sample that said so. */
bool agent_clock(const struct agent *agent, nsec *ret_offset, nsec *ret_round_trip);
