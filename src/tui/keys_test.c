#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/keys.h"

#define KEYS_MOST 8

/* What terminals send, after the terminfo entries of xterm, rxvt, linux and screen, ECMA-48 and RFC 3629. */
static const struct {
	const char *bytes;
	int keys[KEYS_MOST];
} cases[] = {
	{"q", {'q'}}, {"q\tq", {'q', '\t', 'q'}}, {"\033[A", {PRESS_UP}}, {"\033OA", {PRESS_UP}}, {"\033[B\033OB", {PRESS_DOWN, PRESS_DOWN}},
	{"\033[C\033OC", {PRESS_RIGHT, PRESS_RIGHT}}, {"\033[D\033OD", {PRESS_LEFT, PRESS_LEFT}},
	{"\033[H\033OH\033[1~\033[7~", {PRESS_HOME, PRESS_HOME, PRESS_HOME, PRESS_HOME}},
	{"\033[F\033OF\033[4~\033[8~", {PRESS_END, PRESS_END, PRESS_END, PRESS_END}}, {"\033[5~\033[6~", {PRESS_PAGE_UP, PRESS_PAGE_DOWN}},
	{"\033[1;5Cq", {PRESS_RIGHT, 'q'}},                                  /* with Ctrl */
	{"\033[15~\033[200~\033[Zq", {'q'}},                                 /* F5, the begin of a paste, Shift-Tab */
	{"\033[[Aq", {'q'}},                                                 /* F1 of the console */
	{"\033OPq", {'q'}},                                                  /* F1 of xterm */
	{"\033[<0;12;30Mq", {'q'}},                                          /* a mouse */
	{"\033[?1;2cq", {'q'}},                                              /* who the terminal is */
	{"\033[99999999999999999999~q", {'q'}},                              /* no key has this number */
	{"\033xq", {'q'}},                                                   /* Alt-x */
	{"\033\033[A", {KEY_ESCAPE, PRESS_UP}}, {"\033[\033[A", {PRESS_UP}}, /* broken off */
	{"\xc3\xa4\xe2\x82\xac", {0xe4, 0x20ac}},                            /* two letters */
	{"\xf0\x9f\x98\x80q", {0x1f600, 'q'}},                               /* a face */
	{"\x80\xff\xc0\xafq", {'q'}},                                        /* no UTF-8 */
	{"\xe2\x82q", {'q'}},                                                /* broken off */
};

static void keys_come_out_of_their_bytes(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct keys keys = {0};
		size_t count = 0;
		for (const char *at = cases[i].bytes; *at; at++) {
			int key = keys_take(&keys, (unsigned char)*at);
			if (key == PRESS_NONE) continue;
			assert_true(count < KEYS_MOST);
			assert_int_equal(key, cases[i].keys[count]);
			count++;
		}
		assert_false(keys_wait(&keys));
		assert_true(count > 0 && (count == KEYS_MOST || cases[i].keys[count] == 0));
	}
}

static void an_escape_alone_is_a_key_after_a_while(void **state) {
	struct keys keys = {0};
	(void)state;
	assert_int_equal(keys_take(&keys, KEY_ESCAPE), PRESS_NONE);
	assert_true(keys_wait(&keys));
	assert_int_equal(keys_rest(&keys), KEY_ESCAPE);
	assert_false(keys_wait(&keys));
	assert_int_equal(keys_rest(&keys), PRESS_NONE);
	assert_int_equal(keys_take(&keys, 'q'), 'q');
}

static void half_a_sequence_is_forgotten_after_a_while(void **state) {
	static const char *const halves[] = {"\033[", "\033[1;", "\033O", "\xe2\x82"};
	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(*halves); i++) {
		struct keys keys = {0};
		for (const char *at = halves[i]; *at; at++) assert_int_equal(keys_take(&keys, (unsigned char)*at), PRESS_NONE);
		assert_int_equal(keys_rest(&keys), PRESS_NONE);
		assert_int_equal(keys_take(&keys, 'A'), 'A');
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_out_of_their_bytes),
		cmocka_unit_test(an_escape_alone_is_a_key_after_a_while),
		cmocka_unit_test(half_a_sequence_is_forgotten_after_a_while),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
