#include "record/hist.h"

/* Quantiles are taken as multiples of this, so that a binary fraction such as 0.07 does not move the rank. */
#define QUANTILE_STEPS 1000000000000ull

uint64_t hist_index_low(uint32_t slot, unsigned sub_bits) {
	uint32_t octave = slot >> (sub_bits - 1);
	uint32_t shift = octave > 0 ? octave - 1 : 0;
	return (uint64_t)(slot - (shift << (sub_bits - 1))) << shift;
}

nsec hist_slot_low(uint32_t slot) {
	return (nsec)hist_index_low(slot, HIST_SUB_BITS);
}

nsec hist_slot_high(uint32_t slot) {
	return (nsec)hist_index_low(slot + 1, HIST_SUB_BITS) - 1;
}

nsec histlet_slot_low(uint32_t slot) {
	return (nsec)hist_index_low(slot, HISTLET_SUB_BITS) * HISTLET_UNIT;
}

nsec histlet_slot_high(uint32_t slot) {
	return (nsec)hist_index_low(slot + 1, HISTLET_SUB_BITS) * HISTLET_UNIT - 1;
}

/* All counts lie between the slots of min and max, so only those are walked. */
#define HIST_MERGE(into, from, slot_of)                                                                                                              \
	do {                                                                                                                                         \
		if ((from)->count == 0) return;                                                                                                      \
		if ((into)->count == 0 || (from)->min < (into)->min) (into)->min = (from)->min;                                                      \
		if ((from)->max > (into)->max) (into)->max = (from)->max;                                                                            \
		(into)->count += (from)->count;                                                                                                      \
		(into)->clipped += (from)->clipped;                                                                                                  \
		if (__builtin_add_overflow((into)->sum, (from)->sum, &(into)->sum)) (into)->sum = INT64_MAX;                                         \
		uint32_t end_ = slot_of((from)->max);                                                                                                \
		for (uint32_t i_ = slot_of((from)->min); i_ <= end_; i_++) (into)->slots[i_] += (from)->slots[i_];                                   \
	} while (0)

void hist_merge(struct hist *into, const struct hist *from) {
	HIST_MERGE(into, from, hist_slot);
}

void histlet_merge(struct histlet *into, const struct histlet *from) {
	HIST_MERGE(into, from, histlet_slot);
}

uint64_t hist_rank(uint64_t count, double q) {
	if (q <= 0) return 1;
	if (q >= 1) return count > 0 ? count : 1;
	uint64_t steps = (uint64_t)(q * (double)QUANTILE_STEPS + 0.5);
	uint64_t rank = (uint64_t)(((unsigned __int128)count * steps + QUANTILE_STEPS - 1) / QUANTILE_STEPS);
	return rank > 0 ? rank : 1;
}

nsec hist_at_rank(const struct hist *hist, uint64_t rank) {
	if (hist->count == 0) return 0;
	uint32_t slot = hist_slot(hist->min);
	uint32_t end = hist_slot(hist->max);
	for (uint64_t seen = hist->slots[slot]; seen < rank && slot < end;) seen += hist->slots[++slot];
	return hist_slot_high(slot);
}

nsec histlet_at_rank(const struct histlet *histlet, uint64_t rank) {
	if (histlet->count == 0) return 0;
	uint32_t slot = histlet_slot(histlet->min);
	uint32_t end = histlet_slot(histlet->max);
	for (uint64_t seen = histlet->slots[slot]; seen < rank && slot < end;) seen += histlet->slots[++slot];
	return histlet_slot_high(slot);
}

nsec hist_quantile(const struct hist *hist, double q) {
	return hist_at_rank(hist, hist_rank(hist->count, q));
}

nsec histlet_quantile(const struct histlet *histlet, double q) {
	return histlet_at_rank(histlet, hist_rank(histlet->count, q));
}
