#include "config/rule.h"

#include <assert.h>

const struct option_row *rule_row(const struct rule *r, const char *flag) {
	const struct option_row *row = option_by_name(slice_of(flag), r->check->command);
	assert(row);
	return row;
}

const struct option_origin *rule_origin(const struct rule *r, const char *flag) {
	return &r->check->origins->rows[option_index(rule_row(r, flag))];
}

bool rule_is_given(const struct rule *r, const char *flag) {
	return rule_origin(r, flag)->kind != ORIGIN_PRESET;
}

bool rule_is_on(const struct rule *r, const char *flag) {
	const struct option_row *row = rule_row(r, flag);
	if (row->kind == KIND_BOOL) return *(const bool *)((const char *)r->settings + row->at);
	return rule_is_given(r, flag);
}

const char *rule_name(const struct rule *r, const char *flag) {
	const struct option_origin *origin = rule_origin(r, flag);
	return origin->kind == ORIGIN_FILE ? origin->name : arena_format(r->check->arena, "--%s", flag);
}

const char *rule_other(const struct rule *r, const char *subject, const char *flag) {
	const struct option_row *row = rule_row(r, flag);
	if (rule_origin(r, subject)->kind == ORIGIN_FILE && !rule_is_given(r, flag) && row->key) return row->key;
	return rule_name(r, flag);
}

const char *rule_show(const struct rule *r, const char *subject, const char *flag, const char *value) {
	const struct option_row *row = rule_row(r, flag);
	bool file = rule_origin(r, subject)->kind == ORIGIN_FILE && row->key;
	struct value_input how = {.syntax = file ? r->check->origins->syntax : VALUE_COMMAND, .key = row->key, .arena = r->check->arena};
	if (!file && row->kind == KIND_BOOL) return arena_format(r->check->arena, "--%s", flag);
	return value_show(row, value, &how);
}

bool rule_place(const struct rule *r, const char *subject, size_t item) {
	const struct option_origin *origin = rule_origin(r, subject);
	r->fault->at = origin->kind != ORIGIN_FILE ? (struct tree_place){0, 0} : origin->items ? origin->items[item] : origin->at;
	return false;
}
