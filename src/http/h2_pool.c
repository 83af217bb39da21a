#include "http/h2_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define SMALLEST_BITS 6
#define SMALLEST (1 << SMALLEST_BITS)
#define DIRECT H2_POOL_CLASSES /* the class of what malloc has to care for */

/* In front of each block. */
struct block {
	_Alignas(max_align_t) size_t size; /* usable bytes behind it */
	unsigned class;
};

static unsigned pool_class(size_t size) {
	if (size <= SMALLEST) return 0;
	unsigned bits = 64 - (unsigned)__builtin_clzl(size - 1); /* size <= 1 << bits */
	return bits - SMALLEST_BITS < DIRECT ? bits - SMALLEST_BITS : DIRECT;
}

static void *pool_malloc(size_t size, void *user) {
	struct h2_pool *pool = user;
	unsigned class = pool_class(size);
	size_t room = class < DIRECT ? (size_t)SMALLEST << class : size;
	if (class < DIRECT && pool->free[class]) {
		void *at = pool->free[class];
		pool->free[class] = *(void **)at;
		pool->idle -= room;
		return at;
	}
	struct block *block = mem_alloc(sizeof(*block) + room);
	block->size = room;
	block->class = class;
	return block + 1;
}

static void pool_free(void *at, void *user) {
	struct h2_pool *pool = user;
	if (!at) return;
	struct block *block = (struct block *)at - 1;
	if (block->class == DIRECT || pool->idle + block->size > H2_POOL_IDLE) {
		free(block);
		return;
	}
	*(void **)at = pool->free[block->class];
	pool->free[block->class] = at;
	pool->idle += block->size;
}

static void *pool_calloc(size_t count, size_t size, void *user) {
	size_t all;
	if (__builtin_mul_overflow(count, size, &all)) return NULL;
	return memset(pool_malloc(all, user), 0, all);
}

static void *pool_realloc(void *at, size_t size, void *user) {
	if (!at) return pool_malloc(size, user);
	size_t room = ((struct block *)at - 1)->size;
	if (size <= room) return at;
	void *grown = pool_malloc(size, user);
	memcpy(grown, at, room);
	pool_free(at, user);
	return grown;
}

void h2_pool_init(struct h2_pool *pool) {
	*pool = (struct h2_pool){.mem = {pool, pool_malloc, pool_free, pool_calloc, pool_realloc}};
}

void h2_pool_fini(struct h2_pool *pool) {
	for (unsigned class = 0; class < H2_POOL_CLASSES; class ++) {
		while (pool->free[class]) {
			void *at = pool->free[class];
			pool->free[class] = *(void **)at;
			free((struct block *)at - 1);
		}
	}
}
