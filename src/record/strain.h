/* What the machine, and strest's own limits, did to a run within its window: the evidence for the verdict (stats/verdict.h).
 * In: filled by the engine and the tick. Out: plain values. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct strain {
	nsec wall;                      /* of the window */
	nsec busiest_cpu, busiest_wall; /* of the busiest worker: its CPU time without its spinning; how long it was watched */
	bool run_queue_known;           /* the kernel tells (/proc/thread-self/schedstat) */
	nsec run_queue;                 /* the largest of one worker: ready to run, but no processor was free */
	bool throttled_known;           /* a cgroup tells (cpu.stat) */
	nsec throttled;                 /* time in which a CPU quota held the process back */
	uint64_t throttled_times;
	bool steal_known; /* /proc/stat tells */
	nsec steal;       /* of all processors: taken by the hypervisor for others */
	unsigned cpus;
	uint64_t no_port, no_descriptor; /* dials that failed for it */
	uint64_t shed;                   /* requests that the run log's writer was too slow for */
	uint64_t pauses;                 /* times in which main and every worker stood still together for at least STRAIN_PAUSE */
	nsec longest_pause;
};

#define STRAIN_PAUSE (50 * MSEC)

/* Moments at which a thread woke up at least STRAIN_PAUSE later than it asked to: [begin: asked, end: woken). The first so many are kept. */
#define STRAIN_GAPS 256
struct strain_gaps {
	unsigned count;
	struct strain_gap {
		nsec begin, end;
	} at[STRAIN_GAPS];
};

/* What a worker tells of itself each time it hands over what it has counted; of all its time so far. */
struct strain_told {
	nsec cpu, spun; /* time on a processor, and waiting without sleep */
	uint64_t no_port, no_descriptor;
	struct strain_gap gap; /* its last one; 0 to 0: none */
};

/* Notes a wake-up: `asked` is when the thread wanted to run again at the latest, `woken` when it did. Owner thread; no allocation. */
void strain_note(struct strain_gaps *gaps, nsec asked, nsec woken);

/* Reduces `into` to the times that lie in a gap of both, if at least STRAIN_PAUSE long. */
void strain_intersect(struct strain_gaps *into, const struct strain_gaps *with);

/* Fills the pauses of a strain from the gaps that all threads had together. */
void strain_count_pauses(const struct strain_gaps *common, struct strain *ret);
