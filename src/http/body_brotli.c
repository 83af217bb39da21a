#include <stdint.h>
#include <stdlib.h>

#include <brotli/decode.h>

#include "base/arena.h"
#include "http/body_coder.h"

#define IDLE_MAX 16

/* Memory that brotli asked for. */
struct block {
	size_t size;
	_Alignas(max_align_t) char at[];
};

/* brotli's decoder cannot be used again. To make a new one for every body without the heap, what the last one gave back is kept. */
struct brotli {
	BrotliDecoderState *decoder; /* NULL: no byte was seen yet */
	bool ended;
	struct block *idle[IDLE_MAX];
};

/* Gives out an idle block that is large enough, but not twice as large; else a new one. */
static void *block_take(void *state, size_t size) {
	struct brotli *brotli = state;
	for (size_t i = 0; i < IDLE_MAX; i++) {
		struct block *block = brotli->idle[i];
		if (!block || block->size < size || block->size / 2 > size) continue;
		brotli->idle[i] = NULL;
		return block->at;
	}
	struct block *block = mem_alloc(sizeof(*block) + size);
	block->size = size;
	return block->at;
}

/* Keeps the block in an empty place, or in that of a smaller one. */
static void block_give(void *state, void *at) {
	struct brotli *brotli = state;
	if (!at) return;
	struct block *block = (struct block *)((char *)at - offsetof(struct block, at));
	for (size_t i = 0; i < IDLE_MAX && block; i++) {
		struct block *other = brotli->idle[i];
		if (other && other->size >= block->size) continue;
		brotli->idle[i] = block;
		block = other;
	}
	free(block);
}

static void *brotli_new(void) {
	return mem_zeroed(1, sizeof(struct brotli));
}

static void brotli_begin(void *state) {
	struct brotli *brotli = state;
	BrotliDecoderDestroyInstance(brotli->decoder);
	brotli->decoder = NULL;
	brotli->ended = false;
}

static void brotli_free(void *state) {
	struct brotli *brotli = state;
	brotli_begin(brotli);
	for (size_t i = 0; i < IDLE_MAX; i++) free(brotli->idle[i]);
	free(brotli);
}

static bool brotli_decode(void *state, struct slice *bytes, char *out, size_t room, size_t *ret_made) {
	struct brotli *brotli = state;
	*ret_made = 0;
	if (brotli->ended) return bytes->size == 0;
	if (!brotli->decoder) brotli->decoder = BrotliDecoderCreateInstance(block_take, block_give, brotli);
	const uint8_t *in = (const uint8_t *)bytes->at;
	uint8_t *to = (uint8_t *)out;
	size_t left = room;
	BrotliDecoderResult result = BrotliDecoderDecompressStream(brotli->decoder, &bytes->size, &in, &left, &to, NULL);
	bytes->at = (const char *)in;
	*ret_made = room - left;
	brotli->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
	return result != BROTLI_DECODER_RESULT_ERROR;
}

static bool brotli_complete(const void *state) {
	return ((const struct brotli *)state)->ended;
}

const struct coder_ops coder_brotli = {brotli_new, brotli_free, brotli_begin, brotli_decode, brotli_complete};
