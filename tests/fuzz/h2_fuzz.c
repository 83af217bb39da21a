/* Any bytes as what a server of HTTP/2 sends: no request is told of twice or behind its end, all that is outstanding ends with the connection, and the same is told
 * however the bytes are cut.
 * Input: options, seed of the cuts, then the bytes. The requests are on streams 1, 3, 5 ... */
#include "fuzz.h"
#include "http/h2_probe.h"

#define CUTS_MAX 4096

static struct h2_probes whole, other;
static struct arena arena;
static struct http_request get, head, post;

static void make(struct http_request *request, struct slice text, size_t body) {
	static char bytes[3000];
	*request = (struct http_request){.head = text, .h2 = h2_head_make(text, false, &arena), .body = {bytes, body}, .body_bytes = body};
}

static void begin(void) {
	if (get.h2) return;
	arena_init(&arena);
	make(&get, SLICE("GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: strest\r\n\r\n"), 0);
	make(&head, SLICE("HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
	make(&post, SLICE("POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n"), 3000);
}

/* What must hold of each request at the end. Its id is below `count`. */
static void check(const struct h2_probes *probes, unsigned count, int given_up) {
	for (unsigned i = 0; i < H2_PROBES; i++) {
		const struct h2_probe *probe = &probes->at[i];
		assert(probe->order && probe->heads <= 1);
		assert(probe->ends == (i < count && (int)i != given_up));
		if (probe->ends == 0) continue;
		assert(probe->end.body_bytes == probe->body_bytes);
		assert(probe->end.reason != REASON_NONE || (probe->heads == 1 && probe->end.status == probe->status && probe->end.status >= 200));
		assert(!probe->end.unprocessed || (!probe->end.any_byte && probe->end.reason == REASON_UNPROCESSED));
	}
}

struct run {
	struct slice bytes;
	unsigned count; /* requests */
	bool drains;    /* between the pieces, too */
	bool resets;    /* the carrier's end */
	int given_up;   /* id of a request that is cancelled if it is outstanding in the middle; -1: none */
};

static int run(struct h2_probes *probes, const struct run *of, const size_t *cuts) {
	static const struct http_request *const kinds[] = {&get, &post, &head, &get};
	int given_up = -1;
	h2_probes_start(probes);
	for (unsigned i = 0; i < of->count && h2_ops.room(probes->state) > 0; i++) h2_ops.submit(probes->state, i, kinds[i % 4]);
	h2_probes_drain(probes, 1000, 1);
	bool alive = true;
	size_t at = 0;
	for (unsigned i = 0; alive && at < of->bytes.size; i++) {
		size_t next = cuts && *cuts ? *cuts++ : of->bytes.size;
		alive = h2_ops.feed(probes->state, (struct slice){of->bytes.at + at, next - at}, 2);
		at = next;
		if (of->drains) h2_probes_drain(probes, 777, 3);
		if (alive && i == 2 && of->given_up >= 0 && probes->at[of->given_up].ends == 0) {
			h2_ops.cancel(probes->state, (uint32_t)of->given_up);
			given_up = of->given_up;
		}
	}
	if (alive) h2_ops.leave(probes->state);
	h2_probes_drain(probes, SIZE_MAX, 4);
	h2_ops.finish(probes->state, of->resets, 5);
	h2_probes_stop(probes);
	return given_up;
}

/* Where the bytes are cut decides only when a flood is noticed, and whether what is wrong is noticed before the peer resets the stream as well. */
static void check_equal(unsigned count) {
	for (unsigned i = 0; i < count; i++)
		if (whole.at[i].end.reason == REASON_FLOOD || other.at[i].end.reason == REASON_FLOOD) return;
	for (unsigned i = 0; i < count; i++) {
		const struct h2_probe *a = &whole.at[i], *b = &other.at[i];
		if (a->end.reason == REASON_MALFORMED && b->end.reason != REASON_NONE) continue;
		if (b->end.reason == REASON_MALFORMED && a->end.reason != REASON_NONE) continue;
		assert(a->end.reason == b->end.reason && a->end.status == b->end.status && a->end.body_bytes == b->end.body_bytes &&
			a->body_sum == b->body_sum);
		assert(a->heads == b->heads && a->head_size == b->head_size && memcmp(a->head, b->head, sizeof(a->head)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static size_t cuts[CUTS_MAX];
	struct slice bytes = {(const char *)data, size};
	unsigned options = fuzz_byte(&bytes), seed = fuzz_byte(&bytes);
	begin();
	struct run of = {.bytes = bytes, .count = 1 + options % H2_PROBES, .resets = options & 8, .given_up = -1};
	if (bytes.size > 60000) return 0;
	run(&whole, &of, NULL);
	check(&whole, of.count, -1);
	fuzz_cuts(seed, bytes.size, cuts, CUTS_MAX);
	run(&other, &of, cuts);
	check(&other, of.count, -1);
	check_equal(of.count);
	of.drains = true;
	of.given_up = options & 16 ? (int)(seed % of.count) : -1;
	int given_up = run(&other, &of, cuts);
	check(&other, of.count, given_up);
	return 0;
}
