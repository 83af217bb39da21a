#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/arena.h"
#include "http/body_coder.h"

#define WINDOW_LOG_MAX 23 /* 8 MiB: more is not for HTTP, RFC 9659 section 3 */

struct zstd {
	ZSTD_DCtx *context;
	bool between; /* two frames, or before the first one */
};

static void *zstd_new(void) {
	struct zstd *zstd = mem_zeroed(1, sizeof(*zstd));
	zstd->context = ZSTD_createDCtx();
	if (!zstd->context) mem_fail();
	ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return zstd;
}

static void zstd_free(void *state) {
	struct zstd *zstd = state;
	ZSTD_freeDCtx(zstd->context);
	free(zstd);
}

static void zstd_begin(void *state) {
	struct zstd *zstd = state;
	ZSTD_DCtx_reset(zstd->context, ZSTD_reset_session_only);
	zstd->between = true;
}

/* Returns whether a frame of RFC 8878 (section 3.1), skippable or not, begins like this. The library would also read the formats that came before it,
 * which differ in this byte. */
static bool begins_frame(char first) {
	return first == 0x28 || (first & 0xf0) == 0x50;
}

static bool zstd_decode(void *state, struct slice *bytes, char *out, size_t room, size_t *ret_made) {
	struct zstd *zstd = state;
	*ret_made = 0;
	if (zstd->between && !bytes->size) return true; /* a call would begin another frame */
	if (zstd->between && !begins_frame(*bytes->at)) return false;
	ZSTD_inBuffer from = {bytes->at, bytes->size, 0};
	ZSTD_outBuffer to = {out, room, 0};
	size_t result = ZSTD_decompressStream(zstd->context, &to, &from);
	if (ZSTD_isError(result)) {
		if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) mem_fail();
		return false;
	}
	*bytes = (struct slice){bytes->at + from.pos, bytes->size - from.pos};
	*ret_made = to.pos;
	zstd->between = result == 0;
	return true;
}

static bool zstd_complete(const void *state) {
	return ((const struct zstd *)state)->between;
}

const struct coder_ops coder_zstd = {zstd_new, zstd_free, zstd_begin, zstd_decode, zstd_complete};
