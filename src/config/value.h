/* One option's value: from text to its place in the settings.
 * In: a row of the option table and a text. Out: the field set. Texts and lists are copied into the given arena; any thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "config/option.h"

/* Reads `text` by the row's kind, limits and check into the row's field; a LIST grows by one, everything else is replaced.
 * Nothing is changed on failure. ERR_USAGE: "--flag: 'text' is ...; write ...". */
bool value_parse(const struct option_row *row, const char *text, struct arena *arena, struct settings *settings, struct err *err);

/* Sets every row's preset; rows without one become 0, false, NULL or empty. A preset that does not parse is our mistake: it ends the program. */
void value_preset(struct arena *arena, struct settings *settings);

/* Returns how to write the option: "write e.g. --rate 100", "write --url URL". Lives in the arena. */
const char *value_advice(const struct option_row *row, struct arena *arena);

/* Returns what stands for the value in --help ("N", "TIME", "NAME: VALUE"); NULL for a BOOL. Constant. */
const char *value_unit(const struct option_row *row);
