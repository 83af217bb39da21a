/* The link between controller and agents: frames of a command stream in pieces, and what somebody writes into Authorization. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/link_http_digest.h"
#include "dist/link_http_frames.h"
#include "fuzz.h"

/* Whatever the pieces, the same frames come out. */
static uint64_t read_all(struct slice data, const size_t *cuts) {
	struct frames frames = {0};
	uint64_t sum = 14695981039346656037u;
	size_t from = 0;
	while (from < data.size) {
		size_t to = *cuts > from ? *cuts++ : data.size;
		struct slice piece = {data.at + from, to - from};
		enum frames_result result;
		unsigned kind = 0;
		while ((result = frames_read(&frames, &piece, &kind)) == FRAMES_WHOLE) {
			assert(frames.size <= LINK_MESSAGE_MAX);
			sum = (sum ^ kind) * 1099511628211u;
			for (size_t i = 0; i < frames.size; i++) sum = (sum ^ (unsigned char)frames.body[i]) * 1099511628211u;
		}
		if (result == FRAMES_BAD) break;
		assert(piece.size == 0);
		from = to;
	}
	frames_fini(&frames);
	return sum;
}

static void check_digest(struct slice data) {
	char *text = strndup(data.at ? data.at : "", data.size);
	struct digest digest = {.nonce = "3c6a3fb63d6ab23bf20238f2ba346475"};
	struct digest_request request = {.authorization = text, .method = "POST", .path = "/v1/join"};
	assert(text);
	enum digest_result result = digest_check(&digest, &request, "a token that nobody guesses");
	assert(result == DIGEST_WRONG && digest.used == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
	struct slice data = {(const char *)bytes, size};
	size_t cuts[64], none[] = {0};
	fuzz_cuts(fuzz_byte(&data), data.size, cuts, LENGTH(cuts));
	assert(read_all(data, cuts) == read_all(data, none));
	check_digest(data);
	return 0;
}
