#include "help/help.h"

#include "base/buf.h"
#include "config/value.h"
#include "help/facts.h"
#include "help/words.h"

#define PAGE_CAP 262144 /* bytes of the page */

/* Appends the text of a table's cell: '|' would end it, '<' would begin a tag. */
static void add_cell(struct buf *page, const char *text) {
	bool code = false;
	for (; *text; text++) {
		if (*text == '`') code = !code;
		if (*text == '|')
			buf_add_text(page, "\\|");
		else if (*text == '<' && !code)
			buf_add_text(page, "&lt;");
		else
			buf_add(page, (struct slice){text, 1});
	}
}

static void add_row(struct buf *page, const char *const *cells, size_t count) {
	for (size_t i = 0; i < count; i++) {
		buf_add_text(page, "| ");
		add_cell(page, cells[i] ? cells[i] : "");
		buf_add_text(page, cells[i] && *cells[i] ? " " : "");
	}
	buf_add_text(page, "|\n");
}

static void add_table(struct buf *page, const char *const *heads, size_t count) {
	add_row(page, heads, count);
	for (size_t i = 0; i < count; i++) buf_add_text(page, "|---");
	buf_add_text(page, "|\n");
}

/* "`-q`, `--rate N`", and the aliases. */
static const char *option_names(const struct option_row *row, struct arena *arena) {
	const char *unit = value_unit(row), *aliases = words_aliases(row, "`--", "`, ", arena);
	const char *text = arena_format(arena, "`--%s%s%s`", row->flag, unit ? " " : "", unit ? unit : "");
	if (row->letter) text = arena_format(arena, "%s, `-%c`", text, row->letter);
	return aliases ? arena_format(arena, "%s, %s`", text, aliases) : text;
}

/* What an option does, and its rules. */
static const char *option_words(const struct option_row *row, struct arena *arena) {
	const char *text = arena_format(arena, "%s.", row->help);
	const char *choices = words_choices(row, "`, `", arena), *limits = words_limits(row, arena);
	const char *conflicts = words_conflicts(row, arena);
	if (choices) text = arena_format(arena, "%s One of `%s`.", text, choices);
	if (limits) text = arena_format(arena, "%s Allowed: %s.", text, limits);
	if (conflicts) text = arena_format(arena, "%s Not together with %s.", text, conflicts);
	if (row->requires) text = arena_format(arena, "%s Needs `--%s`.", text, row->requires);
	if (row->secret) text = arena_format(arena, "%s Never shown.", text);
	return text;
}

static const char *option_keys(const struct option_row *row, struct arena *arena) {
	const char *keys = words_keys(row, "`", arena);
	return keys ? arena_format(arena, "%s: %s", keys, words_type(row)) : NULL;
}

static void add_group(struct buf *page, enum option_group group, struct arena *arena) {
	static const char *const heads[] = {"option", "key in a config file", "default", "what it does"};
	const char *command = group == GROUP_TARGET ? " (strest target)" : group == GROUP_CLEANUP ? " (strest cleanup)" : "";
	buf_add_format(page, "\n### %s%s\n\n", fact_groups[group], command);
	add_table(page, heads, LENGTH(heads));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (row->group != group) continue;
		const char *cells[] = {option_names(row, arena), option_keys(row, arena),
			row->preset ? arena_format(arena, "`%s`", row->preset) : NULL, option_words(row, arena)};
		add_row(page, cells, LENGTH(cells));
	}
}

static void add_commands(struct buf *page, struct arena *arena) {
	static const char *const heads[] = {"command", "what it does"};
	buf_add_text(page, "## Commands\n\n");
	add_table(page, heads, LENGTH(heads));
	for (size_t i = 0; i < FACT_COMMANDS; i++)
		add_row(page, (const char *[]){arena_format(arena, "`%s`", fact_commands[i].usage), fact_commands[i].words}, 2);
}

/* The options of another command that stand in groups of the run. */
static const char *shared_options(enum option_command command, struct arena *arena) {
	const char *flags = "";
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if ((option_rows[i].commands & (COMMAND_RUN | command)) == (COMMAND_RUN | command))
			flags = arena_format(arena, "%s%s`--%s`", flags, *flags ? ", " : "", option_rows[i].flag);
	return flags;
}

static void add_options(struct buf *page, struct arena *arena) {
	buf_add_text(page, "\n## Options\n\n");
	for (size_t i = 0; i < FACT_NOTES; i++) buf_add_format(page, "- %s\n", fact_notes[i]);
	buf_add_text(page, "- `-h`, `--help` shows the short help, `--help all` every option; `-V`, `--version` the version and what is built in.\n");
	for (size_t i = 1; i < OPTION_COMMANDS; i++)
		buf_add_format(page, "- `strest %s` takes the options of its own group, and %s.\n", option_commands[i].name,
			shared_options(option_commands[i].command, arena));
	for (int group = 0; group < GROUP_COUNT; group++) add_group(page, (enum option_group)group, arena);
}

static void add_config(struct buf *page, struct arena *arena) {
	static const char *const heads[] = {"key", "type", "what it says"};
	buf_add_text(page, "\n## Config file\n");
	for (size_t i = 0; i < FACT_PARAGRAPHS; i++) buf_add_format(page, "\n%s\n", fact_file_paragraphs[i]);
	buf_add_format(page, "\n```toml\n%s```\n\nThe keys of the options stand in the tables above. Besides them:\n\n", fact_file_example);
	add_table(page, heads, LENGTH(heads));
	for (size_t i = 0; i < FACT_KEYS; i++)
		add_row(page, (const char *[]){arena_format(arena, "`%s`", fact_keys[i].key), fact_keys[i].value, fact_keys[i].words}, 3);
}

static const char *code_words(int code, enum option_command command) {
	for (size_t i = 0; i < FACT_CODES; i++)
		if (fact_codes[i].code == code && (fact_codes[i].commands & command)) return fact_codes[i].words;
	return NULL;
}

static void add_codes(struct buf *page, struct arena *arena) {
	static const char *const heads[] = {"code", "`strest`", "`strest target`", "`strest cleanup`"};
	buf_add_format(page, "\n## Exit codes\n\n%s\n\n", fact_code_order);
	add_table(page, heads, LENGTH(heads));
	for (size_t i = 0; i < FACT_CODES; i++) {
		int code = fact_codes[i].code;
		if (i > 0 && fact_codes[i - 1].code == code) continue; /* a row for all commands */
		const char *cells[] = {arena_format(arena, "%d", code), code_words(code, COMMAND_RUN), code_words(code, COMMAND_TARGET),
			code_words(code, COMMAND_CLEANUP)};
		add_row(page, cells, LENGTH(cells));
	}
}

static void add_environment(struct buf *page, struct arena *arena) {
	static const char *const heads[] = {"variable", "what it says"};
	buf_add_text(page, "\n## Environment\n\n");
	add_table(page, heads, LENGTH(heads));
	for (size_t i = 0; i < FACT_VARIABLES; i++)
		add_row(page, (const char *[]){arena_format(arena, "`%s`", fact_variables[i].name), fact_variables[i].words}, 2);
}

const char *reference_page(struct arena *arena) {
	struct buf page;
	buf_init(&page, PAGE_CAP);
	buf_add_format(&page,
		"<!-- Made by script/generate from src/config/options.def and src/help; changes belong there. -->\n"
		"# strest %s: reference\n\n%s\n\n",
		STREST_VERSION, fact_description);
	add_commands(&page, arena);
	add_options(&page, arena);
	add_config(&page, arena);
	add_codes(&page, arena);
	add_environment(&page, arena);
	const char *text = arena_copy(arena, slice_of(buf_text(&page)));
	buf_fini(&page);
	return text;
}
