/* Any bytes as a response: the same is told however they are cut, and whatever heads were seen before.
 * And what ends well or in mid-response does so for llhttp alone, too, which then finds the end of every body itself.
 * Input: options, seed of the cuts, number of changes, (place, byte) for each change, then the response. */
#include <llhttp.h>

#include "fuzz.h"
#include "http/h1_probe.h"

#define CHANGES_MAX 8
#define CUTS_MAX 4096

static struct probe whole, other;

/* The head is a part of the response, from a status line to a blank line: "HTTP/1.0 200" and two line ends at least, of which llhttp lets each be a bare LF. */
static void check_head(const struct probe *probe, const struct probe_input *input) {
	assert(probe->head_size >= 14 && memcmp(probe->head, "HTTP/1.", 7) == 0);
	assert(probe->head[probe->head_size - 1] == '\n');
	assert(memmem(input->bytes.at, input->bytes.size, probe->head, probe->head_size));
}

static void check(const struct probe *probe, const struct probe_input *input) {
	assert(probe->order);
	assert(probe->ends <= 1 && probe->heads <= 1);
	assert(input->then == PROBE_NOTHING || probe->ends == 1);
	assert(probe->body_size <= input->bytes.size);
	if (probe->heads) check_head(probe, input);
	if (!probe->ends) return;
	const struct http_end *end = &probe->end;
	assert(end->body_bytes == probe->body_size);
	assert(end->any_byte == (input->bytes.size > 0));
	assert((end->first != 0) <= end->any_byte);
	assert(end->reason != REASON_NONE || (probe->heads == 1 && end->status == probe->head_status && end->status >= 200));
	assert(!end->reusable || end->reason == REASON_NONE);
}

/* Bytes behind a response are leftovers only if they come with its end. */
static void check_equal(struct probe *a, struct probe *b) {
	bool leftover = a->end.reason == REASON_LEFTOVER || b->end.reason == REASON_LEFTOVER;
	if (leftover && (a->end.reason == REASON_NONE || b->end.reason == REASON_NONE)) {
		b->end.reason = a->end.reason;
		b->end.reusable = a->end.reusable;
		b->alive = a->alive;
	}
	assert(probe_equal(a, b));
}

/* llhttp alone: one response, interim ones skipped. */
struct plain {
	bool is_head;
	bool complete;
	unsigned status;
	uint64_t body_bytes;
	uint64_t body_sum;
};

static int plain_head(llhttp_t *parser) {
	struct plain *plain = parser->data;
	unsigned status = parser->status_code;
	plain->status = status;
	return plain->is_head || status < 200 || status == 204 || status == 304;
}

static int plain_body(llhttp_t *parser, const char *at, size_t size) {
	struct plain *plain = parser->data;
	plain->body_bytes += size;
	for (size_t i = 0; i < size; i++) plain->body_sum = plain->body_sum * 31 + (unsigned char)at[i];
	return 0;
}

static int plain_end(llhttp_t *parser) {
	struct plain *plain = parser->data;
	if (plain->status < 200) return 0;
	plain->complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t plain_settings = {.on_headers_complete = plain_head, .on_body = plain_body, .on_message_complete = plain_end};

static void check_plain(const struct probe *probe, const struct probe_input *input) {
	const struct http_end *end = &probe->end;
	if (!probe->ends || (end->reason != REASON_NONE && end->reason != REASON_CUT) || !input->bytes.size) return;
	struct plain plain = {.is_head = input->is_head};
	llhttp_t parser;
	llhttp_init(&parser, HTTP_RESPONSE, &plain_settings);
	parser.data = &plain;
	llhttp_errno_t result = llhttp_execute(&parser, input->bytes.at, input->bytes.size);
	if (result == HPE_CLOSED_CONNECTION) return; /* behind "100 Continue" with "Connection: close", where RFC 9110 lets the final one follow */
	assert(result == HPE_OK || (result == HPE_PAUSED && plain.complete));
	if (result == HPE_OK && end->reason == REASON_NONE) assert(llhttp_finish(&parser) == HPE_PAUSED && plain.complete);
	assert(plain.complete == (end->reason == REASON_NONE));
	assert(plain.body_bytes == end->body_bytes && plain.body_sum == probe->body_sum);
	assert(end->reason == REASON_CUT || plain.status == end->status);
}

/* Cold and whole, cold and cut, warm and whole, warm and cut: all the same. */
static void try(struct http_shared *warm, const struct probe_input *input, unsigned seed) {
	static size_t cuts[CUTS_MAX];
	struct http_shared *cold = h1_ops.new_shared(&probe_events);
	probe_run(&whole, cold, input, NULL);
	check(&whole, input);
	check_plain(&whole, input);
	h1_ops.free_shared(cold);

	fuzz_cuts(seed, input->bytes.size, cuts, CUTS_MAX);
	cold = h1_ops.new_shared(&probe_events);
	probe_run(&other, cold, input, cuts);
	check(&other, input);
	check_equal(&whole, &other);
	h1_ops.free_shared(cold);

	probe_run(&other, warm, input, cuts);
	check(&other, input);
	check_equal(&whole, &other);

	probe_run(&other, warm, input, NULL);
	check(&other, input);
	assert(probe_equal(&whole, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice rest = {(const char *)data, size};
	unsigned options = fuzz_byte(&rest), seed = fuzz_byte(&rest), changes = fuzz_byte(&rest) % (CHANGES_MAX + 1);
	struct {
		size_t at;
		char byte;
	} change[CHANGES_MAX];
	for (unsigned i = 0; i < changes; i++) {
		change[i].at = fuzz_byte(&rest);
		change[i].byte = (char)fuzz_byte(&rest);
	}
	char *text = malloc(rest.size + 1);
	assert(text);
	if (rest.size) memcpy(text, rest.at, rest.size);
	struct probe_input input = {{text, rest.size}, .is_head = options & 1, .then = (enum probe_then)((options >> 1) % 3)};
	struct http_shared *warm = h1_ops.new_shared(&probe_events);
	try(warm, &input, seed);
	for (unsigned i = 0; i < changes; i++) {
		if (change[i].at >= rest.size) continue;
		text[change[i].at] = change[i].byte;
		if (i + 1 == changes || change[i].byte & 1) try(warm, &input, seed + i);
	}
	h1_ops.free_shared(warm);
	free(text);
	return 0;
}
