/* What the files of the agent share; for dist/agent*.c only.
 * In: messages, moments. Out: changes of the struct below, calls of its ops. One thread. */
#pragma once

#include "dist/agent.h"
#include "dist/agent_clock.h"

enum agent_wire { WIRE_AWAY, WIRE_CONNECTING, WIRE_HELLO, WIRE_JOINED };
enum agent_phase { PHASE_NONE, PHASE_ARMED, PHASE_READY, PHASE_DELAY, PHASE_RUN, PHASE_REPORT };

struct agent {
	struct agent_rules rules;
	struct agent_ops ops;
	void *user;
	nsec now;           /* of the present call, without skew */
	bool left, leaving; /* leaving: Ctrl-C has come */

	enum agent_wire wire;
	nsec wire_until; /* CONNECTING, HELLO */
	nsec retry_at;   /* AWAY */
	unsigned tries;  /* in a row without WELCOME */
	nsec said_at;    /* that there is no connection */
	uint64_t lot;    /* state of the jitter */
	nsec last_heard, last_tick;
	nsec heartbeat_timeout, interval;
	nsec next_beat, hello_at;
	int64_t beats; /* sent on this connection */
	struct agent_clock clock;

	enum agent_phase phase;
	struct arena arena; /* of the run: config, addresses, report */
	struct message_config config;
	struct message_texts addresses;
	unsigned threads;
	bool ready_due; /* prepared, but the clock is not known well yet */
	nsec ready_by;
	nsec ordered_at; /* START, by the controller's clock */
	nsec start_at;
	bool stopped, discard;             /* stopped by us for silence; discard: the run broke off, no report */
	char early[MESSAGE_WORDS_MAX + 1]; /* why we ended it early; "" */
	int64_t snapshots;

	struct message_report report; /* bytes: all of it */
	int64_t parts, part_next;
	int64_t mark; /* the beat behind the last parts that were sent; 0: it has been answered */
	nsec resend_at, offer_until, report_until;
};

/* agent.c */
void agent_say(struct agent *a, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool agent_send(struct agent *a, const struct message *message);
void agent_leave(struct agent *a, int status, const char *words);
/* The run is no more. */
void agent_forget(struct agent *a);
/* The controller broke the rules, or we did: the run ends without report, the connection too. */
void agent_break(struct agent *a, const char *words);

/* agent_wire.c */
void wire_connect(struct agent *a);
void wire_lost(struct agent *a, const char *words);
void wire_up(struct agent *a);
void wire_welcome(struct agent *a, const struct message_welcome *welcome, nsec arrived);
void wire_beat(struct agent *a);
void wire_answer(struct agent *a, const struct message_beat *beat, nsec arrived);
void wire_retry(struct agent *a);
void wire_tick(struct agent *a);

/* agent_report.c */
/* Sends the next parts; from the first one on: report_begin. */
void report_begin(struct agent *a);
void report_go_on(struct agent *a);
void report_tick(struct agent *a);
/* TAKEN, or nobody wants it. */
void report_done(struct agent *a, int status);
