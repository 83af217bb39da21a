/* Any bytes as a Location: what is accepted can be sent in a request line, and read again it is the same.
 * Input: number of the base, then the reference. */
#include "fuzz.h"
#include "http/url.h"

static const char *const bases[] = {"http://a/b/c/d;p?q", "https://[::1]:8443", "http://u:p@h:81/a/../b?c/d"};

static void check_visible(const char *text) {
	for (; *text; text++) assert(*text > ' ' && *text <= '~');
}

static void check(const struct url *url, struct arena *arena) {
	check_visible(url->text);
	check_visible(url->host);
	check_visible(url->authority);
	check_visible(url->target);
	assert(url->target[0] == '/' && !strchr(url->target, '#'));
	assert(url->authority[0] && !strpbrk(url->authority, "/?#@"));
	struct url again;
	struct err err;
	assert(url_parse(url->text, arena, &again, &err));
	assert(strcmp(again.text, url->text) == 0 && strcmp(again.scheme, url->scheme) == 0 && strcmp(again.authority, url->authority) == 0);
	assert(strcmp(again.target, url->target) == 0 && again.port == url->port && again.tls == url->tls && !again.userinfo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice bytes = {(const char *)data, size};
	const char *text = bases[fuzz_byte(&bytes) % LENGTH(bases)];
	char *copy = malloc(bytes.size ? bytes.size : 1); /* of exactly its size */
	assert(copy);
	if (bytes.size) memcpy(copy, bytes.at, bytes.size);
	struct arena arena;
	struct url base, url = {.port = 7}, again;
	struct err err;
	arena_init(&arena);
	assert(url_parse(text, &arena, &base, &err));
	if (url_join(&base, (struct slice){copy, bytes.size}, &arena, &url)) {
		check(&url, &arena);
		/* what was joined is absolute: joined to anything, it stays what it is */
		assert(url_join(&base, slice_of(url.text), &arena, &again) && strcmp(again.text, url.text) == 0);
	} else {
		assert(url.port == 7 && !url.text);
	}
	arena_fini(&arena);
	free(copy);
	return 0;
}
