/* What the rules across options look at, and how they speak.
 * In: settings and where each comes from. Out: names for people, and the fault of a broken rule. Texts live in the check's arena; main thread.
 * An option is meant by its flag, without "--", which must be one of the check's command. */
#pragma once

#include "config/check.h"

/* One rule being looked at. */
struct rule {
	const struct check *check;
	const struct settings *settings;
	struct check_fault *fault;
};

const struct option_row *rule_row(const struct rule *r, const char *flag);
const struct option_origin *rule_origin(const struct rule *r, const char *flag);

/* Returns whether somebody gave the option. */
bool rule_is_given(const struct rule *r, const char *flag);

/* Returns whether an option is in force: a BOOL that is true, anything else that was given. */
bool rule_is_on(const struct rule *r, const char *flag);

/* Returns an option's name as its user wrote it: a key of the file, or a flag. */
const char *rule_name(const struct rule *r, const char *flag);

/* Returns the name of another option beside `subject`: one that nobody gave is named in the subject's way. */
const char *rule_other(const struct rule *r, const char *subject, const char *flag);

/* Returns how to set `flag` where `subject` was set: "--rate 100", "rate = 100". */
const char *rule_show(const struct rule *r, const char *subject, const char *flag, const char *value);

/* Makes the fault stand where `subject` was given; in a list, where its value `item` was. Returns false. */
bool rule_place(const struct rule *r, const char *subject, size_t item);

/* Breaks the rule with a sentence (printf style) at `subject`. False. */
#define RULE_BROKEN(subject, ...) (err_set(&r->fault->err, ERR_FAILED, __VA_ARGS__), rule_place(r, subject, 0))
