#include "http/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/str.h"

#define SHOWN_MAX 160 /* characters of the user's text that an error quotes */

/* A URL being read, and what errors quote instead of it. */
struct source {
	const char *text, *shown;
};

/* Refuses bytes that no URL has; curl would encode a blank in the path, but a shell command with one is rather a mistake. */
static bool check_characters(const struct source *s, struct err *err) {
	for (const char *at = s->text; *at; at++) {
		unsigned char byte = (unsigned char)*at;
		if (byte < ' ' || byte == 0x7f)
			return err_set(err, ERR_FAILED, "URL has a control character (0x%02x) in it; percent-encode it", byte);
	}
	if (strchr(s->text, ' ')) return err_set(err, ERR_FAILED, "URL '%.*s' has a blank in it; write %%20", SHOWN_MAX, s->shown);
	return true;
}

/* Returns whether the text up to the first ':' could be a scheme (RFC 3986 section 3.1); *ret_size is its length. */
static bool scheme_find(const char *text, size_t *ret_size) {
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	*ret_size = size;
	return size && text[size] == ':' && (unsigned)((text[0] | 0x20) - 'a') < 26;
}

static bool is_scheme(struct slice scheme) {
	return slice_equal_nocase(scheme, SLICE("http")) || slice_equal_nocase(scheme, SLICE("https"));
}

static bool check_scheme(const struct source *s, struct err *err) {
	const char *text = s->text, *shown = s->shown;
	size_t size;
	if (!*text) return err_set(err, ERR_FAILED, "URL is empty; write e.g. http://localhost:3000/");
	bool scheme = scheme_find(text, &size);
	if (!scheme || strncmp(text + size, "://", 3) != 0) {
		if (text[0] == '/' || text[0] == '?' || text[0] == '#' || text[0] == '.')
			return err_set(err, ERR_FAILED, "URL '%.*s' is relative; write it with scheme and host, e.g. http://localhost:3000/",
				SHOWN_MAX, shown);
		if (scheme && is_scheme((struct slice){text, size}))
			return err_set(
				err, ERR_FAILED, "URL '%.*s' lacks '//' behind the scheme; write e.g. http://localhost:3000/", SHOWN_MAX, shown);
		return err_set(err, ERR_FAILED, "URL '%.*s' has no scheme; write http://%.*s", SHOWN_MAX, shown, SHOWN_MAX, shown);
	}
	if (is_scheme((struct slice){text, size})) return true;
	if (strncmp(text, shown, size + 3) != 0) /* the scheme itself is not to be shown */
		return err_set(err, ERR_FAILED, "URL '%.*s': its scheme is not supported; write http:// or https://", SHOWN_MAX, shown);
	return err_set(err, ERR_FAILED, "URL '%.*s': scheme '%.*s' is not supported; write http:// or https://", SHOWN_MAX, shown, (int)size, shown);
}

static bool byte_allowed(unsigned char byte) {
	return byte < 0x80 && !strchr(" \"<>\\^`{|}", byte);
}

/* Returns the URL with everything percent-encoded in path and query that may not stand there (RFC 3986 section 2.1). curl's own
 * CURLU_URLENCODE knows only blanks and bytes from 0x80 on. */
static const char *encode(const char *text, struct arena *arena) {
	const char *from = strstr(text, "://") + 3;
	from += strcspn(from, "/?#");
	char *encoded = arena_alloc(arena, (size_t)(from - text) + 3 * strlen(from) + 1);
	memcpy(encoded, text, (size_t)(from - text));
	char *to = encoded + (from - text);
	for (; *from; from++) {
		unsigned char byte = (unsigned char)*from;
		if (byte_allowed(byte)) {
			*to++ = *from;
			continue;
		}
		*to++ = '%';
		*to++ = "0123456789ABCDEF"[byte >> 4];
		*to++ = "0123456789ABCDEF"[byte & 15];
	}
	return encoded;
}

static bool refuse(CURLUcode code, const struct source *s, struct err *err) {
	switch (code) {
	case CURLUE_BAD_PORT_NUMBER: return err_set(err, ERR_FAILED, "URL '%.*s': the port is not a number from 1 to 65535", SHOWN_MAX, s->shown);
	case CURLUE_BAD_HOSTNAME:
	case CURLUE_NO_HOST: return err_set(err, ERR_FAILED, "URL '%.*s' has no valid host; write e.g. http://localhost:3000/", SHOWN_MAX, s->shown);
	case CURLUE_BAD_IPV6:
		return err_set(err, ERR_FAILED, "URL '%.*s': the IPv6 address is not valid; write e.g. http://[::1]:3000/", SHOWN_MAX, s->shown);
	case CURLUE_OUT_OF_MEMORY: return err_set(err, ERR_FAILED, "out of memory");
	default: return err_set(err, ERR_FAILED, "URL '%.*s' is not valid: %s", SHOWN_MAX, s->shown, curl_url_strerror(code));
	}
}

/* curl would take "http:///x" for host x, leaves other alphabets as they are, and decodes a percent-encoded host, which then may be read
 * as something else (%30 as the address 0). */
static bool check_host(const struct source *s, struct err *err) {
	const char *authority = strstr(s->text, "://") + 3;
	struct slice host = {authority, strcspn(authority, "/?#")};
	const char *at = memrchr(authority, '@', host.size);
	if (at) host = (struct slice){at + 1, host.size - (size_t)(at + 1 - authority)};
	if (!host.size) return refuse(CURLUE_NO_HOST, s, err);
	for (size_t i = 0; i < host.size; i++)
		if ((unsigned char)host.at[i] >= 0x80)
			return err_set(err, ERR_FAILED, "URL '%.*s' has a host that is not ASCII; write its xn-- form", SHOWN_MAX, s->shown);
	if (host.at[0] != '[' && memchr(host.at, '%', host.size)) return refuse(CURLUE_BAD_HOSTNAME, s, err);
	return true;
}

/* Returns a part in the arena, NULL if the URL has none. */
static const char *part(CURLU *handle, CURLUPart what, unsigned flags, struct arena *arena) {
	char *value = NULL;
	if (curl_url_get(handle, what, &value, flags) != CURLUE_OK) return NULL;
	const char *copy = arena_copy(arena, slice_of(value));
	curl_free(value);
	return copy;
}

/* Returns whether the URL has this part, empty or not. */
static bool has_part(CURLU *handle, CURLUPart what) {
	char *value = NULL;
	bool has = curl_url_get(handle, what, &value, 0) == CURLUE_OK;
	if (has) curl_free(value);
	return has;
}

/* Puts user and password together; *ret stays NULL without a user. */
static bool read_userinfo(CURLU *handle, const struct source *s, struct arena *arena, struct url *ret, struct err *err) {
	if (!has_part(handle, CURLUPART_USER)) return true;
	const char *user = part(handle, CURLUPART_USER, CURLU_URLDECODE, arena);
	const char *password = part(handle, CURLUPART_PASSWORD, CURLU_URLDECODE, arena);
	if (!user || (!password && has_part(handle, CURLUPART_PASSWORD)))
		return err_set(err, ERR_FAILED, "URL '%.*s': user name or password has a control character in it", SHOWN_MAX, s->shown);
	if (!*user && (!password || !*password)) return true;
	ret->userinfo = arena_format(arena, "%s:%s", user, password ? password : "");
	return true;
}

/* Returns whether a host or zone, percent-decoded by curl, has only characters that names and addresses have. */
static bool name_valid(const char *name) {
	return name[0] && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~[:]")];
}

/* Reads host, port and authority. */
static bool read_authority(CURLU *handle, const struct source *s, struct arena *arena, struct url *ret, struct err *err) {
	const char *host = part(handle, CURLUPART_HOST, 0, arena);
	const char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, arena);
	if (!host || !name_valid(host)) return refuse(CURLUE_NO_HOST, s, err);
	unsigned long number = port ? strtoul(port, NULL, 10) : 0;
	if (number < 1 || number > 65535) return refuse(CURLUE_BAD_PORT_NUMBER, s, err);
	ret->port = (uint16_t)number;
	ret->authority = number == (ret->tls ? 443 : 80) ? host : arena_format(arena, "%s:%lu", host, number);
	size_t size = strlen(host);
	if (host[0] == '[') {
		const char *zone = part(handle, CURLUPART_ZONEID, 0, arena);
		if (zone && !name_valid(zone)) return refuse(CURLUE_BAD_IPV6, s, err);
		struct slice inner = {host + 1, size - 2};
		ret->host = zone ? arena_format(arena, "%.*s%%%s", (int)inner.size, inner.at, zone) : arena_copy(arena, inner);
	} else {
		ret->host = host;
	}
	return true;
}

static bool read_parts(CURLU *handle, const struct source *s, struct arena *arena, struct url *ret, struct err *err) {
	ret->tls = (s->text[4] | 0x20) == 's'; /* check_scheme has seen to the rest */
	ret->scheme = ret->tls ? "https" : "http";
	if (!read_userinfo(handle, s, arena, ret, err) || !read_authority(handle, s, arena, ret, err)) return false;
	const char *path = part(handle, CURLUPART_PATH, 0, arena);
	const char *query = part(handle, CURLUPART_QUERY, 0, arena);
	if (!path || !*path) path = "/";
	ret->target = query ? arena_format(arena, "%s?%s", path, query) : path;
	ret->text = arena_format(arena, "%s://%s%s", ret->scheme, ret->authority, ret->target);
	return true;
}

/* Reads an absolute URL that has no control characters; `flags` are curl's. */
static bool read_url(const struct source *s, unsigned flags, struct arena *arena, struct url *ret, struct err *err) {
	if (!check_scheme(s, err) || !check_host(s, err)) return false;
	CURLU *handle = curl_url();
	if (!handle) return refuse(CURLUE_OUT_OF_MEMORY, s, err);
	CURLUcode code = curl_url_set(handle, CURLUPART_URL, encode(s->text, arena), flags);
	struct url url = {0};
	bool good = code == CURLUE_OK ? read_parts(handle, s, arena, &url, err) : refuse(code, s, err);
	curl_url_cleanup(handle);
	if (good) *ret = url;
	return good;
}

struct slice url_userinfo(const char *text) {
	size_t slash = strcspn(text, "/?#@");
	const char *from = slash && strncmp(text + slash - 1, "://", 3) == 0 ? text + slash + 2 : text;
	const char *end = from + strcspn(from, "/?#"), *at = memrchr(from, '@', (size_t)(end - from)), *colon, *last = strrchr(end, '@');
	if (at) return (struct slice){from, (size_t)(at - from)};
	/* "http://ann:a/b@host": no port, but a password that should have been percent-encoded. */
	colon = *from == '[' || !last ? NULL : memchr(from, ':', (size_t)(end - from));
	if (!colon || colon + 1 + strspn(colon + 1, "0123456789") == end) return (struct slice){NULL, 0};
	return (struct slice){from, (size_t)(last - from)};
}

const char *url_mask(const char *text, struct arena *arena) {
	struct slice hidden = url_userinfo(text);
	if (!hidden.size) return text;
	return arena_format(arena, "%.*s***%s", (int)(hidden.at - text), text, hidden.at + hidden.size);
}

bool url_parse_shown(const char *text, const char *shown, struct arena *arena, struct url *ret, struct err *err) {
	struct source s = {text, shown};
	/* Path as it is: curl would remove dot segments otherwise. */
	return check_characters(&s, err) && read_url(&s, CURLU_PATH_AS_IS, arena, ret, err);
}

bool url_parse(const char *text, struct arena *arena, struct url *ret, struct err *err) {
	return url_parse_shown(text, url_mask(text, arena), arena, ret, err);
}

static bool has_control(struct slice text) {
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f) return true;
	return false;
}

/* Puts scheme, authority and path of the base before a reference that has neither of the first two (RFC 3986 section 5.2.2). */
static const char *join(const struct url *base, const char *reference, struct arena *arena) {
	size_t path = strcspn(base->target, "?");
	if (!*reference)
		path = strlen(base->target);
	else if (*reference == '/')
		path = 0;
	else if (*reference != '?')
		path = (size_t)((const char *)memrchr(base->target, '/', path) - base->target) + 1; /* a target begins with one */
	return arena_format(arena, "%s://%s%.*s%s", base->scheme, base->authority, (int)path, base->target, reference);
}

bool url_join(const struct url *base, struct slice reference, struct arena *arena, struct url *ret) {
	reference = slice_trim(slice_cut(slice_trim(reference), '#', &(struct slice){0}));
	if (has_control(reference)) return false;
	const char *text = arena_copy(arena, reference);
	size_t size;
	bool whole = scheme_find(text, &size), host = strncmp(text, "//", 2) == 0;
	if (host)
		text = arena_format(arena, "%s:%s", base->scheme, text);
	else if (!whole)
		text = join(base, text, arena);
	/* Dot segments go where paths were put together or could have been. */
	bool as_is = whole || !reference.size || *reference.at == '?';
	struct url url;
	struct err err;
	if (!read_url(&(struct source){text, text}, as_is ? CURLU_PATH_AS_IS : 0, arena, &url, &err)) return false;
	if (!whole && !host) {
		url.host = arena_copy(arena, slice_of(base->host)); /* a zone and the user are not part of the text */
		if (base->userinfo) url.userinfo = arena_copy(arena, slice_of(base->userinfo));
	}
	*ret = url;
	return true;
}

bool url_host_is_address(const struct url *url) {
	struct in6_addr unused;
	return inet_pton(AF_INET, url->host, &unused) == 1 || inet_pton(AF_INET6, url->host, &unused) == 1;
}
