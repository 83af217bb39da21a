/* The option table: what each row of options.def says, and look-ups in it.
 * In: options.def. Out: a constant array, the only place where an option's facts stand. Owns nothing; any thread. */
#pragma once

#include <stddef.h>

#include "base/settings.h"

/* The type of an option's value: picks the parser (config/value.h) and the member type (base/settings.h). */
enum option_kind { KIND_BOOL, KIND_COUNT, KIND_REAL, KIND_TEXT, KIND_LIST, KIND_TIME, KIND_CHOICE, KIND_STATUS, KIND_STAGES, KIND_TLS };

/* The heading under which --help shows an option. */
enum option_group {
	GROUP_REQUEST,
	GROUP_LOAD,
	GROUP_CONNECT,
	GROUP_TLS,
	GROUP_OUTPUT,
	GROUP_REPLAY,
	GROUP_FLEET,
	GROUP_CONFIG,
	GROUP_TARGET,
	GROUP_CLEANUP,
	GROUP_COUNT
};

/* Bits of option_row.commands. */
enum option_command {
	COMMAND_RUN = 1,     /* strest */
	COMMAND_TARGET = 2,  /* strest target */
	COMMAND_CLEANUP = 4, /* strest cleanup */
};

/* Whether a controller's agents go by its value. */
enum option_travel {
	TRAVELS_NOT,      /* each has its own; given on a controller it means the controller, or is refused there */
	TRAVELS,          /* they take the controller's, or the preset if it has none: what shapes requests and load */
	TRAVELS_IF_GIVEN, /* they take the controller's if it was given, else their own: how a machine makes the load */
};

/* A rule for one text that its kind does not know. */
enum option_check {
	CHECK_NONE,
	CHECK_HEADER,       /* NAME: VALUE */
	CHECK_HEADER_VALUE, /* what may stand after the colon */
	CHECK_STALL,        /* TIME/PERIOD, both over 0, TIME < PERIOD */
	CHECK_ALPN,         /* config/protocol.h: one that this version speaks, or blank */
	CHECK_HTTP_VERSION, /* 1.1 or 2 */
	CHECK_THRESHOLD,    /* base/threshold.h */
	CHECK_FORM,         /* http/form.h */
	CHECK_BEARER,       /* a header value without blanks (RFC 6750 section 2.1) */
	CHECK_BASIC,        /* USER:PASSWORD, the user not empty, no control characters */
	CHECK_CONNECT_TO,   /* base/connect_to.h */
	CHECK_BIND,         /* addresses and blocks (base/cidr.h), commas between */
	CHECK_LABEL,        /* base/label.h */
	CHECK_RANGE,        /* A-B, whole seconds (base/units.h) */
	CHECK_FOLDER,       /* not empty, and not a number, which other tools take for this letter */
	CHECK_BOUND,        /* min, max or a time */
	CHECK_LISTEN,       /* base/host_port.h */
};

/* One row. Texts are constant; NULL or 0 means "has none". */
struct option_row {
	size_t at;                  /* place of the value in struct settings, bytes; made from section and field */
	enum option_kind kind;      /* made from KIND. LIST options may be repeated, all others may be given once */
	const char *flag;           /* name on the command line, without "--"; never NULL; unique within a command */
	char letter;                /* short form, without "-" */
	const char *alias;          /* other long names of the same option */
	const char *alias2;         /* only with alias */
	const char *key;            /* name in a config file; NULL: not allowed there */
	const char *key2;           /* another name there */
	unsigned commands;          /* bits of enum option_command; never 0 */
	bool common;                /* in the short --help */
	bool secret;                /* the value is not shown to anyone */
	enum option_travel travels; /* to agents: see config/travel.h */
	const char *choices;        /* KIND_CHOICE: words with '|' between, in the order of the enum in base/settings.h */
	const char *preset;         /* value when nothing is given, as text, read by the parser of the user's text; NULL: all bytes 0 */
	double min, max;            /* COUNT, REAL: allowed values; TIME: seconds; max 0: no limits */
	const char *unit;           /* what stands for the value in --help; NULL: made from the kind */
	enum option_group group;    /* heading in --help */
	const char *help;           /* one sentence without a full stop; never NULL */
	const char *conflicts;      /* flags that may not be given together with this one, '|' between; written in both rows */
	const char *requires;       /* flag that must be on (BOOL) or given if this one is */
	enum option_check check;    /* TEXT: of the value, LIST: of each value */
};

enum {
#define OPTION(...) +1
	OPTION_COUNT = 0
#include "config/options.def"
#undef OPTION
};

extern const struct option_row option_rows[OPTION_COUNT];

/* The commands that have options, COMMAND_RUN first. */
#define OPTION_COMMANDS 3
struct option_command_row {
	enum option_command command;
	const char *name; /* the word on the command line; of COMMAND_RUN "", there is none */
};
extern const struct option_command_row option_commands[OPTION_COMMANDS];

/* Returns a command by its word, COMMAND_RUN for any other. */
enum option_command option_command_of(const char *word);

/* Returns the row's position in the table. */
size_t option_index(const struct option_row *row);

/* Returns one of the three long names (0 flag, 1 alias, 2 alias2) or NULL. */
const char *option_name(const struct option_row *row, unsigned which);

/* Returns the row of the command that has this long name (flag or alias, exactly, no "--"), or NULL. */
const struct option_row *option_by_name(struct slice name, enum option_command command);

/* Returns the row of the command with this letter, or NULL. */
const struct option_row *option_by_letter(char letter, enum option_command command);

/* Returns the long name of the command that the user may have meant by `name` (a typing error, or its beginning), or NULL. */
const char *option_nearest(struct slice name, enum option_command command);

/* Returns the word of a "a|b|c" list that `word` may have been meant as, as a part of `words`; size 0: none. */
struct slice option_nearest_word(struct slice word, const char *words);

/* Takes the next word off a "a|b|c" list: returns it and moves *words behind it. Size 0: the list is at its end. NULL is an empty list. */
struct slice option_next_word(const char **words);
