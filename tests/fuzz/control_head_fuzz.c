/* Any bytes as the head of a request to the control plane: it says the same in pieces as at once, and what it points to lies in it. */
#include "dist/control_head.h"
#include "fuzz.h"

#define CUTS 64

static bool lies_within(struct slice part, struct slice whole) {
	return part.size == 0 || (part.at >= whole.at && part.at + part.size <= whole.at + whole.size);
}

static bool same(const struct control_head *a, const struct control_head *b) {
	return a->size == b->size && slice_equal(a->method, b->method) && slice_equal(a->target, b->target) &&
	       slice_equal(a->authorization, b->authorization) && a->authorizations == b->authorizations && a->has_origin == b->has_origin &&
	       a->has_coding == b->has_coding && a->has_length == b->has_length && a->expects == b->expects && a->length == b->length;
}

static void check(const struct control_head *head, struct slice bytes) {
	assert(head->size > 0 && head->size <= bytes.size);
	assert(lies_within(head->target, (struct slice){bytes.at, head->size}));
	assert(lies_within(head->authorization, (struct slice){bytes.at, head->size}));
	assert(head->method.size > 0 && head->target.size > 0);
	assert(head->has_length || head->length == 0);
}

/* The first `cuts` bytes, then more, then all: each time somewhere else. */
static enum control_head_result read_in_pieces(struct slice bytes, const size_t *cuts, char **kept, struct control_head *ret, const char **why) {
	struct control_head_reader *reader = control_head_new();
	enum control_head_result result = CONTROL_HEAD_MORE;
	for (size_t i = 0; result == CONTROL_HEAD_MORE; i++) {
		size_t size = cuts[i] ? cuts[i] : bytes.size;
		free(*kept);
		*kept = malloc(size + 1);
		memcpy(*kept, bytes.at, size);
		result = control_head_read(reader, (struct slice){*kept, size}, ret, why);
		if (!cuts[i]) break;
	}
	control_head_free(reader);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice bytes = {(const char *)data, size};
	unsigned seed = fuzz_byte(&bytes);
	struct control_head_reader *reader = control_head_new();
	struct control_head once, pieces;
	const char *why = "", *other = "";
	size_t cuts[CUTS];
	char *kept = NULL;
	if (!bytes.size) bytes.at = "";
	enum control_head_result result = control_head_read(reader, bytes, &once, &why);
	fuzz_cuts(seed, bytes.size, cuts, CUTS);
	enum control_head_result again = read_in_pieces(bytes, cuts, &kept, &pieces, &other);
	assert(result == again);
	if (result == CONTROL_HEAD_COMPLETE) {
		check(&once, bytes);
		assert(same(&once, &pieces));
	}
	if (result == CONTROL_HEAD_BAD) assert(*why && !strpbrk(why, "\r\n"));
	control_head_free(reader);
	free(kept);
	return 0;
}
