#include "http/h2_pack.h"

#include <string.h>

#include "base/arena.h"
#include "http/http.h"

#define TABLE_BYTES 4096 /* of both sides' tables, unless the peer wants less: SETTINGS_HEADER_TABLE_SIZE as it is at the beginning */
#define TABLE_FIELDS 128 /* there is no room for more: each counts for 32 bytes and its own (RFC 7541 section 4.1) */
#define STATIC_FIELDS 61 /* appendix A; what has a higher number was put there */

/* Reads past an integer with a prefix of so many bits (RFC 7541 section 5.1). Returns what is behind it, NULL: it is not whole or too large. */
static const uint8_t *skip_integer(const uint8_t *at, const uint8_t *end, unsigned prefix, size_t *ret) {
	unsigned most = (1u << prefix) - 1;
	if (at == end) return NULL;
	size_t value = *at++ & most;
	for (unsigned shift = 0; value >= most; shift += 7) {
		if (at == end || shift > 21) return NULL;
		value += (size_t)(*at & 0x7f) << shift;
		if (!(*at++ & 0x80)) break;
	}
	*ret = value;
	return at;
}

static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end) {
	size_t size;
	at = skip_integer(at, end, 7, &size);
	return at && size <= (size_t)(end - at) ? at + size : NULL;
}

/* Reads past a field, and notes what it does. */
static const uint8_t *skip_field(const uint8_t *at, const uint8_t *end, bool *inserts, bool *refers) {
	bool is_indexed = *at & 0x80, is_put = !is_indexed && *at & 0x40;
	size_t index;
	if (!is_indexed && !is_put && *at & 0x20) return NULL; /* the size of the table changes */
	at = skip_integer(at, end, is_indexed ? 7 : is_put ? 6 : 4, &index);
	if (!at) return NULL;
	*inserts |= is_put;
	*refers |= index > STATIC_FIELDS;
	if (is_indexed) return at;
	if (index == 0) at = skip_string(at, end);
	return at ? skip_string(at, end) : NULL;
}

size_t h2_block_resizes(const uint8_t *at, size_t size) {
	const uint8_t *begin = at, *end = at + size;
	size_t unused;
	while (at && at < end && (*at & 0xe0) == 0x20) at = skip_integer(at, end, 5, &unused);
	return at ? (size_t)(at - begin) : 0;
}

enum h2_block h2_block_kind(const uint8_t *at, size_t size) {
	const uint8_t *end = at + size;
	bool inserts = false, refers = false;
	while (at && at < end) at = skip_field(at, end, &inserts, &refers);
	if (!at) return H2_BLOCK_OTHER;
	if (!inserts) return H2_BLOCK_PURE;
	return refers ? H2_BLOCK_OTHER : H2_BLOCK_CLOSED;
}

void h2_packer_init(struct h2_packer *packer, nghttp2_mem *mem) {
	*packer = (struct h2_packer){.head = NULL};
	if (nghttp2_hd_deflate_new2(&packer->deflater, TABLE_BYTES, mem) != 0) mem_fail();
}

void h2_packer_fini(struct h2_packer *packer) {
	nghttp2_hd_deflate_del(packer->deflater);
}

void h2_packer_resize(struct h2_packer *packer, uint32_t bytes) {
	packer->head = NULL;
	if (nghttp2_hd_deflate_change_table_size(packer->deflater, bytes < TABLE_BYTES ? bytes : TABLE_BYTES) != 0) mem_fail();
}

size_t h2_pack_bound(const struct h2_packer *packer, const struct h2_head *head) {
	return packer->head == head ? packer->kept_size : nghttp2_hd_deflate_bound(packer->deflater, head->fields, head->count);
}

size_t h2_pack(struct h2_packer *packer, const struct h2_head *head, uint8_t *into, size_t room) {
	if (packer->head == head) {
		memcpy(into, packer->kept, packer->kept_size);
		return packer->kept_size;
	}
	ssize_t size = nghttp2_hd_deflate_hd(packer->deflater, into, room, head->fields, head->count);
	if (size < 0) mem_fail(); /* there is room */
	if (h2_block_kind(into, (size_t)size) != H2_BLOCK_PURE) {
		packer->head = NULL; /* the table is another one now */
	} else if ((size_t)size <= sizeof(packer->kept)) {
		packer->head = head;
		packer->kept_size = (size_t)size;
		memcpy(packer->kept, into, (size_t)size);
	}
	return (size_t)size;
}

void h2_unpacker_init(struct h2_unpacker *unpacker, nghttp2_mem *mem) {
	*unpacker = (struct h2_unpacker){.kept_size = 0};
	if (nghttp2_hd_inflate_new2(&unpacker->inflater, mem) != 0) mem_fail();
}

void h2_unpacker_fini(struct h2_unpacker *unpacker) {
	nghttp2_hd_inflate_del(unpacker->inflater);
}

/* Lower-case letters, digits and the marks of a token (RFC 9110 section 5.6.2). */
static bool is_name(struct slice name) {
	for (size_t i = 0; i < name.size; i++) {
		char c = name.at[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
		if (!is_plain && (c == 0 || !strchr("!#$%&'*+.^_`|~", c))) return false;
	}
	return name.size > 0;
}

/* RFC 9113 section 8.2.1: no control characters but the tab within, no blank at either end. */
static bool is_value(struct slice value) {
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
	}
	return value.size == 0 || slice_trim(value).size == value.size;
}

/* RFC 9113 section 8.2.2. */
static bool is_of_connection(struct slice name) {
	static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
	for (size_t i = 0; i < LENGTH(names); i++)
		if (slice_equal(name, slice_of(names[i]))) return true;
	return false;
}

/* Three digits from 100 on, but 101, which HTTP/2 does not have (RFC 9113 section 8.6). */
static bool read_status(struct slice value, unsigned *ret) {
	unsigned status = 0;
	for (size_t i = 0; i < value.size; i++) {
		if (value.at[i] < '0' || value.at[i] > '9') return false;
		status = status * 10 + (unsigned)(value.at[i] - '0');
	}
	*ret = status;
	return value.size == 3 && status >= 100 && status != 101;
}

/* Digits; said twice it must be the same (RFC 9110 section 8.6). */
static bool read_length(struct slice value, int64_t *ret) {
	int64_t length = 0;
	if (value.size == 0 || value.size > 18) return false;
	for (size_t i = 0; i < value.size; i++) {
		if (value.at[i] < '0' || value.at[i] > '9') return false;
		length = length * 10 + (value.at[i] - '0');
	}
	bool fine = *ret < 0 || *ret == length;
	*ret = length;
	return fine;
}

/* A head that is being read. */
struct reading {
	struct h2_seen seen;
	const struct h2_wanted *wanted;
	enum h2_unpacked state;
	bool trailers;
	bool has_field; /* one that is not a pseudo one */
};

static bool take_field(struct reading *reading, struct slice name, struct slice value) {
	struct h2_seen *seen = &reading->seen;
	if (name.size > 0 && name.at[0] == ':') { /* RFC 9113 section 8.3.2: :status, once and first */
		bool may = slice_equal(name, SLICE(":status")) && !reading->trailers && seen->status == 0 && !reading->has_field;
		if (!may || !read_status(value, &seen->status)) return false;
		if (seen->status >= reading->wanted->from) h2_text_begin(reading->wanted->text, reading->wanted->spare, value);
		return true;
	}
	reading->has_field = true;
	if (!is_name(name) || !is_value(value) || is_of_connection(name)) return false;
	if (slice_equal(name, SLICE("content-length")) && !reading->trailers && !read_length(value, &seen->length)) return false;
	if (reading->wanted->text->at) h2_text_add(reading->wanted->text, name, value);
	return true;
}

/* Counts a field, and looks at it as long as nothing was wrong: the table must go on in any case. */
static void count_field(struct reading *reading, const nghttp2_nv *field) {
	size_t bytes = field->namelen + field->valuelen + 32;
	if (reading->state != H2_HEAD_FINE) return;
	reading->seen.bytes += (uint32_t)bytes;
	if (reading->seen.bytes > HTTP_HEAD_MAX)
		reading->state = H2_HEAD_TOO_LARGE;
	else if (!take_field(reading, (struct slice){(const char *)field->name, field->namelen},
			 (struct slice){(const char *)field->value, field->valuelen}))
		reading->state = H2_HEAD_BAD;
}

static bool read_block(struct h2_unpacker *unpacker, struct slice block, struct reading *reading) {
	const uint8_t *at = (const uint8_t *)block.at, *end = at + block.size;
	for (;;) {
		nghttp2_nv field;
		int flags = 0;
		ssize_t used = nghttp2_hd_inflate_hd2(unpacker->inflater, &field, &flags, at, (size_t)(end - at), 1);
		if (used < 0) return false;
		at += used;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) count_field(reading, &field);
		if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && at == end) break;
	}
	nghttp2_hd_inflate_end_headers(unpacker->inflater);
	return true;
}

/* Remembers a block that was read, if it can be of use. */
static void keep(struct h2_unpacker *unpacker, struct slice block, const struct h2_seen *seen) {
	unpacker->kept_size = 0;
	unpacker->kind = h2_block_kind((const uint8_t *)block.at, block.size);
	if (unpacker->kind == H2_BLOCK_OTHER || block.size > sizeof(unpacker->kept)) return;
	memcpy(unpacker->kept, block.at, block.size);
	unpacker->kept_size = block.size;
	unpacker->repeats = 1;
	unpacker->seen = *seen;
}

/* Returns whether reading the block that is kept once more would change nothing. A closed one that came so often has filled the table with its own fields: the same
 * again puts the same in and drives the same out. Some servers (nginx) send every head so. */
static bool needs_no_reading(struct h2_unpacker *unpacker) {
	if (unpacker->kind == H2_BLOCK_PURE || unpacker->repeats > TABLE_FIELDS) return true;
	unpacker->repeats++;
	return false;
}

enum h2_unpacked h2_unpack(struct h2_unpacker *unpacker, struct slice block, bool trailers, const struct h2_wanted *wanted, struct h2_seen *ret) {
	bool is_known = !trailers && unpacker->kept_size == block.size && block.size > 0 && memcmp(unpacker->kept, block.at, block.size) == 0;
	if (is_known && needs_no_reading(unpacker) && unpacker->seen.status < wanted->from) {
		*ret = unpacker->seen;
		return H2_HEAD_FINE;
	}
	struct reading reading = {.seen.length = -1, .wanted = wanted, .trailers = trailers};
	bool whole = read_block(unpacker, block, &reading);
	if (whole && reading.state == H2_HEAD_FINE && !trailers && reading.seen.status == 0) reading.state = H2_HEAD_BAD;
	if (!whole) reading.state = H2_HEAD_BROKEN;
	if (!is_known && reading.state == H2_HEAD_FINE && !trailers)
		keep(unpacker, block, &reading.seen);
	else if (!is_known)
		unpacker->kept_size = 0;
	*ret = reading.seen;
	return reading.state;
}
