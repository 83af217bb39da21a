#include "http/h2_head.h"

#include <string.h>

#include "http/h2_fields.h"
#include "http/hpack.h"

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

bool h2_head_takes(struct slice name) {
	static const char *const left[] = {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Host", "TE"};
	for (size_t i = 0; i < LENGTH(left); i++)
		if (slice_equal_nocase(name, slice_of(left[i]))) return false;
	return true;
}

/* Returns whether a field goes over HTTP/2. `connection`: value of the field that names those that do not. */
static bool field_is_taken(struct slice name, struct slice value, struct slice connection) {
	if (slice_equal_nocase(name, SLICE("TE"))) return slice_equal_nocase(value, SLICE("trailers"));
	return h2_head_takes(name) && !list_has(connection, name);
}

static nghttp2_nv make_field(struct slice name, struct slice value) {
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.at,
		.value = (uint8_t *)(uintptr_t)value.at,
		.namelen = name.size,
		.valuelen = value.size,
		.flags = (uint8_t)(NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE |
				   (hpack_is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : 0))};
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

static const struct h2_head *head_make(struct slice head, bool tls, bool has_path, struct arena *arena) {
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
	ret->count = 2;
	if (host.size > 0) ret->fields[ret->count++] = make_field(SLICE(":authority"), host);
	if (has_path) ret->fields[ret->count++] = make_field(SLICE(":path"), path_of(target));
	while ((line = head_cut_line(&fields)).size > 0) {
		struct slice name = head_split(line, &value);
		if (field_is_taken(name, value, connection)) ret->fields[ret->count++] = make_field(copy_lower(name, arena), value);
	}
	return ret;
}

const struct h2_head *h2_head_make(struct slice head, bool tls, struct arena *arena) {
	return head_make(head, tls, true, arena);
}

const struct h2_head *h2_head_make_open(struct slice head, bool tls, struct arena *arena) {
	return head_make(head, tls, false, arena);
}
