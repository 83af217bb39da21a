#include "stats/frame.h"

#define BANDS_PER_DECADE 6

nsec frame_band_low(unsigned band) {
	static const nsec firsts[BANDS_PER_DECADE] = {100000, 146780, 215443, 316228, 464159, 681292}; /* 100 us x 10^(n/6) */
	nsec low = band > 0 ? firsts[(band - 1) % BANDS_PER_DECADE] : 0;
	for (unsigned decade = 0; band > 0 && decade < (band - 1) / BANDS_PER_DECADE; decade++) low *= 10;
	return low;
}

unsigned frame_band(nsec time) {
	unsigned low = 0, high = FRAME_BANDS - 1;
	while (low < high) {
		unsigned middle = (low + high + 1) / 2;
		if (time >= frame_band_low(middle))
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void frame_add_reason(struct frame *frame, enum reason reason, uint64_t count) {
	size_t at = frame->reason_count < FRAME_REASONS ? frame->reason_count++ : FRAME_REASONS;
	if (at == FRAME_REASONS && frame->reasons[--at].count >= count) return;
	for (; at > 0 && frame->reasons[at - 1].count < count; at--) frame->reasons[at] = frame->reasons[at - 1];
	frame->reasons[at].reason = reason;
	frame->reasons[at].count = count;
}

void frame_count_reasons(struct frame *frame, const uint64_t counts[REASON_COUNT]) {
	for (int i = 0; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;
		uint64_t count = counts[i];
		enum outcome outcome = reason_outcome(reason);
		if (outcome == OUTCOME_OK || reason == REASON_OPEN || count == 0) continue;
		frame_add_reason(frame, reason, count);
		if (outcome == OUTCOME_TIMEOUT)
			frame->timeouts += count;
		else if (outcome == OUTCOME_STATUS || outcome == OUTCOME_ASSERT)
			frame->unexpected += count;
		else
			frame->transport += count;
	}
}
