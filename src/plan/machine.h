/* What this machine gives to the process: processors, limits.
 * In: the system. Out: plain values. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Returns the number of processors this process may run on (its affinity mask), >= 1. */
unsigned machine_cpus(void);

/* Returns whether a cgroup (version 2, from the process's own up to the root) limits its CPU time. */
bool machine_has_quota(void);

/* Raises the limit of open files towards `wanted`; returns the limit that holds then. */
uint64_t machine_raise_files(uint64_t wanted);
