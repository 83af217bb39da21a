/* Heads and their HPACK blocks (RFC 7541), by libnghttp2, with a memory: the same head gives the same block, and the same block the same head, as long as the table
 * of the connection stays as it is, and most requests of a run are alike. For http/h2*.c only.
 * In: heads, blocks. Out: blocks, what matters of heads. One thread, one connection. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "http/h2_fields.h"
#include "http/h2_text.h"

#define H2_KEPT 256 /* bytes of the longest block that is remembered */

struct h2_packer {
	nghttp2_hd_deflater *deflater;
	const struct h2_head *head; /* whose block is `kept`; NULL: none */
	size_t kept_size;
	uint8_t kept[H2_KEPT];
};

/* What matters of a response's head, or of trailers. */
struct h2_seen {
	unsigned status; /* 0: none: trailers */
	int64_t length;  /* Content-Length; -1: none */
	uint32_t bytes;  /* as RFC 9113 section 6.5.2 counts */
};

/* What a block does to the table (RFC 7541 section 6). */
enum h2_block {
	H2_BLOCK_PURE,   /* nothing: only indexed fields, and literal ones that are not put into it */
	H2_BLOCK_CLOSED, /* it puts fields into it, and refers to none that was put there */
	H2_BLOCK_OTHER,
};

struct h2_unpacker {
	nghttp2_hd_inflater *inflater;
	struct h2_seen seen; /* of the block that is `kept` */
	enum h2_block kind;
	unsigned repeats; /* CLOSED: how often it came, one after the other */
	size_t kept_size; /* 0: none */
	uint8_t kept[H2_KEPT];
};

enum h2_unpacked {
	H2_HEAD_FINE,
	H2_HEAD_BAD,       /* not what a response may have (RFC 9113 section 8): the stream's fault */
	H2_HEAD_TOO_LARGE, /* more than HTTP_HEAD_MAX: the stream's fault */
	H2_HEAD_BROKEN,    /* no HPACK: the connection's fault */
};

/* Cannot fail but for memory. */
void h2_packer_init(struct h2_packer *packer, nghttp2_mem *mem);
void h2_packer_fini(struct h2_packer *packer);

/* The peer's table has this size now. */
void h2_packer_resize(struct h2_packer *packer, uint32_t bytes);

/* Returns how many bytes the block of a head has at most. */
size_t h2_pack_bound(const struct h2_packer *packer, const struct h2_head *head);

/* Writes the block of a head, with room for as many bytes, and returns its size. */
size_t h2_pack(struct h2_packer *packer, const struct h2_head *head, uint8_t *into, size_t room);

void h2_unpacker_init(struct h2_unpacker *unpacker, nghttp2_mem *mem);
void h2_unpacker_fini(struct h2_unpacker *unpacker);

/* How a head is wanted as text. */
struct h2_wanted {
	unsigned from; /* of statuses from this one on */
	struct h2_text *text;
	char **spare; /* see h2_text.h */
};

/* Reads the block of a response's head, or of trailers. *ret is meaningful if it is fine; text is there then if it is wanted. */
enum h2_unpacked h2_unpack(struct h2_unpacker *unpacker, struct slice block, bool trailers, const struct h2_wanted *wanted, struct h2_seen *ret);

/* Returns how many bytes at the beginning of a block change the size of the table: nothing may stand before them (RFC 7541 section 4.2). */
size_t h2_block_resizes(const uint8_t *at, size_t size);

/* Returns what a block does to the table; what is not whole is OTHER. */
enum h2_block h2_block_kind(const uint8_t *at, size_t size);
