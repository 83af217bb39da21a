/* The other half of plan/user.h: what a user sees in an answer. */
#include <math.h>
#include <stdlib.h>

#include "http/field.h"
#include "plan/user.h"

/* Keeps a value for the steps that follow. */
static bool user_keep(struct user *user, size_t slot, struct slice value) {
	struct buf *kept = &user->kept[slot];
	kept->size = 0;
	kept->full = false;
	if (!buf_add(kept, value)) return false;
	user->values[slot] = (struct slice){buf_text(kept), kept->size};
	return true;
}

static bool head_has(struct slice head, const struct script_assert *assert) {
	struct slice value;
	return field_find(head, assert->name, &value) &&
	       (assert->value.size == 0 || memmem(value.at, value.size, assert->value.at, assert->value.size));
}

void user_see_head(struct user *user, struct slice head, const struct url *url, bool is_hop) {
	const struct script_step *step = user->step;
	if (user->jar && !user->scenario->no_cookies) {
		struct cookie_place place = user_cookie_place(user, url);
		cookies_take_head(user->jar, head, &place);
	}
	user->is_looking = (step->wants_body || user->script->is_tried) && !is_hop;
	if (user->script->is_tried) {
		user->answer_head.size = 0;
		buf_add(&user->answer_head, head);
	}
	user->verdict = REASON_NONE;
	user->answer.size = 0;
	user->answer.full = false;
	if (is_hop || !step->wants_head) return;
	for (size_t i = 0; i < step->assert_count && user->verdict == REASON_NONE; i++)
		if (step->asserts[i].kind == SCENARIO_HEADER_HAS && !head_has(head, &step->asserts[i])) user->verdict = REASON_ASSERT_HEADER;
	user->has_extracted = true;
	for (size_t i = 0; i < step->extract_count; i++) {
		const struct script_extract *extract = &step->extracts[i];
		struct slice value;
		if (extract->from != SCENARIO_HEADER) continue;
		if (!field_find(head, extract->name, &value) || !user_keep(user, extract->slot, value)) user->has_extracted = false;
	}
}

void user_see_body(struct user *user, struct slice bytes) {
	if (user->is_looking) buf_add(&user->answer, bytes); /* what is too much is told when it is judged */
}

#define EXACT_BELOW 0x1p53 /* whole numbers that a double holds */

/* Numbers are compared by their value, all else by how it reads. */
static bool json_is(const struct json_found *found, const struct script_assert *assert) {
	char number[64];
	switch (assert->value_kind) {
	case TREE_INT:
	case TREE_REAL:
		if ((found->kind != TREE_INT && found->kind != TREE_REAL) || found->text.size >= sizeof(number)) return false;
		memcpy(number, found->text.at, found->text.size);
		number[found->text.size] = 0;
		if (slice_equal(found->text, assert->value)) return true;
		if (found->kind == TREE_INT && assert->value_kind == TREE_INT && fabs(assert->number) >= EXACT_BELOW) return false;
		return strtod(number, NULL) == assert->number;
	default: return found->kind == assert->value_kind &&slice_equal(found->text, assert->value);
	}
}

static enum reason user_check(struct user *user, const struct script_assert *assert, struct slice body) {
	struct json_found found;
	struct slice unused;
	switch (assert->kind) {
	case SCENARIO_HEADER_HAS: break;
	case SCENARIO_BODY_CONTAINS:
		if (assert->value.size > 0 && !memmem(body.at, body.size, assert->value.at, assert->value.size)) return REASON_ASSERT_BODY;
		break;
	case SCENARIO_BODY_REGEX:
		switch (regex_find(assert->regex, body, user->tools->scratch, &unused)) {
		case REGEX_FOUND: break;
		case REGEX_NOT_FOUND: return REASON_ASSERT_REGEX;
		case REGEX_LIMIT: return REASON_REGEX_LIMIT;
		}
		break;
	case SCENARIO_JSON_IS:
		if (json_find(assert->pointer, body, user->tools->search, &found) != JSON_FOUND || !json_is(&found, assert))
			return REASON_ASSERT_JSON;
		break;
	}
	return REASON_NONE;
}

/* Carries a value on; those of the head were, when it was seen. */
static enum reason user_extract(struct user *user, const struct script_extract *extract, struct slice body) {
	struct json_found found;
	struct slice value;
	switch (extract->from) {
	case SCENARIO_HEADER: return user->has_extracted ? REASON_NONE : REASON_EXTRACT;
	case SCENARIO_JSON:
		if (json_find(extract->pointer, body, user->tools->search, &found) != JSON_FOUND) return REASON_EXTRACT;
		value = found.text;
		break;
	case SCENARIO_COOKIE: {
		struct cookie_place place = user_cookie_place(user, user->url);
		if (!cookies_find(user->jar, &place, extract->name, &value)) return REASON_EXTRACT;
		break;
	}
	case SCENARIO_REGEX: {
		enum regex_result result = regex_find(extract->regex, body, user->tools->scratch, &value);
		if (result == REGEX_LIMIT) return REASON_REGEX_LIMIT;
		if (result == REGEX_NOT_FOUND || !value.at) return REASON_EXTRACT;
		break;
	}
	}
	return user_keep(user, extract->slot, value) ? REASON_NONE : REASON_EXTRACT;
}

enum reason user_judge(struct user *user, nsec time) {
	const struct script_step *step = user->step;
	struct slice body = {buf_text(&user->answer), user->answer.size};
	enum reason reason = user->verdict, missing = REASON_NONE;
	if (user->answer.full && step->wants_body) return REASON_BODY_TOO_LARGE;
	for (size_t i = 0; i < step->assert_count && reason == REASON_NONE; i++) reason = user_check(user, &step->asserts[i], body);
	for (size_t i = 0; i < step->extract_count; i++) {
		enum reason one = user_extract(user, &step->extracts[i], body);
		if (missing == REASON_NONE) missing = one;
	}
	if (reason == REASON_NONE) reason = missing;
	if (reason == REASON_NONE && step->time_limit > 0 && time > step->time_limit) reason = REASON_ASSERT_TIME;
	return reason;
}
