/* The arguments of a service: those that were given beside --install-service, made right for a service, which has another folder and another user.
 * In: argv as config/cli.h has read it. Out: the words and credentials of a unit. Texts in the given arena; main thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "cmd/service_unit.h"
#include "config/cli.h"

/* One option of a command line. */
struct service_argument {
	const struct option_row *row;
	const char *name;  /* as it was typed: "--url", "-u" */
	const char *value; /* NULL: none stands there */
	bool joined;       /* "--url=VALUE" */
};

/* Takes apart a command line that cli_parse has understood as CLI_RUN. Returns how many options it has, at *ret. */
size_t service_arguments_read(int argc, char **argv, struct arena *arena, struct service_argument **ret);

/* Where the service comes from. */
struct service_origin {
	const struct cli *cli;
	int argc;
	char **argv;
	const char *folder; /* absolute: where relative paths begin */
};

/* Fills controls, words, credentials and low_port of *ret. Options that install, and tokens, are left out. Paths of files that are read become absolute;
 * what not everybody may read becomes a credential; files that are written stay relative, to the service's folder. What the config file says is
 * looked at as well. ERR_FAILED: a file is not there, or cannot be had or written by the service; a secret would stand in the unit. */
bool service_arguments_place(const struct service_origin *origin, struct arena *arena, struct service_unit *ret, struct err *err);
