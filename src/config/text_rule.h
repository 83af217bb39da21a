/* The checks of option rows that look at one text as a whole: a user with password, another place to connect to, local addresses, a version of HTTP.
 * In: a text. Out: yes, or what is wrong with it, in words that hold nothing of a secret. Texts live in the given arena; any thread. */
#pragma once

#include "base/arena.h"
#include "config/option.h"

/* Why a text is refused. A sentence is made of it by config/value.c: "--bind: 'x,y' <what>; <advice>". */
struct text_fault {
	const char *what;    /* "has an empty host" */
	const char *advice;  /* "write 10.0.0.0/24"; NULL: that of the example */
	const char *example; /* of a value; NULL: the row's unit */
};

/* Checks a text by CHECK_BASIC, CHECK_CONNECT_TO, CHECK_BIND, CHECK_LABEL, CHECK_RANGE, CHECK_FOLDER or CHECK_HTTP_VERSION. `is_filled`: it has the values of
 * variables in it, of which the fault is to
 * say nothing. */
bool text_rule_check(enum option_check check, struct slice text, bool is_filled, struct arena *arena, struct text_fault *ret);
