/* One option row in words: the pieces from which help, man page, reference and completions are put together.
 * In: rows of config/option.h. Out: texts in the given arena, NULL where a row has nothing to say. Any thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "config/option.h"

/* "-m, --max-tasks N" */
const char *words_names(const struct option_row *row, struct arena *arena);

/* The other long names with `before` in front of each and `between` between; NULL: none. */
const char *words_aliases(const struct option_row *row, const char *before, const char *between, struct arena *arena);

/* The choices with `between` between: "get, head, post"; NULL: there are none. Also of kinds and checks whose words are few. */
const char *words_choices(const struct option_row *row, const char *between, struct arena *arena);

/* "`--data`, `--data-lines`", marked as in facts.h: what may not be given together with it; NULL: nothing. */
const char *words_conflicts(const struct option_row *row, struct arena *arena);

/* "1 to 1000000", "at least 1", "1ms to 86400s"; NULL: no limits. */
const char *words_limits(const struct option_row *row, struct arena *arena);

/* "rate or load.rate", each between two `quote`: its keys in a config file, aliases with '_' included; NULL: it has none. */
const char *words_keys(const struct option_row *row, const char *quote, struct arena *arena);

/* The type of its value in a config file: "number", "list of texts". */
const char *words_type(const struct option_row *row);

/* Whether the value names a file or a socket in a folder. */
bool words_is_file(const struct option_row *row);

/* Appends `words`, with a new line and `indent` blanks before a word that would pass `width` columns; what stands in [] stays together.
 * The cursor stands at `indent`. No newline at the end. */
void words_wrap(struct buf *into, unsigned indent, unsigned width, const char *words);

/* Returns the text without the marks of facts.h. */
const char *words_plain(const char *marked, struct arena *arena);
