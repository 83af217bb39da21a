/* Any bytes as what a client of HTTP/2 sends to the built-in target: each request is told whole and once, each stream is closed once, and nothing is left behind.
 * Input: options, then the bytes, behind which the preface is put if the options say so. */
#include <assert.h>

#include "fuzz.h"
#include "http/h2_server.h"

struct mark {
	int32_t stream;
	bool has_head, is_whole;
	size_t left; /* of the answer's body */
};

struct owner {
	struct h2_server *server;
	unsigned options;
	unsigned begun, closed;
};

static void take_head(void *at, void *data, int32_t stream, const struct h2_server_request *request) {
	struct owner *owner = at;
	struct mark *mark = data;
	assert(!mark->has_head && request->path.size <= 1024);
	assert(request->authorization.size <= 1024 && request->cookie.size <= 1024);
	*mark = (struct mark){.stream = stream, .has_head = true};
	owner->begun++;
	if (request->expects_continue) h2_server_interim(owner->server, stream, &(struct h2_server_fields){.status = 100});
}

static void take_body(void *at, void *data, struct slice bytes) {
	const struct mark *mark = data;
	(void)at;
	assert(mark->has_head && !mark->is_whole && bytes.size > 0);
}

static void take_request(void *at, void *data, const struct h2_server_request *request) {
	struct owner *owner = at;
	struct mark *mark = data;
	assert(mark->has_head && !mark->is_whole);
	mark->is_whole = true;
	mark->left = request->is_head ? 0 : request->path.size * 100;
	const struct h2_server_fields head = {
		200, 2, {{SLICE("a"), request->path.size > 0 ? SLICE("b") : SLICE(""), false}, {SLICE("c"), SLICE("d"), true}}};
	if (owner->options & 2 && mark->stream % 4 == 3) {
		h2_server_reset(owner->server, mark->stream);
	} else {
		h2_server_answer(owner->server, mark->stream, &head, mark->left > 0);
	}
	if (owner->options & 4) h2_server_leave(owner->server);
}

static size_t read_body(void *at, void *data, char *into, size_t room, enum h2_server_more *ret) {
	const struct owner *owner = at;
	struct mark *mark = data;
	size_t size = mark->left < room ? mark->left : room;
	memset(into, 'x', size);
	mark->left -= size;
	*ret = mark->left > 0 ? H2_SERVER_MORE : H2_SERVER_END;
	if (*ret != H2_SERVER_END || !(owner->options & 8)) return size;
	h2_server_trailers(owner->server, mark->stream, &(struct h2_server_fields){.count = 1, .at = {{SLICE("e"), SLICE("f"), false}}});
	return size;
}

static bool take_ended(void *at, void *data) {
	(void)at;
	return ((const struct mark *)data)->has_head;
}

static void take_closed(void *at, void *data) {
	(void)data;
	((struct owner *)at)->closed++;
}

static const struct h2_server_events events = {sizeof(struct mark), take_head, take_body, take_request, read_body, take_ended, take_closed};

static void drain(struct owner *owner, size_t most) {
	struct slice bytes;
	for (unsigned i = 0; i < 1000 && (bytes = h2_server_drain(owner->server)).size > 0; i++)
		h2_server_drained(owner->server, bytes.size < most ? bytes.size : most);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice bytes = {(const char *)data, size};
	struct owner owner = {.options = fuzz_byte(&bytes)};
	struct h2_server_shared *shared = h2_server_new_shared(&events);
	owner.server = h2_server_new(shared, &owner, 1 + owner.options / 16);
	bool alive = owner.options & 1 || h2_server_feed(owner.server, SLICE(H2_SERVER_PREFACE));
	while (alive && bytes.size > 0) {
		size_t part = bytes.size < 100 ? bytes.size : 100;
		alive = h2_server_feed(owner.server, (struct slice){bytes.at, part});
		bytes = (struct slice){bytes.at + part, bytes.size - part};
		drain(&owner, 5000);
	}
	drain(&owner, SIZE_MAX);
	h2_server_is_over(owner.server);
	h2_server_free(owner.server);
	assert(owner.closed >= owner.begun);
	h2_server_free_shared(shared);
	return 0;
}
