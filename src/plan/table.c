#include "plan/table.h"

#include <assert.h>

void table_init(struct table *table, size_t most, struct arena *arena) {
	size_t size = 8;
	assert(most < UINT32_MAX);
	while (size < 2 * most) size *= 2; /* half of the slots stay free: searches are short, and end */
	*table = (struct table){arena_array(arena, size, sizeof(uint32_t)), size - 1};
}

uint64_t table_hash(uint64_t hash, struct slice bytes) {
	hash ^= 0xcbf29ce484222325;
	for (size_t i = 0; i < bytes.size; i++) hash = (hash ^ ((unsigned char)bytes.at[i] | 0x20)) * 0x100000001b3;
	return hash;
}

uint32_t *table_seek(const struct table *table, uint64_t hash, bool (*same)(const void *user, uint32_t number), const void *user) {
	size_t at = (size_t)(hash ^ hash >> 32) & table->mask;
	while (table->slots[at] && !same(user, table->slots[at] - 1)) at = (at + 1) & table->mask;
	return &table->slots[at];
}
