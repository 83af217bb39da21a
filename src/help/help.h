/* Everything that is said about the options, made from the option table: help, man page, completions, reference.
 * In: config/option.h. Out: texts, in the given arena (from buffers with a stated cap). Any thread. */
#pragma once

#include "base/arena.h"
#include "config/option.h"

/* --help: usage, the options that most runs need (option_row.common), examples, exit codes, how to see the rest. At most 60 lines of 100 columns. */
const char *help_short(enum option_command command, struct arena *arena);

/* --help all: every option by group, with choices, presets, aliases and config keys. */
const char *help_all(enum option_command command, struct arena *arena);

/* --version: the first line is "strest <version>"; then what is built in. */
const char *help_version(struct arena *arena);

/* The man page strest(1) in man(7) markup. */
const char *man_page(struct arena *arena);

/* docs/reference.md: every option with its config key, default, rules; exit codes; environment. */
const char *reference_page(struct arena *arena);

enum shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH, SHELL_COUNT };

/* A completion script for all commands, options, choices and files. */
const char *completion_script(enum shell shell, struct arena *arena);
