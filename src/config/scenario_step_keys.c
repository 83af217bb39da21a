/* A step of a scenario. */
#include "config/quote.h"
#include "config/scenario_keys.h"

#define NAME_MAX_BYTES 64
#define WORDS                                                                                                                                        \
	"name|method|url|path|headers|data|assert_status|assert_body_contains|assert_body_regex|assert_headers|assert_json|assert_time|think_time|"  \
	"vars|"                                                                                                                                      \
	"extract"

/* The results name a step "SCENARIO/STEP". */
static void read_name(const struct scenario_field *f, struct placed *ret) {
	static const char advice[] = "write one of at most 64 bytes without '/'";
	struct keys *keys = f->keys;
	const char *path = scenario_field_path(f, "name"), *what = NULL;
	struct placed own;
	struct quote quote;
	if (!scenario_field_text(f, "name", &own)) return;
	if (!*own.text) what = "is empty";
	if (strchr(own.text, '/')) what = "has a '/'";
	if (strlen(own.text) > NAME_MAX_BYTES) what = "is too long";
	for (const char *c = own.text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f) what = "has a control character";
	if (what)
		findings_add(keys->findings, own.at, "%s: %s %s; %s", path, quote_text(&quote, keys_find(f->table, "name")->text), what, advice);
	else
		*ret = own;
}

static void read_target(const struct scenario_field *f, struct scenario_step *ret) {
	const struct tree *url = keys_find(f->table, "url"), *path = keys_find(f->table, "path");
	if (url && path) scenario_field_refuse_both(f, url, path);
	scenario_field_url(f, "url", true, &ret->url);
	scenario_field_path_of_url(f, "path", &ret->path);
}

void scenario_step_keys_read(const struct scenario_field *f, size_t number, struct scenario_step *ret) {
	struct keys *keys = f->keys;
	*ret = (struct scenario_step){.at = f->table->at, .method = -1, .name = {arena_format(keys->arena, "step %zu", number), f->table->at}};
	if (f->table->kind != TREE_TABLE) {
		keys_refuse_kind(
			keys, f->table, f->path, "a table", arena_format(keys->arena, "write one with e.g. %s", keys_show(keys, "path", "\"/\"")));
		return;
	}
	scenario_field_check_keys(f, WORDS);
	read_name(f, &ret->name);
	scenario_field_method(f, &ret->method);
	read_target(f, ret);
	scenario_field_headers(f, &ret->headers);
	scenario_field_text(f, "data", &ret->data);
	ret->has_status = scenario_field_status(f, "assert_status", &ret->status);
	scenario_field_time(f, "assert_time", &ret->time_limit);
	scenario_field_time(f, "think_time", &ret->think_time);
	scenario_field_vars(f, &ret->vars);
	scenario_assert_keys_read(f, ret);
	scenario_extract_keys_read(f, ret);
}
