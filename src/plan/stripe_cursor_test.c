/* Several machines walk one schedule: together every number once, due as for one process, also when the stripes change on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "plan/schedule.h"

enum { WALK = 20000, AGENTS = 3, THREADS = 2, PIECES = 5 };

static struct arena arena;

static int setup(void **state) {
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct stripe build(size_t count, const uint64_t *weights, size_t agent) {
	struct stripe stripe;
	struct err err;
	if (!stripe_build(&(struct stripe_share){count, agent, weights}, &arena, &stripe, &err)) fail_msg("%s", err.text);
	return stripe;
}

static const struct shape {
	double rate;
	const char *stages;
	bool poisson;
} shapes[] = {
	{997, NULL, false},
	{0, "5s@500,5s@20,5s@20,3s@0,2s@900", false},
	{100, "10s@0,5s@0,5s@700", false},
	{997, NULL, true},
	{0, "5s@500,5s@20,5s@20,3s@0,2s@900", true},
};

/* The schedule of a shape, and what one process alone would do. */
static struct schedule schedule;
static nsec due[WALK];
static uint64_t due_count;

static void walk_alone(const struct shape *shape) {
	static struct stage_list list;
	struct slice bad;
	struct cursor cursor;
	list.count = 0;
	if (shape->stages) assert_true(stage_list_parse(slice_of(shape->stages), &list, &bad));
	schedule = (struct schedule){0};
	schedule_build(&schedule, shape->rate, &list);
	schedule.poisson = shape->poisson;
	schedule.seed = 42;
	due_count = 0;
	for (cursor_init(&cursor, &schedule, 0, 1); due_count < WALK && cursor.due < 20 * SEC; cursor_next(&cursor)) {
		assert_int_equal(cursor.k, due_count);
		due[due_count++] = cursor.due;
	}
	assert_true(due_count > 1000);
}

static void three_machines_walk_what_one_would(void **state) {
	(void)state;
	static const uint64_t weights[AGENTS] = {1, 2, 3};
	static uint8_t seen[WALK], owner[WALK];
	for (size_t i = 0; i < LENGTH(shapes); i++) {
		walk_alone(&shapes[i]);
		memset(seen, 0, sizeof(seen));
		for (size_t agent = 0; agent < AGENTS; agent++) {
			uint64_t own = 0;
			struct stripe_piece piece = {.stripe = build(AGENTS, weights, agent)};
			for (uint64_t thread = 0; thread < THREADS; thread++) {
				struct cursor cursor;
				cursor_init_part(&cursor, &schedule, &(struct cursor_part){&piece, thread, THREADS, UINT64_MAX});
				for (; cursor.k < due_count; cursor_next(&cursor), own++) {
					assert_int_equal(cursor.due, due[cursor.k]);
					seen[cursor.k]++;
					owner[cursor.k] = (uint8_t)(agent * THREADS + thread);
				}
			}
			double share = (double)due_count * (double)weights[agent] / 6;
			assert_true((double)own > share - 1 && (double)own < share + 1);
		}
		for (uint64_t k = 0; k < due_count; k++) assert_int_equal(seen[k], 1);
		/* The agent of weight 3 has the residues 0, 2, 5 of 6, by turns for its two threads: 0, 2, 5, 6, 8, 11, ... */
		for (uint64_t k = 0; k + 12 < due_count; k += 12)
			if (owner[k] != 4 || owner[k + 2] != 5 || owner[k + 5] != 4 || owner[k + 6] != 5) fail_msg("round of %" PRIu64, k);
	}
}

/* Skipping is counting, for every agent and thread, with a limit and without. */
static void skips_count_what_lies_between(void **state) {
	(void)state;
	static const uint64_t weights[] = {1, 7, 2, 5};
	for (size_t i = 0; i < LENGTH(shapes); i++) {
		walk_alone(&shapes[i]);
		for (size_t agent = 0; agent < LENGTH(weights); agent++) {
			struct stripe_piece piece = {.stripe = build(LENGTH(weights), weights, agent)};
			for (uint64_t shares = 1; shares <= 4; shares++) {
				uint64_t limit = shares % 2 ? UINT64_MAX : 700;
				struct cursor cursor;
				cursor_init_part(&cursor, &schedule, &(struct cursor_part){&piece, shares / 2, shares, limit});
				uint64_t k = 0;
				for (nsec at = 0; at < 19 * SEC; at += 377 * MSEC) {
					uint64_t expected = 0;
					for (; k < due_count && due[k] < at; k++)
						expected += k < limit && stripe_has(&piece.stripe, k) &&
							    stripe_count(&piece.stripe, k) % shares == shares / 2;
					assert_int_equal(cursor_skip(&cursor, at), expected);
					assert_true(cursor.k >= limit ? cursor.due == NSEC_NEVER : cursor.due >= at);
				}
			}
		}
	}
}

static void the_first_number_at_an_instant_is_found(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(shapes); i++) {
		walk_alone(&shapes[i]);
		struct stripe_piece piece = {.stripe = build(2, (const uint64_t[]){1, 40}, 0)};
		struct cursor cursor;
		cursor_init_part(&cursor, &schedule, &(struct cursor_part){&piece, 0, 1, UINT64_MAX});
		uint64_t k = 0;
		for (nsec at = 0; at < 18 * SEC; at += 531 * MSEC) {
			while (due[k] < at) k++;
			assert_int_equal(cursor_first_at(&cursor, at), k);
			cursor_skip(&cursor, at);
			assert_int_equal(cursor_first_at(&cursor, at), k);
			assert_int_equal(cursor_first_at(&cursor, due[k]), k);
			if (due[k + 1] > due[k]) assert_int_equal(cursor_first_at(&cursor, due[k] + 1), k + 1);
		}
	}
}

/* Pieces with changes at 3, 3.5, 9, 9 s; the last two begin with the same number. */
static void build_pieces(struct stripe_piece *pieces) {
	static const nsec at[PIECES] = {0, 3 * SEC, 3500 * MSEC, 9 * SEC, 9 * SEC};
	struct cursor cursor;
	cursor_init(&cursor, &schedule, 0, 1);
	pieces[0] = (struct stripe_piece){0, 0, build(3, (const uint64_t[]){1, 2, 3}, 1)};
	pieces[1] = (struct stripe_piece){.at = at[1], .stripe = build(2, (const uint64_t[]){1, 1}, 1)};
	pieces[2] = (struct stripe_piece){.at = at[2], .stripe = build(4, (const uint64_t[]){5, 1, 9, 2}, 1)};
	pieces[3] = (struct stripe_piece){.at = at[3], .stripe = build(2, (const uint64_t[]){1, 1}, 0)};
	pieces[4] = (struct stripe_piece){.at = at[4], .stripe = stripe_whole};
	for (size_t i = 1; i < PIECES; i++) pieces[i].from = cursor_first_at(&cursor, at[i]);
	for (size_t i = 1; i < PIECES; i++) assert_true(due[pieces[i].from] >= at[i] && due[pieces[i].from - 1] < at[i]);
}

/* Returns whether number k is that share's, by the rule: the piece that holds there, and the number's number in its stripe. */
static bool is_mine(const struct stripe_piece *pieces, uint64_t k, uint64_t share, uint64_t shares) {
	size_t i = PIECES - 1;
	while (pieces[i].from > k) i--;
	return stripe_has(&pieces[i].stripe, k) && stripe_count(&pieces[i].stripe, k) % shares == share;
}

/* Each piece is told `ahead` before it holds; the cursor, as a worker's does, stands on its next number by then, which may lie far beyond. */
static void changes_hold_from_their_number_on(void **state) {
	(void)state;
	static const nsec aheads[] = {1, 200 * MSEC, 10 * SEC};
	struct stripe_piece pieces[PIECES];
	for (size_t i = 0; i < LENGTH(shapes) * LENGTH(aheads) * 4; i++) {
		uint64_t shares = 1 + i % 4, share = shares / 2, mine = 0;
		nsec ahead = aheads[i / 4 % LENGTH(aheads)];
		walk_alone(&shapes[i / 4 / LENGTH(aheads)]);
		build_pieces(pieces);
		struct cursor cursor, skipping;
		cursor_init_part(&cursor, &schedule, &(struct cursor_part){pieces, share, shares, UINT64_MAX});
		skipping = cursor;
		unsigned known = 1;
		for (uint64_t k = 0; k < due_count; k++) {
			while (known < PIECES && due[k] >= pieces[known].at - ahead) assert_int_equal(cursor_learn(&cursor, ++known), 0);
			if (!is_mine(pieces, k, share, shares)) continue;
			if (cursor.k != k || cursor.due != due[k]) fail_msg("shape and case %zu: number %" PRIu64 ", not %" PRIu64, i, cursor.k, k);
			cursor_next(&cursor);
			mine++;
		}
		/* Whoever knows all from the start skips over them alike. */
		cursor_learn(&skipping, PIECES);
		uint64_t skipped = cursor_skip(&skipping, 6 * SEC);
		skipped += cursor_skip(&skipping, due[due_count - 1] + 1);
		assert_int_equal(skipped, mine);
		assert_int_equal(skipping.k, cursor.k);
		assert_int_equal(skipping.due, cursor.due);
	}
}

/* At 100/s, one of two until 1 s (number 100), then all: a thread that has passed 120 by then has lost 101, 103, ... 119. */
static void what_is_told_too_late_is_lost(void **state) {
	(void)state;
	static const struct stage_list none = {0};
	struct stripe_piece pieces[] = {{.stripe = build(2, (const uint64_t[]){1, 1}, 0)}, {100, SEC, stripe_whole}};
	struct cursor cursor;
	schedule = (struct schedule){0};
	schedule_build(&schedule, 100, &none);
	cursor_init_part(&cursor, &schedule, &(struct cursor_part){pieces, 0, 1, UINT64_MAX});
	while (cursor.k <= 120) cursor_next(&cursor);
	assert_int_equal(cursor_learn(&cursor, 2), 10);
	assert_int_equal(cursor.k, 121);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_machines_walk_what_one_would),
		cmocka_unit_test(skips_count_what_lies_between),
		cmocka_unit_test(the_first_number_at_an_instant_is_found),
		cmocka_unit_test(changes_hold_from_their_number_on),
		cmocka_unit_test(what_is_told_too_late_is_lost),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
