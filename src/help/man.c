#include "help/help.h"

#include "base/buf.h"
#include "help/facts.h"
#include "help/words.h"

#define PAGE_CAP 262144        /* bytes of the page */
#define LINE_BYTES 60          /* a line is broken at the first blank after which it would be longer; escapes come on top */
#define PAGE_DATE "2026-11-23" /* of the last change to what this file says itself */

/* Appends a character so that roff takes it as it is. */
static void add_character(struct buf *page, char character) {
	switch (character) {
	case '\\': buf_add_text(page, "\\e"); break;
	case '-': buf_add_text(page, "\\-"); break;
	case '\'': buf_add_text(page, "\\(aq"); break;
	case '"': buf_add_text(page, "\\(dq"); break;
	case '^': buf_add_text(page, "\\(ha"); break;
	case '~': buf_add_text(page, "\\(ti"); break;
	default: buf_add(page, (struct slice){&character, 1});
	}
}

/* Appends text for roff: nothing in it is a request or an escape, what stands between ` is bold, and long lines are broken in a way that does not show;
 * `end` stands before such a break. */
static void add_text(struct buf *page, const char *text, const char *end) {
	size_t line = page->size;
	bool bold = false;
	for (; *text; text++) {
		size_t begin = page->size;
		if (*text == ' ' && begin - line + strcspn(text + 1, " \n") >= LINE_BYTES) {
			buf_add_format(page, "%s\n", end);
			line = page->size;
		} else if (*text == '\n') {
			buf_add_text(page, "\n");
			line = page->size;
		} else if (*text == '`') {
			bold = !bold;
			buf_add_text(page, bold ? "\\fB" : "\\fR");
		} else {
			if (begin == line && (*text == '.' || *text == '\'')) buf_add_text(page, "\\&");
			add_character(page, *text);
		}
	}
}

static void add_line(struct buf *page, const char *text) {
	add_text(page, text, "");
	buf_add_text(page, "\n");
}

/* Appends words as a sentence. */
static void add_sentence(struct buf *page, const char *words, struct arena *arena) {
	char *text = arena_format(arena, "%s.", words);
	if (*text >= 'a' && *text <= 'z') *text = (char)(*text - 'a' + 'A');
	add_line(page, text);
}

static void add_section(struct buf *page, const char *name) {
	buf_add_format(page, ".SH %s\n", name);
}

/* Begins an entry of a list; what follows explains `tag`. */
static void add_tag(struct buf *page, const char *tag) {
	buf_add_text(page, ".TP\n");
	add_line(page, tag);
}

static void add_paragraph(struct buf *page, const char *text) {
	buf_add_text(page, ".PP\n");
	add_line(page, text);
}

static void add_option(struct buf *page, const struct option_row *row, struct arena *arena) {
	const char *text = words_names(row, arena);
	const char *choices = row->choices ? words_choices(row, ", ", arena) : NULL;
	const char *aliases = words_aliases(row, "--", ", ", arena), *limits = words_limits(row, arena), *keys = words_keys(row, "`", arena);
	const char *conflicts = words_conflicts(row, arena);
	char *unit = strchr(text, row->letter ? ',' : ' ');
	unit = unit && row->letter ? strchr(unit + 2, ' ') : unit;
	add_tag(page, unit ? arena_format(arena, "`%.*s`%s", (int)(unit - text), text, unit) : arena_format(arena, "`%s`", text));
	text = row->help;
	text = arena_format(arena, "%s.", text);
	if (choices) text = arena_format(arena, "%s One of: %s.", text, choices);
	if (row->preset) text = arena_format(arena, "%s Default: %s.", text, row->preset);
	if (conflicts) text = arena_format(arena, "%s Not together with %s.", text, conflicts);
	if (row->requires) text = arena_format(arena, "%s Needs `--%s`.", text, row->requires);
	if (limits) text = arena_format(arena, "%s Allowed: %s.", text, limits);
	if (aliases) text = arena_format(arena, "%s Also: `%s`.", text, aliases);
	if (keys) text = arena_format(arena, "%s Key: %s.", text, keys);
	add_line(page, text);
}

static void add_group(struct buf *page, enum option_group group, struct arena *arena) {
	buf_add_format(page, ".SS %s\n", fact_groups[group]);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_rows[i].group == group) add_option(page, &option_rows[i], arena);
}

static void add_head(struct buf *page) {
	buf_add_text(page, ".\\\" Made by script/generate from options.def and src/help.\n");
	buf_add_format(page, ".TH STREST 1 %s \"strest %s\" \"User Commands\"\n.nh\n.ad l\n", PAGE_DATE, STREST_VERSION);
	add_section(page, "NAME");
	buf_add_format(page, "strest \\- %s\n", fact_summary);
	add_section(page, "SYNOPSIS");
	for (size_t i = 0; i < FACT_COMMANDS; i++) {
		if (i > 0) buf_add_text(page, ".br\n");
		add_line(page, fact_commands[i].usage);
	}
	add_section(page, "DESCRIPTION");
	add_line(page, fact_description);
	for (size_t i = 0; i < FACT_NOTES; i++) add_paragraph(page, fact_notes[i]);
}

static void add_commands(struct buf *page, struct arena *arena) {
	add_section(page, "COMMANDS");
	for (size_t i = 0; i < FACT_COMMANDS; i++) {
		add_tag(page, arena_format(arena, "`%s`", fact_commands[i].usage));
		add_sentence(page, fact_commands[i].words, arena);
	}
}

static void add_options(struct buf *page, struct arena *arena) {
	add_section(page, "OPTIONS");
	for (int group = 0; group < GROUP_COUNT; group++) add_group(page, (enum option_group)group, arena);
	buf_add_text(page, ".SS Help\n");
	add_tag(page, "`-h, --help` [all]");
	add_line(page, "Show the short help; with `all`, every option.");
	add_tag(page, "`-V, --version`");
	add_line(page, "Show the version and what is built in.");
}

static void add_code_block(struct buf *page, const char *lines) {
	buf_add_text(page, ".PP\n.EX\n");
	add_text(page, lines, " \\");
	buf_add_text(page, ".EE\n");
}

static void add_config(struct buf *page, struct arena *arena) {
	add_section(page, "CONFIGURATION FILE");
	for (size_t i = 0; i < FACT_PARAGRAPHS; i++) {
		if (i > 0) buf_add_text(page, ".PP\n");
		add_line(page, fact_file_paragraphs[i]);
	}
	add_paragraph(page, "The keys of the options stand with them, above. Besides them:");
	for (size_t i = 0; i < FACT_KEYS; i++) {
		add_tag(page, arena_format(arena, "`%s` (%s)", fact_keys[i].key, fact_keys[i].value));
		add_sentence(page, fact_keys[i].words, arena);
	}
	add_paragraph(page, "An example:");
	add_code_block(page, fact_file_example);
}

static void add_environment(struct buf *page, struct arena *arena) {
	add_section(page, "ENVIRONMENT");
	for (size_t i = 0; i < FACT_VARIABLES; i++) {
		add_tag(page, arena_format(arena, "`%s`", fact_variables[i].name));
		add_sentence(page, fact_variables[i].words, arena);
	}
}

static void add_codes(struct buf *page, enum option_command command, struct arena *arena) {
	for (size_t i = 0; i < FACT_CODES; i++) {
		if (!(fact_codes[i].commands & command)) continue;
		add_tag(page, arena_format(arena, "`%d`", fact_codes[i].code));
		add_sentence(page, fact_codes[i].words, arena);
	}
}

static void add_exit_status(struct buf *page, struct arena *arena) {
	add_section(page, "EXIT STATUS");
	add_codes(page, COMMAND_RUN, arena);
	add_paragraph(page, fact_code_order);
	add_paragraph(page, "Of `strest target`:");
	add_codes(page, COMMAND_TARGET, arena);
	add_paragraph(page, "Of `strest cleanup`:");
	add_codes(page, COMMAND_CLEANUP, arena);
}

static void add_files(struct buf *page) {
	add_section(page, "FILES");
	add_tag(page, "`./strest.toml`, `./strest.json`");
	add_line(page, "The config file that is read when `--config` names none.");
}

static void add_examples(struct buf *page, struct arena *arena) {
	add_section(page, "EXAMPLES");
	for (size_t i = 0; i < FACT_EXAMPLES; i++) {
		if (i > 0) buf_add_text(page, ".PP\n");
		add_sentence(page, fact_examples[i].words, arena);
		buf_add_text(page, ".PP\n.RS 4\n.EX\n");
		add_text(page, fact_examples[i].line, " \\");
		buf_add_text(page, "\n.EE\n.RE\n");
	}
}

const char *man_page(struct arena *arena) {
	struct buf page;
	buf_init(&page, PAGE_CAP);
	add_head(&page);
	add_commands(&page, arena);
	add_options(&page, arena);
	add_config(&page, arena);
	add_environment(&page, arena);
	add_exit_status(&page, arena);
	add_files(&page);
	add_examples(&page, arena);
	const char *text = arena_copy(arena, slice_of(buf_text(&page)));
	buf_fini(&page);
	return text;
}
