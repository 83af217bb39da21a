/* One thread of the target: its listening socket, its connections, its timers, its part of the record.
 * In: readiness, timers. Out: turns of work. Everything in the struct belongs to the thread but for `stop` and what is marked const after the start. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "http/h1_server.h"
#include "http/h2_server.h"
#include "target/endpoint.h"
#include "target/record.h"
#include "target/shop.h"
#include "target/stall.h"
#include "target/timer.h"

#define SERVER_IN_BYTES 65536
#define SERVER_OUT_BYTES 65536 /* at least twice ANSWER_HEAD_MAX */

struct peer;
struct tls_server;

/* What the threads share; const after the start. */
struct server_group {
	struct record_head *record;
	struct server *servers;
	unsigned count;
	struct tls_server *tls; /* NULL: plain */
	uint32_t streams;       /* HTTP/2: requests at once on a connection */
	bool spin;              /* never sleep: no wake-up of ours stands between the arrival of a request and its stamp */
};

struct server {
	const struct server_group *group; /* const */
	struct record_thread *record;
	nsec *arrivals; /* NULL: not kept */
	int epoll;
	int listener;
	int wake; /* eventfd, together with `stop` */
	struct h1_server_shared *parser;
	struct h2_server_shared *mux_parser;
	struct peer *peers;        /* all of them */
	struct peer *closed;       /* in this turn: freed at its end, because events for them may still be at hand */
	struct timer_queue timers; /* of pending replies */
	struct stall stall;
	nsec worked;       /* the last stamp after a read */
	bool touched;      /* a stall's work is not yet done: what is read or answered now was held up by it */
	bool stalled;      /* in this turn */
	bool accepted;     /* in this turn */
	nsec accept_again; /* NSEC_NEVER: accepting goes on; else it rests until then, for want of descriptors */
	bool lack_told;    /* ... and it was said, once */
	char *in, *out;    /* SERVER_IN_BYTES, SERVER_OUT_BYTES */
	char *decrypted;   /* SERVER_IN_BYTES; NULL without TLS */
	char text[ENDPOINT_TEXT_MAX];
	char plain[512]; /* the answer of `/`, to be patched at plain_truth */
	size_t plain_size, plain_truth;
	struct shop shop;                   /* read by others for /shop/stats */
	uint64_t paths[ENDPOINT_COUNT_MAX]; /* requests per row of the endpoints' table; read by others for /stats */
	atomic_bool stop;
	pthread_t thread;
};

/* Prepares server `index` of its group around a listening socket that it takes over. ERR_FAILED. */
bool server_init(struct server *server, const struct server_group *group, unsigned index, int listener, struct err *err);

/* Closes its sockets and frees its memory; the thread has ended. */
void server_fini(struct server *server);

/* The thread's function: serves until server_stop. */
void *server_run(void *server);

/* Makes server_run return soon; from any thread. */
void server_stop(struct server *server);

/* Waits while a stall is on; to be called before every read, accept and write. */
void server_wait_stall(struct server *server);
static inline void server_stall(struct server *server) {
	if (server->stall.begin != NSEC_NEVER) server_wait_stall(server);
}

/* Returns the counts of all threads as JSON; free() it. Any thread. */
char *server_format_stats(const struct server *server);
