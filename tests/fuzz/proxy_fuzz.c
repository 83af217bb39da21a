/* Any bytes as a proxy's answer to CONNECT: the same verdict, at the same byte, however they are cut.
 * Input: seed of the cuts, then the answer. */
#include "fuzz.h"
#include "http/http.h"
#include "http/proxy.h"

#define CUTS_MAX 4096

struct verdict {
	enum proxy_state state;
	enum reason reason;
	unsigned status;
	size_t used; /* PROXY_OPEN: bytes of the answer */
};

/* Feeds the pieces from memory of exactly their size. */
static struct verdict run(struct slice bytes, const size_t *cuts) {
	_Alignas(max_align_t) char memory[PROXY_STATE_BYTES];
	struct proxy *proxy = (struct proxy *)memory;
	struct verdict verdict = {.state = PROXY_WAITS};
	memset(memory, 0xa5, sizeof(memory));
	proxy_begin(proxy);
	for (size_t from = 0; from < bytes.size && verdict.state == PROXY_WAITS;) {
		size_t to = *cuts ? *cuts++ : bytes.size, used;
		char *copy = malloc(to - from);
		assert(copy);
		memcpy(copy, bytes.at + from, to - from);
		verdict.state = proxy_feed(proxy, (struct slice){copy, to - from}, &used);
		assert(verdict.state == PROXY_OPEN ? used > 0 && used <= to - from : used == to - from);
		verdict.used += used;
		from = to;
		free(copy);
	}
	verdict.reason = proxy_reason(proxy);
	verdict.status = proxy_status(proxy);
	return verdict;
}

static void check(const struct verdict *verdict, struct slice bytes) {
	unsigned status = verdict->status;
	switch (verdict->state) {
	case PROXY_WAITS: assert(verdict->reason == REASON_NONE && status == 0 && bytes.size <= HTTP_HEAD_MAX); break;
	case PROXY_OPEN:
		assert(verdict->reason == REASON_NONE && status >= 200 && status < 300);
		assert(verdict->used <= HTTP_HEAD_MAX && bytes.at[verdict->used - 1] == '\n');
		break;
	case PROXY_FAILED:
		if (verdict->reason == REASON_PROXY_AUTH)
			assert(status == 407);
		else if (verdict->reason == REASON_PROXY_REFUSED)
			assert(status == 101 || (status >= 300 && status <= 999 && status != 407));
		else
			assert(verdict->reason == REASON_PROXY_MALFORMED && status == 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static size_t cuts[CUTS_MAX];
	struct slice bytes = {(const char *)data, size};
	fuzz_cuts(fuzz_byte(&bytes), bytes.size, cuts, CUTS_MAX);
	struct verdict whole = run(bytes, (size_t[]){0}), cut = run(bytes, cuts);
	check(&whole, bytes);
	check(&cut, bytes);
	assert(whole.state == cut.state && whole.reason == cut.reason && whole.status == cut.status);
	assert(whole.state != PROXY_OPEN || whole.used == cut.used);
	return 0;
}
