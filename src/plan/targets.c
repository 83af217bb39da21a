#include "plan/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/files.h"
#include "plan/source.h"
#include "plan/table.h"

#define LIST_MAX ((size_t)1 << 30)
#define LINE_MAX_BYTES ((size_t)1 << 20)
#define READ_BYTES 65536
#define OPTION "--urls-from-file"

/* "https://ann:pw@host:1", as lines begin with it: what it comes to is the same in all of them. */
struct opening {
	struct slice text;
	struct url url; /* without text and target */
};

/* A list that is being read. */
struct listing {
	const struct http_settings *http;
	const char *path;
	struct arena *arena;
	struct arena scratch; /* until the list is read */
	struct targets *to;
	size_t line; /* its number, from 1 */
	size_t opening_count, openings_room;
	struct opening *openings;
	uint32_t *firsts; /* of each row: the first item with it */
	struct table by_opening, by_row;
	struct err *err;
};

static bool listing_fail(const struct listing *list, const char *sentence) {
	return err_set(list->err, ERR_FAILED, OPTION ": %s:%zu: %s", list->path, list->line, sentence);
}

/* Returns whether url_parse leaves path and query as they are: they need no encoding, end with no lone '?', have no fragment. */
static bool target_is_plain(struct slice target) {
	if (target.size == 0 || target.at[0] != '/' || target.at[target.size - 1] == '?') return false;
	for (size_t i = 0; i < target.size; i++) {
		unsigned char byte = (unsigned char)target.at[i];
		bool plain = (unsigned)((byte | 0x20) - 'a') < 26 || (unsigned)(byte - '0') < 10 || (byte && strchr("/-._~?=&%+,;:@!$'()*[]", byte));
		if (!plain) return false;
	}
	return true;
}

static bool opening_same(const void *user, uint32_t number) {
	const struct listing *list = user;
	return slice_equal(list->openings[list->opening_count].text, list->openings[number].text);
}

/* Makes room for one more; what is being looked for lies behind the last one. */
static void listing_place_opening(struct listing *list, struct slice text) {
	if (list->opening_count == list->openings_room) {
		list->openings_room = list->openings_room ? list->openings_room * 2 : 16;
		list->openings = mem_resize(list->openings, list->openings_room * sizeof(*list->openings));
	}
	list->openings[list->opening_count] = (struct opening){.text = text};
}

static const char *keep(struct arena *arena, const char *text) {
	return text ? arena_copy(arena, slice_of(text)) : NULL;
}

/* Reads the URL of a line. What it has in common with earlier ones is shared; its target is lent by the line or by `scratch`. */
static bool listing_read_url(struct listing *list, struct slice text, struct url *ret, struct slice *ret_target, struct arena *scratch) {
	const char *colon = memmem(text.at, text.size, "://", 3);
	size_t size = colon ? (size_t)(colon + 3 - text.at) : 0;
	while (size < text.size && text.at[size] != '/' && text.at[size] != '?' && text.at[size] != '#') size++;
	struct slice opening = {text.at, size}, rest = {text.at + size, text.size - size};
	listing_place_opening(list, opening);
	if (rest.size == 0) rest = SLICE("/");
	uint32_t *slot = table_seek(&list->by_opening, table_hash(0, opening), opening_same, list);
	if (!*slot || !target_is_plain(rest)) {
		struct url url;
		const char *copy = arena_copy(scratch, text);
		if (memchr(text.at, 0, text.size)) return listing_fail(list, "URL has a control character (0x00) in it; percent-encode it");
		if (!url_parse(copy, scratch, &url, list->err)) return err_add(list->err, OPTION ": %s:%zu", list->path, list->line);
		rest = slice_of(url.target);
		if (!*slot) {
			url.host = keep(list->arena, url.host);
			url.authority = keep(list->arena, url.authority);
			url.userinfo = keep(list->arena, url.userinfo);
			list->openings[list->opening_count++].url = url;
			*slot = (uint32_t)list->opening_count;
		}
	}
	*ret = list->openings[*slot - 1].url;
	*ret_target = rest;
	return true;
}

/* An item that is looked for among the rows, its target beside it. */
struct row_key {
	const struct listing *list;
	const struct target_item *item;
	struct slice target;
};

static bool row_same(const void *user, uint32_t number) {
	const struct row_key *key = user;
	const struct target_item *a = key->item, *b = &key->list->to->at[key->list->firsts[number]];
	return a->method == b->method && a->url.tls == b->url.tls && slice_equal(key->target, slice_of(b->url.target)) &&
	       strcmp(a->url.authority, b->url.authority) == 0;
}

/* Writes the name of a row; the item's texts lie in it. Without a format string, for a list may have a million of them. */
static const char *listing_name_row(const struct listing *list, struct target_item *item, struct slice target) {
	struct slice method = slice_of(method_name(item->method)), scheme = slice_of(item->url.scheme), authority = slice_of(item->url.authority);
	char *name = arena_alloc(list->arena, method.size + scheme.size + authority.size + target.size + 5);
	char *text = mempcpy(mempcpy(name, method.at, method.size), " ", 1);
	char *at = mempcpy(mempcpy(text, scheme.at, scheme.size), "://", 3);
	at = mempcpy(at, authority.at, authority.size);
	item->url.text = text;
	item->url.target = at;
	at = mempcpy(at, target.at, target.size);
	*at = 0;
	return name;
}

/* Gives the item its row, and the texts that lie in the row's name. */
static void listing_add(struct listing *list, struct target_item *item, struct slice target) {
	struct targets *to = list->to;
	struct url *url = &item->url;
	struct row_key key = {list, item, target};
	uint64_t hash = table_hash(table_hash(item->method * 2 + url->tls, slice_of(url->authority)), target);
	uint32_t *slot = table_seek(&list->by_row, hash, row_same, &key);
	if (*slot) {
		item->row = *slot - 1;
		url->text = to->at[list->firsts[item->row]].url.text;
		url->target = to->at[list->firsts[item->row]].url.target;
	} else {
		list->firsts[to->row_count] = (uint32_t)to->count;
		to->rows[to->row_count++] = listing_name_row(list, item, target);
		*slot = (uint32_t)to->row_count;
		item->row = *slot - 1;
	}
	to->at[to->count++] = *item;
}

/* Takes the method off a line; false if it begins with none. */
static bool line_take_method(struct slice *line, enum method *ret) {
	size_t size = 0;
	while (size < line->size && line->at[size] != ' ' && line->at[size] != '\t') size++;
	for (enum method method = METHOD_GET; method <= METHOD_OPTIONS; method++) {
		if (!slice_equal_nocase((struct slice){line->at, size}, slice_of(method_name(method)))) continue;
		*ret = method;
		*line = slice_trim((struct slice){line->at + size, line->size - size});
		return true;
	}
	return false;
}

/* Returns whether a line begins with a word of letters only, and goes on. */
static bool line_has_word(struct slice line) {
	size_t size = 0;
	while (size < line.size && (unsigned)((line.at[size] | 0x20) - 'a') < 26) size++;
	return size > 0 && size < line.size && (line.at[size] == ' ' || line.at[size] == '\t');
}

static bool listing_read_line(struct listing *list, struct slice line, struct arena *scratch) {
	struct target_item item = {.method = (enum method)list->http->method};
	struct slice target = {NULL, 0};
	line = slice_trim(line);
	if (line.size == 0) return listing_fail(list, "the line is empty; write URL or METHOD URL, or take it out");
	if (line.size > LINE_MAX_BYTES) return listing_fail(list, "the line is longer than 1 MiB; write a shorter URL");
	item.plain = !line_take_method(&line, &item.method);
	if (!item.plain && line.size == 0) return listing_fail(list, "the line has a method and no URL; write URL or METHOD URL");
	if (item.plain && line_has_word(line))
		return listing_fail(list,
			"the line begins with a word that is no method; write GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS before "
			"the URL, or nothing");
	if (!listing_read_url(list, line, &item.url, &target, scratch)) return false;
	listing_add(list, &item, target);
	return true;
}

/* Takes the next line off a text, without its LF or CRLF. A line end at the end of the text does not begin another line. */
static struct slice next_line(struct slice *text) {
	struct slice line = slice_cut(*text, '\n', text);
	if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
	return line;
}

static bool listing_read(struct listing *list, struct slice text) {
	struct arena scratch;
	bool good = true;
	arena_init(&scratch);
	while (good && text.size > 0) {
		list->line++;
		good = listing_read_line(list, next_line(&text), &scratch);
		if (scratch.last && list->line % 64 == 0) arena_fini(&scratch);
	}
	arena_fini(&scratch);
	return good;
}

static bool list_is_stdin(const struct http_settings *http) {
	return strcmp(http->urls_from_file, "-") == 0;
}

/* Returns what a list is called in sentences. */
static const char *list_path(const struct http_settings *http) {
	return list_is_stdin(http) ? "standard input" : http->urls_from_file;
}

bool targets_parse(const struct http_settings *http, struct slice text, struct arena *arena, struct targets *ret, struct err *err) {
	const char *path = list_path(http);
	size_t lines = 0;
	for (struct slice rest = text; rest.size > 0 && lines <= TARGETS_MAX; lines++) next_line(&rest);
	if (lines == 0) return err_set(err, ERR_FAILED, OPTION ": %s is empty; write URL or METHOD URL, one a line", path);
	if (lines > TARGETS_MAX) return err_set(err, ERR_FAILED, OPTION ": %s has more than %d lines", path, TARGETS_MAX);
	struct targets targets = {.listed = true};
	struct listing list = {.http = http, .path = path, .arena = arena, .to = &targets, .err = err};
	arena_init(&list.scratch);
	table_init(&list.by_opening, lines, &list.scratch);
	table_init(&list.by_row, lines, &list.scratch);
	list.firsts = arena_array(&list.scratch, lines, sizeof(*list.firsts));
	targets.at = arena_array(arena, lines, sizeof(*targets.at));
	targets.rows = arena_array(arena, lines, sizeof(*targets.rows));
	bool good = listing_read(&list, text);
	free(list.openings);
	arena_fini(&list.scratch);
	if (!good) return false;
	targets.name = arena_format(arena, "%zu URL%s from %s", targets.row_count, targets.row_count == 1 ? "" : "s", path);
	*ret = targets;
	return true;
}

static bool list_read_all(int fd, const char *path, struct buf *text, struct err *err) {
	char *bytes = mem_alloc(READ_BYTES);
	ssize_t more;
	int failed = 0;
	while (!failed && !text->full && (more = read(fd, bytes, READ_BYTES)) != 0) {
		if (more > 0)
			buf_add(text, (struct slice){bytes, (size_t)more});
		else if (errno != EINTR)
			failed = errno;
	}
	free(bytes);
	if (failed) return err_set_sys(err, ERR_FAILED, failed, OPTION ": cannot read '%s'", path);
	return !text->full || err_set(err, ERR_FAILED, OPTION ": '%s' is larger than 1 GiB", path);
}

/* Opens without waiting for the writer of a pipe, then reads as from any file. */
static bool list_read_file(const char *path, struct buf *text, struct err *err) {
	int fd = files_open(path);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, OPTION ": cannot open '%s'", path);
	fcntl(fd, F_SETFL, 0);
	bool good = list_read_all(fd, path, text, err);
	close(fd);
	return good;
}

static bool targets_read_list(const struct http_settings *http, struct arena *arena, struct targets *ret, struct err *err) {
	const char *path = list_path(http);
	struct buf text;
	buf_init(&text, LIST_MAX);
	bool good = list_is_stdin(http) ? list_read_all(STDIN_FILENO, path, &text, err) : list_read_file(path, &text, err);
	good = good && targets_parse(http, (struct slice){buf_text(&text), text.size}, arena, ret, err);
	buf_fini(&text);
	return good;
}

bool targets_read(const struct http_settings *http, struct arena *arena, struct targets *ret, struct err *err) {
	if (http->urls_from_file) return targets_read_list(http, arena, ret, err);
	if (!http->url) return err_set(err, ERR_FAILED, "no URL; write --url URL or --urls-from-file FILE");
	struct target_item *item = arena_alloc(arena, sizeof(*item));
	*item = (struct target_item){.method = (enum method)http->method, .plain = true};
	if (!url_parse(http->url, arena, &item->url, err)) return err_add(err, "--url");
	*ret = (struct targets){.count = 1, .at = item, .name = item->url.text};
	return true;
}
