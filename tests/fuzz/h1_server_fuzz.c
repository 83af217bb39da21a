/* Any bytes as requests: the same is understood however they are cut, and whatever requests were seen before. */
#include "fuzz.h"
#include "http/h1_server.h"

#define CUTS_MAX 4096

/* What a server understood, as sums. */
struct sum {
	uint64_t requests, bodies, hash;
	bool bad;
};

static void sum_add(struct sum *sum, struct slice bytes) {
	for (size_t i = 0; i < bytes.size; i++) sum->hash = sum->hash * 1099511628211u + (unsigned char)bytes.at[i] + 1;
}

static void sum_request(struct sum *sum, const struct h1_server_request *request) {
	assert(request->path.size <= 1024 && request->method.size > 0);
	sum_add(sum, request->method);
	sum_add(sum, request->path);
	assert(request->authorization.size <= 1024 && request->cookie.size <= 1024);
	sum_add(sum, request->authorization);
	sum_add(sum, request->cookie);
	sum->hash += request->keep_alive + 2u * request->is_head + 4u * request->expects_continue;
}

static void on_head(void *owner, const struct h1_server_request *request) {
	sum_request(owner, request);
}

static void on_body(void *owner, struct slice bytes) {
	struct sum *sum = owner;
	assert(bytes.size);
	sum->bodies += bytes.size;
	sum_add(sum, bytes);
}

static const struct h1_server_events events = {on_head, on_body};

static void feed(struct sum *sum, void *state, struct slice piece) {
	char *copy = malloc(piece.size);
	assert(copy);
	memcpy(copy, piece.at, piece.size);
	struct slice rest = {copy, piece.size};
	while (rest.size && !sum->bad) {
		size_t used = 0;
		struct h1_server_request request;
		enum h1_server_result result = h1_server_feed(state, rest, &used, &request, sum);
		assert(used <= rest.size);
		assert(result != H1_SERVER_MORE || used == rest.size);
		if (result == H1_SERVER_REQUEST) {
			assert(used > 0);
			sum->requests++;
			sum_request(sum, &request);
			sum->hash += request.body_bytes;
		}
		sum->bad = result == H1_SERVER_BAD;
		rest = (struct slice){rest.at + used, rest.size - used};
	}
	free(copy);
}

static struct sum run(struct h1_server_shared *shared, struct slice bytes, const size_t *cuts) {
	struct sum sum = {0};
	void *state = malloc(h1_server_state_bytes());
	assert(state);
	h1_server_start(state, shared);
	for (size_t from = 0; from < bytes.size && !sum.bad;) {
		size_t to = cuts && *cuts ? *cuts++ : bytes.size;
		feed(&sum, state, (struct slice){bytes.at + from, to - from});
		from = to;
	}
	free(state);
	return sum;
}

static void check_equal(const struct sum *a, const struct sum *b) {
	assert(a->requests == b->requests && a->bodies == b->bodies && a->hash == b->hash && a->bad == b->bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static size_t cuts[CUTS_MAX];
	struct slice bytes = {(const char *)data, size};
	unsigned seed = fuzz_byte(&bytes);
	fuzz_cuts(seed, bytes.size, cuts, CUTS_MAX);
	struct h1_server_shared *warm = h1_server_new_shared(&events);
	struct sum first = run(warm, bytes, NULL);
	struct sum again = run(warm, bytes, NULL);
	check_equal(&first, &again);
	again = run(warm, bytes, cuts);
	check_equal(&first, &again);
	struct h1_server_shared *cold = h1_server_new_shared(&events);
	again = run(cold, bytes, cuts);
	check_equal(&first, &again);
	h1_server_free_shared(cold);
	h1_server_free_shared(warm);
	return 0;
}
