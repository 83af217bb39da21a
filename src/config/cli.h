/* From the command line to settings.
 * In: argv. Out: what to do and the effective settings. Texts live in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "config/option.h"

enum cli_action {
	CLI_RUN,            /* a load test: settings are complete and checked */
	CLI_REPLAY,         /* strest --replay: no file was read, and nothing is loaded */
	CLI_TARGET,         /* strest target */
	CLI_CLEANUP,        /* strest cleanup */
	CLI_HELP,           /* help for `command`: all of it if `help_all` */
	CLI_VERSION,        /* the version */
	CLI_PRINT_CONFIG,   /* --print-config: print `text` on stdout, exit 0. Warnings come first */
	CLI_CHECK_SCENARIO, /* strest scenario check FILE [OPTIONS]: settings are as for a run */
	CLI_TRY_SCENARIO,   /* strest scenario try FILE [OPTIONS]: so here */
	CLI_CHECK_CONFIG,   /* strest config check FILE: print `text` on stdout, exit 0 or, with a fault in the file, 1 (`failed`) */
};

struct origins;

struct cli {
	enum cli_action action;
	enum option_command command; /* CLI_HELP */
	bool help_all;
	bool failed;
	const char *text;         /* lines, the last one ended */
	struct settings settings; /* presets, the file's, the command line's, in this order */
	/* Whether the user gave these, wherever (presets do not count as given): */
	bool spawn_given; /* --spawn-rate or --spawn-interval */
	bool preconnect_given;
	bool status_given;
	const struct origins *origins; /* of the settings */
	const char *config_file;       /* the file that was read; NULL: none */
	size_t warning_count;          /* sentences for stderr: keys of features that this version does not have, and the like */
	const char *const *warnings;
};

/* Reads the command line and the config file it names (or ./strest.toml, or ./strest.json). ERR_USAGE: a wrong command line (unknown option with
 * "did you mean", doubled option, bad value, conflict); the sentence does not mention --help, the caller may. ERR_FAILED: a fault in the file
 * ("strest.toml:12:8: load.rate: 'abc' is ...", the first one), rules across options (no URL, warm-up >= duration, no_ua without authorized). *ret is
 * untouched on failure. Without any argument and without a default file: CLI_HELP. Not reentrant: getopt_long keeps its place in globals. */
bool cli_parse(int argc, char **argv, struct arena *arena, struct cli *ret, struct err *err);
