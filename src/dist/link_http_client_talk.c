#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/link_http_client_inner.h"

#define TURN_MS 1000
#define LAST_WORDS_LIMIT (500 * MSEC) /* a refused message is often followed by the reason on the command stream */

void client_down(struct client *client, const char *words, bool refused) {
	if (client->down) return;
	client->down = true;
	inbox_put_state(&client->inbox, LINK_DOWN, 1, words, refused);
}

static void say_down(struct client *client, const char *words, bool refused) {
	pthread_mutex_lock(&client->lock);
	client_down(client, words, refused);
	pthread_mutex_unlock(&client->lock);
}

static void fail(struct client *client, const struct ask *ask) {
	char words[WIRE_WORDS_MAX];
	bool refused = ask_words(ask, words, sizeof(words));
	say_down(client, words, refused);
}

/* A frame of the controller; locked. */
static void take_frame(struct client *client, unsigned kind) {
	if (kind == WIRE_OPEN) {
		if (!client->open) inbox_put_state(&client->inbox, LINK_UP, 1, client->address, false);
		client->open = true;
	} else if (kind == WIRE_DROPPED) {
		char words[WIRE_WORDS_MAX];
		snprintf(words, sizeof(words), "%.*s", (int)client->frames.size, client->frames.body ? client->frames.body : "");
		client_down(client, words, true);
	} else {
		size_t size = client->frames.size;
		inbox_put_message(&client->inbox, 1, (enum link_kind)kind, frames_take_body(&client->frames), size);
	}
}

/* Bytes of the command stream, or of an answer that is none. */
static size_t take_commands(char *bytes, size_t one, size_t size, void *user) {
	struct client *client = user;
	struct slice rest = {bytes, size};
	enum frames_result result = FRAMES_MORE;
	unsigned kind;
	long status = 0;
	(void)one;
	curl_easy_getinfo(client->stream.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || !client->stream.version[0]) {
		struct ask *ask = &client->stream;
		size_t room = sizeof(ask->answer) - 1 - ask->answer_size, count = size < room ? size : room;
		memcpy(ask->answer + ask->answer_size, bytes, count);
		ask->answer_size += count;
		ask->answer[ask->answer_size] = 0;
		return size;
	}
	pthread_mutex_lock(&client->lock);
	client->paused = client->inbox.bytes > LINK_QUEUE_MAX; /* the caller is slow: the controller has to wait */
	if (!client->paused)
		while (!client->down && (result = frames_read(&client->frames, &rest, &kind)) == FRAMES_WHOLE) take_frame(client, kind);
	if (result == FRAMES_BAD) client_down(client, "the controller breaks the rules of the link: a frame too long, or of no kind", false);
	bool paused = client->paused, down = client->down;
	pthread_mutex_unlock(&client->lock);
	if (paused) return CURL_WRITEFUNC_PAUSE;
	return down ? 0 : size; /* 0 ends it */
}

static bool is_closing(struct client *client) {
	pthread_mutex_lock(&client->lock);
	bool closing = client->closing;
	pthread_mutex_unlock(&client->lock);
	return closing;
}

/* Waits until a planned try is due, a second at most. */
static int turn_limit(nsec until) {
	nsec left = until - clock_now();
	if (left <= 0) return 0;
	return left < TURN_MS * MSEC ? (int)(left / MSEC) + 1 : TURN_MS;
}

/* Gets a session. False: LINK_DOWN was said, or the link is being closed. */
static bool join(struct client *client) {
	struct ask *ask = &client->join;
	ask_init(ask, client, WIRE_JOIN);
	curl_easy_setopt(ask->easy, CURLOPT_POSTFIELDS, "");
	curl_easy_setopt(ask->easy, CURLOPT_POSTFIELDSIZE, 0L);
	curl_easy_setopt(ask->easy, CURLOPT_TIMEOUT_MS, (long)(CLIENT_ANSWER_LIMIT / MSEC));
	ask_start(ask, NULL);
	while (!is_closing(client)) {
		ask_turn(client, turn_limit(ask->next ? ask->next : NSEC_NEVER));
		if (ask->next && clock_now() >= ask->next) ask_start(ask, NULL);
		if (!ask->done || ask_again(ask)) continue;
		if (ask->status == 401 && client->token && !client->token_wanted && ask->version[0]) {
			client->token_wanted = true;
			ask_start(ask, NULL);
			continue;
		}
		if (ask->status != 200 || strcmp(ask->version, WIRE_VERSION) != 0 || ask->answer_size >= sizeof(client->session) ||
			ask->answer_size == 0) {
			fail(client, ask);
			return false;
		}
		memcpy(client->session, ask->answer, ask->answer_size + 1);
		return true;
	}
	return false;
}

static void open_stream(struct client *client) {
	struct ask *ask = &client->stream;
	ask_init(ask, client, WIRE_COMMANDS);
	curl_easy_setopt(ask->easy, CURLOPT_WRITEFUNCTION, take_commands);
	curl_easy_setopt(ask->easy, CURLOPT_WRITEDATA, client);
	ask_start(ask, NULL);
}

static void start_post(struct client *client, const struct waiting_message *message) {
	char kind[12];
	struct ask *ask = &client->post;
	snprintf(kind, sizeof(kind), "%u", (unsigned)message->kind);
	curl_easy_setopt(ask->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(ask->easy, CURLOPT_POSTFIELDS, &message->body[0]);
	curl_easy_setopt(ask->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->size);
	ask_start(ask, kind);
}

/* The oldest message has arrived. */
static void pop(struct client *client) {
	pthread_mutex_lock(&client->lock);
	struct waiting_message *message = client->first;
	client->first = message->next;
	if (!client->first) client->last = NULL;
	client->waiting -= message->size;
	pthread_mutex_unlock(&client->lock);
	client->post.done = false;
	free(message);
}

/* What the caller wants just now. */
static struct waiting_message *look(struct client *client, bool *ret_closing, bool *ret_down) {
	pthread_mutex_lock(&client->lock);
	struct waiting_message *message = client->first;
	bool resumed = client->resumed;
	client->resumed = false;
	*ret_closing = client->closing;
	*ret_down = client->down;
	pthread_mutex_unlock(&client->lock);
	if (resumed) curl_easy_pause(client->stream.easy, CURLPAUSE_CONT); /* calls take_commands */
	return message;
}

/* Sends and hears until one side ends it. */
static void converse(struct client *client) {
	nsec opened = clock_now(), end = NSEC_NEVER, failed = 0;
	struct ask *post = &client->post, *stream = &client->stream;
	while (true) {
		bool closing, down;
		struct waiting_message *message = look(client, &closing, &down);
		nsec now = clock_now();
		if (closing && end == NSEC_NEVER) end = now + CLIENT_END_LIMIT;
		if (down || (closing && (!message || now >= end))) return;
		if (stream->next && now >= stream->next) ask_start(stream, NULL);
		if (client->open && message && !post->running && !post->done && now >= post->next) start_post(client, message);
		nsec until = stream->next ? stream->next : post->next && post->next < end ? post->next : end;
		ask_turn(client, failed ? 10 : turn_limit(until));
		if (stream->done && !ask_again(stream)) return fail(client, stream);
		if (!client->open && clock_now() - opened > CLIENT_ANSWER_LIMIT)
			return say_down(client, "the controller does not open the command stream", false);
		if (!post->done) continue;
		if (post->result == CURLE_OK && post->status == 204) {
			pop(client);
		} else if (!ask_again(post)) {
			if (!failed) failed = clock_now();
			if (clock_now() - failed > LAST_WORDS_LIMIT) return fail(client, post);
		}
	}
}

void *client_talk(void *user) {
	struct client *client = user;
	if (join(client)) {
		open_stream(client);
		ask_init(&client->post, client, WIRE_MESSAGE);
		converse(client);
	}
	pthread_mutex_lock(&client->lock);
	client->down = true; /* nothing is sent any more */
	pthread_mutex_unlock(&client->lock);
	ask_fini(&client->post);
	ask_fini(&client->stream);
	ask_fini(&client->join);
	return NULL;
}
