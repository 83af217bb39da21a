#include "http/cookies.h"

#include <stdlib.h>

#include "base/arena.h"

#define DOMAIN_MAX 255 /* bytes; RFC 1035 section 2.3.4 */
#define PATH_MAX_BYTES 1024
#define NEVER INT64_MAX

/* What a Set-Cookie says. */
struct setting {
	struct slice name, value;
	struct slice domain, path; /* of the attributes; empty: without */
	bool secure;
	int64_t end_s; /* Unix time; NEVER: without */
};

/* A cookie; its domain (lower case), path and "name=value" stand behind each other in the jar's text. */
struct cookie {
	uint32_t at; /* offset */
	uint16_t domain_size, path_size, name_size, value_size;
	bool host_only, secure;
	uint64_t born; /* count of the jar */
	int64_t end_s;
};

struct cookie_jar {
	struct cookie *cookies; /* longer paths first, then older ones: the order of section 5.4 */
	unsigned count, room;
	char *text;
	size_t text_size, text_room;
	uint64_t born; /* cookies ever made */
};

static size_t cookie_size(const struct cookie *cookie) {
	return (size_t)cookie->domain_size + cookie->path_size + cookie->name_size + 1 + cookie->value_size;
}

static struct slice domain_of(const struct cookie_jar *jar, const struct cookie *cookie) {
	return (struct slice){jar->text + cookie->at, cookie->domain_size};
}

static struct slice path_of(const struct cookie_jar *jar, const struct cookie *cookie) {
	return (struct slice){jar->text + cookie->at + cookie->domain_size, cookie->path_size};
}

/* "name=value" */
static struct slice pair_of(const struct cookie_jar *jar, const struct cookie *cookie) {
	size_t before = (size_t)cookie->domain_size + cookie->path_size;
	return (struct slice){jar->text + cookie->at + before, cookie_size(cookie) - before};
}

struct cookie_jar *cookies_new(void) {
	return mem_zeroed(1, sizeof(struct cookie_jar));
}

void cookies_free(struct cookie_jar *jar) {
	if (!jar) return;
	free(jar->cookies);
	free(jar->text);
	free(jar);
}

void cookies_clear(struct cookie_jar *jar) {
	jar->count = 0;
	jar->text_size = 0;
}

static struct slice path_without_query(struct slice path) {
	return slice_cut(path, '?', &path);
}

/* Returns the folder of a request (section 5.1.4). */
static struct slice default_path(struct slice path) {
	path = path_without_query(path);
	if (!path.size || path.at[0] != '/') return SLICE("/");
	while (path.at[path.size - 1] != '/') path.size--;
	path.size -= path.size > 1;
	return path;
}

/* Section 5.1.4. */
static bool path_matches(struct slice path, struct slice of_cookie) {
	if (path.size < of_cookie.size || memcmp(path.at, of_cookie.at, of_cookie.size) != 0) return false;
	return path.size == of_cookie.size || of_cookie.at[of_cookie.size - 1] == '/' || path.at[of_cookie.size] == '/';
}

/* Hosts are mostly given in lower case, as domains are kept. */
static bool is_same_host(struct slice a, struct slice b) {
	return slice_equal(a, b) || slice_equal_nocase(a, b);
}

/* Section 5.1.3. */
static bool domain_matches(const struct cookie_place *place, struct slice domain) {
	struct slice host = place->host;
	if (host.size == domain.size) return is_same_host(host, domain);
	if (host.size < domain.size || place->is_address) return false;
	size_t before = host.size - domain.size;
	return host.at[before - 1] == '.' && is_same_host((struct slice){host.at + before, domain.size}, domain);
}

/* Returns whether a request carries the cookie (section 5.4); its path is without query and not empty. */
static bool belongs_to(const struct cookie_jar *jar, const struct cookie *cookie, const struct cookie_place *to, struct slice path) {
	if (cookie->end_s <= to->now_s || (cookie->secure && !to->secure)) return false;
	if (cookie->host_only && cookie->domain_size != to->host.size) return false;
	return path_matches(path, path_of(jar, cookie)) && domain_matches(to, domain_of(jar, cookie));
}

static struct slice path_to_match(const struct cookie_place *to) {
	struct slice path = path_without_query(to->path);
	return path.size && path.at[0] == '/' ? path : SLICE("/");
}

bool cookies_write(struct cookie_jar *jar, const struct cookie_place *to, struct buf *into) {
	struct slice path = path_to_match(to);
	size_t before = into->size;
	for (unsigned i = 0; i < jar->count; i++) {
		size_t last = into->size;
		if (!belongs_to(jar, &jar->cookies[i], to, path)) continue;
		if ((last == before || buf_add(into, SLICE("; "))) && buf_add(into, pair_of(jar, &jar->cookies[i]))) continue;
		if (into->size > last) into->at[into->size = last] = 0; /* no separator at the end */
	}
	return into->size > before;
}

bool cookies_find(struct cookie_jar *jar, const struct cookie_place *to, struct slice name, struct slice *ret) {
	struct slice path = path_to_match(to);
	for (unsigned i = 0; i < jar->count; i++) {
		const struct cookie *cookie = &jar->cookies[i];
		struct slice pair = pair_of(jar, cookie);
		if (cookie->name_size != name.size || !slice_equal((struct slice){pair.at, name.size}, name)) continue;
		if (!belongs_to(jar, cookie, to, path)) continue;
		*ret = (struct slice){pair.at + name.size + 1, cookie->value_size};
		return true;
	}
	return false;
}

static void remove_cookie(struct cookie_jar *jar, unsigned number) {
	struct cookie *cookie = &jar->cookies[number];
	size_t at = cookie->at, size = cookie_size(cookie);
	memmove(jar->text + at, jar->text + at + size, jar->text_size - at - size);
	jar->text_size -= size;
	memmove(cookie, cookie + 1, (--jar->count - number) * sizeof(*cookie));
	for (unsigned i = 0; i < jar->count; i++) {
		if (jar->cookies[i].at > at) jar->cookies[i].at -= (uint32_t)size;
	}
}

/* Nobody sees those whose end has passed; but a new one of the same name is a new cookie (section 5.3). */
static void remove_ended(struct cookie_jar *jar, int64_t now_s) {
	for (unsigned i = jar->count; i-- > 0;) {
		if (jar->cookies[i].end_s <= now_s) remove_cookie(jar, i);
	}
}

static void remove_oldest(struct cookie_jar *jar) {
	unsigned oldest = 0;
	for (unsigned i = 1; i < jar->count; i++) {
		if (jar->cookies[i].born < jar->cookies[oldest].born) oldest = i;
	}
	remove_cookie(jar, oldest);
}

/* Appends to the jar's text. The jar has room. */
static void put(struct cookie_jar *jar, struct slice text) {
	if (text.size) memcpy(jar->text + jar->text_size, text.at, text.size);
	jar->text_size += text.size;
}

static void put_lower(struct cookie_jar *jar, struct slice text) {
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];
		jar->text[jar->text_size++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
}

/* Makes room for one more cookie and `size` bytes. */
static void reserve(struct cookie_jar *jar, size_t size) {
	if (jar->count == jar->room) {
		jar->room = jar->room ? 2 * jar->room : 4;
		jar->cookies = mem_resize(jar->cookies, jar->room * sizeof(*jar->cookies));
	}
	if (jar->text_size + size <= jar->text_room) return;
	if (!jar->text_room) jar->text_room = 256;
	while (jar->text_room < jar->text_size + size) jar->text_room *= 2;
	jar->text = mem_resize(jar->text, jar->text_room);
}

/* Puts a cookie in where the order of section 5.4 has it. */
static void insert(struct cookie_jar *jar, struct cookie cookie, const struct setting *setting) {
	unsigned to = 0;
	reserve(jar, cookie_size(&cookie));
	cookie.at = (uint32_t)jar->text_size;
	put_lower(jar, setting->domain);
	put(jar, setting->path);
	put(jar, setting->name);
	put(jar, SLICE("="));
	put(jar, setting->value);
	while (to < jar->count && (jar->cookies[to].path_size > cookie.path_size ||
					  (jar->cookies[to].path_size == cookie.path_size && jar->cookies[to].born < cookie.born)))
		to++;
	memmove(&jar->cookies[to + 1], &jar->cookies[to], (jar->count++ - to) * sizeof(cookie));
	jar->cookies[to] = cookie;
}

/* Returns the cookie of the same name, domain and path, or NULL. */
static struct cookie *find_same(struct cookie_jar *jar, const struct setting *setting) {
	for (unsigned i = 0; i < jar->count; i++) {
		struct cookie *cookie = &jar->cookies[i];
		struct slice pair = pair_of(jar, cookie);
		if (cookie->name_size == setting->name.size && slice_equal((struct slice){pair.at, cookie->name_size}, setting->name) &&
			slice_equal(path_of(jar, cookie), setting->path) && slice_equal_nocase(domain_of(jar, cookie), setting->domain))
			return cookie;
	}
	return NULL;
}

/* Puts a cookie in, in the place of an equal one (section 5.3, steps 11 and 12). Domain and path are set. Returns whether the jar is another one. */
static bool keep(struct cookie_jar *jar, const struct setting *setting, bool host_only, int64_t now_s) {
	struct cookie *old = find_same(jar, setting);
	struct cookie new = {.domain_size = (uint16_t)setting->domain.size,
		.path_size = (uint16_t)setting->path.size,
		.name_size = (uint16_t)setting->name.size,
		.value_size = (uint16_t)setting->value.size,
		.host_only = host_only,
		.secure = setting->secure,
		.end_s = setting->end_s};
	if (old) {
		struct slice pair = pair_of(jar, old), value = {pair.at + old->name_size + 1, old->value_size};
		if (old->host_only == new.host_only && old->secure == new.secure && old->end_s == new.end_s &&slice_equal(value, setting->value))
			return false;
		new.born = old->born;
		remove_cookie(jar, (unsigned)(old - jar->cookies));
	} else {
		new.born = jar->born++;
	}
	if (new.end_s <= now_s) return old != NULL;
	if (jar->count == COOKIES_MAX) remove_oldest(jar);
	insert(jar, new, setting);
	return true;
}

/* Reads Max-Age (section 5.2.2). False: it says nothing. */
static bool read_age(struct slice text, int64_t now_s, int64_t *ret) {
	bool negative = text.size && text.at[0] == '-';
	int64_t age = 0;
	if (text.size == negative) return false;
	for (size_t i = negative; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') return false;
		if (__builtin_mul_overflow(age, 10, &age) || __builtin_add_overflow(age, text.at[i] - '0', &age)) age = INT64_MAX / 10;
	}
	if (negative || age == 0)
		*ret = INT64_MIN;
	else if (__builtin_add_overflow(now_s, age, ret))
		*ret = NEVER;
	return true;
}

/* Reads the attributes (section 5.2). Of each the last one counts. */
static void read_attributes(struct slice text, const struct cookie_place *from, struct setting *setting) {
	int64_t end_s;
	bool has_age = false;
	while (text.size) {
		struct slice value, name = slice_trim(slice_cut(slice_cut(text, ';', &text), '=', &value));
		value = slice_trim(value);
		if (slice_equal_nocase(name, SLICE("domain"))) {
			if (value.size) setting->domain = value.at[0] == '.' ? (struct slice){value.at + 1, value.size - 1} : value;
		} else if (slice_equal_nocase(name, SLICE("path"))) {
			setting->path = value.size && value.at[0] == '/' ? value : (struct slice){NULL, 0};
		} else if (slice_equal_nocase(name, SLICE("secure"))) {
			setting->secure = true;
		} else if (slice_equal_nocase(name, SLICE("max-age"))) {
			if (!read_age(value, from->now_s, &end_s)) continue;
			setting->end_s = end_s;
			has_age = true;
		} else if (slice_equal_nocase(name, SLICE("expires"))) {
			if (!has_age && cookies_read_date(value, &end_s)) setting->end_s = end_s;
		}
	}
}

static bool has_control(struct slice text) {
	for (size_t i = 0; i < text.size; i++) {
		if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 0x7f) return true;
	}
	return false;
}

/* Reads a Set-Cookie (section 5.2). */
static bool read_setting(struct slice text, const struct cookie_place *from, struct setting *ret) {
	struct slice rest, value, name = slice_cut(slice_cut(text, ';', &rest), '=', &value);
	*ret = (struct setting){.name = slice_trim(name), .end_s = NEVER};
	if (!value.at || has_control(text)) return false;
	ret->value = slice_trim(value);
	if (!ret->name.size || ret->name.size + ret->value.size > COOKIE_BYTES_MAX) return false;
	read_attributes(rest, from, ret);
	return true;
}

/* Returns whether a domain is more than one label: "a.b", not "a", ".a" or "a.". */
static bool has_inner_dot(struct slice domain) {
	return domain.size > 2 && memchr(domain.at + 1, '.', domain.size - 2);
}

bool cookies_take(struct cookie_jar *jar, struct slice value, const struct cookie_place *from) {
	struct setting setting;
	if (!from->host.size || from->host.size > DOMAIN_MAX || !read_setting(value, from, &setting)) return false;
	bool is_host = slice_equal_nocase(setting.domain, from->host);
	bool host_only = !setting.domain.size || (is_host && (from->is_address || !has_inner_dot(setting.domain)));
	if (!host_only && !is_host && (!has_inner_dot(setting.domain) || !domain_matches(from, setting.domain))) return false;
	if (!setting.domain.size) setting.domain = from->host;
	if (!setting.path.size) setting.path = default_path(from->path);
	if (setting.path.size > PATH_MAX_BYTES || has_control(setting.path)) return false;
	remove_ended(jar, from->now_s);
	return keep(jar, &setting, host_only, from->now_s);
}

#define STEP 16 /* bytes that are looked at together */

/* Returns the next line break that is followed by "...-", as each "Set-Cookie" is, or NULL. Most heads have none. */
static const char *find_candidate(const char *at, const char *end) {
	signed char breaks __attribute__((vector_size(STEP))), dashes __attribute__((vector_size(STEP)));
	uint64_t both[STEP / sizeof(uint64_t)];
	for (; end - at >= STEP + 4; at += STEP) {
		memcpy(&breaks, at, STEP);
		memcpy(&dashes, at + 4, STEP);
		breaks = (breaks == '\n') & (dashes == '-');
		memcpy(both, &breaks, STEP);
		if (both[0] | both[1]) break;
	}
	for (; end - at > 4; at++) {
		if (*at == '\n' && at[4] == '-') return at;
	}
	return NULL;
}

bool cookies_take_head(struct cookie_jar *jar, struct slice head, const struct cookie_place *from) {
	const struct slice name = SLICE("set-cookie:");
	bool changed = false;
	if (!head.size) return false;
	const char *at = head.at, *end = at + head.size;
	while ((at = find_candidate(at, end))) {
		if ((size_t)(end - ++at) < name.size || !slice_equal_nocase((struct slice){at, name.size}, name)) continue;
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end) line_end = end;
		struct slice value = {at + name.size, (size_t)(line_end - at) - name.size};
		if (value.size && value.at[value.size - 1] == '\r') value.size--;
		changed |= cookies_take(jar, value, from);
		at = line_end;
	}
	return changed;
}
