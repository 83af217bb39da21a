/* One option's value: from text to its place in the settings.
 * In: a row of the option table and a text. Out: the field set. Texts and lists are copied into the given arena; any thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "config/option.h"

/* In whose words a refusal shows how to write a value. */
enum value_syntax { VALUE_COMMAND, VALUE_TOML, VALUE_JSON };

/* A text to be read as a value, and where it stands. */
struct value_input {
	const char *text;
	const char *shown; /* what a refusal quotes instead: the text before variables were put in; NULL: `text` */
	enum value_syntax syntax;
	const char *path; /* in a file: what a refusal begins with, "load.rate"; unused on the command line */
	const char *key;  /* in a file: how to name it in advice, "rate"; unused on the command line */
	struct arena *arena;
};

/* Reads a text by the row's kind, limits and check into the row's field; a LIST grows by one (a blank of --alpn adds nothing), everything else is replaced.
 * Nothing is changed on failure. ERR_USAGE: "--flag: 'text' is ...; write ..."; in a file "load.rate: 'text' is ...; write e.g. rate = 100". */
bool value_read(const struct option_row *row, const struct value_input *input, struct settings *settings, struct err *err);

/* The same for a text of the command line. */
bool value_parse(const struct option_row *row, const char *text, struct arena *arena, struct settings *settings, struct err *err);

/* Copies the row's field. Texts and lists are shared, not copied. */
void value_copy(const struct option_row *row, struct settings *to, const struct settings *from);

/* Returns whether the row's value is a BOOL's false, or a LIST without texts: it excludes nothing. */
bool value_is_off(const struct option_row *row, const struct settings *settings);

/* Returns a number that reads back as the same, with `tail` (".0") behind it if it has neither point nor exponent. Lives in the arena. */
const char *value_write_real(double real, const char *tail, struct arena *arena);

/* Returns the row's value as a text that value_parse reads as the same; of a LIST its value number `item`. NULL: there is none (or no such item).
 * Lives in the arena. */
const char *value_write(const struct option_row *row, const struct settings *settings, size_t item, struct arena *arena);

/* Sets every row's preset; rows without one become 0, false, NULL or empty. A preset that does not parse is our mistake: it ends the program. */
void value_preset(struct arena *arena, struct settings *settings);

/* Returns how to write the option on the command line: "write e.g. --rate 100", "write --url URL". Lives in the arena. */
const char *value_advice(const struct option_row *row, struct arena *arena);

/* Returns an example of the row's value: its preset, or one of its kind; NULL: there is none. Constant. */
const char *value_example(const struct option_row *row);

/* Returns how to write `example` as the row's value, in the words of the syntax: "--rate 100", "rate = 100", "\"headers\": [\"A: b\"]". Lives in the
 * arena. `key` as in struct value_input. */
const char *value_show(const struct option_row *row, const char *example, const struct value_input *how);

/* Returns what stands for the value in --help ("N", "TIME", "NAME: VALUE"); NULL for a BOOL. Constant. */
const char *value_unit(const struct option_row *row);
