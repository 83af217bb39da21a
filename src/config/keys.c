#include "config/keys.h"

#include <ctype.h>

#include "base/units.h"
#include "config/env.h"
#include "config/later.h"
#include "config/protocol.h"
#include "config/quote.h"
#include "config/scenario_keys.h"
#include "config/secret.h"

#define OWN_KEYS "rpm|load|thresholds|sinks|distributed|scenario|scenarios" /* keys that are no row's */

const struct tree *keys_find(const struct tree *table, const char *key) {
	const struct tree *node = tree_find(table, key);
	return node && node->kind != TREE_NULL ? node : NULL;
}

/* Returns whether a long name, with '_' for '-', is the key. */
static bool name_is_key(const char *name, const char *key) {
	for (; *name && *key; name++, key++) {
		if (*key != (*name == '-' ? '_' : *name)) return false;
	}
	return *name == *key;
}

const struct option_row *keys_row(const char *key) {
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (!row->key) continue;
		if (strcmp(row->key, key) == 0) return row;
		for (unsigned n = 1; n < 3; n++) {
			if (option_name(row, n) && name_is_key(option_name(row, n), key)) return row;
		}
	}
	return NULL;
}

const char *keys_show(const struct keys *keys, const char *key, const char *value) {
	return arena_format(keys->arena, keys->origins->syntax == VALUE_JSON ? "\"%s\": %s" : "%s = %s", key, value);
}

bool keys_is_bare(const struct tree *node) {
	return node->kind == TREE_BOOL || node->kind == TREE_INT || node->kind == TREE_REAL;
}

const char *keys_write_bare(const struct tree *node, struct arena *arena) {
	if (node->kind == TREE_BOOL) return node->truth ? "true" : "false";
	if (node->kind == TREE_INT) return arena_format(arena, "%lld", (long long)node->integer);
	return value_write_real(node->real, ".0", arena);
}

/* Returns a value as the subject of a sentence. */
static const char *subject(const struct tree *node, struct arena *arena) {
	struct quote quote;
	double real;
	if (node->kind == TREE_ARRAY || node->kind == TREE_TABLE || node->kind == TREE_NULL) return tree_kind_words(node->kind);
	if (node->kind == TREE_OTHER) return arena_format(arena, "the date or time %s", quote_text(&quote, node->text));
	if (node->kind != TREE_TEXT) return arena_format(arena, "'%s'", keys_write_bare(node, arena));
	bool bare = units_parse_real(node->text, &real) || slice_equal(node->text, SLICE("true")) || slice_equal(node->text, SLICE("false"));
	return arena_format(arena, "%s%s", bare ? "the text " : "", quote_text(&quote, node->text));
}

bool keys_refuse_kind(struct keys *keys, const struct tree *node, const char *path, const char *wanted, const char *advice) {
	return findings_add(keys->findings, node->at, "%s: %s is not %s; %s", path, subject(node, keys->arena), wanted, advice);
}

static bool is_before(struct tree_place a, struct tree_place b) {
	return a.line != b.line ? a.line < b.line : a.column < b.column;
}

bool keys_refuse_both(struct keys *keys, const struct tree *a, const char *a_path, const struct tree *b, const char *b_path) {
	bool swapped = is_before(b->key_at, a->key_at);
	return findings_add(keys->findings, swapped ? a->key_at : b->key_at, "%s: excludes %s in line %u; keep one of them",
		swapped ? a_path : b_path, swapped ? b_path : a_path, swapped ? b->key_at.line : a->key_at.line);
}

/* Returns all keys of the top level, "a|b". */
static const char *top_words(struct arena *arena) {
	struct buf buf;
	const char *words;
	buf_init(&buf, 65536);
	buf_add_text(&buf, OWN_KEYS);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *key = option_rows[i].key;
		if (key && !strchr(key, '.')) buf_add_format(&buf, "|%s", key);
		for (unsigned n = 1; key && n < 3; n++) {
			size_t start = buf.size + 1;
			if (!option_name(&option_rows[i], n)) continue;
			buf_add_format(&buf, "|%s", option_name(&option_rows[i], n));
			for (; start < buf.size; start++) buf.at[start] = buf.at[start] == '-' ? '_' : buf.at[start];
		}
	}
	for (size_t i = 0; i < later_count; i++) {
		if (later_rows[i].key) buf_add_format(&buf, "|%s", later_rows[i].key);
	}
	words = arena_copy(arena, slice_of(buf_text(&buf)));
	buf_fini(&buf);
	return words;
}

/* Returns a key in small letters and with '_' for '-': as most of them are meant. */
static const char *tidy(const char *key, struct arena *arena) {
	char *text = arena_copy(arena, slice_of(key));
	for (char *c = text; *c; c++) *c = *c == '-' ? '_' : (char)tolower((unsigned char)*c);
	return text;
}

bool keys_among(const char *words, const char *key) {
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		if (slice_equal(word, slice_of(key))) return true;
	}
	return false;
}

void keys_refuse_unknown(struct keys *keys, const struct tree *node, const char *path, const char *words) {
	struct quote quote;
	const char *name = quote_text(&quote, slice_of(node->key)), *key = tidy(node->key, keys->arena), *where = *path ? " in " : "";
	struct slice near = option_nearest_word(slice_of(key), words);
	const struct option_row *row = NULL;

	for (size_t i = 0; i < OPTION_COUNT && !*path; i++) {
		if (option_rows[i].commands & COMMAND_RUN && name_is_key(option_rows[i].flag, key)) row = &option_rows[i];
	}
	if (*path && keys_among(top_words(keys->arena), node->key)) {
		findings_add(keys->findings, node->key_at, "unknown key %s in %s; it belongs to the top level%s", name, path,
			keys->origins->syntax == VALUE_TOML ? ", above the first [table]" : "");
	} else if (row && !row->key && !near.size) {
		findings_add(keys->findings, node->key_at, "unknown key %s; it is an option of the command line only: --%s", name, row->flag);
	} else if (near.size) {
		findings_add(keys->findings, node->key_at, "unknown key %s%s%s; did you mean '%.*s'?", name, where, path, (int)near.size, near.at);
	} else {
		findings_add(keys->findings, node->key_at, "unknown key %s%s%s", name, where, path);
	}
}

/* Returns of a text that begins with "${" what its braces hold, with them; "${" alone if that is no word: it may be any text, a secret too. */
static struct slice braces(struct slice text) {
	size_t end = 2;
	while (end < text.size && (isalnum((unsigned char)text.at[end]) || strchr("_-. ", text.at[end]))) end++;
	return (struct slice){text.at, end < text.size && text.at[end] == '}' ? end + 1 : 2};
}

const char *keys_expand(struct keys *keys, const struct tree *node, const char *path) {
	struct quote quote;
	const char *text = NULL;
	struct slice bad;
	bool unset;
	if (memchr(node->text.at, 0, node->text.size)) {
		findings_add(keys->findings, node->at, "%s: a text with a 0 character; leave it out", path);
		return NULL;
	}
	if (env_expand(node->text, keys->arena, &text, &bad, &unset)) return text;
	if (unset)
		findings_add(keys->findings, node->at, "%s: the environment variable %s is not set; set it, or write $${ for a plain ${", path,
			quote_text(&quote, bad));
	else
		findings_add(keys->findings, node->at, "%s: %s names no variable; write ${NAME}, or $${ for a plain ${", path,
			quote_text(&quote, braces(bad)));
	return NULL;
}

/* Returns whether the value's type is one of the row's; a text with variables may be a number. */
static bool fits(const struct option_row *row, const struct tree *node) {
	bool text = node->kind == TREE_TEXT, filled = text && env_is_in(node->text), whole = node->kind == TREE_INT;
	switch (row->kind) {
	case KIND_BOOL: return node->kind == TREE_BOOL || filled;
	case KIND_COUNT: return whole || filled;
	case KIND_REAL: return whole || node->kind == TREE_REAL || filled;
	case KIND_TIME:
	case KIND_STATUS: return whole || text;
	default: return text;
	}
}

static const char *wanted_words(const struct option_row *row) {
	switch (row->kind) {
	case KIND_BOOL: return "true or false";
	case KIND_COUNT: return "a whole number";
	case KIND_REAL: return "a number";
	case KIND_TIME: return "a whole number of seconds or a text";
	case KIND_STATUS: return "a status code or a text";
	case KIND_LIST: return "an array of texts";
	default:
		if (row->unit && strcmp(row->unit, "FOLDER") == 0) return "the path of a folder";
		return row->unit && strcmp(row->unit, "FILE") == 0 ? "the path of a file" : "a text";
	}
}

/* Returns advice for a value of another type. */
static const char *advise(const struct option_row *row, const struct value_input *input) {
	const char *example = value_example(row);
	if (row->check == CHECK_HEADER) example = "Accept: text/html";
	if (row->check == CHECK_ALPN) example = "h2";
	if (row->check == CHECK_HTTP_VERSION) example = "2";
	return arena_format(input->arena, "write %s%s", example ? "e.g. " : "", value_show(row, example ? example : value_unit(row), input));
}

bool keys_read_scalar(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path, struct settings *into) {
	struct value_input input = {.syntax = keys->origins->syntax,
		.path = path,
		.key = node->key  ? node->key
		       : row->key ? row->key
				  : "",
		.arena = keys->arena};
	struct err err = {0};
	if (!fits(row, node) && row->secret)
		return findings_add(keys->findings, node->at, "%s: the value is not %s; %s", path, wanted_words(row), advise(row, &input));
	if (!fits(row, node)) return keys_refuse_kind(keys, node, path, row->kind == KIND_LIST ? "a text" : wanted_words(row), advise(row, &input));
	if (row->kind == KIND_COUNT && node->kind == TREE_INT && node->integer < 0)
		return findings_add(
			keys->findings, node->at, "%s: '%lld' is too small; write at least %.0f", path, (long long)node->integer, row->min);
	if (node->kind == TREE_TEXT) {
		input.text = keys_expand(keys, node, path);
		input.shown = node->text.at;
		if (!input.text) return false;
	} else {
		input.text = keys_write_bare(node, keys->arena);
	}
	return value_read(row, &input, into, &err) || findings_add(keys->findings, node->at, "%s", err.text);
}

struct option_origin *keys_note(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path) {
	struct option_origin *origin = &keys->origins->rows[option_index(row)];
	*origin = (struct option_origin){.kind = ORIGIN_FILE, .name = path, .at = node->at, .key_at = node->key_at};
	return origin;
}

/* Notes the texts as they are written if a variable is in one of them: they are shown instead of what it holds. */
static void note_written(struct keys *keys, struct option_origin *origin, const struct tree *first, size_t count) {
	const char **written = arena_array(keys->arena, count + 1, sizeof(*written));
	bool filled = false;
	size_t at = 0;
	for (const struct tree *node = first; at < count; node = node->next) {
		if (node->kind != TREE_TEXT) return;
		filled |= env_is_in(node->text);
		written[at++] = node->text.at;
	}
	if (filled) origin->written = written;
}

/* A protocol of a later version is left out of --alpn's list with a warning. */
static bool leave_protocol_out(struct keys *keys, const struct option_row *row, const struct tree *item) {
	if (row->check != CHECK_ALPN || item->kind != TREE_TEXT || !protocol_is_later(item->text)) return false;
	findings_warn(keys->findings, item->at, "%s: %s comes with a later version of strest; left out", row->key, item->text.at);
	return true;
}

void keys_refuse_list(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path) {
	struct value_input input = {.syntax = keys->origins->syntax, .path = path, .key = node->key, .arena = keys->arena};
	struct tree shown = *node;
	const char *header = NULL;
	if (node->kind == TREE_TEXT && row->check == CHECK_HEADER) {
		header = secret_quote_header(arena_copy(keys->arena, node->text), NULL, keys->arena);
		shown.text = header ? slice_of(header) : SLICE("...");
	}
	keys_refuse_kind(keys, &shown, path, wanted_words(row), advise(row, &input));
}

/* Refuses a list of protocols of which no name is left. */
static void refuse_blanks(struct keys *keys, const struct option_row *row, const struct tree *node, struct option_origin *origin) {
	struct value_input input = {.syntax = keys->origins->syntax, .path = origin->name, .key = node->key, .arena = keys->arena};
	origin->broken = true;
	findings_add(keys->findings, node->at, "%s: every name is blank; %s", origin->name, advise(row, &input));
}

static void read_list(struct keys *keys, const struct option_row *row, const struct tree *node, struct option_origin *origin) {
	const struct text_list *list = (const void *)((const char *)keys->settings + row->at);
	struct tree_place *items;
	size_t left_out = 0, number = 0;
	if (node->kind != TREE_ARRAY) {
		origin->broken = true;
		keys_refuse_list(keys, row, node, origin->name);
		return;
	}
	items = arena_array(keys->arena, node->count + 1, sizeof(*items));
	for (const struct tree *item = node->first; item; item = item->next) {
		number++;
		items[list->count] = item->at;
		if (leave_protocol_out(keys, row, item))
			left_out++;
		else if (!keys_read_scalar(keys, row, item, arena_format(keys->arena, "%s, item %zu", origin->name, number), keys->settings))
			origin->broken = true;
	}
	origin->items = items;
	if (list->count == node->count) note_written(keys, origin, node->first, list->count);
	if (list->count || origin->broken || !node->count) return;
	if (left_out)
		*origin = (struct option_origin){.kind = ORIGIN_PRESET};
	else
		refuse_blanks(keys, row, node, origin);
}

void keys_read_row(struct keys *keys, const struct option_row *row, const struct tree *node, const char *path) {
	struct option_origin *origin = &keys->origins->rows[option_index(row)];
	if (node->kind == TREE_NULL) return;
	if (origin->kind == ORIGIN_FILE) {
		findings_add(keys->findings, node->key_at, "%s: says the same as %s in line %u; keep one of them", path, origin->name,
			origin->key_at.line);
		return;
	}
	origin = keys_note(keys, row, node, path);
	if (row->kind == KIND_LIST) {
		read_list(keys, row, node, origin);
	} else {
		origin->broken = !keys_read_scalar(keys, row, node, path, keys->settings);
		note_written(keys, origin, node, 1);
	}
}

/* Keys of the file that exclude each other by their rows. */
static void check_conflicts(struct keys *keys) {
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *words = option_rows[i].conflicts;
		for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
			size_t k = option_index(option_by_name(word, COMMAND_RUN));
			const struct option_origin *one = &keys->origins->rows[i], *two = &keys->origins->rows[k];
			if (k < i || one->kind != ORIGIN_FILE || two->kind != ORIGIN_FILE) continue;
			if (value_is_off(&option_rows[i], keys->settings) || value_is_off(&option_rows[k], keys->settings)) continue;
			keys_refuse_both(keys, tree_find(keys->root, one->name), one->name, tree_find(keys->root, two->name), two->name);
		}
	}
}

/* A key of a later version. */
static void meet_later(struct keys *keys, const struct later_row *row, const struct tree *node) {
	if (node->kind == TREE_NULL || later_is_harmless(row, node)) return;
	if (row->kind == LATER_LEFT_OUT)
		findings_warn(keys->findings, node->key_at, "%s: %s; left out", row->key, row->words);
	else
		findings_add(keys->findings, node->key_at, "%s: %s; take the key out", row->key, row->words);
}

void keys_read(struct keys *keys) {
	const char *words = NULL;
	if (keys->root->kind != TREE_TABLE) {
		findings_add(keys->findings, keys->root->at, "%s is no table of settings; write { \"url\": \"http://localhost:3000/\" }",
			subject(keys->root, keys->arena));
		return;
	}
	keys->origins->document = keys->root;
	for (const struct tree *node = keys->root->first; node; node = node->next) {
		const struct option_row *row = strchr(node->key, '.') ? NULL : keys_row(node->key);
		const struct later_row *later = later_by_key(node->key);
		if (row && strcmp(row->key, "data") == 0 && data_keys_are(node)) {
			data_keys_read(keys, node);
		} else if (row) {
			keys_read_row(keys, row, node, node->key);
		} else if (later) {
			meet_later(keys, later, node);
		} else if (strcmp(node->key, "thresholds") == 0) {
			threshold_keys_read(keys, node);
		} else if (strcmp(node->key, "distributed") == 0) {
			fleet_keys_read(keys, node);
		} else if (strcmp(node->key, "sinks") == 0) {
			sink_keys_read(keys, node);
		} else if (!keys_among(OWN_KEYS, node->key)) {
			if (!words) words = top_words(keys->arena);
			keys_refuse_unknown(keys, node, "", words);
		}
	}
	check_conflicts(keys);
	load_keys_read(keys);
	scenario_keys_read(keys);
}
