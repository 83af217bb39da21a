#include "stats/slot_sum.h"

#include <string.h>

/* The slots of one or two (else NULL) histlets, in use from low to high, with `count` entries in both; `max` is exact. */
struct times_source {
	const uint64_t *one, *two;
	uint32_t low, high;
	uint64_t count;
	nsec max;
};

static struct frame_times times_of(const struct times_source *source) {
	struct frame_times ret = {-1, -1, -1, -1};
	const uint64_t ranks[] = {hist_rank(source->count, 0.5), hist_rank(source->count, 0.9), hist_rank(source->count, 0.99)};
	nsec *const into[] = {&ret.p50, &ret.p90, &ret.p99};
	uint64_t seen = 0;
	size_t next = 0;
	if (source->count == 0) return ret;
	for (uint32_t i = source->low; i <= source->high && i < HISTLET_SLOTS && next < 3; i++) {
		seen += source->one[i] + (source->two ? source->two[i] : 0);
		for (; next < 3 && seen >= ranks[next]; next++) {
			nsec time = histlet_slot_high(i);
			*into[next] = time < source->max ? time : source->max;
		}
	}
	ret.max = source->max;
	return ret;
}

static nsec later(nsec a, nsec b) {
	return a > b ? a : b;
}

struct frame_times slot_sum_of_histlets(const struct histlet *ok, const struct histlet *other) {
	nsec max = later(ok->count > 0 ? ok->max : 0, other && other->count > 0 ? other->max : 0);
	uint64_t count = ok->count + (other ? other->count : 0);
	return times_of(&(struct times_source){ok->slots, other ? other->slots : NULL, 0, HISTLET_SLOTS - 1, count, max});
}

void slot_sum_clear(struct slot_sum *sum) {
	for (uint32_t i = sum->low; i <= sum->high && i < HISTLET_SLOTS; i++) sum->ok[i] = sum->other[i] = 0;
	sum->counts = (struct slot){0};
	sum->found = false;
	sum->low = HISTLET_SLOTS;
	sum->high = 0;
	sum->ok_count = sum->other_count = 0;
}

void slot_sum_add(struct slot_sum *sum, const struct slot *slot) {
	struct slot *counts = &sum->counts;
	sum->found = true;
	counts->span += slot->span;
	counts->longest = later(counts->longest, slot->longest);
	counts->sent += slot->sent;
	counts->ok += slot->ok;
	counts->failed += slot->failed;
	counts->asked = slot->asked < 0 ? -1 : counts->asked + slot->asked;
	counts->wire_area += slot->wire_area;
	counts->wire_span += slot->wire_span;
	for (size_t i = 0; i < FRAME_CLASSES; i++) counts->classes[i] += slot->classes[i];
	counts->max_ok = later(counts->max_ok, slot->max_ok);
	counts->max_other = later(counts->max_other, slot->max_other);
	for (size_t i = 0; i < slot->time_count; i++) {
		const struct slot_time *time = &slot->times[i];
		sum->ok[time->index] += time->ok;
		sum->other[time->index] += time->other;
		sum->ok_count += time->ok;
		sum->other_count += time->other;
		if (time->index < sum->low) sum->low = time->index;
		if (time->index > sum->high) sum->high = time->index;
	}
}

struct frame_times slot_sum_all(const struct slot_sum *sum) {
	nsec max = later(sum->counts.max_ok, sum->counts.max_other);
	return times_of(&(struct times_source){sum->ok, sum->other, sum->low, sum->high, sum->ok_count + sum->other_count, max});
}

struct frame_times slot_sum_ok(const struct slot_sum *sum) {
	return times_of(&(struct times_source){sum->ok, NULL, sum->low, sum->high, sum->ok_count, sum->counts.max_ok});
}

double slot_sum_per_s(const struct slot_sum *sum, double count) {
	return sum->counts.span > 0 ? count * 1e9 / (double)sum->counts.span : 0;
}

double slot_sum_in_flight(const struct slot_sum *sum, unsigned threads) {
	double mean = sum->counts.wire_span > 0 ? (double)(int64_t)sum->counts.wire_area / (double)sum->counts.wire_span * threads : 0;
	return mean > 0 ? mean : 0;
}

void slot_sum_fill_column(const struct slot_sum *sum, unsigned threads, struct frame_column *ret) {
	ret->is_gap = sum->counts.longest > SLOT_GAP;
	ret->all = slot_sum_all(sum);
	ret->ok = slot_sum_ok(sum);
	ret->asked_per_s = sum->counts.asked < 0 ? -1 : slot_sum_per_s(sum, sum->counts.asked);
	ret->sent_per_s = slot_sum_per_s(sum, (double)sum->counts.sent);
	ret->done_per_s = slot_sum_per_s(sum, (double)(sum->counts.ok + sum->counts.failed));
	ret->failed_per_s = slot_sum_per_s(sum, (double)sum->counts.failed);
	ret->in_flight = slot_sum_in_flight(sum, threads);
	memcpy(ret->classes, sum->counts.classes, sizeof(ret->classes));
	unsigned band = 0;
	nsec next = frame_band_low(1);
	for (uint32_t i = sum->low; i <= sum->high && i < HISTLET_SLOTS; i++) {
		uint64_t count = sum->ok[i] + sum->other[i];
		if (count == 0) continue;
		for (nsec low = histlet_slot_low(i); low >= next;) next = ++band + 1 < FRAME_BANDS ? frame_band_low(band + 1) : NSEC_NEVER;
		ret->bands[band] += (uint32_t)count;
	}
}
