/* What the files of the controller share; for dist/controller*.c only.
 * In: messages, moments. Out: changes of the struct below, calls of its ops. One thread. */
#pragma once

#include "dist/controller.h"

struct seat;

/* A connection. Of one that has said HELLO: an agent. */
struct member {
	uint64_t peer;
	nsec since, last_seen;
	char address[MESSAGE_NAME_MAX + 1];
	bool registered; /* what follows is known */
	bool silent;     /* for longer than the heartbeat timeout */
	char id[MESSAGE_NAME_MAX + 1], host[MESSAGE_NAME_MAX + 1];
	char busy[MESSAGE_NAME_MAX + 1]; /* the former run that it has not ended; "": none */
	uint32_t weight;
	unsigned cpus;
	uint64_t order; /* of registration */
	struct message_beat beat;
	struct seat *seat; /* in the present or last run */
};

enum seat_state { SEAT_PREPARING, SEAT_READY, SEAT_RUNNING, SEAT_LOST, SEAT_REPORTED };

/* The parts of a report that are here. */
struct assembly {
	size_t parts, here, bytes;
	struct slice part[MESSAGE_PARTS_MAX]; /* at NULL: not here */
	struct arena arena;                   /* for what `head` points to */
	struct message_report head;           /* part 0 */
};

/* An agent's place in a run; it stays when the agent goes. */
struct seat {
	struct member *member; /* NULL: not connected, or it has left the run */
	char id[MESSAGE_NAME_MAX + 1], host[MESSAGE_NAME_MAX + 1];
	uint32_t weight;
	unsigned cpus, threads;
	size_t address_count; /* READY: those of the target, by their index among all of the run */
	uint16_t addresses[MESSAGE_TEXTS_MAX];
	nsec offset, round_trip;
	enum seat_state state;
	nsec back_until; /* LOST: it may come back by then though no other runs; 0: no */
	char why[160];   /* LOST */
	bool replaced;   /* the others have its share */
	bool early;
	nsec started_late;
	int64_t seq; /* of its last snapshot */
	struct assembly *assembly;
};

struct controller {
	struct controller_rules rules;
	struct controller_ops ops;
	void *user;
	enum controller_state state;
	nsec now; /* of the present call */

	struct member **members; /* by peer, ascending */
	size_t count, room;
	size_t registered;
	uint64_t orders; /* given so far */
	nsec last_tick, next_check;
	unsigned warnings, warnings_untold;
	nsec warned_at;

	nsec wait_until, start_after; /* of the start that is waiting or running */
	bool answer_due, leaving;

	struct controller_run run;
	bool active;                       /* prepare() was true, over() has not been called */
	char run_id[MESSAGE_NAME_MAX + 1]; /* of the present or last run */
	struct seat *seats;
	size_t seat_count;
	int64_t attempt;
	nsec ready_until, start_at, deadline;
	bool stopping, uneven;             /* uneven: some share is nobody's since the last STRIPE */
	char ended[MESSAGE_WORDS_MAX + 1]; /* why the run was ended; "" */
	bool abort_due;
	size_t errors, parts_bytes;
	char *addresses[CONTROLLER_ADDRESSES_MAX];
	size_t address_count;
};

/* controller.c */
void controller_say(struct controller *c, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for what a peer can cause at will: five times, then once a minute. */
void controller_warn(struct controller *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A run-time error of the run. */
void controller_error(struct controller *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void controller_answer(struct controller *c, enum controller_answer answer, const char *words);
/* Sends; false: it cannot be written (never so for our own texts) or the peer is gone. */
bool controller_send(struct controller *c, uint64_t peer, const struct message *message);

/* controller_pool.c */
struct member *controller_pool_find(struct controller *c, uint64_t peer);
void controller_pool_add(struct controller *c, uint64_t peer, const char *address);
/* The connection is gone (`may_return`: by itself), or is dropped. The member is freed. */
void controller_pool_remove(struct controller *c, struct member *member, const char *why, bool may_return);
void controller_pool_drop(struct controller *c, struct member *member, const char *words);
void controller_pool_hello(struct controller *c, struct member *member, const struct message_hello *hello);
/* Tells an agent that is in a former run to end it. */
void controller_pool_stop_busy(struct controller *c, const struct member *member);
/* Looks for guests without HELLO and silent agents. */
void controller_pool_check(struct controller *c);
/* Returns how many agents could begin a run now. */
size_t controller_pool_count(const struct controller *c);
bool controller_pool_usable(const struct member *member);
/* Writes the registered members by order; the array has c->registered places. */
void controller_pool_sort(const struct controller *c, struct member **ret);

/* controller_run.c */
void controller_run_begin(struct controller *c);
void controller_run_ready(struct controller *c, struct member *member, const struct message_ready *ready);
void controller_run_lose(struct controller *c, struct seat *seat, const char *why, bool may_return);
/* A lost one is heard again. */
void controller_run_return(struct controller *c, struct seat *seat);
/* Separates a seat and its member: what the member sends is not of this run. */
void controller_run_leave(struct seat *seat);
struct seat *controller_run_find(struct controller *c, const char *id);
void controller_run_tick(struct controller *c);
void controller_run_stop(struct controller *c, const char *why);
/* Before START: tells the agents and is over. */
void controller_run_cancel(struct controller *c, enum controller_end end, enum controller_answer answer, const char *words);
void controller_run_end(struct controller *c, enum controller_end end, const char *words);

/* controller_report.c */
void report_take(struct controller *c, struct member *member, const struct message_report *report);
void report_snapshot(struct controller *c, struct member *member, const struct message_snapshot *snapshot);
void report_forget(struct controller *c, struct seat *seat);
