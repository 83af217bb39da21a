#include "record/parcel.h"

#include <assert.h>

#include "record/parcel_bytes.h"
#include "record/parcel_hist.h"
#include "record/parcel_members.h"

#define ROW_ALL 0
#define HISTS (sizeof(struct totals) / sizeof(struct hist))
_Static_assert(sizeof(struct totals) == HISTS * sizeof(struct hist), "struct totals is a list of histograms");

/* What both ends must have in common. */
static const uint64_t shape[] = {
	PARCEL_VERSION, sizeof(struct tally), sizeof(struct cell), sizeof(struct parcel_facts), REASON_COUNT, HISTS, DIGEST_SLOTS};

/* The n-th histogram of the totals. */
static struct hist *totals_hist(struct totals *totals, size_t n) {
	return totals ? (struct hist *)((char *)totals + n * sizeof(struct hist)) : NULL;
}

#define TIMES_ALONE "a group has times without requests"

/* As record/tally.c sees it. */
static bool cell_counts(const struct cell *cell) {
	return cell->ok | cell->failed | cell->open | cell->unsent | cell->opened;
}

static void put_cell(struct parcel_out *out, const struct cell *cell) {
	parcel_put(out, cell_counts(cell));
	if (!cell_counts(cell)) return;
	parcel_put_members(out, &parcel_cell_books, cell);
	parcel_put_members(out, &parcel_cell_members, cell);
	parcel_put_histlet(out, &cell->response_ok);
	parcel_put_histlet(out, &cell->response_other);
	parcel_put_histlet(out, &cell->service);
}

static void put_all(struct parcel_out *out, const struct parcel *parcel) {
	for (size_t i = 0; i < LENGTH(shape); i++) parcel_put(out, shape[i]);
	parcel_put(out, parcel->tally->cell_count);
	parcel_put_members(out, &parcel_tally_members, parcel->tally);
	parcel_put_histlet(out, &parcel->tally->late);
	for (size_t i = 0; i < parcel->tally->cell_count; i++) put_cell(out, &parcel->tally->cells[i]);
	parcel_put_facts(out, &parcel->facts);
	parcel_put(out, parcel->step_count);
	for (size_t i = 0; i < parcel->step_count; i++) parcel_put_list(out, parcel->step_reasons[i], REASON_COUNT);
	parcel_put(out, parcel->url_count);
	for (size_t i = 0; i < parcel->url_count; i++) parcel_put_digest(out, &parcel->urls[i]);
	parcel_put(out, parcel->totals != NULL);
	for (size_t i = 0; parcel->totals && i < HISTS; i++) parcel_put_hist(out, (const struct hist *)parcel->totals + i);
}

bool parcel_write(const struct parcel *parcel, struct buf *into) {
	size_t before = into->size;
	bool was_full = into->full;
	struct parcel_out out = {.buf = into};
	into->full = false;
	put_all(&out, parcel);
	parcel_flush(&out);
	bool fits = !into->full;
	if (!fits && into->at) into->at[into->size = before] = '\0';
	into->full = was_full || !fits;
	return fits;
}

/* A way through a parcel: to check it, or to add it. */
struct walk {
	struct parcel_in in;
	const struct parcel_map *map;
	struct parcel_sum *sum;
	bool adds;
};

static void take_shape(struct parcel_in *in, size_t cells) {
	static const char *const words[] = {"it is of another version of strest: use the same one on all machines",
		"it is of another build of strest: use the same one on all machines"};
	for (size_t i = 0; i < LENGTH(shape); i++)
		if (parcel_take(in) != shape[i]) parcel_refuse(in, words[i > 0]);
	if (parcel_take(in) != cells) parcel_refuse(in, "its groups are not those of this run");
}

static bool take_mark(struct parcel_in *in) {
	return parcel_take_most(in, 1, "a mark is neither 0 nor 1");
}

/* Adds a cell behind its mark, which says that it counts something: times alone would be overlooked by those who clear it. */
static void add_cell(struct parcel_in *in, struct cell *into) {
	unsigned char any = 0;
	const unsigned char *from = in->at;
	parcel_add_members(in, &parcel_cell_books, into);
	for (; from < in->at; from++) any |= *from;
	if (any == 0) parcel_refuse(in, TIMES_ALONE);
	parcel_add_members(in, &parcel_cell_members, into);
	parcel_add_histlet(in, into ? &into->response_ok : NULL);
	parcel_add_histlet(in, into ? &into->response_other : NULL);
	parcel_add_histlet(in, into ? &into->service : NULL);
}

/* Our cell for a row of the sender; NULL: `into` is. */
static struct cell *cell_of(struct tally *into, const struct parcel_map *map, size_t row) {
	if (map->rows) row = map->rows[row];
	assert(!into || row < into->cell_count);
	return into ? &into->cells[row] : NULL;
}

static void add_tally(struct parcel_in *in, const struct parcel_map *map, struct tally *into) {
	take_shape(in, map->count);
	parcel_add_members(in, &parcel_tally_members, into);
	parcel_add_histlet(in, into ? &into->late : NULL);
	for (size_t i = 0; i < map->count; i++)
		if (take_mark(in)) add_cell(in, cell_of(into, map, i));
}

static void add_steps(struct walk *walk) {
	struct parcel_in *in = &walk->in;
	size_t ours = walk->sum->step_count;
	uint64_t count = parcel_take(in);
	if (count > 0 && ours > 0 && count != ours) parcel_refuse(in, "its steps are not those of this run");
	for (uint64_t i = 0; i < count && !in->why; i++)
		parcel_add_list(in, walk->adds && ours > 0 ? walk->sum->step_reasons[i] : NULL, REASON_COUNT);
}

static void add_urls(struct walk *walk) {
	struct parcel_in *in = &walk->in;
	size_t ours = walk->sum->url_count;
	uint64_t count = parcel_take(in);
	if (count > 0 && ours > 0 && count != ours) parcel_refuse(in, "its URLs are not those of this run");
	for (uint64_t i = 0; i < count && !in->why; i++) parcel_add_digest(in, walk->adds && ours > 0 ? &walk->sum->urls[i] : NULL);
}

static void add_totals(struct walk *walk) {
	struct parcel_in *in = &walk->in;
	if (!take_mark(in)) return;
	for (size_t i = 0; i < HISTS && !in->why; i++) parcel_add_hist(in, totals_hist(walk->adds ? walk->sum->totals : NULL, i));
}

/* Takes what stands behind the tally. */
static void walk_rest(struct walk *walk) {
	parcel_add_facts(&walk->in, walk->adds ? walk->sum : NULL);
	add_steps(walk);
	add_urls(walk);
	add_totals(walk);
	if (walk->in.at < walk->in.end) parcel_refuse(&walk->in, "bytes follow its end");
}

static void walk_all(struct walk *walk) {
	add_tally(&walk->in, walk->map, walk->adds ? walk->sum->tally : NULL);
	walk_rest(walk);
}

static bool refused(const struct parcel_in *in, struct err *err) {
	size_t size = (size_t)(in->end - in->begin);
	return err_set(err, ERR_FAILED, "the counts of the run cannot be used: %s (byte %zu of %zu)", in->why, in->fault_at, size);
}

/* Reads all of it without adding anything. */
static bool check(struct slice bytes, const struct parcel_map *map, struct parcel_sum *sum, struct err *err) {
	struct walk walk = {.in = parcel_open(bytes), .map = map, .sum = sum};
	walk_all(&walk);
	return walk.in.why ? refused(&walk.in, err) : true;
}

bool parcel_add(struct slice bytes, const struct parcel_map *map, struct parcel_sum *into, struct err *err) {
	if (!check(bytes, map, into, err)) return false;
	struct walk walk = {.in = parcel_open(bytes), .map = map, .sum = into, .adds = true};
	walk_all(&walk);
	assert(!walk.in.why);
	return true;
}

static void subtract_cell(struct parcel_in *old, struct parcel_in *new, struct cell *into) {
	bool had = take_mark(old), has = take_mark(new);
	if (had && !has) return parcel_refuse(new, "a group has lost its counts");
	if (!has) return;
	if (!had) return add_cell(new, into);
	bool grew = parcel_subtract_members(old, new, &parcel_cell_books, into);
	bool has_more = parcel_subtract_members(old, new, &parcel_cell_members, into);
	has_more |= parcel_subtract_histlet(old, new, into ? &into->response_ok : NULL);
	has_more |= parcel_subtract_histlet(old, new, into ? &into->response_other : NULL);
	has_more |= parcel_subtract_histlet(old, new, into ? &into->service : NULL);
	if (has_more && !grew) parcel_refuse(new, TIMES_ALONE);
}

/* Adds the difference of two parcels; NULL: `new` is only checked. */
static void subtract_tally(struct parcel_in *old, struct parcel_in *new, const struct parcel_map *map, struct tally *into) {
	take_shape(old, map->count);
	take_shape(new, map->count);
	parcel_subtract_members(old, new, &parcel_tally_members, into);
	parcel_subtract_histlet(old, new, into ? &into->late : NULL);
	for (size_t i = 0; i < map->count && !new->why; i++) subtract_cell(old, new, cell_of(into, map, i));
}

bool parcel_subtract(struct slice old, struct slice new, const struct parcel_map *map, struct tally *into, struct err *err) {
	struct parcel_sum sum = {.tally = into};
	if (old.size == 0) return parcel_add(new, map, &sum, err);
	struct parcel_in before = parcel_open(old), after;
	struct walk walk = {.in = parcel_open(new), .map = map, .sum = &sum};
	subtract_tally(&before, &walk.in, map, NULL);
	walk_rest(&walk);
	if (before.why) return refused(&before, err);
	if (walk.in.why) return refused(&walk.in, err);
	before = parcel_open(old);
	after = parcel_open(new);
	subtract_tally(&before, &after, map, into);
	return true;
}

/* The time by which a slot stands. */
static nsec slot_time(const struct histlet *from, uint32_t slot) {
	nsec high = histlet_slot_high(slot);
	return high < from->max ? high : from->max;
}

/* Adds the times of the slots from `first` on. */
static void add_times(const struct histlet *from, uint32_t first, struct hist *into) {
	if (from->count == 0) return;
	for (uint32_t i = first; i <= histlet_slot(from->max); i++)
		if (from->slots[i] > 0) hist_record(into, slot_time(from, i), from->slots[i]);
	into->clipped += from->clipped;
}

/* Adds the times of each slot to two histograms, by the share of the ok ones in all. */
static void split_times(const struct histlet *from, uint64_t ok, struct hist *into_ok, struct hist *into_other) {
	uint64_t seen = 0, seen_ok = 0;
	if (ok > from->count) ok = from->count;
	for (uint32_t i = 0; seen < from->count && i < HISTLET_SLOTS; i++) {
		if (from->slots[i] == 0) continue;
		seen += from->slots[i];
		uint64_t upto = (uint64_t)((unsigned __int128)seen * ok / from->count), more = upto - seen_ok;
		if (more > 0) hist_record(into_ok, slot_time(from, i), more);
		if (from->slots[i] > more) hist_record(into_other, slot_time(from, i), from->slots[i] - more);
		seen_ok = upto;
	}
}

void parcel_totals_from_tally(const struct tally *tally, struct totals *into) {
	assert(tally->cell_count > ROW_ALL);
	const struct cell *all = &tally->cells[ROW_ALL];
	add_times(&all->response_ok, 0, &into->response_ok);
	add_times(&all->response_other, 0, &into->response_failed);
	split_times(&all->service, all->ok, &into->service_ok, &into->service_failed);
	add_times(&tally->late, 1, &into->parts[PART_LATE]); /* slot 0 is under 1 us */
}
