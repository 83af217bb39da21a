#include "plan/script_answer.h"

#include <stdlib.h>

static const struct regex *answer_compile_regex(struct step_making *making, const struct step_text *pattern) {
	size_t offset;
	char why[200];
	const struct regex *regex = regex_compile(slice_of(pattern->text), &offset, why, sizeof(why));
	if (!regex) step_fault(making, pattern, "'%.100s' is no pattern: %s (at its character %zu)", pattern->text, why, offset + 1);
	return regex;
}

static const struct json_pointer *answer_compile_pointer(struct step_making *making, const struct step_text *pointer) {
	const struct json_pointer *compiled = json_pointer_compile(slice_of(pointer->text), making->script->arena);
	if (!compiled) step_fault(making, pointer, "'%.100s' is no JSON pointer; write e.g. /items/0/id", pointer->text);
	return compiled;
}

static void answer_make_assert(struct step_making *making, const struct scenario_assert *from, struct script_assert *ret) {
	const struct placed *name = &from->name, *value = &from->value;
	*ret = (struct script_assert){
		.kind = from->kind, .name = slice_of(name->text), .value = slice_of(value->text), .value_kind = from->value_kind};
	if (from->kind == SCENARIO_BODY_REGEX)
		ret->regex = answer_compile_regex(making, &(struct step_text){value->text, value->at, step_path(making, "assert_body_regex")});
	if (from->kind == SCENARIO_JSON_IS)
		ret->pointer = answer_compile_pointer(making, &(struct step_text){name->text, name->at, step_path(making, "assert_json")});
	if (from->value_kind == TREE_INT || from->value_kind == TREE_REAL) ret->number = strtod(value->text, NULL);
	if (from->kind == SCENARIO_HEADER_HAS)
		making->to->wants_head = true;
	else
		making->to->wants_body = true;
}

static void answer_make_extract(struct step_making *making, const struct scenario_extract *from, struct script_extract *ret) {
	static const char *const keys[] = {"json", "header", "cookie", "regex"}; /* of enum scenario_source */
	const struct script_making *script = making->script;
	const char *key = arena_format(script->arena, "extract.%s.%s", from->name.text, keys[from->from]);
	const struct step_text what = {from->what.text, from->what.at, step_path(making, key)};
	struct script_step *step = making->to;
	*ret = (struct script_extract){.from = from->from, .variable = from->name.text, .name = slice_of(from->what.text)};
	ret->slot = making_find_slot(script, script->own_slots, slice_of(from->name.text));
	if (from->from == SCENARIO_JSON) ret->pointer = answer_compile_pointer(making, &what);
	if (from->from == SCENARIO_REGEX) ret->regex = answer_compile_regex(making, &what);
	if (from->from == SCENARIO_COOKIE && script->scenario->no_cookies)
		step_fault(making, &what, "no cookies are kept (cookies = false); take that out, or extract the header Set-Cookie");
	if (from->from == SCENARIO_HEADER || from->from == SCENARIO_COOKIE)
		step->wants_head = true;
	else
		step->wants_body = true;
}

void script_answer_make(struct step_making *making) {
	const struct scenario_step *from = making->from;
	struct script_step *step = making->to;
	struct script_assert *asserts = arena_array(making->script->arena, from->assert_count, sizeof(*asserts));
	struct script_extract *extracts = arena_array(making->script->arena, from->extract_count, sizeof(*extracts));
	for (size_t i = 0; i < from->assert_count; i++) answer_make_assert(making, &from->asserts[i], &asserts[i]);
	for (size_t i = 0; i < from->extract_count; i++) answer_make_extract(making, &from->extracts[i], &extracts[i]);
	step->asserts = asserts;
	step->extracts = extracts;
	step->assert_count = from->assert_count;
	step->extract_count = from->extract_count;
}
