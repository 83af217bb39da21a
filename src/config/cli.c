#include "config/cli.h"

#include <ctype.h>
#include <getopt.h>

#include "config/audit.h"
#include "config/check.h"
#include "config/later.h"
#include "config/merge.h"
#include "config/option.h"
#include "config/print.h"
#include "config/protocol.h"
#include "config/quote.h"
#include "config/value.h"
#include "http/url.h"

/* What getopt_long returns for long names; letters are returned as themselves. */
enum {
	CODE_ROW = 256, /* + position in the option table */
	CODE_HELP = CODE_ROW + OPTION_COUNT,
	CODE_VERSION,
};

/* One command line being read. */
struct parse {
	enum option_command command;
	struct arena *arena;
	struct err *err;
	const struct option_row *last; /* the option that was read last; NULL: none */
	struct cli cli;
	struct origins origins;
	const char **warnings;                     /* room for one more */
	struct option longs[OPTION_COUNT * 3 + 3]; /* getopt's view of the table, ended by zeros */
	char letters[2 + OPTION_COUNT * 2 + 3];
};

/* Makes getopt's view of one command's rows. */
static void build_tables(struct parse *p) {
	struct option *next = p->longs;
	char *letter = p->letters;

	*letter++ = '+'; /* stop at the first word */
	*letter++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		int value = row->kind == KIND_BOOL ? optional_argument : required_argument;
		if (!(row->commands & p->command)) continue;
		for (unsigned n = 0; n < 3; n++) {
			if (option_name(row, n)) *next++ = (struct option){option_name(row, n), value, NULL, CODE_ROW + (int)i};
		}
		if (!row->letter) continue;
		*letter++ = row->letter;
		if (value == required_argument) *letter++ = ':';
	}
	*next++ = (struct option){"help", no_argument, NULL, CODE_HELP};
	*letter++ = 'h';
	if (p->command == COMMAND_RUN) {
		*next++ = (struct option){"version", no_argument, NULL, CODE_VERSION};
		*letter++ = 'V';
	}
	*next = (struct option){0};
	*letter = 0;
}

/* Quotes a word that may be a URL. */
static const char *quote_word(const struct parse *p, struct quote *quote, const char *word) {
	return quote_text(quote, slice_of(url_mask(word, p->arena)));
}

static bool ask_help(struct parse *p, enum option_command command) {
	p->cli.action = CLI_HELP;
	p->cli.command = command;
	return true;
}

static bool refuse_unknown(struct parse *p, struct slice name) {
	const char *near = option_nearest(name, p->command);
	struct slice own = option_nearest_word(name, p->command == COMMAND_RUN ? "help|version" : "help");
	const struct later_row *later = p->command == COMMAND_RUN ? later_by_flag(name) : NULL;
	struct quote quote;
	const char *typed = quote_text(&quote, slice_of(arena_format(p->arena, "--%.*s", (int)name.size, name.at)));

	if (later) return err_set(p->err, ERR_USAGE, "unknown option %s; %s", typed, later->words);
	for (size_t i = 0; i < OPTION_COMMANDS; i++) {
		const struct option_command_row *other = &option_commands[i];
		if (other->command != p->command && option_by_name(name, other->command))
			return err_set(
				p->err, ERR_USAGE, "unknown option %s; it belongs to 'strest%s%s'", typed, *other->name ? " " : "", other->name);
	}
	if (!near && own.size) near = arena_copy(p->arena, own);
	if (near) return err_set(p->err, ERR_USAGE, "unknown option %s; did you mean '--%s'?", typed, near);
	return err_set(p->err, ERR_USAGE, "unknown option %s", typed);
}

/* Refuses a long name that is not exactly one of ours: getopt_long itself would take abbreviations. */
static bool check_name(struct parse *p, const char *word) {
	struct slice rest, name;
	if (strncmp(word, "--", 2) != 0 || !word[2]) return true;
	name = slice_cut(slice_of(word + 2), '=', &rest);
	for (const struct option *known = p->longs; known->name; known++) {
		if (slice_equal(name, slice_of(known->name))) return true;
	}
	return refuse_unknown(p, name);
}

/* Refuses what getopt_long has found wrong: `problem` is its '?' or ':', optopt the letter or the code of the option. */
static bool refuse_option(struct parse *p, int problem, int option) {
	const struct option_row *row = NULL;
	struct quote quote;
	char letter[2] = {'-', (char)(option < ' ' || option > '~' ? '?' : option)};

	if (option == CODE_HELP || option == CODE_VERSION) {
		return err_set(p->err, ERR_USAGE, "--%s takes no value; write it alone", option == CODE_HELP ? "help" : "version");
	}
	if (problem == '?') {
		const struct later_row *later = p->command == COMMAND_RUN ? later_by_letter(letter[1]) : NULL;
		return err_set(p->err, ERR_USAGE, "unknown option %s%s%s", quote_text(&quote, (struct slice){letter, 2}), later ? "; " : "",
			later ? later->words : "");
	}
	row = option >= CODE_ROW ? &option_rows[option - CODE_ROW] : option_by_letter((char)option, p->command);
	return err_set(p->err, ERR_USAGE, "--%s: the value is missing; %s", row->flag, value_advice(row, p->arena));
}

/* Refuses a second use of an option that holds one value. */
static bool refuse_again(struct parse *p, const struct option_row *row) {
	if (row->alias2) {
		return err_set(
			p->err, ERR_USAGE, "--%s may be given only once (--%s and --%s are the same option)", row->flag, row->alias, row->alias2);
	}
	if (row->alias) return err_set(p->err, ERR_USAGE, "--%s may be given only once (--%s is the same option)", row->flag, row->alias);
	return err_set(p->err, ERR_USAGE, "--%s may be given only once", row->flag);
}

/* Quotes a word that seems to be an option, without its value: that may be a secret. */
static const char *quote_option(const struct parse *p, struct quote *quote, const char *word) {
	struct slice rest, name = slice_cut(slice_of(word), '=', &rest);
	const struct option_row *row = option_by_letter(word[1], p->command);
	if (row && row->kind != KIND_BOOL) name.size = 2;
	return quote_text(quote, name);
}

/* Takes one option; `word` is the last argument that getopt has read, `text` its value or NULL, `name` its long name, NULL: a letter stood for it. */
static bool take_option(struct parse *p, const struct option_row *row, const char *word, const char *text, const char *name) {
	struct quote quote;
	struct option_origin *origin = &p->origins.rows[option_index(row)];

	p->last = row;
	if (text && text == word && text[0] == '-' && text[1]) {
		if (row->secret)
			return err_set(p->err, ERR_USAGE, "--%s: the value is missing, or begins with '-'; then it is written --%s=VALUE", row->flag,
				row->flag);
		return err_set(p->err, ERR_USAGE, "--%s: the value is missing before %s; a value that begins with '-' is written --%s=VALUE",
			row->flag, quote_option(p, &quote, text), row->flag);
	}
	if (origin->kind == ORIGIN_COMMAND && row->kind != KIND_LIST) return refuse_again(p, row);
	if (text && text != word && !name && *text == '=') text++;
	origin->kind = ORIGIN_COMMAND;
	origin->name = name;
	return value_parse(row, text ? text : "true", p->arena, &p->cli.settings, p->err);
}

/* Reads options up to the first word that is none. *ret_word is its position, or argc; *ret_ended: a "--" stood before it.
 * Stops early when something is to be printed. */
static bool read_options(struct parse *p, int argc, char **argv, int *ret_word, bool *ret_ended) {
	build_tables(p);
	*ret_ended = false;
	optind = 0; /* glibc: forget an earlier parse */
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1, code, number = 0;
		if (at < argc && !check_name(p, argv[at])) return false;
		if (at < argc && strcmp(argv[at], "--") == 0) *ret_ended = true;
		code = getopt_long(argc, argv, p->letters, p->longs, &number);
		if (code == -1) break;
		if (code == '?' || code == ':') return refuse_option(p, code, optopt);
		if (code == CODE_HELP || code == 'h') {
			p->cli.help_all = optind < argc && strcmp(argv[optind], "all") == 0;
			return ask_help(p, p->command);
		}
		if (code == CODE_VERSION || code == 'V') {
			p->cli.action = CLI_VERSION;
			return true;
		}
		const struct option_row *row = code >= CODE_ROW ? &option_rows[code - CODE_ROW] : option_by_letter((char)code, p->command);
		if (!take_option(p, row, argv[optind - 1], optarg, code < CODE_ROW ? NULL : p->longs[number].name)) return false;
	}
	*ret_word = optind;
	return true;
}

static bool refuse_word(struct parse *p, const char *word) {
	struct quote quote;
	struct slice near = option_nearest_word(slice_of(word), "target|cleanup|config|help");
	const char *typed = quote_word(p, &quote, word);

	if (strstr(word, "://")) return err_set(p->err, ERR_USAGE, "unknown command %s; write --url before the address", typed);
	if (near.size) return err_set(p->err, ERR_USAGE, "unknown command %s; did you mean '%.*s'?", typed, (int)near.size, near.at);
	if (p->last && p->last->kind == KIND_BOOL) {
		bool is_count = p->last->letter == 'n' && isdigit((unsigned char)*word); /* what -n is in ab, hey and oha */
		return err_set(p->err, ERR_USAGE, "unexpected word %s behind --%s, which takes no value%s", typed, p->last->flag,
			is_count ? "; for a number of requests write --requests N" : "");
	}
	return err_set(p->err, ERR_USAGE, "unknown command %s", typed);
}

/* help, help all, help target, help target all, the same with other commands. */
static bool read_help(struct parse *p, int argc, char **argv) {
	struct quote quote;
	enum option_command command = argc > 1 ? option_command_of(argv[1]) : COMMAND_RUN;
	int word = command == COMMAND_RUN ? 1 : 2;
	if (word < argc && strcmp(argv[word], "all") == 0) {
		p->cli.help_all = true;
		word++;
	}
	if (word == argc) return ask_help(p, command);
	if (word == 1) return refuse_word(p, argv[1]);
	return err_set(p->err, ERR_USAGE, "unexpected word %s after 'help %s'", quote_word(p, &quote, argv[word]), argv[word - 1]);
}

/* config check [FILE]. */
static bool read_config(struct parse *p, int argc, char **argv) {
	static const char usage[] = "write 'strest config check FILE'";
	struct quote quote;
	struct file *file = arena_alloc(p->arena, sizeof(*file));
	const char *path = argc > 2 ? argv[2] : file_default();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return ask_help(p, COMMAND_RUN);
	}
	if (argc == 1) return err_set(p->err, ERR_USAGE, "config: what to do is missing; %s", usage);
	if (strcmp(argv[1], "check") != 0)
		return err_set(p->err, ERR_USAGE, "unknown command 'config' %s; %s", quote_word(p, &quote, argv[1]), usage);
	if (argc > 3) return err_set(p->err, ERR_USAGE, "unexpected word %s after the file; %s", quote_word(p, &quote, argv[3]), usage);
	if (!path) return err_set(p->err, ERR_USAGE, "config check: the file is missing; %s", usage);
	if (path[0] == '-') return err_set(p->err, ERR_USAGE, "unknown option %s; %s", quote_word(p, &quote, path), usage);
	if (!file_read(path, p->arena, file, p->err)) return false;
	p->cli.action = CLI_CHECK_CONFIG;
	p->cli.text = audit_write(file);
	p->cli.failed = file->findings.faults > 0;
	return true;
}

static bool check_command(struct parse *p) {
	const struct check check = {&p->cli.settings, &p->origins, p->command, p->arena};
	return check_conflicts(&check, p->err);
}

static bool check_rules(struct parse *p) {
	const struct check check = {&p->cli.settings, &p->origins, p->command, p->arena};
	return check_all(&check, p->err);
}

/* A command that is no load test: its options, and nothing else. No file is read. */
static bool read_command(struct parse *p, enum option_command command, int argc, char **argv) {
	struct quote quote;
	bool ended;
	int word;

	p->command = command;
	p->cli.action = command == COMMAND_TARGET ? CLI_TARGET : CLI_CLEANUP;
	if (!read_options(p, argc, argv, &word, &ended)) return false;
	if (p->cli.action == CLI_HELP || p->cli.action == CLI_VERSION) return true;
	if (word < argc) return err_set(p->err, ERR_USAGE, "unexpected word %s; every value belongs to an option", quote_word(p, &quote, argv[word]));
	if (!check_command(p)) return false;
	merge_environment(p->command, &p->cli.settings, &p->origins);
	return check_rules(p);
}

/* Reads the file that is named or stands here, if any, under the command line's settings. */
static bool take_file(struct parse *p) {
	const char *named = p->cli.settings.file.config, *path = named ? named : file_default();
	struct file *file = arena_alloc(p->arena, sizeof(*file));
	if (!path) return true;
	if (!file_read(path, p->arena, file, p->err) || !file_check(file, p->err)) return false;
	merge_file(file, &p->cli.settings, &p->origins);
	p->cli.config_file = file->origins.path;
	p->warnings = arena_array(p->arena, file->findings.kept + 1, sizeof(*p->warnings)); /* and one of check_warning */
	for (const struct finding *finding = file->findings.first; finding; finding = finding->next) {
		p->warnings[p->cli.warning_count++] = file_sentence(file, finding);
	}
	return true;
}

static void add_warning(struct parse *p) {
	const struct check check = {&p->cli.settings, &p->origins, p->command, p->arena};
	const char *sentence = check_warning(&check);
	if (!p->warnings) p->warnings = arena_array(p->arena, 1, sizeof(*p->warnings));
	if (sentence) p->warnings[p->cli.warning_count++] = sentence;
	p->cli.warnings = p->warnings;
}

static bool is_given(const struct parse *p, struct slice flag) {
	return origin_given(&p->origins, option_by_name(flag, COMMAND_RUN));
}

/* A load test: fills the settings up from the other sources, and checks them all. */
static bool settle_run(struct parse *p) {
	bool replays = p->cli.settings.out.replay;
	if (!check_command(p) || (!replays && !take_file(p))) return false;
	merge_environment(p->command, &p->cli.settings, &p->origins);
	merge_implied(&p->cli.settings, &p->origins);
	add_warning(p);
	p->cli.spawn_given = is_given(p, SLICE("spawn-rate")) || is_given(p, SLICE("spawn-interval"));
	p->cli.preconnect_given = is_given(p, SLICE("preconnect"));
	if (p->cli.settings.file.print_config) {
		p->cli.action = CLI_PRINT_CONFIG;
		p->cli.text = print_config(&p->cli.settings, &p->origins, p->arena);
		return true;
	}
	p->cli.status_given = is_given(p, SLICE("status"));
	if (replays) p->cli.action = CLI_REPLAY;
	if (!check_rules(p)) return false;
	protocol_settle(&p->cli.settings, p->arena);
	return true;
}

/* scenario check FILE [OPTIONS], scenario try FILE [OPTIONS]. All faults of a file that is no good are told, as config check tells them. */
static bool read_scenario(struct parse *p, int argc, char **argv) {
	static const char usage[] = "write 'strest scenario check FILE' or 'strest scenario try FILE'";
	struct quote quote;
	struct file *file = arena_alloc(p->arena, sizeof(*file));
	bool ended;
	int word;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return ask_help(p, COMMAND_RUN);
	if (argc == 1) return err_set(p->err, ERR_USAGE, "scenario: what to do is missing; %s", usage);
	bool tries = strcmp(argv[1], "try") == 0;
	if (!tries && strcmp(argv[1], "check") != 0)
		return err_set(p->err, ERR_USAGE, "unknown command 'scenario' %s; %s", quote_word(p, &quote, argv[1]), usage);
	if (argc == 2 || argv[2][0] == '-') return err_set(p->err, ERR_USAGE, "scenario %s: the file is missing; %s", argv[1], usage);
	if (!read_options(p, argc - 2, argv + 2, &word, &ended)) return false;
	if (word < argc - 2) return err_set(p->err, ERR_USAGE, "unexpected word %s after the file; %s", quote_word(p, &quote, argv[word + 2]), usage);
	if (p->cli.settings.file.config) return err_set(p->err, ERR_USAGE, "--config: the file is named already, '%s'; leave it out", argv[2]);
	if (!file_read(argv[2], p->arena, file, p->err)) return false;
	p->cli.settings.file.config = argv[2];
	p->cli.action = tries ? CLI_TRY_SCENARIO : CLI_CHECK_SCENARIO;
	if (file->findings.faults == 0) return settle_run(p);
	p->cli.action = CLI_CHECK_CONFIG;
	p->cli.text = audit_write(file);
	p->cli.failed = true;
	return true;
}

static bool read_run(struct parse *p, int argc, char **argv) {
	struct quote quote;
	bool ended;
	int word;

	if (!read_options(p, argc, argv, &word, &ended)) return false;
	if (p->cli.action == CLI_HELP || p->cli.action == CLI_VERSION) return true;
	if (word < argc && ended) return err_set(p->err, ERR_USAGE, "unexpected word %s after '--'", quote_word(p, &quote, argv[word]));
	if (word < argc && option_command_of(argv[word]) != COMMAND_RUN)
		return read_command(p, option_command_of(argv[word]), argc - word, argv + word);
	if (word < argc && strcmp(argv[word], "help") == 0) return read_help(p, argc - word, argv + word);
	if (word < argc && strcmp(argv[word], "config") == 0) return read_config(p, argc - word, argv + word);
	if (word < argc && strcmp(argv[word], "scenario") == 0) return read_scenario(p, argc - word, argv + word);
	if (word < argc && word > 1 && *argv[word - 1] && strchr(argv[word - 1], ':') == strchr(argv[word - 1], 0) - 1)
		return err_set(p->err, ERR_USAGE, "a word stands alone behind %s; put the whole header between quotes",
			quote_text(&quote, slice_of(argv[word - 1])));
	if (word < argc && p->last && p->last->secret)
		return err_set(p->err, ERR_USAGE, "a word stands alone behind the value of --%s; put the whole value between quotes", p->last->flag);
	if (word < argc) return refuse_word(p, argv[word]);
	return settle_run(p);
}

bool cli_parse(int argc, char **argv, struct arena *arena, struct cli *ret, struct err *err) {
	struct parse *p = arena_alloc(arena, sizeof(*p));

	p->command = COMMAND_RUN;
	p->arena = arena;
	p->err = err;
	p->cli.action = CLI_RUN;
	value_preset(arena, &p->cli.settings);
	if ((argc <= 1 || (argc == 2 && strcmp(argv[1], "--") == 0)) && !file_default())
		ask_help(p, COMMAND_RUN);
	else if (!read_run(p, argc, argv))
		return false;
	p->cli.origins = &p->origins;
	*ret = p->cli;
	return true;
}
