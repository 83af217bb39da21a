#include "dist/link_http_digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "dist/link_http_wire.h"

#define VALUE_MAX 160 /* bytes of a field's value with its 0; longer ones are nonsense */
#define HASH 32
#define HEX (2 * HASH + 1)

enum field { USERNAME, REALM, NONCE, URI, CNONCE, NC, QOP, RESPONSE, ALGORITHM, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {"username", "realm", "nonce", "uri", "cnonce", "nc", "qop", "response", "algorithm"};

struct fields {
	char value[FIELD_COUNT][VALUE_MAX];
};

static void write_hex(const unsigned char *bytes, size_t count, char *into) {
	for (size_t i = 0; i < count; i++) snprintf(into + 2 * i, 3, "%02x", bytes[i]);
}

/* The hash, in hex, of texts with a colon between them; the last argument is NULL. */
static void hash(char *into, const char *first, ...) {
	unsigned char result[HASH] = {0};
	gnutls_hash_hd_t state;
	va_list more;
	memset(into, 0, HEX);
	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256) != 0) return;
	va_start(more, first);
	for (const char *text = first; text; text = va_arg(more, const char *)) {
		if (text != first) gnutls_hash(state, ":", 1);
		gnutls_hash(state, text, strlen(text));
	}
	va_end(more);
	gnutls_hash_deinit(state, result);
	write_hex(result, sizeof(result), into);
}

static const char *skip(const char *at, const char *what) {
	return at + strspn(at, what);
}

/* Reads a value, with or without quotes, into `into`; returns what follows, NULL: nonsense. */
static const char *read_value(const char *at, char *into) {
	size_t size = 0;
	bool quoted = *at == '"';
	if (quoted) at++;
	while (*at && (quoted ? *at != '"' : !strchr(", \t", *at))) {
		if (quoted && *at == '\\' && at[1]) at++;
		if (size + 1 >= VALUE_MAX) return NULL;
		into[size++] = *at++;
	}
	into[size] = 0;
	if (quoted && *at != '"') return NULL;
	return quoted ? at + 1 : at;
}

/* Reads all fields; unknown ones are passed over, a second one of a name is nonsense. */
static bool read_fields(const char *at, struct fields *ret) {
	char other[VALUE_MAX];
	if (strncasecmp(at, "Digest", 6) != 0 || (at[6] != ' ' && at[6] != '\t')) return false;
	at = skip(at + 6, ", \t");
	while (*at) {
		size_t size = strcspn(at, "= \t,");
		char *into = other;
		for (int i = 0; i < FIELD_COUNT; i++)
			if (strlen(field_names[i]) == size && strncasecmp(at, field_names[i], size) == 0) into = ret->value[i];
		if (into != other && into[0]) return false;
		at = skip(at + size, " \t");
		if (*at != '=' || !(at = read_value(skip(at + 1, " \t"), into))) return false;
		if (*at && !strchr(", \t", *at)) return false;
		at = skip(at, ", \t");
	}
	return true;
}

/* Eight hex digits (RFC 7616 3.4). */
static bool read_count(const char *text, uint32_t *ret) {
	if (strlen(text) != 8 || strspn(text, "0123456789abcdefABCDEF") != 8) return false;
	*ret = (uint32_t)strtoul(text, NULL, 16);
	return true;
}

enum digest_result digest_check(struct digest *digest, const struct digest_request *request, const char *token) {
	struct fields fields = {0};
	char secret[HEX], about[HEX], right[HEX], given[HEX] = "";
	uint32_t count;
	if (!read_fields(request->authorization, &fields) || !read_count(fields.value[NC], &count)) return DIGEST_WRONG;
	if (strcmp(fields.value[USERNAME], WIRE_USER) != 0 || strcmp(fields.value[REALM], WIRE_REALM) != 0) return DIGEST_WRONG;
	if (strcmp(fields.value[QOP], "auth") != 0 || strcasecmp(fields.value[ALGORITHM], "SHA-256") != 0) return DIGEST_WRONG;
	if (strcmp(fields.value[URI], request->path) != 0 || strlen(fields.value[RESPONSE]) != HEX - 1) return DIGEST_WRONG;
	hash(secret, WIRE_USER, WIRE_REALM, token, NULL);
	hash(about, request->method, fields.value[URI], NULL);
	hash(right, secret, fields.value[NONCE], fields.value[NC], fields.value[CNONCE], fields.value[QOP], about, NULL);
	memcpy(given, fields.value[RESPONSE], HEX);
	bool same = right[0] && gnutls_memcmp(right, given, HEX) == 0; /* in constant time */
	explicit_bzero(secret, sizeof(secret));
	if (!same) return DIGEST_WRONG;
	if (!digest->nonce[0] || strcmp(fields.value[NONCE], digest->nonce) != 0 || count <= digest->used) return DIGEST_STALE;
	digest->used = count;
	return DIGEST_RIGHT;
}

bool digest_challenge(struct digest *digest, bool stale, char *into) {
	unsigned char random[(DIGEST_NONCE - 1) / 2];
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) return false;
	write_hex(random, sizeof(random), digest->nonce);
	digest->used = 0;
	snprintf(into, DIGEST_CHALLENGE, "Digest realm=\"%s\", qop=\"auth\", algorithm=SHA-256, nonce=\"%s\"%s", WIRE_REALM, digest->nonce,
		stale ? ", stale=true" : "");
	return true;
}
