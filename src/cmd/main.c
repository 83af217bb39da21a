/* The program: reads the command line and hands over to the command. */
#include <stdio.h>

#include "base/log.h"
#include "cmd/load.h"
#include "config/cli.h"
#include "target/target.h"

int main(int argc, char **argv) {
	struct arena arena;
	struct cli cli;
	struct err err;
	int status = 0;
	arena_init(&arena);
	if (!cli_parse(argc, argv, &arena, &cli, &err)) {
		log_write(LOG_ERROR, "%s", err.text);
		if (err.code == ERR_USAGE) fputs("try 'strest --help'\n", stderr);
		status = (int)err.code;
	} else if (cli.action == CLI_PRINT) {
		fputs(cli.text, stdout);
		if (fflush(stdout) != 0) status = 1;
	} else if (cli.action == CLI_TARGET) {
		status = target_run(&cli.settings.target);
	} else {
		status = load_run(&cli, &arena);
	}
	arena_fini(&arena);
	return status;
}
