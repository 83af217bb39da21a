#include "target/stall.h"

#include "base/units.h"

/* So that a long window does not keep the program from ending. */
#define NAP (50 * MSEC)

bool stall_parse(const char *text, nsec start, struct stall *ret, struct err *err) {
	if (!text) {
		*ret = (struct stall){.begin = NSEC_NEVER};
		return true;
	}
	nsec length, period;
	if (!units_parse_stall(slice_of(text), &length, &period))
		return err_set(err, ERR_FAILED, "--stall: '%s' is not TIME/PERIOD with a TIME over 0 and below PERIOD; write e.g. 200ms/1s", text);
	*ret = (struct stall){.begin = start + period, .length = length, .period = period};
	return true;
}

void stall_advance(struct stall *stall, nsec now) {
	nsec over = now - (stall->begin + stall->length);
	if (over >= 0) stall->begin += (over / stall->period + 1) * stall->period;
}

static void sleep_until(nsec end, const atomic_bool *stop) {
	for (nsec now = clock_now(); now < end && !atomic_load_explicit(stop, memory_order_relaxed); now = clock_now()) {
		struct timespec to = clock_timespec(end - now > NAP ? now + NAP : end);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &to, NULL);
	}
}

bool stall_wait(struct stall *stall, nsec worked, const atomic_bool *stop, struct record_stall *ret) {
	nsec now = clock_now();
	if (now < stall->begin) return false;
	nsec begin = worked > stall->begin ? worked : stall->begin;
	do {
		sleep_until(stall->begin + stall->length, stop);
		now = clock_now();
		stall_advance(stall, now);
	} while (now >= stall->begin && !atomic_load_explicit(stop, memory_order_relaxed));
	*ret = (struct record_stall){.begin = begin, .end = now};
	return true;
}
