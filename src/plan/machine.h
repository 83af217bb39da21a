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

#define MACHINE_GROUPS 32

/* Counters of the machine at one moment. */
struct machine_strain {
	size_t groups; /* cgroups that tell how long a CPU quota held them back: the process's own, and those above it; at most MACHINE_GROUPS */
	struct machine_group {
		nsec throttled;
		uint64_t times;
	} group[MACHINE_GROUPS];
	bool steal_known;
	nsec steal; /* of all processors, by the hypervisor; in steps of a clock tick */
};

void machine_read_strain(struct machine_strain *ret);

/* Fills throttling (of the group that was held back longest), steal and the number of processors of a strain: what happened between two moments. */
void machine_add_strain(const struct machine_strain *from, const struct machine_strain *to, struct strain *ret);
