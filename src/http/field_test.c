#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/field.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct lookup {
	const char *head, *name;
	const char *value; /* NULL: there is none */
};

static const struct lookup lookups[] = {
	{OK "Location: /x\r\n\r\n", "location", "/x"},
	{OK "LOCATION:/x\r\n\r\n", "location", "/x"},
	{OK "location: \t /x y \t\r\n\r\n", "location", "/x y"},
	{OK "A: 1\r\nLocation: http://h:80/?a:b\r\nB: 2\r\n\r\n", "location", "http://h:80/?a:b"},
	{OK "Location: /1\r\nLocation: /2\r\n\r\n", "location", "/1"},
	{OK "Location:\r\n\r\n", "location", ""},
	{OK "Location: \r\n\r\n", "location", ""},
	{OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", "content-length", "5"},
	/* a part of a name, a name in a value, a name in the status line, a folded line */
	{OK "X-Location: /x\r\nLocation-X: /y\r\n\r\n", "location", NULL},
	{OK "A: location: /x\r\n\r\n", "location", NULL},
	{"HTTP/1.1 200 Location: /x\r\n\r\n", "location", NULL},
	{OK "A: b\r\n Location: /x\r\n\r\n", "location", NULL},
	{OK "A: b\r\n\tLocation: /x\r\nLocation: /y\r\n\r\n", "location", "/y"},
	{OK "Location: /x\r\n /y\r\n\r\n", "location", "/x"},
	{OK "\r\n", "location", NULL},
	{OK "Location\r\n\r\n", "location", NULL},
	{"HTTP/1.1 200\r\nDate: now\r\n\r\n", "date", "now"},
	{"", "location", NULL},
	{OK, "location", NULL},
	{OK "Location", "location", NULL},
	{OK "Location: /x", "location", "/x"},
};

/* From memory of exactly the head's size, so that a sanitizer sees a read beyond it. */
static void a_field_is_found_by_its_whole_name(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(lookups); i++) {
		const struct lookup *want = &lookups[i];
		struct slice text = slice_of(want->head), got = SLICE("untouched");
		char *copy = malloc(text.size ? text.size : 1);
		assert_non_null(copy);
		memcpy(copy, text.at, text.size);
		bool found = field_find((struct slice){copy, text.size}, slice_of(want->name), &got);
		struct slice value = slice_of(want->value ? want->value : "untouched");
		if (found != (want->value != NULL) || !slice_equal(got, value))
			fail_msg("%s: found %d '%.*s'", want->head, found, (int)got.size, got.at);
		if (found && got.size) assert_true(got.at >= copy && got.at + got.size <= copy + text.size);
		free(copy);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_field_is_found_by_its_whole_name)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
