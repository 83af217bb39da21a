/* The built-in HTTP server: exact delays, stalls and faults on demand, and its own record of what it received.
 * In: its section of the settings. Out: answers, counts. Runs its own threads. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/settings.h"

struct target; /* a running server */

/* Binds, starts the threads and returns; the port is known afterwards. ERR_FAILED with the address in the sentence. */
bool target_open(const struct target_settings *settings, struct target **ret, struct err *err);

/* The port it listens on. */
uint16_t target_port(const struct target *target);

/* Ends the threads, writes the record out, frees everything. NULL is fine. */
void target_close(struct target *target);

/* The command: opens, prints "listening on ADDRESS:PORT" on stdout (flushed), waits for SIGINT or SIGTERM, closes. Returns the exit status. */
int target_run(const struct target_settings *settings);
