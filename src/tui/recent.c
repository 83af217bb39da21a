#include "tui/recent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/report.h"

#define SLOTS 10

/* About a second: ticks from `begin` to `end`. */
struct slot {
	nsec begin, end;
	uint64_t sent;
	double asked; /* requests: rate x time */
	struct histlet times;
};

struct recent {
	bool response;
	size_t last, count; /* of the slots in use, the last one is being filled */
	struct slot slots[SLOTS];
};

struct recent *recent_new(bool response) {
	struct recent *recent = mem_zeroed(1, sizeof(*recent));
	recent->response = response;
	recent->count = 1;
	return recent;
}

void recent_free(struct recent *recent) {
	free(recent);
}

/* Returns the slot that a tick after its end goes to: a new one, in place of the oldest, when it has lasted a second. */
static struct slot *recent_slot(struct recent *recent) {
	struct slot *slot = &recent->slots[recent->last];
	nsec end = slot->end;
	if (end - slot->begin < SEC) return slot;
	recent->last = (recent->last + 1) % SLOTS;
	if (recent->count < SLOTS) recent->count++;
	slot = &recent->slots[recent->last];
	memset(slot, 0, sizeof(*slot));
	slot->begin = slot->end = end;
	return slot;
}

void recent_add(struct recent *recent, nsec elapsed, double asked_per_s, const struct tally *tick) {
	struct slot *slot = recent_slot(recent);
	assert(elapsed >= slot->end);
	slot->asked += asked_per_s * (double)(elapsed - slot->end) / 1e9;
	slot->end = elapsed;
	if (!tick) return;
	slot->sent += tick->attempts - tick->retries;
	recent_add_late(recent, tick);
}

void recent_add_late(struct recent *recent, const struct tally *tick) {
	struct histlet *times = &recent->slots[recent->last].times;
	assert(tick->cell_count > 0);
	if (recent->response) {
		histlet_merge(times, &tick->cells[0].response_ok);
		histlet_merge(times, &tick->cells[0].response_other);
	} else {
		histlet_merge(times, &tick->cells[0].service);
	}
}

static void recent_choose(const struct histlet *times, struct recent_figures *ret) {
	static const unsigned quantiles[] = {99, 90, 50};
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		uint64_t rank = hist_rank(times->count, quantiles[i] / 100.0);
		if (times->count < rank + FEW_BEYOND) continue;
		ret->quantile = quantiles[i];
		ret->time = histlet_at_rank(times, rank);
		return;
	}
	ret->quantile = 100;
	ret->time = times->count > 0 ? times->max : 0;
}

void recent_read(const struct recent *recent, struct recent_figures *ret) {
	struct histlet times = {0};
	double sent = 0, asked = 0;
	nsec begin = recent->slots[recent->last].begin, end = recent->slots[recent->last].end;
	for (size_t i = 0; i < recent->count; i++) {
		const struct slot *slot = &recent->slots[i];
		if (slot->begin < begin) begin = slot->begin;
		sent += (double)slot->sent;
		asked += slot->asked;
		histlet_merge(&times, &slot->times);
	}
	double seconds = (double)(end - begin) / 1e9;
	*ret = (struct recent_figures){.count = times.count};
	if (seconds > 0) {
		ret->sent_per_s = sent / seconds;
		ret->asked_per_s = asked / seconds;
	}
	recent_choose(&times, ret);
}
