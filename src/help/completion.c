#include "help/help.h"

#include <assert.h>

#include "base/buf.h"
#include "config/value.h"
#include "help/facts.h"
#include "help/words.h"

#define SCRIPT_CAP 131072 /* bytes of a script */
#define HEAD "# Made by script/generate from src/config/options.def; changes belong there.\n"

static const struct {
	enum option_command command;
	const char *name;
} commands[] = {{COMMAND_RUN, "run"}, {COMMAND_TARGET, "target"}, {COMMAND_CLEANUP, "cleanup"}};

/* Appends text between single quotes, with `quote` for a single quote in it, and `escaped` characters behind a backslash. */
static void add_quoted(struct buf *script, const char *text, const char *quote, const char *escaped) {
	for (; *text; text++) {
		if (*text == '\'') {
			buf_add_text(script, quote);
			continue;
		}
		if (strchr(escaped, *text)) buf_add_text(script, "\\");
		buf_add(script, (struct slice){text, 1});
	}
}

/* ---- bash ---- */

static const char bash_head[] = "# What can follow \"strest\", for bash; nothing else is needed.\n" HEAD "\n"
				"_strest_words() {\n"
				"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
				"}\n"
				"\n"
				"_strest_files() {\n"
				"\tcompopt -o filenames 2>/dev/null\n"
				"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
				"}\n";

static const char bash_tail[] =
	"\n"
	"# Finds out which command is being written: options of `run` may stand before it, and their values are no commands.\n"
	"_strest_find_command() {\n"
	"\tlocal i word cur=''\n"
	"\tcommand=run\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $command,$word in\n"
	"\t\t*,=) ((i++)) ;;\n"
	"\t\trun,-*) [[ ${COMP_WORDS[i + 1]} != = ]] && _strest_run_value \"$word\" && ((i++)) ;;\n"
	"\t\trun,target | run,cleanup | run,config | run,help | config,check) command=$word ;;\n"
	"\t\thelp,target | help,cleanup) command=all ;;\n"
	"\t\ttarget,* | cleanup,*) ;;\n"
	"\t\t*) command=none ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_strest() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command assigned='' prefix=''\n"
	"\t_strest_find_command\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $cur == --*=* ]]; then # = does not part words here\n"
	"\t\toption=${cur%%=*} cur=${cur#*=} assigned=yes prefix=$option=\n"
	"\telif [[ $cur == = ]]; then\n"
	"\t\tcur='' assigned=yes\n"
	"\telif [[ $option == = ]]; then\n"
	"\t\toption=${COMP_WORDS[COMP_CWORD - 2]} assigned=yes\n"
	"\tfi\n"
	"\tif [[ $command == run || $command == target || $command == cleanup ]] && \"_strest_${command}_value\" \"$option\"; then\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]/#/$prefix}\")\n"
	"\telif [[ $assigned ]]; then\n"
	"\t\t_strest_words 'true false'\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]/#/$prefix}\")\n"
	"\telif [[ $option == --help || $option == -h ]]; then\n"
	"\t\t_strest_words all\n"
	"\telse\n"
	"\t\tcase $command,$cur in\n"
	"\t\trun,-*) _strest_words \"$_strest_run_options\" ;;\n"
	"\t\trun,*) _strest_words 'target cleanup config help' ;;\n"
	"\t\ttarget,*) _strest_words \"$_strest_target_options\" ;;\n"
	"\t\tcleanup,*) _strest_words \"$_strest_cleanup_options\" ;;\n"
	"\t\tconfig,*) _strest_words check ;;\n"
	"\t\tcheck,*) _strest_files ;;\n"
	"\t\thelp,*) _strest_words 'target cleanup all' ;;\n"
	"\t\tall,*) _strest_words all ;;\n"
	"\t\tesac\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _strest strest\n";

/* The names of one option as a pattern: "--method | -X". */
static void add_bash_names(struct buf *script, const struct option_row *row) {
	for (unsigned n = 0; n < 3; n++)
		if (option_name(row, n)) buf_add_format(script, "%s--%s", n > 0 ? " | " : "", option_name(row, n));
	if (row->letter) buf_add_format(script, " | -%c", row->letter);
}

/* A list of all options, and a function that completes the value of one and fails for those without. */
static void add_bash_command(struct buf *script, size_t which, struct arena *arena) {
	const char *name = commands[which].name, *list = which == 0 ? "--help --version" : "--help";
	buf_add_format(script, "\n_strest_%s_value() {\n\tcase $1 in\n", name);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *choices = words_choices(row, " ", arena);
		if (!(row->commands & commands[which].command)) continue;
		for (unsigned n = 0; n < 3; n++)
			if (option_name(row, n)) list = arena_format(arena, "%s --%s", list, option_name(row, n));
		if (row->kind == KIND_BOOL) continue;
		buf_add_text(script, "\t");
		add_bash_names(script, row);
		if (choices)
			buf_add_format(script, ") _strest_words '%s' ;;\n", choices);
		else
			buf_add_text(script, words_is_file(row) ? ") _strest_files ;;\n" : ") COMPREPLY=() ;;\n");
	}
	buf_add_format(script, "\t*) return 1 ;;\n\tesac\n}\n_strest_%s_options='%s'\n", name, list);
}

static void add_bash(struct buf *script, struct arena *arena) {
	buf_add_text(script, bash_head);
	for (size_t i = 0; i < LENGTH(commands); i++) add_bash_command(script, i, arena);
	buf_add_text(script, bash_tail);
}

/* ---- zsh ---- */

static const char zsh_tail[] = "\n"
			       "_strest() {\n"
			       "\tlocal curcontext=$curcontext state line ret=1\n"
			       "\ttypeset -A opt_args\n"
			       "\t_arguments -C -s -S $_strest_run_options '1: :->command' '*:: :->rest' && ret=0\n"
			       "\tcase $state in\n"
			       "\tcommand) _describe command _strest_commands && ret=0 ;;\n"
			       "\trest)\n"
			       "\t\tcase $line[1] in\n"
			       "\t\ttarget) _arguments -s -S $_strest_target_options && ret=0 ;;\n"
			       "\t\tcleanup) _arguments -s -S $_strest_cleanup_options && ret=0 ;;\n"
			       "\t\tconfig) _arguments '1: :(check)' '2:FILE:_files' && ret=0 ;;\n"
			       "\t\thelp) _arguments '1: :(target cleanup all)' '2: :(all)' && ret=0 ;;\n"
			       "\t\tesac\n"
			       "\t\t;;\n"
			       "\tesac\n"
			       "\treturn ret\n"
			       "}\n"
			       "\n"
			       "_strest \"$@\"\n";

/* The part of a spec that stands after the names: '[what it does]:VALUE:what can stand there'. */
static void add_zsh_words(struct buf *script, const struct option_row *row, struct arena *arena) {
	const char *choices = words_choices(row, " ", arena);
	buf_add_text(script, "[");
	add_quoted(script, row->help, "'\\''", "[]:\\");
	buf_add_text(script, "]");
	if (row->kind != KIND_BOOL) {
		buf_add_text(script, ":");
		add_quoted(script, value_unit(row), "'\\''", ":\\");
		if (choices)
			buf_add_format(script, ":(%s)", choices);
		else
			buf_add_text(script, words_is_file(row) ? ":_files" : ": ");
	}
	buf_add_text(script, "'\n");
}

/* One spec for each name; all but a list's names exclude each other. */
static void add_zsh_row(struct buf *script, const struct option_row *row, struct arena *arena) {
	const char *names = row->letter ? arena_format(arena, "-%c", row->letter) : "";
	for (unsigned n = 0; n < 3; n++)
		if (option_name(row, n)) names = arena_format(arena, "%s%s--%s", names, *names ? " " : "", option_name(row, n));
	const char *begin = row->kind == KIND_LIST ? "*" : arena_format(arena, "(%s)", names);
	bool value = row->kind != KIND_BOOL;
	if (row->letter) {
		buf_add_format(script, "\t'%s-%c%s", begin, row->letter, value ? "+" : "");
		add_zsh_words(script, row, arena);
	}
	for (unsigned n = 0; n < 3; n++) {
		if (!option_name(row, n)) continue;
		buf_add_format(script, "\t'%s--%s%s", begin, option_name(row, n), value ? "=" : "");
		add_zsh_words(script, row, arena);
	}
}

static void add_zsh(struct buf *script, struct arena *arena) {
	buf_add_text(script, "#compdef strest\n# What can follow \"strest\", for zsh.\n" HEAD "\n_strest_commands=(\n");
	buf_add_text(script, "\t'target:be a server to test against'\n\t'cleanup:delete what runs left behind'\n\t'config:check a config "
			     "file'\n\t'help:show help'\n)\n");
	for (size_t c = 0; c < LENGTH(commands); c++) {
		buf_add_format(script, "\n_strest_%s_options=(\n\t'(- *)'{-h,--help}'[Show help]: :(all)'\n", commands[c].name);
		if (commands[c].command == COMMAND_RUN) buf_add_text(script, "\t'(- *)'{-V,--version}'[Show the version]'\n");
		for (size_t i = 0; i < OPTION_COUNT; i++)
			if (option_rows[i].commands & commands[c].command) add_zsh_row(script, &option_rows[i], arena);
		buf_add_text(script, ")\n");
	}
	buf_add_text(script, zsh_tail);
}

/* ---- fish ---- */

static const char fish_head[] =
	"# What can follow \"strest\", for fish.\n" HEAD "\n"
	"complete -c strest -f\n"
	"complete -c strest -n __fish_use_subcommand -a target -d 'be a server to test against'\n"
	"complete -c strest -n __fish_use_subcommand -a cleanup -d 'delete what runs left behind'\n"
	"complete -c strest -n __fish_use_subcommand -a config -d 'check a config file'\n"
	"complete -c strest -n __fish_use_subcommand -a help -d 'show help'\n"
	"complete -c strest -n '__fish_seen_subcommand_from help' -a 'target cleanup all'\n"
	"complete -c strest -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from check' -a check\n"
	"complete -c strest -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from check' -F\n"
	"complete -c strest -s h -l help -d 'Show help'\n"
	"complete -c strest -n 'not __fish_seen_subcommand_from target cleanup config help' -s V -l version -d 'Show the version'\n";

static void add_fish_row(struct buf *script, const struct option_row *row, enum option_command command, struct arena *arena) {
	const char *choices = words_choices(row, " ", arena);
	for (unsigned n = 0; n < 3; n++) {
		if (!option_name(row, n)) continue;
		buf_add_format(script, "complete -c strest -n '%s' -l %s",
			command == COMMAND_TARGET    ? "__fish_seen_subcommand_from target"
			: command == COMMAND_CLEANUP ? "__fish_seen_subcommand_from cleanup"
						     : "not __fish_seen_subcommand_from target cleanup config help",
			option_name(row, n));
		if (n == 0 && row->letter) buf_add_format(script, " -s %c", row->letter);
		if (choices)
			buf_add_format(script, " -x -a '%s'", choices);
		else if (row->kind != KIND_BOOL)
			buf_add_text(script, words_is_file(row) ? " -r -F" : " -x");
		buf_add_text(script, " -d '");
		add_quoted(script, row->help, "\\'", "\\");
		buf_add_text(script, "'\n");
	}
}

static void add_fish(struct buf *script, struct arena *arena) {
	buf_add_text(script, fish_head);
	for (size_t c = 0; c < LENGTH(commands); c++) {
		for (size_t i = 0; i < OPTION_COUNT; i++)
			if (option_rows[i].commands & commands[c].command) add_fish_row(script, &option_rows[i], commands[c].command, arena);
	}
}

const char *completion_script(enum shell shell, struct arena *arena) {
	static void (*const writers[])(struct buf *, struct arena *) = {[SHELL_BASH] = add_bash, [SHELL_ZSH] = add_zsh, [SHELL_FISH] = add_fish};
	struct buf script;
	assert(shell < SHELL_COUNT);
	buf_init(&script, SCRIPT_CAP);
	writers[shell](&script, arena);
	const char *text = arena_copy(arena, slice_of(buf_text(&script)));
	buf_fini(&script);
	return text;
}
