/* Finds a thing again: a hash table from what a thing is to its number.
 * In: hashes, and a comparison by the owner of the things. Out: a slot with the number. Memory in the given arena; one thread while it changes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct table {
	uint32_t *slots; /* number + 1; 0: free */
	size_t mask;
};

/* Makes an empty table for at most `most` things. */
void table_init(struct table *table, size_t most, struct arena *arena);

/* Returns the hash of `bytes` behind what `hash` stands for already (0: nothing); letters count without case. Method: FNV-1a, 64 bits. */
uint64_t table_hash(uint64_t hash, struct slice bytes);

/* Returns the slot of the thing with this hash for which `same(user, number)` holds; if there is none, a free one (0), into which the caller
 * writes its number + 1 to add it. */
uint32_t *table_seek(const struct table *table, uint64_t hash, bool (*same)(const void *user, uint32_t number), const void *user);
