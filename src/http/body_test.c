#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/buf.h"
#include "http/body.h"
#include "http/body_coder.h"
#include "http/body_samples.def"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#define MIB ((size_t)1 << 20)
#define BYTES(array)                                                                                                                                 \
	{ (const char *)(array), sizeof(array) }

/* Allocations of the program and its libraries, counted where no sanitizer does so itself. */
#ifndef SANITIZED
static size_t allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size) {
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
	allocations++;
	return __libc_realloc(old, size);
}
#endif

/* SAMPLE_TEXT as others encode it. */
static const struct sample {
	const char *encoding;
	const struct coder_ops *ops;
	struct slice bytes;
	bool several; /* another one may follow */
	bool checked; /* it ends with a checksum of everything */
} samples[] = {
	{"gzip", &coder_gzip, BYTES(gzip_tool), .several = true},
	{"X-GZIP", &coder_gzip, BYTES(gzip_fields), .several = true},
	{"deflate", &coder_deflate, BYTES(zlib_stream), .checked = true},
	{"Deflate", &coder_deflate, BYTES(raw_stream)},
	{"deflate", &coder_deflate, BYTES(raw_fixed)},
	{"deflate", &coder_deflate, BYTES(raw_stored)},
#ifdef HTTP_BROTLI
	{"br", &coder_brotli, BYTES(brotli_tool)},
#endif
#ifdef HTTP_ZSTD
	{"zstd", &coder_zstd, BYTES(zstd_tool), .several = true},
	{"zstd", &coder_zstd, BYTES(zstd_plain), .several = true},
#endif
};

static const size_t text_size = sizeof(SAMPLE_TEXT) - 1;
static struct body *body;

static int make_body(void **state) {
	(void)state;
	body = body_new();
	return 0;
}

static int free_body(void **state) {
	(void)state;
	body_free(body);
	return 0;
}

/* Feeds the bytes from memory of exactly their size, so that a sanitizer sees a read beyond them. */
static enum reason feed(struct slice bytes) {
	char *copy = malloc(bytes.size ? bytes.size : 1);
	assert_non_null(copy);
	if (bytes.size) memcpy(copy, bytes.at, bytes.size);
	enum reason reason = body_feed(body, (struct slice){copy, bytes.size});
	free(copy);
	return reason;
}

/* A whole body, cut in two (cut 0: not at all); returns how it went. */
static enum reason run(const char *encoding, struct slice bytes, size_t cut) {
	body_begin(body, slice_of(encoding));
	enum reason reason = feed((struct slice){bytes.at, cut});
	if (reason == REASON_NONE) reason = feed((struct slice){bytes.at + cut, bytes.size - cut});
	if (reason != REASON_NONE) assert_int_equal(feed(SLICE("more")), reason);
	enum reason end = body_end(body);
	if (reason != REASON_NONE) assert_int_equal(end, reason);
	return end;
}

static void expect(const char *encoding, struct slice bytes, size_t cut, size_t size) {
	enum reason reason = run(encoding, bytes, cut);
	if (reason != REASON_NONE || body_decoded(body) != size)
		fail_msg("%s, %zu bytes, cut %zu: %s, %llu decoded", encoding, bytes.size, cut, reason_name(reason),
			(unsigned long long)body_decoded(body));
}

static void expect_broken(const char *encoding, struct slice bytes, size_t cut) {
	enum reason reason = run(encoding, bytes, cut);
	if (reason != REASON_ENCODING) fail_msg("%s, %zu bytes, cut %zu: %s", encoding, bytes.size, cut, reason_name(reason));
}

static void what_others_encode_is_decoded_however_it_is_cut(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		struct slice bytes = samples[i].bytes;
		for (size_t cut = 0; cut < bytes.size; cut++) expect(samples[i].encoding, bytes, cut, text_size);
		body_begin(body, slice_of(samples[i].encoding));
		for (size_t k = 0; k < bytes.size; k++) assert_int_equal(feed((struct slice){bytes.at + k, 1}), REASON_NONE);
		assert_int_equal(body_end(body), REASON_NONE);
		assert_int_equal(body_decoded(body), text_size);
	}
}

/* Into a room of any size: what is decoded is the text, to the byte. */
static void the_text_comes_out(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		const struct coder_ops *ops = samples[i].ops;
		void *coder = ops->new ();
		for (size_t room = 1; room <= text_size + 1; room++) {
			char text[sizeof(SAMPLE_TEXT)];
			struct slice bytes = samples[i].bytes;
			size_t size = 0, made;
			ops->begin(coder);
			do {
				size_t left = sizeof(text) - size;
				assert_true(ops->decode(coder, &bytes, text + size, room < left ? room : left, &made));
				size += made;
			} while (bytes.size || (made == room && size < sizeof(text)));
			assert_true(ops->complete(coder));
			assert_int_equal(size, text_size);
			assert_memory_equal(text, SAMPLE_TEXT, text_size);
		}
		ops->free(coder);
	}
}

static void a_body_that_is_not_complete_is_broken(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++)
		for (size_t size = 1; size < samples[i].bytes.size; size++)
			expect_broken(samples[i].encoding, (struct slice){samples[i].bytes.at, size}, 0);
}

static void bytes_behind_the_end_are_broken_but_for_another_member(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		char twice[1024];
		struct slice bytes = samples[i].bytes;
		memcpy(twice, bytes.at, bytes.size);
		memcpy(twice + bytes.size, bytes.at, bytes.size);
		for (size_t cut = 0; cut < 2 * bytes.size; cut++) {
			struct slice both = {twice, 2 * bytes.size};
			if (samples[i].several)
				expect(samples[i].encoding, both, cut, 2 * text_size);
			else
				expect_broken(samples[i].encoding, both, cut);
		}
		for (size_t more = 1; more < 30; more++) {
			memset(twice + bytes.size, more % 2 ? 0 : 'x', more);
			expect_broken(samples[i].encoding, (struct slice){twice, bytes.size + more}, 0);
			expect_broken(samples[i].encoding, (struct slice){twice, bytes.size + more}, bytes.size);
		}
	}
}

/* Nothing worse than a wrong count comes of a changed bit; with a checksum not even that. Up to 7 bits before it are padding, and the first byte says
 * whether there is one at all. */
static void a_changed_bit_is_found_where_the_format_can(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		char copy[1024];
		size_t size = samples[i].bytes.size, missed = 0;
		for (size_t bit = 0; bit < 8 * size; bit++) {
			memcpy(copy, samples[i].bytes.at, size);
			copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
			enum reason reason = run(samples[i].encoding, (struct slice){copy, size}, size / 2);
			assert_true(reason == REASON_NONE || reason == REASON_ENCODING);
			missed += reason == REASON_NONE && bit >= 8;
		}
		if (samples[i].checked) assert_in_range(missed, 0, 7);
	}
}

static void an_encoding_is_read_as_a_list(void **state) {
	(void)state;
	static const struct {
		const char *encoding;
		bool good;
	} cases[] = {
		{"", true},
		{"identity", true},
		{"Identity", true},
		{" , identity ,, identity", true},
		{"compress", false},
		{"gzipp", false},
		{"gz", false},
		{"identity, bzip2", false},
		{"gzip;q=1", false},
		{"gzip gzip", false},
		{"\x01", false},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (cases[i].good)
			expect(cases[i].encoding, SLICE("hello"), 2, 5);
		else
			expect_broken(cases[i].encoding, SLICE("hello"), 0);
	}
	expect(" ,\tgzip, ", samples[0].bytes, 0, text_size);
	expect("identity, gzip", samples[0].bytes, 0, text_size);
	body_begin(body, SLICE("gzip"));
	assert_int_equal(body_decoded(body), 0);
	assert_int_equal(body_end(body), REASON_NONE);
}

static void a_body_of_no_bytes_is_fine(void **state) {
	(void)state;
	static const char *const encodings[] = {"", "gzip", "deflate", "br", "zstd", "gzip, deflate", "unknown"};
	for (size_t i = 0; i < LENGTH(encodings); i++) expect(encodings[i], SLICE(""), 0, 0);
}

static void accepted_is_what_can_be_decoded(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		char name[16] = {0};
		for (size_t k = 0; samples[i].encoding[k]; k++) name[k] = (char)(samples[i].encoding[k] | 0x20);
		assert_non_null(strstr(body_accept, name[0] == 'x' ? name + 2 : name));
	}
	for (struct slice rest = slice_of(body_accept); rest.size;) {
		struct slice name = slice_trim(slice_cut(rest, ',', &rest));
		size_t i = 0;
		while (i < LENGTH(samples) && !slice_equal(name, slice_of(samples[i].encoding))) i++;
		assert_true(i < LENGTH(samples));
	}
}

/* Encodes with zlib's own compressor; the caller frees. */
static struct slice encode(struct slice bytes, int window_bits) {
	z_stream stream = {0};
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
	size_t room = deflateBound(&stream, bytes.size) + 64;
	char *encoded = malloc(room);
	assert_non_null(encoded);
	stream.next_in = (Bytef *)bytes.at;
	stream.avail_in = (uInt)bytes.size;
	stream.next_out = (Bytef *)encoded;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	size_t size = room - stream.avail_out;
	deflateEnd(&stream);
	return (struct slice){encoded, size};
}

/* `size` zeros, encoded `times` times: the bytes of "gzip, gzip ...". */
static struct slice encode_zeros(size_t size, unsigned times) {
	struct slice bytes = {calloc(size, 1), size};
	assert_non_null(bytes.at);
	while (times--) {
		struct slice next = encode(bytes, MAX_WBITS + 16);
		free((char *)bytes.at);
		bytes = next;
	}
	return bytes;
}

static void encodings_may_be_chained(void **state) {
	(void)state;
	static const char *const encodings[] = {"gzip", "gzip, gzip", "gzip,x-gzip,gzip", "gzip , gzip,GZIP\t, gzip", "gzip,gzip,gzip,gzip,gzip"};
	for (unsigned times = 1; times <= 5; times++) {
		struct slice bytes = encode_zeros(100000, times);
		if (times == 5)
			expect_broken(encodings[4], bytes, 0);
		else
			expect(encodings[times - 1], bytes, bytes.size / 2, 100000);
		if (times < 5) expect_broken(encodings[times], bytes, 0);
		if (times > 1) assert_int_equal(run("gzip", bytes, 0), REASON_NONE);
		if (times > 1) assert_in_range(body_decoded(body), 1, 1000);
		free((char *)bytes.at);
	}
	/* decoded from the last one to the first */
	struct slice inner = encode(SLICE("hello"), MAX_WBITS), outer = encode(inner, MAX_WBITS + 16);
	expect("deflate, gzip", outer, 3, 5);
	expect_broken("gzip, deflate", outer, 3);
	free((char *)inner.at);
	/* the inner one is cut off */
	inner = encode_zeros(1000, 1);
	inner.size--;
	struct slice cut = encode(inner, MAX_WBITS + 16);
	expect_broken("gzip, gzip", cut, 0);
	free((char *)inner.at);
	free((char *)outer.at);
	free((char *)cut.at);
}

static void take(void *user, struct slice bytes) {
	buf_add(user, bytes);
}

static void who_is_told_gets_what_the_body_means(void **state) {
	(void)state;
	struct buf told;
	buf_init(&told, MIB);
	for (size_t i = 0; i < LENGTH(samples); i++) {
		for (size_t cut = 0; cut < samples[i].bytes.size; cut += 7) {
			buf_fini(&told);
			body_begin(body, slice_of(samples[i].encoding));
			body_tell(body, take, &told);
			assert_int_equal(feed((struct slice){samples[i].bytes.at, cut}), REASON_NONE);
			assert_int_equal(feed((struct slice){samples[i].bytes.at + cut, samples[i].bytes.size - cut}), REASON_NONE);
			assert_true(slice_equal((struct slice){buf_text(&told), told.size}, SLICE(SAMPLE_TEXT)));
		}
	}
	buf_fini(&told);
	body_begin(body, SLICE("identity"));
	body_tell(body, take, &told);
	feed(SLICE("as "));
	feed(SLICE("it is"));
	assert_string_equal(buf_text(&told), "as it is");
	body_begin(body, SLICE("")); /* the next body is nobody's until somebody asks again */
	feed(SLICE("more"));
	assert_string_equal(buf_text(&told), "as it is");
	body_begin(body, SLICE("unheard-of"));
	body_tell(body, take, &told);
	feed(SLICE("more"));
	assert_string_equal(buf_text(&told), "as it is");
	buf_fini(&told);
}

static void a_bomb_is_stopped_by_its_ratio(void **state) {
	(void)state;
	struct slice bomb = encode_zeros(32 * MIB, 2); /* zlib's own limit of 1:1032, twice */
	for (size_t cut = 0; cut < 2; cut++) {
		assert_int_equal(run("gzip, gzip", bomb, cut * (bomb.size - 8)), REASON_BOMB);
		assert_in_range(body_decoded(body), 15 * MIB, 17 * MIB);
	}
	free((char *)bomb.at);
	/* any ratio is fine up to 16 MiB, and 1:1000 always */
	struct slice fine = encode_zeros(16 * MIB, 2);
	expect("gzip, gzip", fine, 0, 16 * MIB);
	free((char *)fine.at);
	fine = encode_zeros(32 * MIB, 1);
	expect("gzip", fine, 0, 32 * MIB);
	free((char *)fine.at);
	/* a chain is a bomb also when only its middle is large: RFC 1952 section 2.3, a comment of 32 MiB */
	static const char header[] = {0x1f, (char)0x8b, 8, 16, 0, 0, 0, 0, 0, 3};
	char *comment = calloc(1, 32 * MIB);
	assert_non_null(comment);
	memset(comment, 'x', 32 * MIB);
	memcpy(comment, header, sizeof(header));
	struct slice outer = encode((struct slice){comment, 32 * MIB}, MAX_WBITS + 16);
	assert_int_equal(run("gzip", outer, 0), REASON_NONE);
	for (int i = 0; i < 2; i++) {
		struct slice next = encode(outer, MAX_WBITS + 16);
		free((char *)outer.at);
		outer = next;
	}
	assert_int_equal(run("gzip, gzip, gzip, gzip", outer, 0), REASON_BOMB);
	assert_int_equal(body_decoded(body), 0);
	free(comment);
	free((char *)outer.at);
#ifdef HTTP_BROTLI
	assert_int_equal(run("br", (struct slice)BYTES(brotli_zeros), 0), REASON_BOMB);
	assert_in_range(body_decoded(body), 15 * MIB, 17 * MIB);
#endif
}

#ifdef HTTP_ZSTD
/* RFC 8878 section 3.1.1: a frame with a window of 2^(10 + exponent) bytes, and blocks of 128 KiB that are one byte repeated. */
static void zstd_is_bounded_in_window_and_ratio(void **state) {
	(void)state;
	static const char small[] = {0x28, (char)0xb5, 0x2f, (char)0xfd, 0x00, (char)(13 << 3), 0x09, 0x00, 0x00, 'x'};
	static const char large[] = {0x28, (char)0xb5, 0x2f, (char)0xfd, 0x00, (char)(14 << 3), 0x09, 0x00, 0x00, 'x'};
	static const char skipped[] = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
	static const char legacy[] = {
		0x27, (char)0xb5, 0x2f, (char)0xfd, 0x00, 0x00, 0x40, 0x00, 0x01, 'x', (char)0xc0, 0x00, 0x00}; /* as zstd 0.7 wrote */
	static const char begin[] = {0x28, (char)0xb5, 0x2f, (char)0xfd, 0x00, 10 << 3};
	static const char block[] = {0x02, 0x00, 0x10, 0x00}, last[] = {0x03, 0x00, 0x10, 0x00}; /* size 0x20000 << 3 | type 1 << 1 | last */
	expect("zstd", (struct slice)BYTES(small), 0, 1);
	expect_broken("zstd", (struct slice)BYTES(large), 0);
	expect("zstd", (struct slice)BYTES(skipped), 4, 0);
	for (size_t cut = 0; cut < 5; cut++) expect_broken("zstd", (struct slice)BYTES(legacy), cut);
	for (unsigned blocks = 128; blocks <= 129; blocks++) {
		body_begin(body, SLICE("zstd"));
		assert_int_equal(feed((struct slice)BYTES(begin)), REASON_NONE);
		for (unsigned i = 1; i < blocks; i++) assert_int_equal(feed((struct slice)BYTES(block)), REASON_NONE);
		assert_int_equal(feed((struct slice)BYTES(last)), blocks == 128 ? REASON_NONE : REASON_BOMB);
		assert_int_equal(body_end(body), blocks == 128 ? REASON_NONE : REASON_BOMB);
	}
}
#endif

/* 4 GiB of zeros, each 16 MiB of them the same block of deflate, which a full flush makes independent of the one before. */
static void a_bomb_is_stopped_at_4_gib(void **state) {
	(void)state;
	z_stream stream = {0};
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
	size_t room = MIB;
	char *zeros = calloc(16, MIB), *block = malloc(room);
	assert_true(zeros && block);
	stream.next_in = (Bytef *)zeros;
	stream.avail_in = (uInt)(16 * MIB);
	stream.next_out = (Bytef *)block;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FULL_FLUSH), Z_OK);
	assert_true(stream.avail_in == 0 && stream.avail_out > 0);
	struct slice bytes = {block, room - stream.avail_out};
	deflateEnd(&stream);
	body_begin(body, SLICE("deflate"));
	for (unsigned i = 0; i < 256; i++) assert_int_equal(body_feed(body, bytes), REASON_NONE);
	assert_int_equal(body_decoded(body), BODY_DECODED_MAX);
	assert_int_equal(body_feed(body, bytes), REASON_BOMB);
	assert_in_range(body_decoded(body), BODY_DECODED_MAX, BODY_DECODED_MAX + MIB);
	free(zeros);
	free(block);
	/* what is not encoded is no bomb */
	static const char plain[65536];
	body_begin(body, SLICE(""));
	for (unsigned i = 0; i < 65537; i++) assert_int_equal(body_feed(body, (struct slice){plain, sizeof(plain)}), REASON_NONE);
	assert_int_equal(body_decoded(body), (uint64_t)65537 * 65536);
	assert_int_equal(body_end(body), REASON_NONE);
}

#ifndef SANITIZED
static void a_body_after_the_first_allocates_nothing(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		for (unsigned again = 0; again < 10; again++) {
			size_t before = allocations;
			body_begin(body, slice_of(samples[i].encoding));
			body_feed(body, samples[i].bytes);
			assert_int_equal(body_end(body), REASON_NONE);
			if (again) assert_int_equal(allocations, before);
		}
	}
	size_t before = allocations;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		body_begin(body, slice_of(samples[i].encoding));
		body_feed(body, samples[i].bytes);
	}
	assert_int_equal(allocations, before);
	body_free(body_new());
	assert_true(allocations > before); /* they are counted at all */
}
#endif

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_encode_is_decoded_however_it_is_cut),
		cmocka_unit_test(the_text_comes_out),
		cmocka_unit_test(a_body_that_is_not_complete_is_broken),
		cmocka_unit_test(bytes_behind_the_end_are_broken_but_for_another_member),
		cmocka_unit_test(a_changed_bit_is_found_where_the_format_can),
		cmocka_unit_test(an_encoding_is_read_as_a_list),
		cmocka_unit_test(a_body_of_no_bytes_is_fine),
		cmocka_unit_test(accepted_is_what_can_be_decoded),
		cmocka_unit_test(encodings_may_be_chained),
		cmocka_unit_test(who_is_told_gets_what_the_body_means),
		cmocka_unit_test(a_bomb_is_stopped_by_its_ratio),
#ifdef HTTP_ZSTD
		cmocka_unit_test(zstd_is_bounded_in_window_and_ratio),
#endif
		cmocka_unit_test(a_bomb_is_stopped_at_4_gib),
#ifndef SANITIZED
		cmocka_unit_test(a_body_after_the_first_allocates_nothing),
#endif
	};
	return cmocka_run_group_tests(tests, make_body, free_body);
}
