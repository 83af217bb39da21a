#include "dist/control_head.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char text[] = "\r\nPOST /start HTTP/1.1\r\nHost: a\r\nORIGIN:x\r\nauthorization: \t Bearer  a b \r\nContent-Length: 12\r\nExpect: "
			   "100-Continue\r\nEmpty:\r\n\r\nbody";

static void check(const struct control_head *head) {
	assert_int_equal(head->size, sizeof(text) - 1 - 4);
	assert_true(slice_equal(head->method, SLICE("POST")));
	assert_true(slice_equal(head->target, SLICE("/start")));
	assert_true(slice_equal(head->authorization, SLICE("Bearer  a b")));
	assert_int_equal(head->authorizations, 1);
	assert_true(head->has_length && head->has_origin && head->expects && !head->has_coding);
	assert_int_equal(head->length, 12);
}

/* In two pieces, cut at each place; the second time the bytes lie elsewhere. */
static void a_head_is_read_however_it_comes(void **state) {
	(void)state;
	for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
		struct control_head_reader *reader = control_head_new();
		struct control_head head;
		const char *why = "";
		char *first = malloc(cut + 1), *all = malloc(sizeof(text));
		memcpy(first, text, cut);
		memcpy(all, text, sizeof(text));
		enum control_head_result result = control_head_read(reader, (struct slice){first, cut}, &head, &why);
		if (result == CONTROL_HEAD_MORE) {
			memset(first, '#', cut);
			result = control_head_read(reader, (struct slice){all, sizeof(text) - 1}, &head, &why);
		} else {
			assert_true(cut >= sizeof(text) - 1 - 4);
		}
		if (result != CONTROL_HEAD_COMPLETE) fail_msg("cut at %zu: %s", cut, why);
		check(&head);
		control_head_free(reader);
		free(first);
		free(all);
	}
}

static void without_fields(void **state) {
	struct control_head_reader *reader = control_head_new();
	struct control_head head;
	const char *why;
	(void)state;
	assert_int_equal(control_head_read(reader, SLICE("GET /status HTTP/1.1\r\n\r\n"), &head, &why), CONTROL_HEAD_COMPLETE);
	assert_true(slice_equal(head.authorization, SLICE("")));
	assert_false(head.authorizations || head.has_length || head.has_origin || head.has_coding || head.expects || head.length);
	control_head_free(reader);
}

static void reasons_are_short_and_small(void **state) {
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"GET / HTTP/1.1\r\nX: \xe4\r\n\r\n", "it is not UTF-8"},
		{"\r\n\r\n\r\n", "it is empty"},
		{"GET / HTTP/1.1\r\n: x\r\n\r\n", "a field has no name"},
		{"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", "a field is folded"},
		{"GET / HTTP/2.0\r\n\r\n", "its version is not HTTP/1.1"},
		{"FOO / HTTP/1.1\r\n\r\n", NULL}, /* in the parser's words */
		{"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", NULL},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", NULL},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct control_head_reader *reader = control_head_new();
		struct control_head head;
		const char *why;
		assert_int_equal(control_head_read(reader, slice_of(cases[i].text), &head, &why), CONTROL_HEAD_BAD);
		if (cases[i].why) assert_string_equal(why, cases[i].why);
		assert_true(why[0] >= 'a' && why[0] <= 'z');
		control_head_free(reader);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read_however_it_comes),
		cmocka_unit_test(without_fields),
		cmocka_unit_test(reasons_are_short_and_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
