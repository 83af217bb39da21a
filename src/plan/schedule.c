#include "plan/schedule.h"

#include <math.h>

#include "plan/draw.h"

void schedule_build(struct schedule *schedule, double rate, const struct stage_list *stages) {
	nsec t0 = 0;
	double k0 = 0;
	schedule->count = 0;
	for (size_t i = 0; i < stages->count; i++) {
		const struct stage *stage = &stages->at[i];
		double seconds = (double)stage->duration / 1e9;
		schedule->at[schedule->count++] = (struct segment){t0, k0, rate, (stage->target - rate) / seconds};
		k0 += (rate + stage->target) / 2 * seconds;
		if (__builtin_add_overflow(t0, stage->duration, &t0)) t0 = NSEC_NEVER; /* 292 years */
		rate = stage->target;
	}
	schedule->at[schedule->count++] = (struct segment){t0, k0, rate, 0};
}

double schedule_integral(const struct schedule *schedule, nsec at) {
	size_t i = schedule->count - 1;
	while (i > 0 && schedule->at[i].t0 > at) i--;
	const struct segment *segment = &schedule->at[i];
	double seconds = (double)(at - segment->t0) / 1e9;
	return segment->k0 + segment->rate * seconds + segment->slope / 2 * seconds * seconds;
}

nsec schedule_moment(const struct schedule *schedule, double mass) {
	size_t i = schedule->count - 1;
	while (i > 0 && schedule->at[i].k0 > mass) i--;
	const struct segment *segment = &schedule->at[i];
	double more = mass - segment->k0;
	if (more <= 0) return segment->t0;
	/* The root of slope/2 t^2 + rate t = more, in the form that loses no digits when the slope is small. */
	double root = segment->rate * segment->rate + 2 * segment->slope * more;
	double below = segment->rate + sqrt(root > 0 ? root : 0);
	if (below <= 0) return NSEC_NEVER;
	double ns = 2 * more / below * 1e9;
	if (ns > (double)(INT64_MAX / 4)) return NSEC_NEVER;
	return segment->t0 + (nsec)llround(ns);
}

double schedule_rate(const struct schedule *schedule, nsec at, bool *ret_moving) {
	size_t i = schedule->count - 1;
	while (i > 0 && schedule->at[i].t0 > at) i--;
	const struct segment *segment = &schedule->at[i];
	if (ret_moving) *ret_moving = segment->slope != 0;
	return segment->rate + segment->slope * (double)(at - segment->t0) / 1e9;
}

double schedule_peak(const struct schedule *schedule, nsec end) {
	double peak = 0;
	for (size_t i = 0; i < schedule->count && schedule->at[i].t0 < end; i++) {
		const struct segment *segment = &schedule->at[i];
		nsec until = i + 1 < schedule->count && schedule->at[i + 1].t0 < end ? schedule->at[i + 1].t0 : end;
		double last = segment->rate + segment->slope * (double)(until - segment->t0) / 1e9;
		peak = fmax(peak, fmax(segment->rate, last));
	}
	return peak;
}

double schedule_draw(uint64_t seed, uint64_t i) {
	/* Mixed twice: neighbours i share their high bits. */
	uint64_t x = draw_mix(draw_mix(seed * DRAW_STEP + i * 0xbf58476d1ce4e5b9ull + 0x94d049bb133111ebull));
	double uniform = ((double)(x >> 11) + 0.5) * 0x1p-53; /* in (0, 1) */
	return -log(uniform);
}

static void cursor_place(struct cursor *cursor) {
	cursor->due = schedule_moment(cursor->schedule, cursor->schedule->poisson ? cursor->mass : (double)cursor->k);
}

/* Moves k forward by `steps`. */
static void cursor_move(struct cursor *cursor, uint64_t steps) {
	if (cursor->schedule->poisson)
		for (uint64_t i = 0; i < steps; i++) cursor->mass += schedule_draw(cursor->schedule->seed, cursor->k + i);
	cursor->k += steps;
	cursor_place(cursor);
}

void cursor_init(struct cursor *cursor, const struct schedule *schedule, uint64_t share, uint64_t shares) {
	*cursor = (struct cursor){.schedule = schedule, .share = share, .shares = shares};
	cursor_move(cursor, share);
}

void cursor_next(struct cursor *cursor) {
	cursor_move(cursor, cursor->shares);
}

uint64_t cursor_skip(struct cursor *cursor, nsec at) {
	uint64_t passed = 0;
	if (!cursor->schedule->poisson && cursor->due < at) { /* jump to just below the answer, then step */
		double integral = schedule_integral(cursor->schedule, at);
		uint64_t aim = integral > 2 ? (uint64_t)(integral - 2) : 0;
		if (aim > cursor->k) {
			passed = (aim - cursor->k) / cursor->shares;
			cursor_move(cursor, passed * cursor->shares);
		}
	}
	for (; cursor->due < at; passed++) cursor_next(cursor);
	return passed;
}
