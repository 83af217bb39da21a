#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/cookies.h"

/* Times by Python's datetime; the other two forms of RFC 9110 section 5.6.7, and what else section 5.1.1 allows. */
static void dates_are_read(void **state) {
	(void)state;
	static const struct {
		const char *text;
		int64_t time_s;
	} rows[] = {
		{"Mon, 01 Jan 1601 00:00:00 GMT", INT64_C(-11644473600)},
		{"Thu, 01 Jan 1970 00:00:00 GMT", INT64_C(0)},
		{"Tue, 29 Feb 2000 23:59:59 GMT", INT64_C(951868799)},
		{"Thu, 01 Mar 1900 00:00:00 GMT", INT64_C(-2203891200)},
		{"Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648)},
		{"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
		{"Thu, 29 Feb 2024 12:00:00 GMT", INT64_C(1709208000)},
		{"Sun, 28 Feb 2100 23:59:59 GMT", INT64_C(4107542399)},
		{"Mon, 01 Mar 2100 00:00:00 GMT", INT64_C(4107542400)},
		{"Wed, 31 Dec 1969 23:59:59 GMT", INT64_C(-1)},
		{"Mon, 28 Sep 9012 14:28:32 GMT", INT64_C(222247463312)},
		{"Tue, 26 Mar 4712 16:30:40 GMT", INT64_C(86536485040)},
		{"Sat, 15 Feb 4651 09:09:05 GMT", INT64_C(84608096945)},
		{"Thu, 13 Oct 2287 14:41:47 GMT", INT64_C(10028241707)},
		{"Mon, 01 Oct 4181 16:04:03 GMT", INT64_C(69796137843)},
		{"Fri, 08 Apr 2185 19:01:49 GMT", INT64_C(6793268509)},
		{"Sat, 15 Jun 9202 18:53:12 GMT", INT64_C(228234221592)},
		{"Tue, 10 Nov 5429 15:00:42 GMT", INT64_C(109182610842)},
		{"Wed, 21 Aug 2993 08:26:35 GMT", INT64_C(32302916795)},
		{"Sun, 09 Dec 2964 10:48:14 GMT", INT64_C(31397280494)},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Sun, 06-Nov-1994 08:49:37 GMT", 784111777},
		{"6 NOVEMBER 94 8:49:37", 784111777},
		{"08:49:37 1994 x 06 nov", 784111777},
		{"08:49:37 06 nov 1994", 784111777},
		{"nov 06 08:49:37 1994", 784111777},
		{"\t,;Nov~6th[08:49:37x]1994y", 784111777},
		{"@Nov`6{08:49:37}1994/", 784111777},
		{"06 Nov 1994 08:49:37 +0900", 784111777}, /* a zone says nothing */
		{"06 Nov 1994 07 08:49:37 95 Dec", 784111777},
		{"1 Jan 70 0:0:0", 0},
		{"1 Jan 69 0:0:0", INT64_C(3124224000)}, /* 2069 */
		{"1 Jan 00 0:0:0", 946684800},
		{"1 Jan 99 0:0:0", 915148800},
		{"31 Dec 1999 23:59:59", 946684799},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		int64_t got = 99;
		size_t size = strlen(rows[i].text);
		char *copy = malloc(size);
		assert_non_null(copy);
		memcpy(copy, rows[i].text, size);
		if (!cookies_read_date((struct slice){copy, size}, &got)) fail_msg("'%s' was refused", rows[i].text);
		if (got != rows[i].time_s) fail_msg("'%s': %lld", rows[i].text, (long long)got);
		free(copy);
	}
}

static void what_lacks_a_part_is_no_date(void **state) {
	(void)state;
	static const char *const rows[] = {"", " ", "0", "now", "06 Nov 1994", "08:49:37", "Nov 1994 08:49:37", "06 1994 08:49:37", "06 Nov 08:49:37",
		"00 Nov 1994 08:49:37", "32 Oct 1994 08:49:37", "31 Nov 1994 08:49:37", "30 Feb 2000 08:49:37", "29 Feb 2023 08:49:37",
		"29 Feb 1900 08:49:37", "06 Nov 1600 08:49:37", "06 Nov 1994 24:49:37", "06 Nov 1994 08:60:37", "06 Nov 1994 08:49:60",
		"06 Nov 1994 008:49:37", "06 Nov 1994 08:49", "06 Nov 1994 08:49:", "06 Nov 1994 08:49:377", "06 Nov 1994 08:49:037",
		"06 Nov 19945 08:49:37", "06 Nov 100 08:49:37", "06 Nov 5 08:49:37", "006 Nov 1994 08:49:37", "06 No 1994 08:49:37",
		"06 Nov1994 08:49:37", "06 Nov 1994 08.49.37", "1994-11-06T08:49:37Z", "784111777"};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		int64_t got = 99;
		if (cookies_read_date(slice_of(rows[i]), &got)) fail_msg("'%s' was taken: %lld", rows[i], (long long)got);
		assert_int_equal(got, 99);
	}
	int64_t got;
	assert_false(cookies_read_date((struct slice){NULL, 0}, &got));
	assert_false(cookies_read_date((struct slice){"06 Nov 1994 08:49:37", 17}, &got)); /* the slice ends it */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(what_lacks_a_part_is_no_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
