#include "http/h2_head.h"

#include <string.h>

#include "http/h2_fields.h"

#define PSEUDO_FIELDS 4

/* Returns the next line of a head without its CR LF; empty: it was the last one. */
static struct slice head_cut_line(struct slice *rest) {
	struct slice line = slice_cut(*rest, '\n', rest);
	if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
	return line;
}

/* The name and value of a line "Name: value". */
static struct slice head_split(struct slice line, struct slice *ret_value) {
	struct slice name = slice_cut(line, ':', ret_value);
	*ret_value = slice_trim(*ret_value);
	return name;
}

/* Returns whether a comma-separated list has an element. */
static bool list_has(struct slice list, struct slice wanted) {
	while (list.size > 0)
		if (slice_equal_nocase(slice_trim(slice_cut(list, ',', &list)), wanted)) return true;
	return false;
}

/* Returns whether a field belongs to the connection and does not go over HTTP/2 (RFC 9113 section 8.2.2). `connection`: value of that field. */
static bool field_is_left(struct slice name, struct slice value, struct slice connection) {
	static const char *const names[] = {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Host"};
	for (size_t i = 0; i < LENGTH(names); i++)
		if (slice_equal_nocase(name, slice_of(names[i]))) return true;
	if (slice_equal_nocase(name, SLICE("TE"))) return !slice_equal_nocase(value, SLICE("trailers"));
	return list_has(connection, name);
}

static bool field_is_secret(struct slice name) {
	return slice_equal_nocase(name, SLICE("authorization")) || slice_equal_nocase(name, SLICE("cookie")) ||
	       slice_equal_nocase(name, SLICE("proxy-authorization"));
}

static nghttp2_nv make_field(struct slice name, struct slice value) {
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.at,
		.value = (uint8_t *)(uintptr_t)value.at,
		.namelen = name.size,
		.valuelen = value.size,
		.flags = (uint8_t)(NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE |
				   (field_is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : 0))};
}

static struct slice copy_lower(struct slice name, struct arena *arena) {
	char *copy = arena_copy(arena, name);
	for (size_t i = 0; i < name.size; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z') copy[i] = (char)(copy[i] | 0x20);
	return (struct slice){copy, name.size};
}

/* Cuts scheme and authority off an absolute URL in a request line. */
static struct slice path_of(struct slice target) {
	const char *scheme = target.size > 0 && *target.at != '/' ? memmem(target.at, target.size, "://", 3) : NULL;
	if (!scheme) return target;
	const char *end = target.at + target.size, *path = memchr(scheme + 3, '/', (size_t)(end - scheme - 3));
	return path ? (struct slice){path, (size_t)(end - path)} : SLICE("/");
}

const struct h2_head *h2_head_make(struct slice head, bool tls, struct arena *arena) {
	size_t lines = 0;
	for (size_t i = 0; i < head.size; i++) lines += head.at[i] == '\n';
	struct h2_head *ret = arena_alloc(arena, sizeof(*ret) + (lines + PSEUDO_FIELDS) * sizeof(ret->fields[0]));
	struct slice rest = head, request = head_cut_line(&rest), fields = rest, host = {"", 0}, connection = {"", 0}, line, value;
	struct slice method = slice_cut(request, ' ', &request), target = slice_cut(request, ' ', &request);
	while ((line = head_cut_line(&rest)).size > 0) {
		struct slice name = head_split(line, &value);
		if (slice_equal_nocase(name, SLICE("Host"))) host = value;
		if (slice_equal_nocase(name, SLICE("Connection"))) connection = value;
	}
	ret->fields[0] = make_field(SLICE(":method"), method);
	ret->fields[1] = make_field(SLICE(":scheme"), tls ? SLICE("https") : SLICE("http"));
	ret->fields[2] = make_field(SLICE(":authority"), host);
	ret->fields[3] = make_field(SLICE(":path"), path_of(target));
	ret->count = PSEUDO_FIELDS;
	while ((line = head_cut_line(&fields)).size > 0) {
		struct slice name = head_split(line, &value);
		if (!field_is_left(name, value, connection)) ret->fields[ret->count++] = make_field(copy_lower(name, arena), value);
	}
	return ret;
}
