/* Any text as a URL: what is accepted can be sent in a request line, and read again it is the same. */
#include "fuzz.h"
#include "http/url.h"

static void check_visible(const char *text) {
	for (; *text; text++) assert(*text > ' ' && *text <= '~');
}

static void check(const struct url *url, struct arena *arena) {
	check_visible(url->text);
	check_visible(url->host);
	check_visible(url->authority);
	check_visible(url->target);
	assert(url->host[0] && url->authority[0] && url->target[0] == '/' && url->port > 0);
	assert(strcmp(url->scheme, url->tls ? "https" : "http") == 0);
	assert(!strchr(url->target, '#') && !strpbrk(url->authority, "/?#@"));
	struct url again;
	struct err err;
	assert(url_parse(url->text, arena, &again, &err));
	assert(strcmp(again.text, url->text) == 0 && strcmp(again.authority, url->authority) == 0 && strcmp(again.target, url->target) == 0);
	assert(again.port == url->port && again.tls == url->tls && !again.userinfo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1);
	assert(text);
	memcpy(text, data, size);
	text[size] = 0;
	struct arena arena;
	struct url url;
	struct err err = {0};
	arena_init(&arena);
	if (url_parse(text, &arena, &url, &err))
		check(&url, &arena);
	else
		assert(err.code == ERR_FAILED && err.text[0] && !strpbrk(err.text, "\r\n"));
	arena_fini(&arena);
	free(text);
	return 0;
}
