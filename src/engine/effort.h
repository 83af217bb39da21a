/* What a thread has used of its processor so far; the difference of two readings is what it used in between.
 * In: the kernel's counts. Out: plain values. The thread itself. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

struct effort {
	nsec at;           /* when it was read */
	nsec cpu;          /* time on a processor */
	bool queued_known; /* the kernel tells */
	nsec queued;       /* time ready to run while no processor was free */
	nsec spun;         /* time spent waiting without sleep; the caller's count */
};

/* Returns the calling thread's time on a processor. One system call. */
nsec effort_cpu(void);

/* Reads the calling thread's. Two system calls and a file of /proc: not on the path of a request. */
void effort_read(nsec now, nsec spun, struct effort *ret);
