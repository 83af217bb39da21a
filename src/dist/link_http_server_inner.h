/* What the files of the HTTP carrier's server share: who is connected (visitors), who has a session (peers).
 * In: libmicrohttpd's calls on its thread, the calls of a link on the caller's. Out: events in the inbox, frames to the peers.
 * One lock guards everything below the line in struct server; "locked" means that the caller of a function holds it. It may be held while a connection is
 * suspended or resumed, and for no other call of the library. */
#pragma once

#include <pthread.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/buf.h"
#include "dist/link_http.h"
#include "dist/link_http_digest.h"
#include "dist/link_http_inbox.h"
#include "dist/link_http_wire.h"
#include "net/listening.h"

#define SERVER_STRANGERS 64u             /* connections without a session at once */
#define SERVER_STRANGER_LIMIT (10 * SEC) /* until a connection has a session, and a session its command stream */
#define SERVER_STRANGER_YOUNG (1 * SEC)  /* older ones make room for a newcomer */
#define SERVER_STRANGER_BODY 4096u
#define SERVER_HELD_MAX ((size_t)64 << 20) /* bytes of messages that come and wait; then senders have to */
#define SERVER_END_LIMIT (1 * SEC)         /* for what still goes to a peer that is dropped, and for closing */
#define SERVER_SECRET 16                   /* random bytes in a session id */

struct MHD_Connection;
struct MHD_Daemon;
struct server;

/* An agent, from joining until it is gone. Freed when neither the table nor the command stream needs it. */
struct peer {
	struct server *server;
	struct peer *chain; /* in its place of the table */
	uint64_t id;
	unsigned char secret[SERVER_SECRET];
	char address[LISTENING_TEXT];
	struct buf out; /* frames; `sent` bytes of them are through */
	size_t sent;
	struct MHD_Connection *stream; /* NULL: none; guards `suspended` */
	bool suspended, streaming;     /* streaming: the library holds this peer */
	bool up, ending, gone;         /* LINK_UP was said; the stream ends when `out` is empty; out of the table */
	nsec since;                    /* joined; when ending: the beginning of that */
	LIST_HEAD(, visitor) visitors;
};

enum request_what { REQUEST_NONE, REQUEST_HEALTH, REQUEST_JOIN, REQUEST_COMMANDS, REQUEST_MESSAGE };

/* What a visitor asks for just now. */
struct request {
	enum request_what what;
	unsigned status;   /* of a refusal; 0: none */
	const char *words; /* of it, constant */
	bool stale;        /* 401: the token may be right, the nonce was too old */
	bool waits;        /* suspended before its body, until there is room */
	unsigned kind;
	char *body;
	size_t size, room, reserved, wanted;
	size_t most; /* that the body may have */
};

/* A connection. Strangers are those without a session. */
struct visitor {
	struct server *server;
	struct MHD_Connection *connection;
	int fd;
	nsec since;
	char address[LISTENING_TEXT];
	struct peer *peer;
	bool stranger, has_asked, challenged; /* challenged: it was told to show the token, and has not yet */
	bool waiting;                         /* stands in server->waiting, suspended */
	struct digest digest;
	struct request request;
	LIST_ENTRY(visitor) of_peer;
	TAILQ_ENTRY(visitor) in_line; /* strangers, oldest first */
	TAILQ_ENTRY(visitor) in_wait;
};

struct server {
	struct link link;
	struct MHD_Daemon *daemon;
	struct listening place;
	char *token, *ca, *cert, *key; /* the last three: what is in the files */
	nsec silence;
	unsigned peers_max, table_size;
	int watch, timer; /* epoll: inbox, timer, command streams whose other side closes */
	unsigned until_look;
	char told[WIRE_WORDS_MAX];

	/* ---- locked ---- */
	pthread_mutex_t lock;
	pthread_cond_t settled; /* a stream has ended */
	struct inbox inbox;
	struct peer **table;
	unsigned peer_count, stream_count;
	uint64_t last_peer;
	TAILQ_HEAD(, visitor) strangers;
	TAILQ_HEAD(, visitor) waiting;
	unsigned stranger_count;
	size_t held; /* reserved for bodies that come; those in the inbox are counted there */
	bool closing;
	uint64_t refused, refused_told;
	nsec told_at;
	char refused_words[WIRE_WORDS_MAX];
};

/* ---- link_http_server_peer.c; all locked but peer_give and peer_let_go ---- */

/* Makes one, with a random session. NULL: there are too many, or no randomness. */
struct peer *peer_add(struct server *server, const char *address);

/* Returns the peer of this number; NULL: none. */
struct peer *peer_find(const struct server *server, uint64_t id);

/* Writes the session id of a peer (WIRE_SESSION_MAX bytes), and finds a peer by one; the secret part is compared in constant time. */
void peer_write_session(const struct peer *peer, char *into);
struct peer *peer_of_session(const struct server *server, const char *session);

/* Its command stream is there, over the connection with this descriptor. */
void server_peer_open(struct peer *peer, struct MHD_Connection *connection, int fd);

/* Adds a frame. False: too much waits. */
bool peer_put(struct peer *peer, unsigned kind, struct slice body);

/* Ends the stream after what waits. */
void peer_end(struct peer *peer);

/* Takes it out of the table and cuts its connections; LINK_DOWN when it was up and `words` is not NULL. `peer` is not to be used afterwards. */
void peer_down(struct peer *peer, const char *words);

/* Goes on with a suspended stream. */
void peer_wake(struct peer *peer);

/* The library reads the stream, and lets the peer go. Its thread. */
ssize_t peer_give(void *peer, uint64_t position, char *into, size_t room);
void peer_let_go(void *peer);

/* ---- link_http_server_visit.c; its thread ---- */

/* libmicrohttpd: whether a connection is taken (MHD_AcceptPolicyCallback), one has come or gone (MHD_NotifyConnectionCallback has its name there). */
struct visitor *visitor_add(struct server *server, struct MHD_Connection *connection);
void visitor_free(struct visitor *visitor);
bool visitor_is_welcome(struct server *server);

/* Binds a connection to a peer, or (NULL) to none; locked. */
void visitor_bind(struct visitor *visitor, struct peer *peer);

/* Cuts connections that have stayed strangers for too long, and sessions without a stream; locked, about once a second. */
void visitor_sweep(struct server *server);

/* Counts a refusal; locked. */
void visitor_refused(struct server *server, const char *address, const char *words);

/* Lets those go on for whom there is room now, or all when the server is closing; or one; locked. */
void visitor_wake(struct server *server);
void visitor_resume(struct visitor *visitor);

/* ---- link_http_server_tls.c ---- */

/* Reads the certificate files of the setup into server->ca, cert, key, and sees whether key and certificate belong together. */
bool server_read_files(struct server *server, const struct link_http_setup *setup, struct err *err);

/* Returns whether the connection has shown a certificate that leads to the CA; its thread. */
bool server_certificate_holds(struct MHD_Connection *connection);

/* ---- link_http_server_request.c ---- */

/* Starts the library's thread on server->place. */
bool server_start(struct server *server, struct err *err);
