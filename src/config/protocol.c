#include "config/protocol.h"

#define HTTP_1 "http/1.1"
#define HTTP_2 "h2"

static bool is_one_of(struct slice name, const char *const *names, size_t count) {
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_nocase(name, slice_of(names[i]))) return true;
	}
	return false;
}

const char *protocol_name(struct slice name) {
	static const char *const first[] = {HTTP_1, "http1.1", "http1", "http/1"}, *const second[] = {HTTP_2, "http2", "http/2"};
	name = slice_trim(name);
	if (is_one_of(name, first, LENGTH(first))) return HTTP_1;
	return is_one_of(name, second, LENGTH(second)) ? HTTP_2 : NULL;
}

bool protocol_is_later(struct slice name) {
	static const char *const third[] = {"h3", "http3", "http/3"};
	name = slice_trim(name);
	if (is_one_of(name, third, LENGTH(third))) return true;
	return name.size > 3 && slice_equal_nocase((struct slice){name.at, 3}, SLICE("h3-"));
}

bool protocol_is_among(const struct text_list *list, const char *name) {
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->at[i], name) == 0) return true;
	}
	return false;
}

bool protocol_wants_h2(const struct settings *settings) {
	const char *version = settings->net.http_version;
	if (version) return strcmp(version, "2") == 0;
	return settings->net.http2 || protocol_is_among(&settings->tls.alpn, HTTP_2);
}

void protocol_settle(struct settings *settings, struct arena *arena) {
	static const char *const both[] = {HTTP_2, HTTP_1};
	bool insists = settings->net.http_version && protocol_wants_h2(settings);
	struct text_list given = settings->tls.alpn, *offer = &settings->tls.alpn;
	if (insists || (settings->net.http2 && !given.count)) given = (struct text_list){insists ? 1 : 2, (const char **)both};
	*offer = (struct text_list){0, arena_array(arena, given.count, sizeof(*offer->at))};
	for (size_t i = 0; i < given.count; i++) {
		if (!protocol_is_among(offer, given.at[i])) offer->at[offer->count++] = given.at[i];
	}
}
