/* The table `thresholds`: p99 = "<250ms" says what --threshold 'p99<250ms' says. */
#include "config/keys.h"

#include "base/threshold.h"
#include "config/env.h"
#include "config/quote.h"

static const char metrics[] = "abort|p50|p90|p95|p99|p99.9|max|errors|rps|stage|step|iteration";

/* The list that is being made. */
struct reader {
	struct keys *keys;
	const struct option_row *row; /* --threshold */
	struct tree_place *items;
	const char **written;
	bool filled; /* a variable stands in one of them */
	size_t count;
};

/* Returns how a limit on this metric is written. */
static const char *show_limit(const struct keys *keys, const char *name) {
	if (strcmp(name, "errors") == 0) return keys_show(keys, name, "\"<1%\"");
	if (strcmp(name, "rps") == 0) return keys_show(keys, name, "\">900\"");
	return keys_show(keys, "p99", "\"<250ms\"");
}

/* Returns an example in the syntax of the file for what is wrong with a limit; NULL: none. */
static const char *example(const struct keys *keys, enum threshold_fault fault) {
	if (fault == THRESHOLD_NO_RELATION || fault == THRESHOLD_NO_TIME) return keys_show(keys, "p99", "\"<250ms\"");
	if (fault == THRESHOLD_NO_SHARE) return keys_show(keys, "errors", "\"<1%\"");
	if (fault == THRESHOLD_NO_NUMBER) return keys_show(keys, "rps", "\">900\"");
	return NULL;
}

/* What threshold_parse says of `shown`, at `at`. */
static bool refuse(struct keys *keys, struct tree_place at, const char *path, const char *shown, enum threshold_fault fault) {
	struct quote quote;
	const char *words = threshold_fault_words(fault), *advice = strstr(words, "; "), *own = example(keys, fault);
	if (!own || !advice) return findings_add(keys->findings, at, "%s: %s %s", path, quote_text(&quote, slice_of(shown)), words);
	return findings_add(
		keys->findings, at, "%s: %s %.*s; write e.g. %s", path, quote_text(&quote, slice_of(shown)), (int)(advice - words), words, own);
}

/* Adds a text to a list that grows by doubling. */
static void add_item(struct reader *r, const struct tree *node, const char *written) {
	if ((r->count & (r->count - 1)) == 0) {
		struct tree_place *items = arena_array(r->keys->arena, r->count ? 2 * r->count : 1, sizeof(*items));
		const char **texts = arena_array(r->keys->arena, r->count ? 2 * r->count : 1, sizeof(*texts));
		if (r->count) memcpy(items, r->items, r->count * sizeof(*items));
		if (r->count) memcpy(texts, r->written, r->count * sizeof(*texts));
		r->items = items;
		r->written = texts;
	}
	r->items[r->count] = node->at;
	r->written[r->count++] = written;
	r->filled |= env_is_in(node->text);
}

/* One limit, "<250ms", of the metric `name`; `key_at` is where the metric stands. */
static bool read_limit(struct reader *r, const struct tree *node, const char *name, struct tree_place key_at) {
	struct keys *keys = r->keys;
	const char *path = arena_format(keys->arena, "thresholds.%s", name), *limit;
	struct threshold threshold;
	enum threshold_fault fault = THRESHOLD_NO_RELATION;
	struct err err;
	if (node->kind != TREE_TEXT)
		return keys_refuse_kind(keys, node, path, "a text", arena_format(keys->arena, "write e.g. %s", show_limit(keys, name)));
	limit = keys_expand(keys, node, path);
	if (!limit) return false;
	limit += strspn(limit, " \t");
	if (*limit == '<' || *limit == '>') fault = threshold_parse(slice_of(arena_format(keys->arena, "%s%s", name, limit)), &threshold);
	if (fault == THRESHOLD_NO_METRIC || fault == THRESHOLD_NO_QUANTILE || fault == THRESHOLD_NO_STAGE || fault == THRESHOLD_NO_STEP)
		return refuse(keys, key_at, "thresholds", name, fault);
	if (fault == THRESHOLD_NO_RELATION && threshold_parse(slice_of(arena_format(keys->arena, "%s<1", name)), &threshold) == THRESHOLD_NO_METRIC)
		return refuse(keys, key_at, "thresholds", name, THRESHOLD_NO_METRIC);
	if (fault != THRESHOLD_GOOD) return refuse(keys, node->at, path, node->text.at, fault);
	add_item(r, node, arena_format(keys->arena, "%s%s", name, node->text.at + strspn(node->text.at, " \t")));
	return value_parse(r->row, arena_format(keys->arena, "%s%s", name, limit), keys->arena, keys->settings, &err);
}

/* Whether a key can be a part of a metric: the name of a step may have blanks. */
static bool is_part(const char *key, const char *name) {
	return !strpbrk(key, strncmp(name, "step.", 5) == 0 ? "<>" : "<> \t");
}

/* One metric: a limit or several; a table holds the rest of its name (stage.2.p95, step.login.p95). */
static bool read_metric(struct reader *r, const struct tree *node, const char *name) {
	bool good = true;
	if (!is_part(node->key, name)) return refuse(r->keys, node->key_at, "thresholds", node->key, THRESHOLD_NO_METRIC);
	if (node->kind == TREE_TABLE) {
		for (const struct tree *child = node->first; child; child = child->next) {
			if (child->kind == TREE_NULL) continue;
			if (!read_metric(r, child, arena_format(r->keys->arena, "%s.%s", name, child->key))) good = false;
		}
		return good;
	}
	if (node->kind != TREE_ARRAY) return read_limit(r, node, name, node->key_at);
	for (const struct tree *item = node->first; item; item = item->next) {
		if (!read_limit(r, item, name, node->key_at)) good = false;
	}
	return good;
}

/* A key that belongs elsewhere is better told so than that it is no metric. */
static bool is_elsewhere(const struct tree *node) {
	return keys_row(node->key) && !strchr(node->key, '.');
}

void threshold_keys_read(struct keys *keys, const struct tree *table) {
	struct reader r = {.keys = keys, .row = option_by_name(SLICE("threshold"), COMMAND_RUN)};
	struct option_origin *origin;
	bool good = true;
	if (table->kind == TREE_NULL) return;
	if (table->kind != TREE_TABLE) {
		keys_refuse_kind(
			keys, table, "thresholds", "a table", arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "p99", "\"<250ms\"")));
		return;
	}
	for (const struct tree *node = table->first; node; node = node->next) {
		if (node->kind == TREE_NULL) continue;
		if (strcmp(node->key, "abort") == 0)
			keys_read_row(keys, keys_row("thresholds.abort"), node, "thresholds.abort");
		else if (is_elsewhere(node))
			keys_refuse_unknown(keys, node, "thresholds", metrics);
		else if (!read_metric(&r, node, node->key))
			good = false;
	}
	if (!r.count && good) return;
	origin = keys_note(keys, r.row, table, "thresholds");
	origin->broken = !good;
	origin->items = r.items;
	if (r.filled) origin->written = r.written;
}
