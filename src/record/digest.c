#include "record/digest.h"

#include "record/hist.h"

static nsec digest_clip(nsec time) {
	if (time < 0) return 0;
	return time < HIST_MAX ? time : HIST_MAX;
}

uint32_t digest_slot(nsec time) {
	return hist_index((uint64_t)digest_clip(time) / (uint64_t)DIGEST_UNIT, DIGEST_SUB_BITS);
}

static nsec digest_slot_high(uint32_t slot) {
	return (nsec)hist_index_low(slot + 1, DIGEST_SUB_BITS) * DIGEST_UNIT - 1;
}

void digest_record(struct digest *digest, const struct sample *sample) {
	nsec time = digest_clip(sample_response(sample));
	bool first = digest_count(digest) == 0;
	if (sample->flags & SAMPLE_OPEN)
		digest->open++;
	else if (sample->reason == REASON_NONE)
		digest->ok++;
	else
		digest->failed++;
	digest->bytes += sample->bytes;
	if (first || time < digest->min) digest->min = time;
	if (time > digest->max) digest->max = time;
	if (__builtin_add_overflow(digest->sum, time, &digest->sum)) digest->sum = INT64_MAX;
	uint32_t *slot = &digest->slots[digest_slot(time)];
	*slot += *slot < UINT32_MAX;
}

void digest_merge(struct digest *into, const struct digest *from) {
	if (digest_count(from) == 0) return;
	if (digest_count(into) == 0 || from->min < into->min) into->min = from->min;
	if (from->max > into->max) into->max = from->max;
	into->ok += from->ok;
	into->failed += from->failed;
	into->open += from->open;
	into->bytes += from->bytes;
	if (__builtin_add_overflow(into->sum, from->sum, &into->sum)) into->sum = INT64_MAX;
	uint32_t last = digest_slot(from->max);
	for (uint32_t i = digest_slot(from->min); i <= last; i++)
		if (__builtin_add_overflow(into->slots[i], from->slots[i], &into->slots[i])) into->slots[i] = UINT32_MAX;
}

nsec digest_quantile(const struct digest *digest, double q) {
	uint64_t count = digest_count(digest);
	if (count == 0) return 0;
	uint64_t rank = hist_rank(count, q);
	uint32_t slot = digest_slot(digest->min);
	uint32_t last = digest_slot(digest->max);
	for (uint64_t seen = digest->slots[slot]; seen < rank && slot < last;) seen += digest->slots[++slot];
	nsec high = digest_slot_high(slot);
	return high < digest->max ? high : digest->max;
}
