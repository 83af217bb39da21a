/* Numbers as bytes, for record/parcel.h: unsigned, seven bits a byte, the lowest first (LEB128), never longer than need be.
 * In: numbers, or bytes from another machine. Out: bytes in a buf, or numbers; the first fault ends the reading. The caller owns the structs; one thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define PARCEL_NUMBER_MAX 10 /* bytes of a number */

struct parcel_out {
	struct buf *buf;
	size_t used;
	unsigned char chunk[1024]; /* not in the buf yet */
};

/* `why` is NULL until something is wrong; then nothing is left to be read, and every number is 0. */
struct parcel_in {
	const unsigned char *begin, *at, *end;
	const char *why; /* a constant: "it is cut off" */
	size_t fault_at; /* offset, bytes */
};

/* Hands what is in the chunk to the buf, which says so if it is full. */
void parcel_flush(struct parcel_out *out);

/* Refuses the bytes as of here; the first reason stays. */
void parcel_refuse(struct parcel_in *in, const char *why);

/* The part of parcel_take for numbers over one byte. */
uint64_t parcel_take_long(struct parcel_in *in);

static inline struct parcel_in parcel_open(struct slice bytes) {
	const unsigned char *at = (const unsigned char *)bytes.at;
	return (struct parcel_in){.begin = at, .at = at, .end = at ? at + bytes.size : at};
}

static inline void parcel_put(struct parcel_out *out, uint64_t number) {
	if (out->used > sizeof(out->chunk) - PARCEL_NUMBER_MAX) parcel_flush(out);
	for (; number > 127; number >>= 7) out->chunk[out->used++] = (unsigned char)(number | 128);
	out->chunk[out->used++] = (unsigned char)number;
}

/* Takes the next number; 0 when there is none or it is wrong. */
static inline uint64_t parcel_take(struct parcel_in *in) {
	if (in->at < in->end && *in->at < 128) return *in->at++;
	return parcel_take_long(in);
}

/* Takes the next number, which is at most `most`. */
static inline uint64_t parcel_take_most(struct parcel_in *in, uint64_t most, const char *why) {
	uint64_t number = parcel_take(in);
	if (number <= most) return number;
	parcel_refuse(in, why);
	return 0;
}

/* One element of a list of which only those other than 0 are written: distance from the last one and value; a distance of 0 ends the list. */
struct parcel_entry {
	uint64_t index; /* of the element; valid unless `ended` */
	uint64_t value; /* >= 1 */
	uint64_t next;  /* 0 before the first */
	bool ended;
};

/* Takes the next element of a list of `size`; false: it has ended. */
static inline bool parcel_take_entry(struct parcel_in *in, struct parcel_entry *entry, uint64_t size) {
	uint64_t distance = parcel_take_most(in, size - entry->next, "an element lies outside its list");
	entry->ended = distance == 0;
	if (entry->ended) return false;
	entry->index = entry->next + distance - 1;
	entry->next = entry->index + 1;
	entry->value = parcel_take(in);
	if (entry->value > 0) return true;
	parcel_refuse(in, "an element of a list is 0");
	entry->ended = true;
	return false;
}

/* Appends the elements from `first` to before `end`. The caller closes the list by parcel_put(out, 0). */
static inline void parcel_put_entries(struct parcel_out *out, const uint64_t *list, size_t first, size_t end) {
	size_t next = 0;
	for (size_t i = first; i < end; i++) {
		if (list[i] == 0) continue;
		parcel_put(out, i - next + 1);
		parcel_put(out, list[i]);
		next = i + 1;
	}
}
