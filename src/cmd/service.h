/* strest --install-service and --uninstall-service: a controller or an agent as a service of systemd.
 * In: the command line. Out: the unit in /etc/systemd/system, its variables in /etc/strest, calls of systemctl. Main thread. */
#pragma once

#include "base/arena.h"
#include "config/cli.h"

/* Returns whether the command line asks for it. */
bool service_wanted(const struct cli *cli);

/* Does it, or prints the unit (--service-dry-run); `argv` is what cli_parse has read. What fails ends it there, with a line on stderr that names the file or the
 * command. Returns the exit status. */
int service_run(const struct cli *cli, int argc, char **argv, struct arena *arena);
