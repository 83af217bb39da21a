#include "config/secret.h"

#include "base/buf.h"
#include "config/env.h"
#include "config/header.h"
#include "http/url.h"

#define SHOWN_CAP ((size_t)64 << 20)
#define MASK "***"

static const char *const names[] = {"auth", "cookie", "token", "secret", "password", "api-key", "api_key", "apikey", "signature", "session"};

bool secret_is_header(struct slice name) {
	for (size_t i = 0; i < LENGTH(names); i++) {
		struct slice part = slice_of(names[i]);
		for (size_t at = 0; at + part.size <= name.size; at++) {
			if (slice_equal_nocase((struct slice){name.at + at, part.size}, part)) return true;
		}
	}
	return false;
}

/* Returns how many bytes of a secret's beginning everybody knows: "Bearer " (RFC 9110 section 11.4). */
static size_t scheme_size(struct slice text) {
	static const char *const schemes[] = {"basic", "bearer", "digest", "token", "apikey", "negotiate"};
	struct slice rest, scheme = slice_cut(text, ' ', &rest);
	for (size_t i = 0; i < LENGTH(schemes); i++) {
		if (rest.at && slice_equal_nocase(scheme, slice_of(schemes[i]))) return scheme.size;
	}
	return 0;
}

/* Adds what stands between two variables of a secret: the mask, between those of the `harmless` characters that it begins and ends with. */
static void add_hidden(struct buf *buf, struct slice text, const char *harmless) {
	size_t from = 0, to = text.size;
	while (from < to && strchr(harmless, text.at[from])) from++;
	while (to > from && strchr(harmless, text.at[to - 1])) to--;
	buf_add(buf, (struct slice){text.at, from});
	if (from < to) buf_add_text(buf, MASK);
	buf_add(buf, (struct slice){text.at + to, text.size - to});
}

/* Adds a secret: its variables as they are written, the rest hidden. */
static void add_secret(struct buf *buf, struct slice text, const char *harmless) {
	for (bool first = true, variable; text.size; first = false) {
		struct slice piece = env_next(&text, &variable);
		size_t known = 0;
		if (first && !variable && strchr(harmless, ' ')) {
			while (known < piece.size && piece.at[known] == ' ') known++;
			known += scheme_size((struct slice){piece.at + known, piece.size - known});
		}
		buf_add(buf, (struct slice){piece.at, variable ? piece.size : known});
		if (!variable) add_hidden(buf, (struct slice){piece.at + known, piece.size - known}, harmless);
	}
}

/* Returns `written` with the part `secret` of it hidden. */
static const char *hide(const char *written, struct slice secret, const char *harmless, struct arena *arena) {
	struct buf buf;
	const char *shown;
	buf_init(&buf, SHOWN_CAP);
	buf_add(&buf, (struct slice){written, (size_t)(secret.at - written)});
	add_secret(&buf, secret, harmless);
	buf_add_text(&buf, secret.at + secret.size);
	shown = arena_copy(arena, slice_of(buf_text(&buf)));
	buf_fini(&buf);
	return shown;
}

/* Returns whether `written` stands for `text`: only then is the place that something has in the one also its place in the other. */
static bool stands_for(struct slice written, struct slice text, struct arena *arena) {
	const char *expanded;
	struct slice bad;
	bool unset;
	return env_expand(written, arena, &expanded, &bad, &unset) && slice_equal(slice_of(expanded), text);
}

/* Returns from the beginning of `text` to the end of a part of it. */
static struct slice up_to(const char *text, struct slice part) {
	return (struct slice){text, (size_t)(part.at + part.size - text)};
}

const char *secret_show_url(const char *text, const char *written, struct arena *arena) {
	struct slice secret = url_userinfo(text), own;
	if (!secret.size) return written ? written : text;
	if (!written) return url_mask(text, arena);
	own = url_userinfo(written);
	if (own.size && stands_for(up_to(written, own), up_to(text, secret), arena)) return hide(written, own, ":", arena);
	const char *scheme = strstr(written, "://"); /* a variable holds a part of user, password or '@' */
	return hide(written, slice_of(scheme ? scheme + 3 : written), ":", arena);
}

const char *secret_show_header(const char *text, const char *written, struct arena *arena) {
	struct slice value, own, name = slice_cut(slice_of(text), ':', &value);
	if (!value.at || !secret_is_header(name)) return written ? written : text;
	if (!written) return arena_format(arena, "%.*s: " MASK, (int)name.size, name.at);
	if (!stands_for(slice_cut(slice_of(written), ':', &own), name, arena) || !own.at) own = slice_of(written); /* a variable holds the colon */
	return hide(written, own, " \t", arena);
}

const char *secret_quote_header(const char *text, const char *written, struct arena *arena) {
	struct slice value, name = slice_trim(slice_cut(slice_of(text), ':', &value));
	size_t word = 0;
	if (!value.at || !name.size) return NULL;
	if (header_name_valid(name)) return secret_show_header(text, written, arena);
	while (word < name.size && (unsigned char)name.at[word] > ' ') word++;
	return written ? NULL : arena_format(arena, "%.*s...", (int)word, name.at);
}

const char *secret_show_text(const char *written, struct arena *arena) {
	return written ? hide(written, slice_of(written), " ", arena) : MASK;
}

const char *secret_show_basic(const char *written, struct arena *arena) {
	const char *colon = written ? strchr(written, ':') : NULL, *user;
	if (!written) return MASK ":" MASK;
	if (!colon) return secret_show_text(written, arena); /* a variable holds it */
	user = arena_copy(arena, (struct slice){written, (size_t)(colon - written)});
	return arena_format(arena, "%s:%s", secret_show_text(user, arena), secret_show_text(colon + 1, arena));
}
