/* One connection of the target, from accept to close.
 * In: readiness of its socket, timers. Out: bytes of answers. A connection belongs to its server's thread and frees itself when it is over:
 * functions that may do so return whether it is still there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/answer.h"
#include "target/server.h"
#include "target/timer.h"

enum reply_kind {
	REPLY_DELAY, /* the answer is complete, its time has not come */
	REPLY_PUSH,  /* it is being sent: `piece`, then the answer's stream */
	REPLY_HANG,  /* there will be none */
	REPLY_DRAIN, /* it is out, and reading goes on until the peer closes, so that no reset overtakes it */
};

/* An answer that could not be sent at once. */
struct reply {
	struct timer timer; /* first: found again from it */
	struct peer *peer;
	enum reply_kind kind;
	nsec read;
	bool touched;
	struct answer answer;
	struct slice piece; /* still to be sent; in `owned` or constant or in the stream */
	char *owned;        /* NULL, or freed with the reply */
};

struct mux;
struct tls;

struct peer {
	struct server *server;
	struct peer *next, **link; /* the server's list */
	int fd;                    /* -1: closed */
	struct tls *tls;           /* NULL: plain */
	uint32_t events;           /* what epoll watches */
	struct mux *mux;           /* it speaks HTTP/2; NULL: HTTP/1.1, or nothing yet */
	struct reply *reply;       /* NULL: none is pending */
	char *held;                /* plain bytes read behind the pending request, or first ones that may be of either protocol; NULL: none */
	size_t held_size;
	struct buf *body; /* of the request that is being read; NULL: no endpoint wanted one yet */
	bool takes_body;  /* its endpoint wants it */
	bool is_dead;     /* a write in the middle of a request failed */
	bool is_known;    /* which protocol it speaks */
	_Alignas(16) char parser[];
};

/* Takes over an accepted socket. */
void peer_open(struct server *server, int fd);

/* What the parser of requests tells a peer; its owner is the peer. */
extern const struct h1_server_events peer_parser_events;

/* Closes the socket and frees everything but the struct itself, which the server frees at the end of its turn. */
void peer_close(struct peer *peer);

/* Frees the structs of closed connections. */
void peer_free_closed(struct server *server);

/* Handles what epoll reported. */
void peer_handle(struct peer *peer, uint32_t events);

/* Handles the timer of a reply. */
void peer_expire(struct timer *timer);

/* Counts a request for `path` as a whole, and asks its endpoint what to answer: `asked` has all but path, rest and query. */
void peer_answer(struct server *server, struct slice path, const struct endpoint_request *asked, struct answer *ret);

/* Sends without waiting, encrypted if the connection is; returns the bytes that were taken, 0 if there is no room, -1 if the connection is dead. */
ssize_t peer_send(struct peer *peer, struct slice bytes, int flags);

/* Sets what epoll watches. */
void peer_watch(struct peer *peer, uint32_t events);

/* The rest is reply.c. */

/* Where a reply stands. */
enum reply_state {
	REPLY_DONE,    /* out; the connection takes the next request */
	REPLY_PENDING, /* peer->reply */
	REPLY_GONE,    /* so is the connection */
};

/* Answers a request read at `read`, now or when its delay is over; takes answer->owned. */
enum reply_state reply_begin(struct peer *peer, const struct answer *answer, nsec read);

/* The same for the prepared answer of `/`: the short way. */
enum reply_state reply_send_plain(struct peer *peer, nsec read);

/* Goes on with peer->reply: its timer has come, or there is room in the socket again. */
enum reply_state reply_continue(struct peer *peer);

/* Frees peer->reply; none is fine. */
void reply_free(struct peer *peer);

/* Sends what is ready to be read by the peer and not part of an answer (100 Continue). False: the connection is dead. */
bool reply_send_raw(struct peer *peer, struct slice bytes);
