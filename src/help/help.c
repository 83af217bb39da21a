#include "help/help.h"

#include <stdio.h>

#include "base/buf.h"
#include "config/value.h"
#include "help/facts.h"
#include "help/words.h"

#define WIDTH 100       /* columns of a line */
#define COLUMN 32       /* where the explanations begin */
#define USAGE_COLUMN 39 /* ... those of commands */
#define HELP_CAP 131072 /* bytes of the whole text */

/* One text being written. */
struct help {
	enum option_command command;
	bool all; /* every option, and its key in a config file */
	struct arena *arena;
	struct buf buf;
};

/* Appends names, and words from `column` on. */
static void add_entry_at(struct help *help, unsigned column, const char *names, const char *words) {
	unsigned size = (unsigned)strlen(names);
	buf_add_text(&help->buf, names);
	if (size + 2 > column) {
		buf_add_text(&help->buf, "\n");
		size = 0;
	}
	buf_add_format(&help->buf, "%*s", (int)(column - size), "");
	words_wrap(&help->buf, column, WIDTH, words);
	buf_add_text(&help->buf, "\n");
}

static void add_entry(struct help *help, const char *names, const char *words) {
	add_entry_at(help, COLUMN, names, words);
}

/* Returns an option's sentence with everything else its row says. */
static const char *row_words(const struct help *help, const struct option_row *row) {
	struct arena *arena = help->arena;
	const char *text = row->help;
	const char *choices = row->choices ? words_choices(row, ", ", arena) : NULL;
	const char *aliases = words_aliases(row, "--", ", ", arena), *keys = words_keys(row, "", arena);
	if (choices) text = arena_format(arena, "%s [one of: %s]", text, choices);
	if (row->preset) text = arena_format(arena, "%s [default: %s]", text, row->preset);
	if (row->requires) text = arena_format(arena, "%s [needs --%s]", text, row->requires);
	if (aliases) text = arena_format(arena, "%s [also %s]", text, aliases);
	if (help->all && keys) text = arena_format(arena, "%s [key: %s]", text, keys);
	return text;
}

static void add_group(struct help *help, enum option_group group) {
	bool begun = false;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (row->group != group || !(row->commands & help->command) || !(row->common || help->all)) continue;
		if (!begun) buf_add_format(&help->buf, "\n%s:\n", fact_groups[group]);
		begun = true;
		add_entry(
			help, arena_format(help->arena, "%s%s", row->letter ? "  " : "      ", words_names(row, help->arena)), row_words(help, row));
	}
}

static void add_head(struct help *help) {
	bool run = help->command == COMMAND_RUN, begun = false;
	const char *words = run                               ? "a load tester for HTTP servers"
			    : help->command == COMMAND_TARGET ? "the built-in server to test against"
							      : "deletes what runs left behind";
	buf_add_format(&help->buf, "strest %s, %s\n\n", STREST_VERSION, words);
	for (size_t i = 0; i < FACT_COMMANDS; i++) {
		const struct fact_command *command = &fact_commands[i];
		if (command->options != help->command && !run) continue;
		add_entry_at(help, USAGE_COLUMN, arena_format(help->arena, "%s%s", begun ? "       " : "Usage: ", command->usage), command->words);
		begun = true;
	}
}

static void add_help_options(struct help *help) {
	buf_add_text(&help->buf, "\nHelp:\n");
	add_entry(help, "  -h, --help [all]", help->all ? "Show the short help; with \"all\", this" : "Show this help; with \"all\", every option");
	if (help->command == COMMAND_RUN) add_entry(help, "  -V, --version", "Show the version and what is built in");
}

static void add_paragraph(struct help *help, unsigned indent, const char *marked) {
	buf_add_format(&help->buf, "%*s", (int)indent, "");
	words_wrap(&help->buf, indent, WIDTH, words_plain(marked, help->arena));
	buf_add_text(&help->buf, "\n");
}

static void add_examples(struct help *help) {
	buf_add_text(&help->buf, "\nExamples:\n");
	for (size_t i = 0; i < FACT_EXAMPLES; i++) {
		const struct fact_example *example = &fact_examples[i];
		if (example->command != help->command || !(example->brief || help->all)) continue;
		buf_add_format(&help->buf, "  %s\n", example->line);
		add_paragraph(help, 6, example->words);
	}
}

/* The codes as a list, or as one sentence. */
static void add_codes(struct help *help) {
	const char *text = "Exit codes:";
	if (help->all) buf_add_text(&help->buf, "\nExit codes:\n");
	for (size_t i = 0; i < FACT_CODES; i++) {
		const struct fact_code *code = &fact_codes[i];
		if (!(code->commands & help->command)) continue;
		if (help->all)
			buf_add_format(&help->buf, "  %-5d%s\n", code->code, code->words);
		else
			text = arena_format(
				help->arena, "%s%s %d %s", text, strchr(text, ' ') == strrchr(text, ' ') ? "" : ";", code->code, code->words);
	}
	if (help->all) return;
	buf_add_text(&help->buf, "\n");
	add_paragraph(help, 0, text);
}

static void add_environment(struct help *help) {
	buf_add_text(&help->buf, "\nEnvironment:\n");
	for (size_t i = 0; i < FACT_VARIABLES; i++)
		add_entry(help, arena_format(help->arena, "  %s", fact_variables[i].name), fact_variables[i].words);
}

static const char *help_make(enum option_command command, bool all, struct arena *arena) {
	struct help help = {.command = command, .all = all, .arena = arena};
	buf_init(&help.buf, HELP_CAP);
	add_head(&help);
	for (int group = 0; group < GROUP_COUNT; group++) add_group(&help, (enum option_group)group);
	add_help_options(&help);
	buf_add_text(&help.buf, "\n");
	for (size_t i = 0; i < (all ? FACT_NOTES : FACT_NOTES_BRIEF); i++) add_paragraph(&help, 0, fact_notes[i]);
	add_examples(&help);
	add_codes(&help);
	if (all && command == COMMAND_RUN) add_environment(&help);
	const char *text = arena_copy(arena, slice_of(buf_text(&help.buf)));
	buf_fini(&help.buf);
	return text;
}

const char *help_short(enum option_command command, struct arena *arena) {
	return help_make(command, false, arena);
}

const char *help_all(enum option_command command, struct arena *arena) {
	return help_make(command, true, arena);
}

const char *help_version(struct arena *arena) {
	return arena_format(arena, "strest %s\nbuilt in: TLS (OpenSSL), TOML, JSON\n", STREST_VERSION);
}
