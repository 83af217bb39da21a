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

/* Goes to number `target`, not below the present one. */
static void cursor_walk(struct cursor *cursor, uint64_t target) {
	double mass = (double)target;
	cursor->before_k = cursor->k;
	if (cursor->schedule->poisson) {
		mass = cursor->before_mass = cursor->mass;
		for (uint64_t i = cursor->k; i < target; i++) mass += schedule_draw(cursor->schedule->seed, i);
		cursor->mass = mass;
	}
	cursor->k = target;
	cursor->due = target < cursor->part.k_end ? schedule_moment(cursor->schedule, mass) : NSEC_NEVER;
}

/* Stands on number j of the present stripe; returns k. */
static uint64_t cursor_put(struct cursor *cursor, uint64_t j) {
	const struct stripe *stripe = cursor->stripe;
	cursor->place = (uint32_t)(j % stripe->count);
	cursor->base = j / stripe->count * stripe->modulus;
	return cursor->base + stripe->residues[cursor->place];
}

/* Stands on the first number of the share in piece `piece`; returns it. */
static uint64_t cursor_enter(struct cursor *cursor, unsigned piece) {
	const struct stripe_piece *entered = &cursor->part.pieces[piece];
	uint64_t share = cursor->part.share, shares = cursor->part.shares;
	cursor->piece = piece;
	cursor->stripe = &entered->stripe;
	cursor->place_step = (uint32_t)(shares % entered->stripe.count);
	cursor->base_step = shares / entered->stripe.count * entered->stripe.modulus;
	cursor->k_turn = piece + 1 < cursor->known ? entered[1].from : UINT64_MAX;
	uint64_t j = stripe_count(cursor->stripe, entered->from);
	return cursor_put(cursor, j + (share + shares - j % shares) % shares);
}

/* Returns `target`, or what stands in its place if other pieces hold there. */
static uint64_t cursor_settle(struct cursor *cursor, uint64_t target) {
	while (target >= cursor->k_turn) target = cursor_enter(cursor, cursor->piece + 1);
	return target;
}

void cursor_init_part(struct cursor *cursor, const struct schedule *schedule, const struct cursor_part *part) {
	*cursor = (struct cursor){.schedule = schedule, .part = *part, .known = 1};
	cursor_walk(cursor, cursor_enter(cursor, 0));
}

void cursor_init(struct cursor *cursor, const struct schedule *schedule, uint64_t share, uint64_t shares) {
	cursor_init_part(cursor, schedule, &(struct cursor_part){&stripe_piece_whole, share, shares, UINT64_MAX});
}

/* Takes a step in the present stripe and returns the number there, or what stands in its place if other pieces hold there. */
static inline uint64_t cursor_step(struct cursor *cursor) {
	const struct stripe *stripe = cursor->stripe;
	cursor->place += cursor->place_step;
	cursor->base += cursor->base_step;
	if (cursor->place >= stripe->count) {
		cursor->place -= stripe->count;
		cursor->base += stripe->modulus;
	}
	uint64_t target = cursor->base + stripe->residues[cursor->place];
	return target < cursor->k_turn ? target : cursor_settle(cursor, target);
}

uint64_t cursor_learn(struct cursor *cursor, unsigned known) {
	uint64_t lost = 0;
	cursor->known = known;
	if (cursor->piece + 1 >= known) return 0;
	cursor->k_turn = cursor->part.pieces[cursor->piece + 1].from;
	if (cursor->k < cursor->k_turn) return 0;
	const struct stripe *former = cursor->stripe;
	uint64_t target = cursor_settle(cursor, cursor->k), share = cursor->part.share, shares = cursor->part.shares;
	for (; cursor->has_passed && target <= cursor->before_k; target = cursor_step(cursor))
		lost += !stripe_has(former, target) || stripe_count(former, target) % shares != share;
	cursor->k = cursor->before_k;
	cursor->mass = cursor->before_mass;
	cursor_walk(cursor, target);
	return lost;
}

uint64_t cursor_first_at(const struct cursor *cursor, nsec at) {
	struct cursor whole;
	cursor_init(&whole, cursor->schedule, 0, 1);
	whole.mass = cursor->before_mass;
	whole.k = cursor->before_k;
	whole.base = cursor->before_k;
	cursor_walk(&whole, whole.k);
	cursor_skip(&whole, at);
	return whole.k;
}

void cursor_next(struct cursor *cursor) {
	cursor->has_passed = true;
	cursor_walk(cursor, cursor_step(cursor));
}

/* Even spacing: passes what lies before number `bound` of the present piece, and returns how many that were. The cursor stands below it. */
static uint64_t cursor_jump(struct cursor *cursor, uint64_t bound) {
	uint64_t j = cursor->base / cursor->stripe->modulus * cursor->stripe->count + cursor->place;
	uint64_t passed = (stripe_count(cursor->stripe, bound) - j - 1) / cursor->part.shares + 1;
	cursor->has_passed = true;
	cursor_walk(cursor, cursor_settle(cursor, cursor_put(cursor, j + passed * cursor->part.shares)));
	return passed;
}

uint64_t cursor_skip(struct cursor *cursor, nsec at) {
	uint64_t passed = 0;
	if (!cursor->schedule->poisson && cursor->due < at) { /* jump to just below the answer, then step */
		double integral = schedule_integral(cursor->schedule, at);
		uint64_t aim = integral > 2 ? (uint64_t)(integral - 2) : 0;
		if (aim > cursor->part.k_end) aim = cursor->part.k_end;
		while (cursor->k < aim) passed += cursor_jump(cursor, aim < cursor->k_turn ? aim : cursor->k_turn);
	}
	for (; cursor->due < at; passed++) cursor_next(cursor);
	return passed;
}
