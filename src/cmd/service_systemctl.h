/* Calls of systemctl.
 * In: its words. Out: its exit status; what it prints goes where ours goes. Main thread. */
#pragma once

#include "base/err.h"

#define SYSTEMCTL_LIMIT_S 120 /* of one call */

/* Runs `systemctl` with the given words (the last one NULL), found by PATH. ERR_FAILED: it cannot be run, was killed, or took longer than the limit;
 * the sentence begins with the command. */
bool service_systemctl_ask(const char *const words[], int *ret_status, struct err *err);

/* The same; ERR_FAILED also when its exit status is not 0. */
bool service_systemctl_do(const char *const words[], struct err *err);
