#include "http/body.h"

#include <stdlib.h>

#include "base/arena.h"
#include "http/body_coder.h"

#define STAGES_MAX 4
#define SCRATCH_BYTES 16384 /* on the stack, once for each stage of a body */
#define RATIO_FROM ((uint64_t)16 << 20)

struct coding {
	const char *name, *alias; /* lower case; RFC 9110 section 8.4.1 */
	const struct coder_ops *ops;
};

static const struct coding codings[] = {
	{"gzip", "x-gzip", &coder_gzip},
	{"deflate", NULL, &coder_deflate},
#ifdef HTTP_BROTLI
	{"br", NULL, &coder_brotli},
#endif
#ifdef HTTP_ZSTD
	{"zstd", NULL, &coder_zstd},
#endif
};

const char body_accept[] = "gzip, deflate"
#ifdef HTTP_BROTLI
			   ", br"
#endif
#ifdef HTTP_ZSTD
			   ", zstd"
#endif
	;

struct stage {
	const struct coder_ops *ops;
	void *state; /* one of `states` */
	bool begun;  /* a byte came */
	uint64_t made;
	void *states[LENGTH(codings)]; /* what bodies before have used; NULL: not yet */
};

struct body {
	unsigned count;                  /* of the present body's stages */
	struct stage stages[STAGES_MAX]; /* as Content-Encoding names them: the first one makes the bytes that count, the last one takes what comes */
	bool unknown;                    /* the encoding is not known */
	enum reason reason;
	uint64_t came, decoded;
	void (*take)(void *user, struct slice bytes); /* NULL: nobody wants the bytes */
	void *user;
};

struct body *body_new(void) {
	return mem_zeroed(1, sizeof(struct body));
}

void body_free(struct body *body) {
	if (!body) return;
	for (size_t i = 0; i < STAGES_MAX; i++)
		for (size_t k = 0; k < LENGTH(codings); k++)
			if (body->stages[i].states[k]) codings[k].ops->free(body->stages[i].states[k]);
	free(body);
}

/* Returns the number of a coding; LENGTH(codings) if it is not known. */
static size_t coding_find(struct slice name) {
	size_t i = 0;
	while (i < LENGTH(codings) && !slice_equal_nocase(name, slice_of(codings[i].name)) &&
		!(codings[i].alias && slice_equal_nocase(name, slice_of(codings[i].alias))))
		i++;
	return i;
}

/* Adds a stage for a coding; false if there is none, or no room. */
static bool stage_add(struct body *body, struct slice name) {
	size_t number = coding_find(name);
	if (number == LENGTH(codings) || body->count == STAGES_MAX) return false;
	struct stage *stage = &body->stages[body->count++];
	stage->ops = codings[number].ops;
	if (!stage->states[number]) stage->states[number] = stage->ops->new ();
	stage->state = stage->states[number];
	stage->begun = false;
	stage->made = 0;
	stage->ops->begin(stage->state);
	return true;
}

void body_begin(struct body *body, struct slice encoding) {
	body->count = 0;
	body->unknown = false;
	body->reason = REASON_NONE;
	body->came = 0;
	body->decoded = 0;
	body->take = NULL;
	while (encoding.size && !body->unknown) {
		struct slice name = slice_trim(slice_cut(encoding, ',', &encoding));
		if (name.size && !slice_equal_nocase(name, SLICE("identity"))) body->unknown = !stage_add(body, name);
	}
}

void body_tell(struct body *body, void (*take)(void *user, struct slice bytes), void *user) {
	body->take = take;
	body->user = user;
}

static bool is_bomb(const struct body *body, uint64_t made) {
	return made > BODY_DECODED_MAX || (made > RATIO_FROM && made > BODY_RATIO_MAX * body->came);
}

/* Sends bytes through the first `left` stages, the last of them first. */
static enum reason stages_feed(struct body *body, unsigned left, struct slice bytes) {
	if (left == 0) {
		body->decoded += bytes.size;
		if (body->take) body->take(body->user, bytes);
		return REASON_NONE;
	}
	struct stage *stage = &body->stages[left - 1];
	stage->begun = true;
	for (;;) {
		char scratch[SCRATCH_BYTES];
		size_t made, before = bytes.size;
		if (!stage->ops->decode(stage->state, &bytes, scratch, sizeof(scratch), &made)) return REASON_ENCODING;
		if (!made && before && bytes.size == before) return REASON_ENCODING; /* it would go on like this */
		stage->made += made;
		if (is_bomb(body, stage->made)) return REASON_BOMB;
		enum reason reason = made ? stages_feed(body, left - 1, (struct slice){scratch, made}) : REASON_NONE;
		if (reason != REASON_NONE || (!bytes.size && made < sizeof(scratch))) return reason;
	}
}

enum reason body_feed(struct body *body, struct slice bytes) {
	if (body->reason != REASON_NONE || !bytes.size) return body->reason;
	body->came += bytes.size;
	body->reason = body->unknown ? REASON_ENCODING : stages_feed(body, body->count, bytes);
	return body->reason;
}

enum reason body_end(struct body *body) {
	for (unsigned i = 0; i < body->count && body->reason == REASON_NONE; i++) {
		const struct stage *stage = &body->stages[i];
		if (stage->begun && !stage->ops->complete(stage->state)) body->reason = REASON_ENCODING;
	}
	return body->reason;
}

uint64_t body_decoded(const struct body *body) {
	return body->decoded;
}
