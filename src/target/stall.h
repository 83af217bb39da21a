/* The windows in which the target stands still: [start + k * period, ... + length), k from 1.
 * In: the option's text, the clock. Out: whether a window is on, and what it really was. Plain values; each thread has its own copy. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "target/record.h"

struct stall {
	nsec begin;  /* of the window that is on or comes next; NSEC_NEVER: no stalls */
	nsec length; /* > 0, < period */
	nsec period;
};

/* Reads "LENGTH/PERIOD" into windows after `start`; NULL: no stalls. ERR_FAILED. */
bool stall_parse(const char *text, nsec start, struct stall *ret, struct err *err);

/* Moves on to the first window that ends after `now`. */
void stall_advance(struct stall *stall, nsec now);

/* Sleeps to the end of the window that is on, or until `stop`. Returns false if none is on. Otherwise `*ret` is the window as it was for whoever waits: it
 * begins when it was planned or, if work (`worked`: the last stamp after a read) went on for a moment, after that; it ends when work is taken up again.
 * What arrives in between is read at its end. Costs one reading of the clock while no window is on. */
bool stall_wait(struct stall *stall, nsec worked, const atomic_bool *stop, struct record_stall *ret);
