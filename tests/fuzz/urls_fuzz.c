/* Any text as a list of URLs: what is accepted is line for line what --url makes of it, rows are told apart by what they say. */
#include "fuzz.h"
#include "plan/targets.h"

static void assert_same(const char *a, const char *b) {
	assert(a == b || (a && b && strcmp(a, b) == 0));
}

/* The zone of an IPv6 address is for connecting only and not part of the text (RFC 6874 section 4). */
static struct slice without_zone(const char *host) {
	return (struct slice){host, strcspn(host, "%")};
}

static void check_item(const struct targets *targets, const struct target_item *item, struct arena *arena) {
	struct url url;
	struct err err;
	assert(item->row < targets->row_count);
	const char *row = targets->rows[item->row], *blank = strchr(row, ' ');
	assert(blank && strcmp(blank + 1, item->url.text) == 0 && item->method <= METHOD_OPTIONS);
	assert(url_parse(item->url.text, arena, &url, &err));
	assert_same(url.text, item->url.text);
	assert(slice_equal(without_zone(url.host), without_zone(item->url.host)));
	assert_same(url.authority, item->url.authority);
	assert_same(url.target, item->url.target);
	assert(url.port == item->url.port && url.tls == item->url.tls);
}

/* Each line as a list of its own says the same: nothing is left over from the lines before. */
static void check_line(const struct http_settings *http, const struct target_item *item, struct slice line, struct arena *arena) {
	struct targets alone;
	struct err err;
	assert(targets_parse(http, line, arena, &alone, &err));
	assert(alone.count == 1 && alone.row_count == 1 && alone.at[0].method == item->method && alone.at[0].plain == item->plain);
	assert_same(alone.at[0].url.text, item->url.text);
	assert_same(alone.at[0].url.target, item->url.target);
	assert_same(alone.at[0].url.userinfo, item->url.userinfo);
}

static void check(const struct http_settings *http, const struct targets *targets, struct slice text, struct arena *arena) {
	assert(targets->listed && targets->count > 0 && targets->row_count > 0 && targets->row_count <= targets->count);
	for (size_t i = 0; i < targets->count; i++) {
		check_item(targets, &targets->at[i], arena);
		assert(text.size > 0);
		check_line(http, &targets->at[i], slice_cut(text, '\n', &text), arena);
	}
	assert(text.size == 0);
	for (size_t i = 0; i < targets->row_count && i < 64; i++)
		for (size_t j = 0; j < i; j++) assert(strcmp(targets->rows[i], targets->rows[j]) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct http_settings http = {.method = METHOD_PUT, .urls_from_file = "list"};
	struct slice text = {(const char *)data, size};
	struct arena arena;
	struct targets targets;
	struct err err = {0};
	arena_init(&arena);
	if (targets_parse(&http, text, &arena, &targets, &err))
		check(&http, &targets, text, &arena);
	else
		assert(err.code == ERR_FAILED && strncmp(err.text, "--urls-from-file: list", 22) == 0 && !strpbrk(err.text, "\r\n"));
	arena_fini(&arena);
	return 0;
}
