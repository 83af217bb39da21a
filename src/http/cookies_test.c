#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/cookies.h"

#define NOW 1700000000

static struct cookie_jar *jar;

static int set_up(void **state) {
	(void)state;
	jar = cookies_new();
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	cookies_free(jar);
	return 0;
}

static struct cookie_place place(const char *host, const char *path) {
	return (struct cookie_place){.host = slice_of(host), .path = slice_of(path), .now_s = NOW};
}

/* From memory of exactly its size, so that a sanitizer sees a read beyond it. */
static bool take_at(const char *value, struct cookie_place from) {
	size_t size = strlen(value);
	char *copy = malloc(size ? size : 1);
	assert_non_null(copy);
	memcpy(copy, value, size);
	bool changed = cookies_take(jar, (struct slice){copy, size}, &from);
	free(copy);
	return changed;
}

static bool take(const char *value, const char *host, const char *path) {
	return take_at(value, place(host, path));
}

static void expect_at(struct cookie_place to, const char *cookie) {
	struct buf buf;
	buf_init(&buf, 1 << 20);
	bool any = cookies_write(jar, &to, &buf);
	if (strcmp(buf_text(&buf), cookie) != 0)
		fail_msg("to '%.*s' '%.*s': '%s', not '%s'", (int)to.host.size, to.host.at, (int)to.path.size, to.path.at, buf_text(&buf), cookie);
	assert_int_equal(any, *cookie != 0);
	buf_fini(&buf);
}

static void expect(const char *host, const char *path, const char *cookie) {
	expect_at(place(host, path), cookie);
}

static struct cookie_place secure_place(const char *host) {
	struct cookie_place it = place(host, "/");
	it.secure = true;
	return it;
}

static struct cookie_place later(const char *host, int64_t seconds) {
	struct cookie_place it = place(host, "/");
	it.now_s += seconds;
	return it;
}

/* RFC 6265 section 3.1 */
static void the_examples_of_the_standard_hold(void **state) {
	(void)state;
	assert_true(take("SID=31d4d96e407aad42", "www.example.com", "/"));
	expect("www.example.com", "/a", "SID=31d4d96e407aad42");
	expect("example.com", "/", "");

	assert_true(take("SID=31d4d96e407aad42; Path=/; Domain=example.com", "www.example.com", "/x"));
	expect("example.com", "/", "SID=31d4d96e407aad42");
	cookies_clear(jar);

	assert_true(take_at("SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", secure_place("www.example.com")));
	assert_true(take_at("lang=en-US; Path=/; Domain=example.com", secure_place("www.example.com")));
	expect_at(secure_place("www.example.com"), "SID=31d4d96e407aad42; lang=en-US");
	expect_at(secure_place("example.com"), "lang=en-US");
	expect("www.example.com", "/", "lang=en-US");

	/* 2021-06-09 10:18:14 */
	struct cookie_place before = place("www.example.com", "/"), after = before;
	before.now_s = 1623233893;
	after.now_s = 1623233894;
	before.secure = true;
	assert_true(take_at("lang=en-US; Expires=Wed, 09 Jun 2021 10:18:14 GMT", before));
	expect_at(before, "SID=31d4d96e407aad42; lang=en-US; lang=en-US");
	expect_at(after, "lang=en-US");
	assert_true(take_at("lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT", before));
	expect_at(before, "SID=31d4d96e407aad42; lang=en-US");
}

static void another_implementation_sends_the_same(void **state) {
	(void)state;
	static const struct {
		const char *value, *scheme, *host, *path, *to_scheme, *to_host, *to_path, *cookie;
	} rows[] = {
#define ROW(...) {__VA_ARGS__},
#include "http/cookies_samples.def"
#undef ROW
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cookie_place from = place(rows[i].host, rows[i].path), to = place(rows[i].to_host, rows[i].to_path);
		from.secure = strcmp(rows[i].scheme, "https") == 0;
		to.secure = strcmp(rows[i].to_scheme, "https") == 0;
		from.is_address = rows[i].host[0] == '1';
		to.is_address = rows[i].to_host[0] == '1';
		take_at(rows[i].value, from);
		expect_at(to, rows[i].cookie);
		cookies_clear(jar);
	}
}

/* Section 5.2: what is sent back to the same place. */
static void names_values_and_attributes_are_cut_out(void **state) {
	(void)state;
	static const struct {
		const char *value, *cookie;
	} rows[] = {
		{"a=1", "a=1"},
		{" \ta \t=\t 1 ", "a=1"},
		{"a=1;", "a=1"},
		{"a=1;;; ;", "a=1"},
		{"a=", "a="},
		{"a=b=c=", "a=b=c="},
		{"a=\"x y\"", "a=\"x y\""},
		{"a=x,y", "a=x,y"},
		{"a=\xc3\xa4", "a=\xc3\xa4"},
		{"a", ""},
		{"a; b=1", ""},
		{"=1", ""},
		{" =1", ""},
		{"", ""},
		{";", ""},
		{";a=1", ""},
		{"Path=/x", "Path=/x"}, /* a cookie with that name */
		{"a=1; HttpOnly; SameSite=Strict; Priority=High; x; =y; Partitioned", "a=1"},
		{"a=1; pAtH=/", "a=1"},
		{"a=1;PATH=/;DOMAIN=example.com;MAX-AGE=1", "a=1"},
		{"a=1; path = / ; domain = example.com ; max-age = 5 ", "a=1"},
		{"a=1; Path=/b", ""},
		{"a=1; Path=/b; Path=/", "a=1"}, /* the last one counts */
		{"a=1; Path=/; Path=/b", ""},
		{"a=1; Path=/b; Path", "a=1"},
		{"a=1; Path=/b; Path=b", "a=1"},
		{"a=1; Path=\"/\"", "a=1"}, /* quotes are none */
		{"a=1; Domain=", "a=1"},
		{"a=1; Domain=.", "a=1"},
		{"a=1; Domain=..", ""},
		{"a=1; Domain=other.com", ""},
		{"a=1; Domain=other.com; Domain=example.com", "a=1"},
		{"a=1; Domain=example.com; Domain=other.com", ""},
		{"a=1; Domain=example.com; Domain=", "a=1"},
		{"a=1; Domain=other.com; Domain=", ""}, /* an empty one is ignored */
		{"a=1; Domain=..example.com", ""},
		{"a=1; Domain=example.com.", ""},
		{"a=1; Domain=com", ""},
		{"a=1; Domain=.com", ""},
		{"a=1; Max-Age=0", ""},
		{"a=1; Max-Age=-1", ""},
		{"a=1; Max-Age=+0", "a=1"}, /* section 5.2.2: ignored */
		{"a=1; Max-Age=0x", "a=1"},
		{"a=1; Max-Age=", "a=1"},
		{"a=1; Max-Age=-", "a=1"},
		{"a=1; Max-Age=0; Max-Age=x", ""},
		{"a=1; Max-Age=0; Max-Age=1", "a=1"},
		{"a=1; Max-Age=99999999999999999999999999", "a=1"},
		{"a=1; Max-Age=-99999999999999999999999999", ""},
		{"a=1; Max-Age=9223372036854775807", "a=1"},
		{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""},
		{"a=1; Expires=0", "a=1"}, /* no date */
		{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=0", ""},
		{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "a=1"},
		{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", "a=1"},
		{"a=1; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1"},
		{"a=1; Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT", ""},
		{"a=1\r", ""},
		{"a=1\nb: 2", ""},
		{"a=1; Path=/\x7f", ""},
		{"a=\x01", ""},
		{"a=1\t2", "a=1\t2"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		bool taken = take(rows[i].value, "example.com", "/");
		expect("example.com", "/", rows[i].cookie);
		if (*rows[i].cookie && !taken) fail_msg("%s: not taken", rows[i].value);
		cookies_clear(jar);
	}
	struct cookie_place from = place("example.com", "/");
	assert_false(cookies_take(jar, SLICE("a=1\0b"), &from));
	assert_false(cookies_take(jar, (struct slice){NULL, 0}, &from));
	assert_true(cookies_take(jar, (struct slice){"a=12", 3}, &from));
	expect("example.com", "/", "a=1");
}

/* The folder of a request: section 5.1.4. */
static void without_a_path_it_is_the_folder(void **state) {
	(void)state;
	static const struct {
		const char *path, *in, *out; /* a request that carries it, one that does not */
	} rows[] = {
		{"/a/b/c", "/a/b/x", "/a/x"},
		{"/a/b/", "/a/b", "/a/"},
		{"/a/b", "/a", "/ab"},
		{"/a/b?c/d", "/a/x?y", "/b?/a/x"},
		{"/a", "/", NULL},
		{"/a?/b/c/", "/", NULL},
		{"/", "/x/y", NULL},
		{"", "/x", NULL},
		{"?x", "", NULL},
		{"*", "*", NULL},
		{"//", "/a", NULL},
		{"//a/b", "//a/c", "/a/c"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_true(take("a=1", "h", rows[i].path));
		expect("h", rows[i].in, "a=1");
		if (rows[i].out) expect("h", rows[i].out, "");
		cookies_clear(jar);
	}
}

static void a_domain_without_a_dot_is_only_the_host(void **state) {
	(void)state;
	assert_true(take("a=1; Domain=LocalHost", "localhost", "/"));
	expect("LOCALHOST", "/", "a=1");
	expect("x.localhost", "/", "");
	assert_false(take("b=1; Domain=localhost", "x.localhost", "/"));

	struct cookie_place address = place("10.0.0.7", "/"), below = place("1.10.0.0.7", "/");
	address.is_address = true;
	assert_true(take_at("a=1; Domain=10.0.0.7", address));
	expect_at(address, "a=1");
	expect_at(below, "");
	assert_false(take_at("b=1; Domain=0.0.7", address));
	address.host = SLICE("::1");
	assert_true(take_at("a=2; Domain=::1", address));
	expect_at(address, "a=2");
	assert_false(take_at("a=2", place("", "/")));
}

/* Section 5.4. */
static void longer_paths_come_first_then_older_cookies(void **state) {
	(void)state;
	take("a=1; Path=/", "h.com", "/");
	take("b=2; Path=/x/y", "h.com", "/");
	take("c=3; Path=/x", "h.com", "/");
	take("d=4; Path=/x", "h.com", "/");
	take("e=5; Path=/; Domain=h.com", "h.com", "/");
	expect("h.com", "/x/y/z", "b=2; c=3; d=4; a=1; e=5");
	assert_true(take("c=33; Path=/x", "h.com", "/")); /* keeps its place, section 5.3 step 11.3 */
	expect("h.com", "/x/y/z", "b=2; c=33; d=4; a=1; e=5");
	assert_true(take("c=33; Path=/x; Max-Age=0", "h.com", "/"));
	assert_true(take("c=3; Path=/x", "h.com", "/")); /* a new one */
	expect("h.com", "/x/y/z", "b=2; d=4; c=3; a=1; e=5");
	take("d=ended; Path=/x; Max-Age=1", "h.com", "/");
	struct cookie_place to = later("h.com", 1);
	to.path = SLICE("/x");
	assert_true(take_at("d=new; Path=/x; Max-Age=9", to)); /* likewise */
	expect_at(to, "c=3; d=new; a=1; e=5");
}

static void name_domain_and_path_make_a_cookie(void **state) {
	(void)state;
	assert_true(take("a=1", "www.h.com", "/"));
	assert_true(take("a=2; Domain=h.com", "www.h.com", "/"));
	assert_true(take("a=3; Path=/x", "www.h.com", "/"));
	assert_true(take("A=4", "www.h.com", "/"));
	expect("www.h.com", "/x", "a=3; a=1; a=2; A=4");
	assert_true(take("a=5; Domain=www.h.com", "www.h.com", "/")); /* the domain is the host of the first */
	expect("www.h.com", "/x", "a=3; a=5; a=2; A=4");
	expect("x.www.h.com", "/", "a=5; a=2");
	assert_true(take("a=6; Secure", "www.h.com", "/"));
	expect("www.h.com", "/x", "a=3; a=2; A=4");
}

static void a_jar_says_whether_it_has_changed(void **state) {
	(void)state;
	assert_true(take("a=1", "h", "/"));
	assert_false(take("a=1", "h", "/"));
	assert_true(take("a=2", "h", "/"));
	assert_true(take("a=2; Max-Age=5", "h", "/"));
	assert_false(take("a=2; Max-Age=5", "h", "/"));
	assert_true(take("a=2; Max-Age=6", "h", "/"));
	assert_false(take("b=; Max-Age=0", "h", "/"));
	assert_true(take("a=; Max-Age=0", "h", "/"));
	assert_false(take("a=; Max-Age=0", "h", "/"));
	expect("h", "/", "");
}

static void an_age_ends_to_the_second(void **state) {
	(void)state;
	take("a=1; Max-Age=10", "h", "/");
	take("b=2", "h", "/");
	expect_at(later("h", 9), "a=1; b=2");
	expect_at(later("h", 10), "b=2");
	expect_at(later("h", (int64_t)1 << 40), "b=2");
}

static void a_full_jar_loses_its_oldest(void **state) {
	(void)state;
	char text[COOKIE_BYTES_MAX + 100];
	for (int i = 0; i < COOKIES_MAX; i++) {
		snprintf(text, sizeof(text), "c%d=%d; Path=/%s", i, i, i % 3 ? "" : "x");
		assert_true(take(text, "h", "/"));
	}
	assert_true(take("c0=again; Path=/x", "h", "/")); /* not one more */
	expect("h", "/y",
		"c1=1; c2=2; c4=4; c5=5; c7=7; c8=8; c10=10; c11=11; c13=13; c14=14; c16=16; c17=17; c19=19; c20=20; c22=22; c23=23; "
		"c25=25; c26=26; c28=28; c29=29; c31=31; c32=32; c34=34; c35=35; c37=37; c38=38; c40=40; c41=41; c43=43; c44=44; c46=46; "
		"c47=47; c49=49; c50=50; c52=52; c53=53; c55=55; c56=56; c58=58; c59=59; c61=61; c62=62");
	struct slice value;
	struct cookie_place to = place("h", "/x");
	assert_true(take("new=1", "h", "/"));
	assert_false(cookies_find(jar, &to, SLICE("c0"), &value)); /* the time of its making stays */
	assert_true(cookies_find(jar, &to, SLICE("c1"), &value));
	assert_true(take("newer=1", "h", "/"));
	assert_false(cookies_find(jar, &to, SLICE("c1"), &value));
	assert_true(cookies_find(jar, &to, SLICE("new"), &value));

	/* the largest that is taken, in a jar full of them */
	memset(text, 'v', sizeof(text));
	for (int i = 0; i < 3 * COOKIES_MAX; i++) {
		snprintf(text, 8, "c%05d", i);
		text[6] = '=';
		text[COOKIE_BYTES_MAX + 1] = 0;
		assert_true(take(text, "h", "/"));
	}
	struct buf buf;
	buf_init(&buf, 1 << 20);
	assert_true(cookies_write(jar, &to, &buf));
	assert_int_equal(buf.size, COOKIES_MAX * (COOKIE_BYTES_MAX + 3) - 2);
	assert_memory_equal(buf.at, "c00128=vvv", 10);
	buf_fini(&buf);
	text[COOKIE_BYTES_MAX + 1] = 'v';
	text[COOKIE_BYTES_MAX + 2] = 0;
	assert_false(take(text, "h", "/"));
}

static void the_first_one_that_would_be_sent_is_found(void **state) {
	(void)state;
	struct slice value = SLICE("untouched");
	struct cookie_place to = place("www.h.com", "/x");
	assert_false(cookies_find(jar, &to, SLICE("a"), &value));
	take("a=1; Domain=h.com; Path=/", "www.h.com", "/");
	take("a=; Path=/x", "www.h.com", "/");
	take("a=3; Path=/x; Domain=h.com; Secure", "www.h.com", "/");
	assert_false(cookies_find(jar, &to, SLICE("b"), &value));
	assert_false(cookies_find(jar, &to, SLICE("A"), &value));
	assert_false(cookies_find(jar, &to, SLICE(""), &value));
	assert_true(slice_equal(value, SLICE("untouched")));
	assert_true(cookies_find(jar, &to, SLICE("a"), &value));
	assert_int_equal(value.size, 0);
	to.path = SLICE("/?x");
	assert_true(cookies_find(jar, &to, SLICE("a"), &value));
	assert_true(slice_equal(value, SLICE("1")));
	to.host = SLICE("h.org");
	assert_false(cookies_find(jar, &to, SLICE("a"), &value));
}

static void each_set_cookie_of_a_head_is_taken(void **state) {
	(void)state;
	static const struct {
		const char *head, *cookie;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\nSet-Cookie: b=2; Path=/\r\n\r\n", "a=1; b=2"},
		{"HTTP/2 200\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n", "a=1; b=2"},
		{"HTTP/1.1 200 OK\r\nSET-COOKIE:a=1\r\nsEt-cOOkie: \t b=2 \t\r\n\r\n", "a=1; b=2"},
		{"HTTP/1.1 200 OK\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n", "a=1; b=2"},
		{"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n", ""},
		{"HTTP/1.1 200 OK\r\nSet-Cookie2: a=1\r\nX-Set-Cookie: b=2\r\nX: Set-Cookie: c=3\r\nSet-Cookie : d=4\r\n\r\n", ""},
		{"HTTP/1.1 200 OK\r\nX: y\r\n Set-Cookie: a=1\r\n\r\n", ""},         /* a folded line */
		{"HTTP/1.1 200 OK\r\nSet-Cookie: a=1;\r\n\tPath=/x\r\n\r\n", "a=1"}, /* ends at the fold */
		{"HTTP/1.1 103 E\r\nSet-Cookie: a=1\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: b=2\r\n\r\n", "a=1; b=2"},
		{"Set-Cookie: a=1\r\n\r\n", ""}, /* the status line */
		{"HTTP/1.1 200 OK\r\nSet-Cookie: a=1", "a=1"},
		{"HTTP/1.1 200 OK\r\nSet-Cookie:", ""},
		{"HTTP/1.1 200 OK\r\nSet-Cookie", ""},
		{"HTTP/1.1 200 OK\r\nSet-Cookie:\r\nSet-Cookie: \r\nSet-Cookie: b=2\r\n", "b=2"},
		{"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\rb\r\nSet-Cookie: b=2\r\n", "b=2"},
		{"", ""},
		{"\n", ""},
	};
	struct cookie_place from = place("h", "/");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		size_t size = strlen(rows[i].head);
		char *copy = malloc(size ? size : 1);
		assert_non_null(copy);
		memcpy(copy, rows[i].head, size);
		assert_int_equal(cookies_take_head(jar, (struct slice){copy, size}, &from), *rows[i].cookie != 0);
		assert_false(cookies_take_head(jar, (struct slice){copy, size}, &from));
		expect("h", "/", rows[i].cookie);
		free(copy);
		cookies_clear(jar);
	}
	assert_false(cookies_take_head(jar, (struct slice){NULL, 0}, &from));
}

/* At every distance from the beginning and from the end. */
static void a_set_cookie_is_seen_wherever_it_stands(void **state) {
	(void)state;
	struct cookie_place from = place("h", "/");
	char text[300];
	for (int before = 0; before <= 40; before++) {
		for (int behind = 0; behind <= 40; behind++) {
			int size = snprintf(text, sizeof(text),
				"HTTP/1.1 200 OK\r\nX-Y-Z: %*s\r\nabc-d: e\r\nset-cookie: a=1\r\nX: %*s\r\nSet-Cookie: b=2", before, "", behind, "");
			char *copy = malloc((size_t)size);
			assert_non_null(copy);
			memcpy(copy, text, (size_t)size);
			assert_true(cookies_take_head(jar, (struct slice){copy, (size_t)size}, &from));
			expect("h", "/", "a=1; b=2");
			free(copy);
			cookies_clear(jar);
		}
	}
}

static void what_does_not_fit_is_left_out_whole(void **state) {
	(void)state;
	struct cookie_place to = place("h", "/");
	take("a=1", "h", "/");
	take("long=12345", "h", "/");
	take("b=2", "h", "/");
	for (size_t room = 0; room < 24; room++) {
		struct buf buf;
		buf_init(&buf, 3 + room);
		buf_add_text(&buf, "C: ");
		assert_int_equal(cookies_write(jar, &to, &buf), room >= 3);
		assert_string_equal(buf_text(&buf), room < 3    ? "C: "
						    : room < 8  ? "C: a=1"
						    : room < 15 ? "C: a=1; b=2"
						    : room < 20 ? "C: a=1; long=12345"
								: "C: a=1; long=12345; b=2");
		assert_int_equal(buf.full, room < 20);
		buf_fini(&buf);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_examples_of_the_standard_hold),
		TEST(another_implementation_sends_the_same),
		TEST(names_values_and_attributes_are_cut_out),
		TEST(without_a_path_it_is_the_folder),
		TEST(a_domain_without_a_dot_is_only_the_host),
		TEST(longer_paths_come_first_then_older_cookies),
		TEST(name_domain_and_path_make_a_cookie),
		TEST(a_jar_says_whether_it_has_changed),
		TEST(an_age_ends_to_the_second),
		TEST(a_full_jar_loses_its_oldest),
		TEST(the_first_one_that_would_be_sent_is_found),
		TEST(each_set_cookie_of_a_head_is_taken),
		TEST(a_set_cookie_is_seen_wherever_it_stands),
		TEST(what_does_not_fit_is_left_out_whole),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
