/* Any bytes as Set-Cookie and as heads: what is sent is one clean line within its bounds, and never goes to a host that is neither the one it came from nor
 * in a domain that this host is in, too.
 * Input: lines. Each begins with a byte for the host and one for the rest of the place; a line that begins with '!' then is a head up to the end. */
#include "fuzz.h"
#include "http/cookies.h"

#define SECOND ((int64_t)1700000000)

struct host {
	const char *name;
	bool is_address;
	unsigned family; /* hosts of different ones never share a cookie */
};

static const struct host hosts[] = {
	{"example.com", false, 0},
	{"www.Example.com", false, 0},
	{"a.www.example.com", false, 0},
	{"badexample.com", false, 1},
	{"example.org", false, 2},
	{"10.0.0.7", true, 3},
	{"0.0.0.7", true, 4},
	{"::1", true, 5},
	{"localhost", false, 6},
	{"x.localhost", false, 7},
};
#define FAMILIES 8

static const char *const paths[] = {"/", "/a", "/a/", "/a/b/c?d/e", "", "*", "/ab", "//"};

static struct cookie_place make_place(unsigned host, unsigned rest) {
	return (struct cookie_place){.host = slice_of(hosts[host].name),
		.path = slice_of(paths[rest % LENGTH(paths)]),
		.secure = rest & 8,
		.is_address = hosts[host].is_address,
		.now_s = SECOND + (rest >> 4)};
}

/* What stands in a Cookie: "a=1; b=2". Returns the number of cookies. */
static unsigned check_line(struct slice line) {
	unsigned count = line.size > 0;
	for (size_t i = 0; i < line.size; i++) {
		unsigned char c = (unsigned char)line.at[i];
		assert((c >= ' ' || c == '\t') && c != 0x7f);
		if (c != ';') continue;
		assert(i + 1 < line.size && line.at[i + 1] == ' ');
		count++;
	}
	assert(count <= COOKIES_MAX && line.size <= COOKIES_MAX * (COOKIE_BYTES_MAX + 3));
	return count;
}

static void check_place(struct cookie_jar *jar, struct cookie_place to) {
	struct buf whole, small;
	struct slice value = {0}, rest;
	buf_init(&whole, 1 << 20);
	assert(cookies_write(jar, &to, &whole) == (whole.size > 0));
	assert(!whole.full);
	check_line((struct slice){whole.at, whole.size});
	if (whole.size) { /* the first one is what is found */
		struct slice first = slice_cut(slice_cut((struct slice){whole.at, whole.size}, ';', &rest), '=', &value), got;
		assert(first.size && value.at && cookies_find(jar, &to, first, &got) && slice_equal(got, value));
	}
	buf_init(&small, whole.size / 2);
	cookies_write(jar, &to, &small);
	assert(small.full == (whole.size > 0));
	check_line((struct slice){small.at, small.size});
	buf_fini(&small);
	buf_fini(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice text = {(const char *)data, size};
	struct cookie_jar *all = cookies_new(), *jars[FAMILIES];
	int64_t time_s = 0;
	for (unsigned i = 0; i < FAMILIES; i++) jars[i] = cookies_new();
	while (text.size) {
		struct slice line = slice_cut(text, '\n', &text);
		unsigned host = fuzz_byte(&line) % LENGTH(hosts);
		struct cookie_place from = make_place(host, fuzz_byte(&line));
		struct cookie_jar *own = jars[hosts[host].family];
		if (line.size && *line.at == '!') {
			if (text.at) line.size = (size_t)(text.at + text.size - line.at);
			text = (struct slice){NULL, 0};
			cookies_take_head(all, line, &from);
			cookies_take_head(own, line, &from);
		} else {
			cookies_take(all, line, &from);
			cookies_take(own, line, &from);
		}
		if (cookies_read_date(line, &time_s)) assert(time_s >= INT64_C(-11644473600) && time_s <= INT64_C(253402300799));
	}
	for (unsigned rest = 0; rest < 16; rest += 3) { /* six ways to put path and Secure together */
		for (unsigned host = 0; host < LENGTH(hosts); host++) {
			struct cookie_place to = make_place(host, rest);
			check_place(all, to);
			for (unsigned family = rest & 8 ? 0 : FAMILIES; family < FAMILIES; family++) {
				struct buf buf;
				buf_init(&buf, 1 << 20);
				assert(!cookies_write(jars[family], &to, &buf) || family == hosts[host].family);
				buf_fini(&buf);
			}
		}
	}
	cookies_clear(all);
	struct buf buf;
	buf_init(&buf, 1 << 20);
	assert(!cookies_write(all, &(struct cookie_place){.host = SLICE("example.com"), .path = SLICE("/"), .secure = true}, &buf) && !buf.at);
	for (unsigned i = 0; i < FAMILIES; i++) cookies_free(jars[i]);
	cookies_free(all);
	return 0;
}
