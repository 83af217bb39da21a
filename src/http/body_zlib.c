#include <stdlib.h>

#include <zlib.h>

#include "base/arena.h"
#include "http/body_coder.h"

#define INPUT_MAX ((size_t)1 << 30) /* zlib counts in 32 bits */

enum wrapper { WRAPPER_ZLIB = MAX_WBITS, WRAPPER_NONE = -MAX_WBITS, WRAPPER_GZIP = MAX_WBITS + 16 }; /* as inflateInit2 wants it */

struct zlib {
	z_stream stream;
	bool gzip;
	bool begun; /* the first byte was seen */
	bool ended; /* the end of the data, or of a member, was seen */
};

static void *zlib_new(bool gzip) {
	struct zlib *zlib = mem_zeroed(1, sizeof(*zlib));
	zlib->gzip = gzip;
	if (inflateInit2(&zlib->stream, gzip ? WRAPPER_GZIP : WRAPPER_ZLIB) != Z_OK) mem_fail();
	return zlib;
}

static void *gzip_new(void) {
	return zlib_new(true);
}

static void *deflate_new(void) {
	return zlib_new(false);
}

static void zlib_free(void *state) {
	struct zlib *zlib = state;
	inflateEnd(&zlib->stream);
	free(zlib);
}

static void zlib_begin(void *state) {
	struct zlib *zlib = state;
	zlib->begun = false;
	zlib->ended = false;
}

/* Gets ready for the data, or a further member, that begins with this byte. Servers send "deflate" with and without the header of RFC 1950. Its first
 * byte ends in 8: what is not compressed would begin with a block of type 0 and padding that is not zero, which nobody writes. */
static void zlib_reset(struct zlib *zlib, char first) {
	enum wrapper deflate = (first & 15) == Z_DEFLATED ? WRAPPER_ZLIB : WRAPPER_NONE;
	inflateReset2(&zlib->stream, zlib->gzip ? WRAPPER_GZIP : deflate);
	zlib->begun = true;
	zlib->ended = false;
}

static bool zlib_decode(void *state, struct slice *bytes, char *out, size_t room, size_t *ret_made) {
	struct zlib *zlib = state;
	z_stream *stream = &zlib->stream;
	*ret_made = 0;
	if (!bytes->size && (zlib->ended || !zlib->begun)) return true;
	if (zlib->ended && !zlib->gzip) return false;
	if (zlib->ended || !zlib->begun) zlib_reset(zlib, *bytes->at);
	size_t size = bytes->size < INPUT_MAX ? bytes->size : INPUT_MAX;
	stream->next_in = (Bytef *)bytes->at;
	stream->avail_in = (uInt)size;
	stream->next_out = (Bytef *)out;
	stream->avail_out = (uInt)room;
	int result = inflate(stream, Z_NO_FLUSH);
	if (result == Z_MEM_ERROR) mem_fail();
	*bytes = (struct slice){bytes->at + (size - stream->avail_in), bytes->size - (size - stream->avail_in)};
	*ret_made = room - stream->avail_out;
	zlib->ended = result == Z_STREAM_END;
	return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR; /* the last one: it wants more bytes */
}

static bool zlib_complete(const void *state) {
	return ((const struct zlib *)state)->ended;
}

const struct coder_ops coder_gzip = {gzip_new, zlib_free, zlib_begin, zlib_decode, zlib_complete};
const struct coder_ops coder_deflate = {deflate_new, zlib_free, zlib_begin, zlib_decode, zlib_complete};
