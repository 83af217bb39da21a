/* The program: reads the command line and hands over to the command. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cleanup.h"
#include "cmd/fleet_agent.h"
#include "cmd/fleet_controller.h"
#include "cmd/load.h"
#include "cmd/replay.h"
#include "cmd/scenario.h"
#include "cmd/service.h"
#include "config/cli.h"
#include "help/help.h"
#include "target/target.h"

/* A program started with stdin, stdout or stderr closed would give their numbers to its first sockets, and write its results into one. */
static void main_open_streams(void) {
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(1);
}

/* STREST_LOG, then RUST_LOG, then --verbose. */
static void main_set_log(const struct out_settings *out) {
	const char *filter = getenv("STREST_LOG");
	bool understood = true;
	if (!filter || !*filter) filter = getenv("RUST_LOG");
	enum log_level level = out->verbose ? LOG_DEBUG : LOG_INFO;
	if (filter && *filter) level = log_read_filter(slice_of(filter), &understood);
	log_set_level(level);
	log_set_color(log_color_wanted(out->no_color));
	if (!understood) log_warn("STREST_LOG or RUST_LOG: '%s' is no log level; write error, warn, info, debug or off", filter);
}

static int main_print(const char *text, bool failed) {
	fputs(text, stdout);
	return fflush(stdout) != 0 || failed;
}

static int main_run(const struct cli *cli, struct arena *arena) {
	const struct fleet_settings *fleet = &cli->settings.fleet;
	if (fleet->controller_listen) return fleet_controller_main(cli, arena);
	if (fleet->agent_join) return fleet_agent_main(cli, arena);
	return load_run(cli, arena);
}

static int main_act(const struct cli *cli, int argc, char **argv, struct arena *arena) {
	main_set_log(&cli->settings.out);
	for (size_t i = 0; i < cli->warning_count; i++) log_warn("%s", cli->warnings[i]);
	if (service_wanted(cli)) return service_run(cli, argc, argv, arena);
	switch (cli->action) {
	case CLI_RUN: return main_run(cli, arena);
	case CLI_REPLAY: return replay_main(cli, arena);
	case CLI_TARGET: return target_run(&cli->settings.target);
	case CLI_CHECK_SCENARIO: return scenario_check(cli, arena);
	case CLI_TRY_SCENARIO: return scenario_try(cli, arena);
	case CLI_CLEANUP: return cleanup_run(&cli->settings, arena);
	case CLI_HELP: return main_print(cli->help_all ? help_all(cli->command, arena) : help_short(cli->command, arena), false);
	case CLI_VERSION: return main_print(help_version(arena), false);
	case CLI_PRINT_CONFIG:
	case CLI_CHECK_CONFIG: return main_print(cli->text, cli->failed);
	}
	return 1;
}

int main(int argc, char **argv) {
	struct arena arena;
	struct cli cli;
	struct err err;
	int status;
	main_open_streams();
	arena_init(&arena);
	if (cli_parse(argc, argv, &arena, &cli, &err)) {
		status = main_act(&cli, argc, argv, &arena);
	} else {
		log_write(LOG_ERROR, "%s", err.text);
		if (err.code == ERR_USAGE) fputs("try 'strest --help'\n", stderr);
		status = (int)err.code;
	}
	arena_fini(&arena);
	return status;
}
