#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

static int arena_setup(void **state) {
	struct arena *arena = malloc(sizeof(*arena));
	arena_init(arena);
	*state = arena;
	return 0;
}

static int arena_teardown(void **state) {
	arena_fini(*state);
	free(*state);
	return 0;
}

static void assert_zeroed(const unsigned char *bytes, size_t size) {
	for (size_t i = 0; i < size; i++) assert_int_equal(bytes[i], 0);
}

/* Every piece is filled with its own number; if two overlapped, an older number would be gone. */
static void pieces_are_zeroed_aligned_and_apart(void **state) {
	enum { PIECES = 400 };
	static unsigned char *pieces[PIECES];
	for (size_t i = 0; i < PIECES; i++) {
		size_t size = i * 7 % 513; /* some zero, most small, together many blocks */
		pieces[i] = arena_alloc(*state, size);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		assert_zeroed(pieces[i], size);
		memset(pieces[i], (int)(i % 255) + 1, size);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t j = 0; j < i * 7 % 513; j++) assert_int_equal(pieces[i][j], i % 255 + 1);
}

static void a_piece_may_be_larger_than_any_block(void **state) {
	const size_t size = 3 << 20;
	unsigned char *before = arena_alloc(*state, 1);
	unsigned char *large = arena_alloc(*state, size);
	unsigned char *after = arena_alloc(*state, 1);
	assert_zeroed(large, size);
	memset(large, 0xff, size);
	assert_int_equal(*before, 0);
	assert_int_equal(*after, 0);
}

static void an_array_has_room_for_all_its_elements(void **state) {
	uint64_t *numbers = arena_array(*state, 1000, sizeof(*numbers));
	for (uint64_t i = 0; i < 1000; i++) assert_int_equal(numbers[i], 0);
	for (uint64_t i = 0; i < 1000; i++) numbers[i] = UINT64_MAX - i;
	for (uint64_t i = 0; i < 1000; i++) assert_int_equal(numbers[i], UINT64_MAX - i);
	assert_non_null(arena_array(*state, 0, 8));
	assert_non_null(arena_array(*state, 8, 0));
}

static void a_copy_is_terminated_and_of_its_own(void **state) {
	char text[] = "abcdef";
	char *copy = arena_copy(*state, (struct slice){text, 3});
	memset(text, 'x', sizeof(text));
	assert_string_equal(copy, "abc");
	assert_string_equal(arena_copy(*state, (struct slice){NULL, 0}), "");
}

static void a_formatted_text_has_any_length(void **state) {
	assert_string_equal(arena_format(*state, "%s=%d", "answer", 42), "answer=42");
	assert_string_equal(arena_format(*state, "%s", ""), "");
	char *long_text = arena_format(*state, "%020000d", 7);
	assert_int_equal(strlen(long_text), 20000);
	assert_int_equal(long_text[19999], '7');
}

/* A product that does not fit (2^63 * 4) ends the program: one line on stderr, exit 1. */
static void an_array_that_is_too_large_ends_the_program(void **state) {
	int out[2], status;
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(out[1], STDERR_FILENO);
		arena_array(*state, SIZE_MAX / 2 + 1, 4);
		_exit(42);
	}
	close(out[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	char text[200] = "";
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	close(out[0]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(text, "strest: out of memory\n");
}

static void a_freed_arena_may_be_used_again(void **state) {
	arena_alloc(*state, 100000);
	arena_fini(*state);
	assert_zeroed(arena_alloc(*state, 100), 100);
}

static void memory_is_given_in_any_size(void **state) {
	(void)state;
	unsigned char *zeroed = mem_zeroed(100, 10);
	assert_zeroed(zeroed, 1000);
	memset(zeroed, 5, 1000);
	zeroed = mem_resize(zeroed, 100000);
	for (size_t i = 0; i < 1000; i++) assert_int_equal(zeroed[i], 5);
	free(zeroed);
	void *nothing[] = {mem_alloc(0), mem_zeroed(0, 8), mem_zeroed(8, 0), mem_resize(NULL, 0)};
	for (size_t i = 0; i < LENGTH(nothing); i++) {
		assert_non_null(nothing[i]);
		free(nothing[i]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pieces_are_zeroed_aligned_and_apart, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(a_piece_may_be_larger_than_any_block, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(an_array_has_room_for_all_its_elements, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(a_copy_is_terminated_and_of_its_own, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(a_formatted_text_has_any_length, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(an_array_that_is_too_large_ends_the_program, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(a_freed_arena_may_be_used_again, arena_setup, arena_teardown),
		cmocka_unit_test(memory_is_given_in_any_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
