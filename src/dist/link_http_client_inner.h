/* What the files of the HTTP carrier's client share: three requests (join, the command stream, one message after the other) that one thread drives.
 * In: messages of the caller, answers of the controller. Out: events in the inbox. One lock guards what stands below the line; "locked" means that the
 * caller of a function holds it. */
#pragma once

#include <curl/curl.h>
#include <pthread.h>

#include "dist/link_http.h"
#include "dist/link_http_frames.h"
#include "dist/link_http_inbox.h"

#define CLIENT_ANSWER_LIMIT (10 * SEC) /* to connect, to join, until the command stream is there */
#define CLIENT_RETRY_LIMIT (3 * SEC)   /* a crowded controller closes connections without an answer */
#define CLIENT_END_LIMIT (1 * SEC)     /* for what waits when the link is closed */

struct client;

/* A request that can be made again and again. The client's thread. */
struct ask {
	struct client *client;
	CURL *easy;
	struct curl_slist *fields;
	char fault[CURL_ERROR_SIZE];
	char answer[WIRE_WORDS_MAX]; /* text, cut, 0-terminated; not of a command stream */
	size_t answer_size;
	char version[8]; /* of the controller's mark; empty: there is none */
	bool running, done;
	CURLcode result;
	long status;      /* of the answer; 0: none */
	nsec began, next; /* the first try; the next one, 0: none is planned */
};

struct waiting_message {
	struct waiting_message *next;
	enum link_kind kind;
	size_t size;
	char body[];
};

struct client {
	struct link link;
	pthread_t thread;
	CURLM *multi;
	char *address, *url, *token, *ca, *cert, *key;
	nsec silence;
	struct ask join, stream, post;
	struct frames frames;
	char session[WIRE_SESSION_MAX];
	bool token_wanted; /* the controller asked for it */
	bool open;         /* LINK_UP was said */

	/* ---- locked ---- */
	pthread_mutex_t lock;
	struct inbox inbox;
	struct waiting_message *first, *last;
	size_t waiting; /* bytes in them */
	bool closing, down, paused, resumed;
};

/* ---- link_http_client_ask.c ---- */

/* Makes and frees a request of a path; ask_fini also takes it out of the multi handle. */
void ask_init(struct ask *ask, struct client *client, const char *path);
void ask_fini(struct ask *ask);

/* Starts it; `kind` NULL: it is no message. */
void ask_start(struct ask *ask, const char *kind);

/* Lets all requests go on, waits for at most `limit_ms` for something to happen; then ask->done of some may be true. */
void ask_turn(struct client *client, int limit_ms);

/* Returns whether it failed in a way that another try may mend, and plans that; the caller starts it at ask->next. */
bool ask_again(struct ask *ask);

/* ---- link_http_client_words.c ---- */

/* Says why a request failed; returns whether the controller has refused us, so that it is of no use to ask again. */
bool ask_words(const struct ask *ask, char *words, size_t room);

/* ---- link_http_client_talk.c ---- */

/* The client's thread. */
void *client_talk(void *client);

/* Says LINK_DOWN, once; locked. */
void client_down(struct client *client, const char *words, bool refused);
