/* What this machine gives to the process, and what it takes away: processors, limits.
 * In: the system. Out: plain values. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "record/strain.h"

/* Returns the number of processors this process may run on (its affinity mask), >= 1. */
unsigned machine_cpus(void);

/* Returns whether a cgroup (from the process's own up to the root) limits its CPU time. */
bool machine_has_quota(void);

/* Raises the limit of open files towards `wanted`; returns the limit that holds then. */
uint64_t machine_raise_files(uint64_t wanted);

/* Counters of the machine at one moment. */
struct machine_strain {
	bool throttled_known; /* a cgroup of ours tells */
	nsec throttled;       /* by CPU quotas; the largest from the process's own cgroup up to the root */
	uint64_t throttled_times;
	bool steal_known;
	nsec steal; /* of all processors, by the hypervisor; in steps of a clock tick */
};

void machine_read_strain(struct machine_strain *ret);

/* Fills throttling, steal and the number of processors of a strain: what happened between two moments. */
void machine_add_strain(const struct machine_strain *from, const struct machine_strain *to, struct strain *ret);
