/* For agent_fleet_test.c: a link in memory between one controller and many agents, with random delays and losses, and the clock of them all.
 * In: the ops of both sides. Out: parcels with the moments of their delivery. One thread. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dist/agent.h"
#include "dist/controller.h"

#define AGENTS_MAX 500

/* A message, or the end of a connection, on its way. */
struct parcel {
	nsec at;
	uint64_t order; /* among those of one moment */
	bool to_controller;
	enum link_what what;
	uint64_t peer;
	enum link_kind kind;
	char *bytes;
	size_t size;
};

struct wire {
	int agent;
	bool agent_open, controller_open;
	bool lossy;   /* what is on its way is lost */
	nsec last[2]; /* delivery to the agent, to the controller: in order */
};

struct machine {
	struct fleet *fleet;
	struct agent *a; /* NULL: dead */
	char id[8];
	uint64_t peer; /* 0: no connection */
	bool standby, running, left;
	nsec frozen_until, restart_at, prepare_at, finish_at;
	bool prepare_fails;
	char run_id[16];
	nsec die_at, break_at, half_at, freeze_at, freeze_for, interrupt_at;
	int interrupts;
};

struct fleet {
	uint64_t lot;
	nsec now;
	struct controller *c;
	bool manual, listening, healthy;
	nsec controller_frozen_until, controller_freeze_at, stop_at, delay_max;
	struct machine machines[AGENTS_MAX];
	int count;
	struct wire *wires; /* by peer - 1 */
	size_t wire_count, wire_room;
	struct parcel *heap;
	size_t heap_count, heap_room;
	uint64_t orders;
	/* The run as the controller tells it. */
	int runs, overs, starts, answers;
	bool active, begun;
	char run_id[16], ids[AGENTS_MAX][8];
	size_t seats, reported;
	bool seen[AGENTS_MAX], missing[AGENTS_MAX];
	nsec duration, latest_end, over_at;
	struct controller_outcome outcome;
};

extern uint64_t seed_now; /* for the message of a failure */

#define HOLDS(what)                                                                                                                                  \
	do {                                                                                                                                         \
		if (!(what)) fail_msg("seed %llu: %s", (unsigned long long)seed_now, #what);                                                         \
	} while (0)

/* Returns a number below `below`, a span up to `most`, by lot. */
uint64_t draw(struct fleet *f, uint64_t below);
nsec draw_span(struct fleet *f, nsec most);

/* Puts a parcel on its way again, takes the next one. */
void heap_push(struct fleet *f, struct parcel parcel);
struct parcel heap_pop(struct fleet *f);

/* Tells one end that the connection is closed, unless it knows. */
void close_end(struct fleet *f, uint64_t peer, bool at_controller);

/* Ops; `user` is a struct machine, or the struct fleet. */
void agent_connect(void *user);
void agent_disconnect(void *user);
bool agent_transmit(void *user, enum link_kind kind, struct slice body);
bool controller_transmit(void *user, uint64_t peer, enum link_kind kind, struct slice body);
void controller_drop(void *user, uint64_t peer, const char *words);
