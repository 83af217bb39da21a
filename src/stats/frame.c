#include "stats/frame.h"

#define BAND_FIRST (100 * USEC)

unsigned frame_band(nsec time) {
	static const nsec thirds[] = {1000000, 2154435, 4641589}; /* 10^(0/3), 10^(1/3), 10^(2/3), in millionths */
	nsec decade = BAND_FIRST;
	for (unsigned band = 0; band < FRAME_BANDS - 1; band++) {
		if (time < decade / 1000 * thirds[band % 3] / 1000) return band;
		if (band % 3 == 2) decade *= 10;
	}
	return FRAME_BANDS - 1;
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
