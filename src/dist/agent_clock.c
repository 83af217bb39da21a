#include "dist/agent_clock.h"

bool agent_clock_add(struct agent_clock *clock, const nsec t[4]) {
	const nsec most = NSEC_NEVER / 4; /* so that no sum overflows */
	for (int i = 0; i < 4; i++)
		if (t[i] < 0 || t[i] > most * 2) return false;
	nsec out = t[1] - t[0], back = t[2] - t[3], round_trip = (t[3] - t[0]) - (t[2] - t[1]);
	if (t[3] < t[0] || t[2] < t[1] || round_trip < 0) return false;
	clock->samples[clock->count++ % AGENT_CLOCK_ROOM] = (struct agent_clock_sample){out / 2 + back / 2 + (out % 2 + back % 2) / 2, round_trip};
	return true;
}

const struct agent_clock_sample *agent_clock_best(const struct agent_clock *clock) {
	const struct agent_clock_sample *best = NULL;
	for (size_t i = 0; i < clock->count && i < AGENT_CLOCK_ROOM; i++)
		if (!best || clock->samples[i].round_trip < best->round_trip) best = &clock->samples[i];
	return best;
}
