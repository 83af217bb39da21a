/* Any bytes as an encoded body: the same count and verdict however they are cut, with a new decoder and with one that has seen others.
 * Input: number of the encoding, seed of the cuts, then the body. */
#include "fuzz.h"
#include "http/body.h"

#define CUTS_MAX 4096

static const char *const encodings[] = {
	"gzip", "deflate", "br", "zstd", "gzip, gzip", "br, deflate, zstd", "deflate,deflate,gzip,br", "identity", "other"};

struct result {
	enum reason fed, ended;
	uint64_t decoded;
};

/* Feeds the pieces from memory of exactly their size. */
static struct result run(struct body *body, struct slice encoding, struct slice bytes, const size_t *cuts) {
	struct result result = {.fed = REASON_NONE};
	body_begin(body, encoding);
	for (size_t from = 0; from < bytes.size && result.fed == REASON_NONE;) {
		size_t to = *cuts ? *cuts++ : bytes.size;
		char *copy = malloc(to - from);
		assert(copy);
		memcpy(copy, bytes.at + from, to - from);
		result.fed = body_feed(body, (struct slice){copy, to - from});
		from = to;
		free(copy);
	}
	if (result.fed != REASON_NONE) assert(body_feed(body, SLICE("more")) == result.fed);
	result.ended = body_end(body);
	result.decoded = body_decoded(body);
	assert(result.fed == REASON_NONE || result.fed == result.ended);
	assert(result.ended == REASON_NONE || result.ended == REASON_ENCODING || result.ended == REASON_BOMB);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static size_t cuts[CUTS_MAX];
	static struct body *old; /* lives as long as the fuzzer, and is reachable when it looks for leaks */
	struct slice bytes = {(const char *)data, size};
	struct slice encoding = slice_of(encodings[fuzz_byte(&bytes) % LENGTH(encodings)]);
	fuzz_cuts(fuzz_byte(&bytes), bytes.size, cuts, CUTS_MAX);
	if (!old) old = body_new();
	struct body *new = body_new();
	struct result whole = run(new, encoding, bytes, (size_t[]){0}), cut = run(old, encoding, bytes, cuts),
		      again = run(new, encoding, bytes, cuts);
	body_free(new);
	assert((cut.ended == REASON_NONE) == (again.ended == REASON_NONE));
	/* zstd notices a block that is larger than its frame by the room of its buffers, which are larger when it has seen other bodies: before it is
	 * decoded, or at the end of the frame. */
	bool alike = cut.fed == again.fed && cut.ended == again.ended && cut.decoded == again.decoded;
	assert(alike || (cut.ended != REASON_NONE && memmem(encoding.at, encoding.size, "zstd", 4)));
	/* Cut, less has come when the ratio is looked at: then it may be a bomb earlier. */
	if (whole.ended == REASON_BOMB || cut.ended == REASON_BOMB) {
		assert(cut.ended != REASON_NONE);
		return 0;
	}
	assert(whole.ended == cut.ended);
	assert(whole.ended != REASON_NONE || whole.decoded == cut.decoded);
	if (slice_equal(encoding, SLICE("identity"))) assert(whole.ended == REASON_NONE && whole.decoded == bytes.size);
	if (slice_equal(encoding, SLICE("other"))) assert(whole.ended == (bytes.size ? REASON_ENCODING : REASON_NONE));
	return 0;
}
