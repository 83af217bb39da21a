/* The one file that knows toml++. Its exceptions end here. */
#define _Noreturn [[noreturn]] /* a word of C in base/arena.h */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <toml++/toml.h>

extern "C" {
#include "config/quote.h"
#include "config/toml.h"
}

static_assert(!TOML_HEADER_ONLY, "header-only toml++ 3.3 ends the program on some inputs; link the shared library");

namespace {

constexpr const char *too_deep = "nested too deeply; the limit is 64 levels";

struct reading {
	struct slice text;
	struct arena *arena;
	struct tree_fault *fault;
};

struct tree_place place_of(const toml::source_region &region) {
	return {region.begin.line, region.begin.column};
}

/* Returns where a string that begins at `at` ends: behind its closing quotes, or where it is cut off. */
size_t string_end(struct slice text, size_t at) {
	char quote = text.at[at];
	bool lines = at + 2 < text.size && text.at[at + 1] == quote && text.at[at + 2] == quote;
	for (at += lines ? 3 : 1; at < text.size; at++) {
		if (text.at[at] == '\\' && quote == '"') {
			at++;
		} else if (text.at[at] == '\n' && !lines) {
			return at;
		} else if (text.at[at] == quote) {
			if (!lines) return at + 1;
			if (at + 2 < text.size && text.at[at + 1] == quote && text.at[at + 2] == quote) return at + 3;
		}
	}
	return text.size;
}

/* toml++ 3.3 has no limit on the parts of a key and overflows the stack on long ones: looks before it does.
 * Both limits together keep the tree below TREE_DEPTH_MAX squared levels, which toml++ can bear. */
bool check_depth(const struct reading &r) {
	struct tree_cursor cursor = {r.text, 0, {1, 1}};
	unsigned dots = 0, brackets = 0;
	for (size_t at = 0; at < r.text.size;) {
		char c = r.text.at[at];
		if (c == '"' || c == '\'') {
			at = string_end(r.text, at);
			continue;
		}
		if (c == '#') {
			while (at < r.text.size && r.text.at[at] != '\n') at++;
			continue;
		}
		if (c == '\n' || c == '=' || c == ',') dots = 0;
		if (c == '.') dots++;
		if (c == '[' || c == '{') brackets++;
		if ((c == ']' || c == '}') && brackets) brackets--;
		if (dots >= TREE_DEPTH_MAX || brackets > TREE_DEPTH_MAX) return tree_refuse(r.fault, tree_cursor_move(&cursor, at), too_deep);
		at++;
	}
	return true;
}

/* Returns the offset of a place. */
size_t offset_of(struct slice text, struct tree_place at) {
	struct tree_cursor cursor = {text, 0, {1, 1}};
	while (cursor.offset < text.size && (cursor.at.line < at.line || (cursor.at.line == at.line && cursor.at.column < at.column))) {
		size_t next = cursor.offset + 1;
		while (next < text.size && ((unsigned char)text.at[next] & 0xc0) == 0x80) next++;
		tree_cursor_move(&cursor, next);
	}
	return cursor.offset;
}

bool is_word(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_value(char c) {
	return is_word(c) || c == '+' || c == '.' || c == ':';
}

/* Returns where the key before the value at `at` begins: toml++ reports a doubled key at its value. */
size_t key_start(struct slice text, size_t at) {
	while (at > 0 && text.at[at - 1] != '=' && text.at[at - 1] != '\n') at--;
	if (at > 0 && text.at[at - 1] == '=') at--;
	size_t start = at;
	for (; at > 0; at--) {
		char c = text.at[at - 1];
		if (c == '"' || c == '\'') {
			for (at--; at > 0 && text.at[at - 1] != c && text.at[at - 1] != '\n'; at--) continue;
			if (at == 0) break;
		} else if (!is_word(c) && c != '.' && c != ' ' && c != '\t') {
			break;
		}
		if (c != ' ' && c != '\t') start = at - 1;
	}
	return start;
}

/* Returns the part of the text between two offsets without blanks around it. */
struct slice part_of(struct slice text, size_t start, size_t end) {
	return slice_trim({text.at + start, end > start ? end - start : 0});
}

/* Something is there twice: a key, or a table. Named as it is written, at its beginning. */
bool refuse_double(const struct reading &r, struct tree_place at, bool header) {
	struct quote quote;
	struct tree_cursor cursor = {r.text, 0, {1, 1}};
	size_t offset = offset_of(r.text, at), start, end;
	if (header) {
		for (start = offset; start > 0 && r.text.at[start - 1] != '\n'; start--) continue;
		while (start < r.text.size && strchr(" \t", r.text.at[start])) start++;
		end = start + strcspn(r.text.at + start, "]\n");
		while (end < r.text.size && r.text.at[end] == ']') end++;
	} else {
		start = key_start(r.text, offset);
		for (end = start; end < r.text.size && r.text.at[end] != '=' && r.text.at[end] != '\n';) {
			end = strchr("\"'", r.text.at[end]) ? string_end(r.text, end) : end + 1;
		}
	}
	const char *name = quote_text(&quote, part_of(r.text, start, end));
	return tree_refuse(r.fault, tree_cursor_move(&cursor, start), "%s is there twice; keep one of them", name);
}

/* Returns whether a sentence is about a number, truth value or time: "decimal integer: ...". */
bool is_about_scalar(std::string_view sentence) {
	std::string_view what = sentence.substr(0, sentence.find(':'));
	for (const char *scalar : {"integer", "floating-point", "boolean", "date", "time", "value"}) {
		if (what.substr(0, 3) != "key" && what.find(scalar) != what.npos) return true;
	}
	return false;
}

/* Says what toml++ did not like, at the first character of what is wrong: of a number it reports the end. */
bool refuse_syntax(const struct reading &r, const toml::parse_error &error) {
	static const char head[] = "Error while parsing ";
	const char *text = error.what();
	struct tree_place at = place_of(error.source());
	struct tree_cursor cursor = {r.text, 0, {1, 1}};
	if (strncmp(text, head, sizeof(head) - 1) == 0) text += sizeof(head) - 1;
	if (strstr(text, "cannot redefine")) return refuse_double(r, at, strncmp(text, "table header", 12) == 0);
	size_t start = offset_of(r.text, at), end;
	while (is_about_scalar(text) && start > 0 && is_value(r.text.at[start - 1])) start--;
	for (end = start; end < r.text.size && is_value(r.text.at[end]);) end++;
	if (strstr(text, "could not determine value type") && end > start) {
		struct quote quote;
		const char *word = quote_text(&quote, {r.text.at + start, end - start});
		return tree_refuse(r.fault, tree_cursor_move(&cursor, start), "%s is no value; a text stands between quotes", word);
	}
	return tree_refuse(r.fault, tree_cursor_move(&cursor, start), "%s", text);
}

bool convert(const struct reading &r, const toml::node &node, unsigned depth, struct tree *into);

/* Children of a table, in the order of the text: toml++ keeps them by key. */
bool convert_table(const struct reading &r, const toml::table &table, unsigned depth, struct tree *into) {
	struct tree **sorted = static_cast<struct tree **>(arena_array(r.arena, table.size() + 1, sizeof(*sorted)));
	for (auto &&[key, node] : table) {
		struct tree *child = static_cast<struct tree *>(arena_alloc(r.arena, sizeof(*child)));
		child->key_at = place_of(key.source());
		if (memchr(key.data(), 0, key.length())) return tree_refuse(r.fault, child->key_at, "a key with a 0 character");
		child->key = arena_copy(r.arena, {key.data(), key.length()});
		if (!convert(r, node, depth + 1, child)) return false;
		sorted[into->count++] = child;
	}
	qsort(sorted, into->count, sizeof(*sorted), [](const void *a, const void *b) {
		struct tree_place one = (*static_cast<struct tree *const *>(a))->key_at, two = (*static_cast<struct tree *const *>(b))->key_at;
		if (one.line != two.line) return one.line < two.line ? -1 : 1;
		return one.column < two.column ? -1 : one.column > two.column;
	});
	for (size_t i = 0; i < into->count; i++) sorted[i]->next = sorted[i + 1];
	into->first = sorted[0];
	return true;
}

bool convert_array(const struct reading &r, const toml::array &array, unsigned depth, struct tree *into) {
	struct tree **end = &into->first;
	for (const toml::node &node : array) {
		struct tree *child = static_cast<struct tree *>(arena_alloc(r.arena, sizeof(*child)));
		if (!convert(r, node, depth + 1, child)) return false;
		*end = child;
		end = &child->next;
		into->count++;
	}
	return true;
}

const char *write_date(struct arena *arena, const toml::date &date) {
	return arena_format(
		arena, "%04u-%02u-%02u", static_cast<unsigned>(date.year), static_cast<unsigned>(date.month), static_cast<unsigned>(date.day));
}

const char *write_time(struct arena *arena, const toml::time &time) {
	return arena_format(
		arena, "%02u:%02u:%02u", static_cast<unsigned>(time.hour), static_cast<unsigned>(time.minute), static_cast<unsigned>(time.second));
}

/* A date or time, to be quoted: no setting takes one. */
const char *write_other(struct arena *arena, const toml::node &node) {
	if (auto *date = node.as_date()) return write_date(arena, date->get());
	if (auto *time = node.as_time()) return write_time(arena, time->get());
	auto *both = node.as_date_time();
	return both ? arena_format(arena, "%sT%s", write_date(arena, both->get().date), write_time(arena, both->get().time)) : "";
}

bool convert(const struct reading &r, const toml::node &node, unsigned depth, struct tree *into) {
	into->at = place_of(node.source());
	if (depth > TREE_DEPTH_MAX && (node.is_table() || node.is_array())) return tree_refuse(r.fault, into->at, too_deep);
	if (const toml::table *table = node.as_table()) {
		into->kind = TREE_TABLE;
		return convert_table(r, *table, depth, into);
	}
	if (const toml::array *array = node.as_array()) {
		into->kind = TREE_ARRAY;
		return convert_array(r, *array, depth, into);
	}
	if (auto *text = node.as_string()) {
		into->kind = TREE_TEXT;
		into->text = {arena_copy(r.arena, {text->get().data(), text->get().size()}), text->get().size()};
	} else if (auto *integer = node.as_integer()) {
		into->kind = TREE_INT;
		into->integer = integer->get();
		into->real = static_cast<double>(integer->get());
	} else if (auto *real = node.as_floating_point()) {
		into->kind = TREE_REAL;
		into->real = real->get();
	} else if (auto *truth = node.as_boolean()) {
		into->kind = TREE_BOOL;
		into->truth = truth->get();
	} else {
		into->kind = TREE_OTHER;
		into->text = slice_of(write_other(r.arena, node));
	}
	return true;
}

} // namespace

bool toml_read(struct slice text, struct arena *arena, struct tree **ret, struct tree_fault *fault) try {
	struct tree_cursor whole = {text, 0, {1, 1}};
	size_t bad = tree_find_bad_utf8(text);
	if (bad < text.size) return tree_refuse(fault, tree_cursor_move(&whole, bad), "bytes that are not UTF-8");
	size_t mark = text.size >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* no character: toml++ skips one */
	const struct reading r = {{arena_copy(arena, {text.at + mark, text.size - mark}), text.size - mark}, arena, fault};
	if (!check_depth(r)) return false;
	try {
		const toml::table table = toml::parse(std::string_view(text.at, text.size));
		struct tree *root = static_cast<struct tree *>(arena_alloc(arena, sizeof(*root)));
		if (!convert(r, table, 1, root)) return false;
		root->at = {1, 1};
		*ret = root;
		return true;
	} catch (const toml::parse_error &error) {
		return refuse_syntax(r, error);
	}
} catch (const std::bad_alloc &) {
	mem_fail();
} catch (const std::exception &error) {
	return tree_refuse(fault, {1, 1}, "%s", error.what());
}
