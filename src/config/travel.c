#include "config/travel.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_read.h"
#include "config/check.h"
#include "config/env.h"
#include "config/file.h"
#include "config/merge.h"
#include "config/protocol.h"
#include "config/secret.h"
#include "config/value.h"
#include "http/url.h"

#define SENT_FILE "the controller.json" /* stands in sentences where the name of a config file does */

static const char *const scenario_keys[] = {"scenario", "scenarios", "data"};

/* ---- writing ---- */

static void add_quoted(struct buf *buf, struct slice text) {
	buf_add_text(buf, "\"");
	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.at[i];
		if (byte == '"' || byte == '\\')
			buf_add_format(buf, "\\%c", byte);
		else if (byte < 0x20)
			buf_add_format(buf, "\\u%04x", byte);
		else
			buf_add(buf, (struct slice){text.at + i, 1});
	}
	buf_add_text(buf, "\"");
}

/* Returns a text with its variables filled in, so that it reads back as that whatever is in the reader's environment. */
static struct slice filled(struct slice text, struct arena *arena) {
	const char *value;
	struct slice bad;
	bool unset;
	if (memchr(text.at, 0, text.size) || !env_expand(text, arena, &value, &bad, &unset)) return text;
	return slice_of(env_escape(value, arena));
}

void travel_add_node(struct buf *buf, const struct tree *node, struct arena *arena) {
	bool is_table = node->kind == TREE_TABLE;
	switch (node->kind) {
	case TREE_NULL: buf_add_text(buf, "null"); break;
	case TREE_BOOL: buf_add_text(buf, node->truth ? "true" : "false"); break;
	case TREE_INT: buf_add_format(buf, "%lld", (long long)node->integer); break;
	case TREE_REAL: buf_add_text(buf, value_write_real(node->real, ".0", arena)); break;
	case TREE_TEXT:
	case TREE_OTHER: add_quoted(buf, filled(node->text, arena)); break;
	case TREE_ARRAY:
	case TREE_TABLE:
		buf_add_text(buf, is_table ? "{" : "[");
		for (const struct tree *child = node->first; child; child = child->next) {
			if (child != node->first) buf_add_text(buf, ",");
			if (is_table) add_quoted(buf, slice_of(child->key));
			if (is_table) buf_add_text(buf, ":");
			travel_add_node(buf, child, arena);
		}
		buf_add_text(buf, is_table ? "}" : "]");
		break;
	}
}

/* Returns a member of the file that says something of scenarios; NULL: it has none. A `data` that is a text is an option. */
static const struct tree *scenario_member(const struct origins *origins, size_t key) {
	const struct tree *node = origins->document ? tree_find(origins->document, scenario_keys[key]) : NULL;
	return node && (node->kind == TREE_TABLE || node->kind == TREE_ARRAY) ? node : NULL;
}

static void add_scenarios(struct buf *buf, const struct origins *origins, struct arena *arena) {
	bool any = false;
	buf_add_text(buf, "{");
	for (size_t i = 0; i < LENGTH(scenario_keys); i++) {
		const struct tree *node = scenario_member(origins, i);
		if (!node) continue;
		buf_add_format(buf, "%s\"%s\":", any ? "," : "", scenario_keys[i]);
		travel_add_node(buf, node, arena);
		any = true;
	}
	buf_add_text(buf, "}");
}

static void put_row(struct json *options, const struct option_row *row, const struct settings *settings, struct arena *arena) {
	const char *text = value_write(row, settings, 0, arena);
	if (row->kind != KIND_LIST) {
		if (text) json_put_text(options, row->flag, text);
		return;
	}
	struct json *list = json_put_array(options, row->flag);
	for (size_t i = 0; (text = value_write(row, settings, i, arena)) != NULL; i++) json_put_text(list, NULL, text);
}

static bool is_sent(const struct option_row *row, const struct origins *origins) {
	return row->travels != TRAVELS_NOT && origin_given(origins, row);
}

bool travel_write(const struct settings *settings, const struct origins *origins, struct arena *arena, const char **ret, struct err *err) {
	struct json *root = json_new_object(), *options = json_put_object(root, "options");
	struct buf buf;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (is_sent(&option_rows[i], origins)) put_row(options, &option_rows[i], settings, arena);
	buf_init(&buf, TRAVEL_MAX);
	if (settings->scenarios.count > 0 || settings->scenarios.data_count > 0) {
		add_scenarios(&buf, origins, arena);
		json_put_text(root, "scenarios", buf_text(&buf));
	}
	bool full = buf.full;
	buf_fini(&buf);
	char *text = json_format_line(root);
	json_free(root);
	full = full || strlen(text) > TRAVEL_MAX;
	if (!full) *ret = arena_copy(arena, slice_of(text));
	free(text);
	return !full || err_set(err, ERR_FAILED, "what the agents must be told of this run is larger than %zu MiB; shorten it", TRAVEL_MAX >> 20);
}

/* ---- secrets ---- */

static bool is_secret_url(const char *text) {
	return text && url_userinfo(text).size > 0;
}

static bool is_secret_header(const char *text) {
	struct slice rest;
	return secret_is_header(slice_cut(slice_of(text), ':', &rest));
}

/* `owner`: the key of the table or array that the node stands in. */
static bool node_is_secret(const struct tree *node, const char *owner) {
	bool is = false;
	if (node->kind == TREE_TEXT && !node->key && strcmp(owner, "headers") == 0) is = is_secret_header(node->text.at);
	if (node->kind == TREE_TEXT && node->key && strcmp(owner, "vars") == 0) is = secret_is_header(slice_of(node->key));
	if (node->kind == TREE_TEXT && node->key && strstr(node->key, "url")) is = is_secret_url(node->text.at);
	if (node->kind != TREE_TABLE && node->kind != TREE_ARRAY) return is;
	for (const struct tree *child = node->first; child && !is; child = child->next) is = node_is_secret(child, node->key ? node->key : owner);
	return is;
}

bool travel_is_secret(const struct settings *settings, const struct origins *origins) {
	const struct http_settings *http = &settings->http;
	const struct text_list *lists[] = {&http->headers, &settings->net.proxy_headers};
	if (http->basic_auth || http->bearer || settings->tls.key || is_secret_url(http->url) || is_secret_url(settings->net.proxy)) return true;
	for (size_t i = 0; i < LENGTH(lists); i++)
		for (size_t k = 0; k < lists[i]->count; k++)
			if (is_secret_header(lists[i]->at[k])) return true;
	for (size_t i = 0; i < LENGTH(scenario_keys); i++)
		if (scenario_member(origins, i) && node_is_secret(scenario_member(origins, i), scenario_keys[i])) return true;
	return false;
}

/* ---- reading ---- */

struct reading {
	struct cli cli;
	struct origins origins;
	struct arena *arena;
	struct err *err;
};

static bool refuse(struct reading *r, const char *what) {
	return err_set(r->err, ERR_FAILED, "the controller's settings: %s", what);
}

static bool read_option(struct reading *r, const struct tree *node) {
	const struct option_row *row = option_by_name(slice_of(node->key), COMMAND_RUN);
	if (!row || row->travels == TRAVELS_NOT)
		return refuse(r, arena_format(r->arena, "this version does not take --%.64s from a controller", node->key));
	bool is_list = row->kind == KIND_LIST;
	if (node->kind != (is_list ? TREE_ARRAY : TREE_TEXT)) return refuse(r, arena_format(r->arena, "--%s is no text", row->flag));
	r->origins.rows[option_index(row)].kind = ORIGIN_COMMAND;
	if (!is_list) return value_parse(row, node->text.at, r->arena, &r->cli.settings, r->err);
	for (const struct tree *item = node->first; item; item = item->next) {
		if (item->kind != TREE_TEXT) return refuse(r, arena_format(r->arena, "--%s is no list of texts", row->flag));
		if (!value_parse(row, item->text.at, r->arena, &r->cli.settings, r->err)) return false;
	}
	return true;
}

static bool read_scenarios(struct reading *r, const struct tree *node) {
	struct file *file = arena_alloc(r->arena, sizeof(*file));
	if (node->kind != TREE_TEXT) return refuse(r, "its scenarios are no text");
	file_read_text(SENT_FILE, node->text, r->arena, file);
	if (!file_check(file, r->err)) return false;
	merge_file(file, &r->cli.settings, &r->origins);
	return true;
}

/* What travels is the controller's, or the preset. */
static void clear_rows(struct settings *settings, const struct cli *own, struct arena *arena) {
	struct settings *presets = arena_alloc(arena, sizeof(*presets));
	value_preset(arena, presets);
	*settings = own->settings;
	settings->scenarios = presets->scenarios;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_rows[i].travels == TRAVELS) value_copy(&option_rows[i], settings, presets);
}

static bool given(const struct reading *r, struct slice flag) {
	return origin_given(&r->origins, option_by_name(flag, COMMAND_RUN));
}

bool travel_read(struct slice text, const struct cli *own, struct arena *arena, struct cli *ret, struct err *err) {
	struct reading *r = arena_alloc(arena, sizeof(*r));
	const struct check check = {&r->cli.settings, &r->origins, COMMAND_RUN, arena};
	struct tree_fault fault;
	struct tree *root;
	*r = (struct reading){.arena = arena, .err = err};
	if (!json_read(text, arena, &root, &fault)) return refuse(r, fault.text);
	const struct tree *options = tree_find(root, "options"), *scenarios = tree_find(root, "scenarios");
	clear_rows(&r->cli.settings, own, arena);
	for (const struct tree *node = options ? options->first : NULL; node; node = node->next)
		if (!node->key || !read_option(r, node)) return err_add(err, "the controller");
	if (scenarios && !read_scenarios(r, scenarios)) return false;
	if (!check_all(&check, err)) return false;
	protocol_settle(&r->cli.settings, arena);
	r->cli.spawn_given = given(r, SLICE("spawn-rate")) || given(r, SLICE("spawn-interval"));
	r->cli.preconnect_given = given(r, SLICE("preconnect"));
	r->cli.status_given = given(r, SLICE("status"));
	r->cli.origins = &r->origins;
	*ret = r->cli;
	return true;
}
