/* From the command line to settings.
 * In: argv. Out: what to do and the effective settings. Texts live in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"

enum cli_action {
	CLI_RUN,    /* a load test: settings are complete and checked */
	CLI_TARGET, /* strest target */
	CLI_PRINT,  /* help or version: print `text` on stdout, exit 0 */
};

struct cli {
	enum cli_action action;
	const char *text;         /* CLI_PRINT: lines, the last one ended */
	struct settings settings; /* presets and what was given */
	/* Whether the user gave these (their presets do not count as given): */
	bool spawn_given; /* --spawn-rate or --spawn-interval */
	bool preconnect_given;
};

/* Reads the command line. ERR_USAGE: a wrong command line (unknown option with "did you mean",
 * doubled option, bad value, conflict); the sentence does not mention --help, the caller may. ERR_FAILED: rules across options (no URL,
 * warm-up >= duration, no_ua without authorized). *ret is untouched on failure. Without any argument: CLI_PRINT with the help.
 * Not reentrant: getopt_long keeps its place in globals. */
bool cli_parse(int argc, char **argv, struct arena *arena, struct cli *ret, struct err *err);
