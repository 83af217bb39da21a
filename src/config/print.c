#include "config/print.h"

#include "base/buf.h"
#include "base/units.h"
#include "config/env.h"
#include "config/print_scenarios.h"
#include "config/secret.h"
#include "http/url.h"

#define PRINT_CAP ((size_t)64 << 20)

/* One page being written. */
struct page {
	const struct settings *settings;
	const struct origins *origins;
	struct arena *arena;
	struct buf buf;
};

static bool is_url(const struct option_row *row) {
	return row->key && (strcmp(row->key, "url") == 0 || strcmp(row->key, "proxy") == 0);
}

/* Returns a text as it may be shown: with its variables as they are written, without secrets, and so that it reads back as the same. */
static const char *show_text(struct page *p, const struct option_row *row, const char *text, const char *written) {
	if (written && !env_is_in(slice_of(written))) written = NULL;
	const char *shown = written ? written : text;
	if (row->secret) shown = secret_show_text(written, p->arena);
	if (row->check == CHECK_BASIC) shown = secret_show_basic(written, p->arena);
	if (row->check == CHECK_HEADER) shown = secret_show_header(text, written, p->arena);
	if (is_url(row)) shown = secret_show_url(text, written, p->arena);
	return written ? shown : env_escape(shown, p->arena);
}

static const void *field(const struct page *p, const struct option_row *row) {
	return (const char *)p->settings + row->at;
}

/* Returns whether somebody gave what excludes this row: then its default, written down, would be refused when it is read. */
static bool is_excluded(const struct page *p, const struct option_row *row) {
	const char *words = row->conflicts;
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		const struct option_row *other = option_by_name(word, COMMAND_RUN);
		if (origin_given(p->origins, other) && !value_is_off(other, p->settings)) return true;
	}
	return false;
}

/* Returns whether there is no value: nobody gave one, and there is none by default. */
static bool is_unset(const struct page *p, const struct option_row *row) {
	const struct option_origin *origin = &p->origins->rows[option_index(row)];
	if (origin->kind == ORIGIN_PRESET && !value_is_off(row, p->settings) && is_excluded(p, row)) return true;
	if (origin->kind == ORIGIN_PRESET && strcmp(row->flag, "rate-unit") == 0 && !p->settings->scenarios.count) return true;
	switch (row->kind) {
	case KIND_TEXT: return !*(const char *const *)field(p, row);
	case KIND_REAL: return *(const double *)field(p, row) == 0;
	case KIND_COUNT: return origin->kind == ORIGIN_PRESET && !row->preset;
	case KIND_TIME: return *(const nsec *)field(p, row) == 0;
	case KIND_STAGES: return ((const struct stage_list *)field(p, row))->count == 0;
	case KIND_TLS: return *(const int *)field(p, row) == TLS_VERSION_ANY;
	case KIND_LIST: return origin->kind == ORIGIN_PRESET;
	default: return false;
	}
}

static void add_list(struct page *p, const struct option_row *row, const struct text_list *list) {
	const char *const *written = p->origins->rows[option_index(row)].written;
	buf_add_text(&p->buf, "[");
	for (size_t i = 0; i < list->count; i++) {
		if (i) buf_add_text(&p->buf, ", ");
		print_scenarios_add_text(&p->buf, show_text(p, row, list->at[i], written ? written[i] : NULL));
	}
	buf_add_text(&p->buf, "]");
}

static void add_value(struct page *p, const struct option_row *row) {
	const char *const *written = p->origins->rows[option_index(row)].written;
	const void *at = field(p, row);
	if (row->kind != KIND_LIST && written) {
		const char *own = row->kind == KIND_TEXT ? *(const char *const *)at : written[0];
		print_scenarios_add_text(&p->buf, show_text(p, row, own, written[0]));
		return;
	}
	switch (row->kind) {
	case KIND_BOOL:
	case KIND_COUNT:
	case KIND_REAL: buf_add_text(&p->buf, value_write(row, p->settings, 0, p->arena)); break;
	case KIND_LIST: add_list(p, row, at); break;
	case KIND_TEXT: print_scenarios_add_text(&p->buf, show_text(p, row, *(const char *const *)at, NULL)); break;
	default: print_scenarios_add_text(&p->buf, value_write(row, p->settings, 0, p->arena));
	}
}

/* Adds where the value comes from and ends the line. `item`: of a list, where this value stands. */
static void add_origin(struct page *p, const struct option_row *row, const struct tree_place *item) {
	const struct option_origin *origin = &p->origins->rows[option_index(row)];
	switch (origin->kind) {
	case ORIGIN_PRESET: buf_add_text(&p->buf, "  # default\n"); break;
	case ORIGIN_IMPLIED: buf_add_format(&p->buf, "  # --%s\n", origin->name); break;
	case ORIGIN_ENVIRONMENT: buf_add_format(&p->buf, "  # %s\n", origin->name); break;
	case ORIGIN_FILE: buf_add_format(&p->buf, "  # %s:%u\n", p->origins->path, item ? item->line : origin->at.line); break;
	case ORIGIN_COMMAND: buf_add_format(&p->buf, "  # --%s\n", row->flag); break;
	}
}

/* Returns where a threshold's metric ends: "p99<250ms". */
static size_t metric_size(const char *text) {
	return strcspn(text, "<>");
}

static bool same_metric(const char *a, const char *b) {
	return metric_size(a) == metric_size(b) && memcmp(a, b, metric_size(a)) == 0;
}

/* Adds all limits of the metric of threshold `first` as a member of [thresholds]. */
static void add_metric(struct page *p, const struct option_row *row, const char *const *texts, size_t count, size_t first) {
	const struct option_origin *origin = &p->origins->rows[option_index(row)];
	size_t same = 0, size = metric_size(texts[first]);
	bool written = origin->written != NULL;
	for (size_t i = first; i < count; i++) same += same_metric(texts[i], texts[first]);
	buf_add_text(&p->buf, "thresholds.");
	print_scenarios_add_text(&p->buf, arena_copy(p->arena, (struct slice){texts[first], size}));
	buf_add_text(&p->buf, same > 1 ? " = [" : " = ");
	for (size_t i = first; i < count; i++) {
		if (!same_metric(texts[i], texts[first])) continue;
		if (i > first) buf_add_text(&p->buf, ", ");
		print_scenarios_add_text(&p->buf, written ? texts[i] + size : env_escape(texts[i] + size, p->arena));
	}
	if (same > 1) buf_add_text(&p->buf, "]");
	add_origin(p, row, origin->items ? &origin->items[first] : NULL);
}

static void add_thresholds(struct page *p, const struct option_row *row) {
	const struct option_origin *origin = &p->origins->rows[option_index(row)];
	const struct text_list *list = field(p, row);
	const char *const *texts = origin->written ? origin->written : (const char *const *)list->at;
	for (size_t i = 0; i < list->count; i++) {
		bool done = false;
		for (size_t k = 0; k < i; k++) done |= same_metric(texts[k], texts[i]);
		if (!done) add_metric(p, row, texts, list->count, i);
	}
	if (!list->count) buf_add_text(&p->buf, "# thresholds: not set\n");
}

static void add_variable(struct page *p, const char *name, const char *value) {
	if (!value) return;
	buf_add_format(&p->buf, "# %s: ", name);
	print_scenarios_add_text(&p->buf, value);
	buf_add_text(&p->buf, "\n");
}

/* Adds what the environment says about proxies, as comments, if it counts: ALL_PROXY for the schemes that have none of their own. */
static void add_proxies(struct page *p) {
	const struct proxy_environment *proxies = &p->settings->proxies;
	const struct net_settings *net = &p->settings->net;
	const char *all = proxies->http && proxies->https ? NULL : proxies->all;
	if (net->proxy || net->no_proxy || net->unix_socket) return;
	if (proxies->http) add_variable(p, "HTTP_PROXY", url_mask(proxies->http, p->arena));
	if (proxies->https) add_variable(p, "HTTPS_PROXY", url_mask(proxies->https, p->arena));
	if (all) add_variable(p, "ALL_PROXY", url_mask(all, p->arena));
	if (proxies->http || proxies->https || all) add_variable(p, "NO_PROXY", proxies->none);
}

/* Returns whether the file has something else under this key: [[data]], and the body came from the command line. */
static bool is_taken(const struct page *p, const char *key) {
	return strcmp(key, "data") == 0 && p->settings->scenarios.data_count;
}

static void add_row(struct page *p, const struct option_row *row) {
	const char *key = row->key;
	if (row->check == CHECK_THRESHOLD) {
		add_thresholds(p, row);
		return;
	}
	if (is_unset(p, row)) {
		buf_add_format(&p->buf, "# %s: not set\n", key ? key : row->flag);
		if (key && strcmp(key, "proxy") == 0) add_proxies(p);
		return;
	}
	if (!key || is_taken(p, key)) buf_add_text(&p->buf, "# not in a file: ");
	buf_add_format(&p->buf, "%s = ", key ? key : row->flag);
	add_value(p, row);
	add_origin(p, row, NULL);
}

const char *print_config(const struct settings *settings, const struct origins *origins, struct arena *arena) {
	struct page page = {settings, origins, arena, {0}};
	const char *text;
	buf_init(&page.buf, PRINT_CAP);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (option_rows[i].commands & COMMAND_RUN && option_rows[i].group != GROUP_CONFIG) add_row(&page, &option_rows[i]);
	}
	if (origins->document) print_scenarios_add(&page.buf, origins->document, origins->path, arena);
	text = arena_copy(arena, slice_of(buf_text(&page.buf)));
	buf_fini(&page.buf);
	return text;
}
