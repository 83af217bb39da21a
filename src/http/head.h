/* The heads seen last on the connections of one thread, so that an equal one is known without being parsed again.
 * In: heads that a parser has accepted. Out: which of them the given bytes begin with; the caller keeps what each of them meant.
 * Caller's memory, fixed size; one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define HEAD_COUNT 4       /* heads remembered */
#define HEAD_SIZE_MAX 4096 /* bytes; a longer head is not remembered */
#define HEAD_GAPS_MAX 8

/* A value that may be another one of the same length: bytes [from, to) of the head. */
struct head_gap {
	uint16_t from;
	uint16_t to;
	bool number; /* the digits of Content-Length, which may be any digits; else anything printable */
};

struct head {
	uint16_t size; /* bytes with the blank line; 0: nothing remembered */
	uint8_t gaps;
	uint8_t number;                     /* the gap that is a number, from 1; 0: none is */
	struct head_gap gap[HEAD_GAPS_MAX]; /* ascending, apart from each other */
	char at[HEAD_SIZE_MAX];
};

struct head_memory {
	unsigned last; /* found or kept last: looked at first, never forgotten next */
	unsigned next; /* the place that is taken next */
	struct head heads[HEAD_COUNT];
};

/* Makes an empty memory of zeroed or any other bytes. */
void head_init(struct head_memory *memory);

/* Returns the number of the remembered head that `bytes` begin with, -1 if there is none. Equal to the byte, gaps apart: there any
 * characters from blank to '~' will do, or digits. */
int head_find(struct head_memory *memory, struct slice bytes);

/* Returns the size of the remembered head `number` in bytes. */
static inline size_t head_size(const struct head_memory *memory, int number) {
	return memory->heads[number].size;
}

/* Returns whether heads that match number `number` differ in Content-Length. */
static inline bool head_differs_in_length(const struct head_memory *memory, int number) {
	return memory->heads[number].number > 0;
}

/* If they do: returns that of `bytes`, which begin with such a head. */
uint64_t head_length(const struct head_memory *memory, int number, struct slice bytes);

/* Compares an accepted `head` with the remembered one. If they differ only in values, of equal length, of header fields that mean nothing to
 * framing and connection (so that no parser takes the one for different from the other), or in the digits of Content-Length, those values become gaps and
 * it returns true. Else, and whenever a line is folded, nameless or otherwise strange, nothing changes and it returns false.
 * The caller has checked that both mean the same, Content-Length apart. */
bool head_loosen(struct head_memory *memory, int number, struct slice head);

/* Remembers an accepted head (status or request line to blank line) without gaps, in the place of an older one. Returns its number, -1 if it
 * is too long. */
int head_keep(struct head_memory *memory, struct slice head);
