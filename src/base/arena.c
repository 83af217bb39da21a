#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES 8192

struct arena_block {
	struct arena_block *before;
	size_t room, used;
	_Alignas(max_align_t) char bytes[];
};

void mem_fail(void) {
	static const char text[] = "strest: out of memory\n";
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) _exit(1);
	_exit(1);
}

void *mem_alloc(size_t size_bytes) {
	void *memory = malloc(size_bytes ? size_bytes : 1);
	if (!memory) mem_fail();
	return memory;
}

void *mem_zeroed(size_t count, size_t size_bytes) {
	void *memory = calloc(count ? count : 1, size_bytes ? size_bytes : 1);
	if (!memory) mem_fail();
	return memory;
}

void *mem_resize(void *old, size_t size_bytes) {
	void *memory = realloc(old, size_bytes ? size_bytes : 1);
	if (!memory) mem_fail();
	return memory;
}

void arena_init(struct arena *arena) {
	arena->last = NULL;
}

void arena_fini(struct arena *arena) {
	for (struct arena_block *block = arena->last, *before; block; block = before) {
		before = block->before;
		free(block);
	}
	arena->last = NULL;
}

void *arena_alloc(struct arena *arena, size_t size_bytes) {
	const size_t align = _Alignof(max_align_t);
	if (size_bytes > SIZE_MAX / 2) mem_fail();
	size_t size = (size_bytes + align - 1) / align * align;
	struct arena_block *block = arena->last;
	if (!block || block->room - block->used < size) {
		size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		block = mem_zeroed(1, sizeof(*block) + room);
		block->before = arena->last;
		block->room = room;
		arena->last = block;
	}
	void *memory = block->bytes + block->used;
	block->used += size;
	return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size_bytes) {
	size_t total;
	if (__builtin_mul_overflow(count, size_bytes, &total)) mem_fail();
	return arena_alloc(arena, total);
}

char *arena_copy(struct arena *arena, struct slice text) {
	char *copy = arena_alloc(arena, text.size + 1);
	if (text.size > 0) memcpy(copy, text.at, text.size);
	return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = arena_alloc(arena, (size_t)(size < 0 ? 0 : size) + 1);
	if (size > 0) vsnprintf(text, (size_t)size + 1, format, again);
	va_end(again);
	return text;
}
