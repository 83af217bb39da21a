/* The controller of a run on several machines: who is there, what each is told, whose report has come. A state machine without sockets and clocks.
 * In: events of dist/link.h, moments (link_clock()), orders of people. Out: calls of struct controller_ops. Main thread; the caller owns what it hands in.
 * Contract: spec/distributed.md 1.3, 1.4, 1.6; docs/distributed.md. */
#pragma once

#include "base/log.h"
#include "dist/message.h"

#define CONTROLLER_GUESTS_MAX 1000                /* connections without a HELLO */
#define CONTROLLER_HELLO_TIME (10 * SEC)          /* for a HELLO after the connection */
#define CONTROLLER_PREPARE_TIME (30 * SEC)        /* for READY after CONFIG, and the connect timeout */
#define CONTROLLER_REPORT_TIME (30 * SEC)         /* for reports after the end, or after a stop */
#define CONTROLLER_ATTEMPTS_MAX 16                /* CONFIGs of one run: each time some agents fail and the rest share anew */
#define CONTROLLER_ADDRESSES_MAX 256              /* of targets, all agents together */
#define CONTROLLER_PARTS_ROOM ((size_t)256 << 20) /* bytes of reports that are not complete */
#define CONTROLLER_TICK (100 * MSEC)              /* how often controller_tick is meant to be called */
#define CONTROLLER_SPREAD_MAX (50 * MSEC)         /* starts that lie further apart are told */

enum controller_state {
	CONTROLLER_IDLE,       /* manual: no run */
	CONTROLLER_WAIT,       /* for enough agents */
	CONTROLLER_DISTRIBUTE, /* CONFIG is sent, READY awaited */
	CONTROLLER_STARTING,   /* START is sent, its moment has not come */
	CONTROLLER_RUNNING,    /* until all reports are in */
	CONTROLLER_OVER, /* auto: after its run; manual: after controller_interrupt. Nothing happens any more, but reports are still acknowledged */
};

enum controller_loss { CONTROLLER_CONTINUE, CONTROLLER_REDISTRIBUTE, CONTROLLER_ABORT };

/* Numbers that do not change. */
struct controller_rules {
	bool manual;
	unsigned min_agents; /* >= 1 */
	nsec wait;           /* for min_agents; 0: auto for ever, manual not at all */
	nsec start_after;    /* from START to the start */
	nsec heartbeat_timeout;
	nsec stream_interval;         /* 0: no snapshots */
	enum controller_loss on_loss; /* also of an agent that ends early by itself; CONTROLLER_REDISTRIBUTE needs an open loop, else it continues */
	const char *program;          /* version */
};

/* One run, as the caller has prepared it; texts must live until over(). */
struct controller_run {
	const char *run_id;
	const char *config;
	struct message_files files;
	uint64_t requests; /* of all agents; 0: no limit */
	nsec duration;     /* with warm-up; NSEC_NEVER: until the requests are done or somebody stops it, then nothing but a stop bounds the run */
	nsec request_timeout;
	nsec connect_timeout;
	bool open_loop;
};

/* An agent of a run, or of the pool. */
struct controller_agent {
	const char *id, *host;
	uint32_t weight;
	unsigned cpus, threads;
	size_t address_count;      /* of began(): those that it uses, in its order ... */
	const uint16_t *addresses; /* ... as indexes into all of them; valid during the call */
	nsec offset, round_trip;   /* of its clock, when it was ready */
	const char *state;         /* "idle", "preparing", "ready", "running", "reported", "lost", "busy" (with a former run), "silent" */
	nsec last_seen;            /* 0: not connected */
	double cpu;                /* percent */
	int64_t in_flight, late;
};

/* All agents are ready. */
struct controller_began {
	const struct controller_agent *agents; /* by index */
	size_t count;
	const char *const *addresses; /* of the target, each once */
	size_t address_count;
	nsec at; /* the start, link_clock() */
};

struct controller_report {
	struct slice bytes;
	bool early;
	const char *reason;
	nsec started_late;
	struct message_texts errors; /* each has been told by error(), too */
};

enum controller_end {
	CONTROLLER_DONE,      /* at least one agent has reported */
	CONTROLLER_FAILED,    /* none has, or the run could not begin: `words` */
	CONTROLLER_CANCELLED, /* stopped before START */
};

struct controller_outcome {
	enum controller_end end;
	const char *words; /* FAILED, and why a DONE one was ended; "" else */
	size_t agents, reported, early;
	size_t errors;    /* calls of error() */
	nsec spread;      /* between the first and the last start, by what the agents say */
	nsec clock_doubt; /* half the largest round trip: how wrong the agents' clocks may be */
	bool stopped;     /* by controller_stop or controller_interrupt */
};

/* The answer to controller_start. */
enum controller_answer {
	CONTROLLER_STARTED,   /* words: the run id */
	CONTROLLER_BUSY,      /* a run is in progress, or a start is waiting */
	CONTROLLER_TOO_FEW,   /* agents */
	CONTROLLER_INVALID,   /* prepare() refused */
	CONTROLLER_GONE,      /* agents vanished before the start */
	CONTROLLER_WITHDRAWN, /* controller_stop came before the start */
};

/* What the controller does; `user` is as given. None may be NULL, none may call the controller except for its const functions. */
struct controller_ops {
	bool (*send)(void *user, uint64_t peer, enum link_kind kind, struct slice body); /* as link_send */
	void (*drop)(void *user, uint64_t peer, const char *words);                      /* as link_drop */
	void (*say)(void *user, enum log_level level, const char *text);
	/* Makes the run for all agents. False: err says why. */
	bool (*prepare)(void *user, struct controller_run *ret, struct err *err);
	/* Before START: the last moment to refuse. */
	bool (*began)(void *user, const struct controller_began *began, struct err *err);
	void (*snapshot)(void *user, size_t index, const struct message_snapshot *snapshot);
	void (*report)(void *user, size_t index, const struct controller_report *report); /* once for each agent at most, also after agent_lost */
	void (*agent_lost)(void *user, size_t index, const char *why);
	void (*error)(void *user, const char *words); /* a run-time error of the run, for the list at its end */
	/* For each call of controller_start once, maybe before that returns. */
	void (*answer)(void *user, enum controller_answer answer, const char *words);
	/* The run is over. Once for each prepare() that was true; in auto once in any case. */
	void (*over)(void *user, const struct controller_outcome *outcome);
};

struct controller;

/* Makes one; auto begins to wait for agents. `now` is link_clock(), here and below. Never NULL; controller_free() it. `ops` and `rules` are copied. */
struct controller *controller_new(const struct controller_rules *rules, const struct controller_ops *ops, void *user, nsec now);
void controller_free(struct controller *controller);

/* Takes an event of the link. */
void controller_event(struct controller *controller, const struct link_event *event, nsec now);

/* Lets time pass. About every CONTROLLER_TICK, after the events that are waiting. */
void controller_tick(struct controller *controller, nsec now);

/* Manual: begins a run, or waits for agents. start_after < 0: as in the rules; wait 0: as in the rules. Answered by ops.answer. */
void controller_start(struct controller *controller, nsec start_after, nsec wait, nsec now);

enum controller_stopping { CONTROLLER_STOP_IDLE, CONTROLLER_STOP_WITHDRAWN, CONTROLLER_STOPPING };

/* Ends a run gracefully: agents report what they have. Before START the run is cancelled. */
enum controller_stopping controller_stop(struct controller *controller, nsec now);

/* Ctrl-C. The first one stops the run and then the controller, the second one ends the run with what is there, at once. Then controller_state is CONTROLLER_OVER. */
void controller_interrupt(struct controller *controller, nsec now);

enum controller_state controller_state(const struct controller *controller);

/* Returns the id of the run that is in progress, or NULL. Valid until the run is over. */
const char *controller_run_id(const struct controller *controller);

/* Writes at most `room` registered agents in the order of their registration and returns how many there are. Texts live until the next event. */
size_t controller_list(const struct controller *controller, struct controller_agent *ret, size_t room);
