#include "config/help.h"

#include <stdio.h>

#include "base/buf.h"
#include "config/value.h"

#define WIDTH 100       /* columns of a line */
#define COLUMN 32       /* where the explanations begin */
#define HELP_CAP 131072 /* bytes of the whole text */

static const char *const groups[GROUP_COUNT] = {
	[GROUP_REQUEST] = "Request",
	[GROUP_LOAD] = "Load",
	[GROUP_OUTPUT] = "Output",
	[GROUP_TARGET] = "Target",
};

static const char run_head[] = "strest " STREST_VERSION ", a load tester for HTTP servers\n"
			       "\n"
			       "Usage: strest --url URL [OPTION]...\n"
			       "       strest target [OPTION]...    serve: a built-in server to test against\n"
			       "       strest help [target]         show this help, or that of strest target\n";

static const char target_head[] = "strest " STREST_VERSION ", the built-in server to test against\n"
				  "\n"
				  "Usage: strest target [OPTION]...\n";

static const char notes[] = "\n"
			    "TIME is a number with ns, us, ms, s, m or h; without a unit it is in seconds: 250ms, 1.5s, 30.\n"
			    "A value that begins with '-' is written with '=': --option=-value.\n";

static const char run_tail[] = "\n"
			       "Examples:\n"
			       "  strest -u http://localhost:3000/ -t 10s -m 64 -r 64\n"
			       "      64 tasks, each sending its next request when the last one is answered\n"
			       "  strest -u http://localhost:3000/ -t 1m --rate 500\n"
			       "      500 requests a second, however slowly the server answers\n"
			       "  strest -u http://localhost:3000/ -t 90s --stages 30s@500,1m@2000 --json\n"
			       "      a rate that climbs to 500 and then to 2000 a second; results as JSON\n"
			       "  strest -u http://localhost:3000/items -X post -T application/json -d '{\"n\":1}' -s 201\n"
			       "\n"
			       "Exit codes:\n"
			       "  0    the run finished\n"
			       "  1    a configuration, set-up or run-time error\n"
			       "  2    the command line is wrong\n"
			       "  3    nothing could be measured: the server could not be reached\n"
			       "  130  left at once by a second Ctrl-C\n";

static const char target_tail[] = "\n"
				  "Examples:\n"
				  "  strest target\n"
				  "  strest target --listen 127.0.0.1:0 --threads 2 --stall 200ms/1s\n"
				  "\n"
				  "Exit codes:\n"
				  "  0  ended by a signal\n"
				  "  1  it could not listen\n"
				  "  2  the command line is wrong\n";

/* Appends words, going to a new line at COLUMN before one that would pass WIDTH; what stands in [] stays together.
 * The cursor stands at `column`. */
static void add_wrapped(struct buf *buf, unsigned column, const char *words) {
	while (*words) {
		unsigned size = (unsigned)(*words == '[' ? strcspn(words, "]") + 1 : strcspn(words, " "));
		if (column + 1 + size > WIDTH && column > COLUMN) {
			buf_add_format(buf, "\n%*s", COLUMN, "");
			column = COLUMN;
		} else if (column > COLUMN) {
			buf_add_text(buf, " ");
			column++;
		}
		buf_add(buf, (struct slice){words, size});
		column += size;
		words += size;
		words += *words == ' ';
	}
	buf_add_text(buf, "\n");
}

/* Returns an option's sentence with everything else its row says. */
static const char *row_words(const struct option_row *row, struct arena *arena) {
	const char *text = row->help, *words = row->choices, *list = "";
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		list = arena_format(arena, "%s%s%.*s", list, *list ? ", " : "", (int)word.size, word.at);
	}
	if (*list) text = arena_format(arena, "%s: %s", text, list);
	if (row->preset) text = arena_format(arena, "%s [default: %s]", text, row->preset);
	if (row->alias2) return arena_format(arena, "%s [also --%s, --%s]", text, row->alias, row->alias2);
	if (row->alias) return arena_format(arena, "%s [also --%s]", text, row->alias);
	return text;
}

static void add_entry(struct buf *buf, const char *names, const char *words) {
	unsigned size = (unsigned)strlen(names);
	buf_add_text(buf, names);
	if (size + 2 > COLUMN) {
		buf_add_text(buf, "\n");
		size = 0;
	}
	buf_add_format(buf, "%*s", (int)(COLUMN - size), "");
	add_wrapped(buf, COLUMN, words);
}

static void add_row(struct buf *buf, const struct option_row *row, struct arena *arena) {
	char letter[] = "  -x, ";
	const char *unit = value_unit(row);
	letter[3] = row->letter;
	add_entry(buf, arena_format(arena, "%s--%s%s%s", row->letter ? letter : "      ", row->flag, unit ? " " : "", unit ? unit : ""),
		row_words(row, arena));
}

static void add_group(struct buf *buf, enum option_group group, enum option_command command, struct arena *arena) {
	bool begun = false;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (row->group != group || !(row->commands & command)) continue;
		if (!begun) buf_add_format(buf, "\n%s:\n", groups[group]);
		begun = true;
		add_row(buf, row, arena);
	}
}

const char *help_format(enum option_command command, struct arena *arena) {
	bool run = command == COMMAND_RUN;
	const char *text;
	struct buf buf;

	buf_init(&buf, HELP_CAP);
	buf_add_text(&buf, run ? run_head : target_head);
	for (int group = 0; group < GROUP_COUNT; group++) add_group(&buf, (enum option_group)group, command, arena);
	buf_add_text(&buf, "\nHelp:\n");
	add_entry(&buf, "  -h, --help", "Show this help");
	if (run) add_entry(&buf, "  -V, --version", "Show the version");
	buf_add_text(&buf, notes);
	buf_add_text(&buf, run ? run_tail : target_tail);
	text = arena_copy(arena, slice_of(buf_text(&buf)));
	buf_fini(&buf);
	return text;
}

const char *help_version(struct arena *arena) {
	return arena_format(arena, "strest %s\n", STREST_VERSION);
}
