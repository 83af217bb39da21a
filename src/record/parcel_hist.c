#include "record/parcel_hist.h"

#define SHRUNK "it has counted less than the one before it"
#define UNEQUAL "a histogram's parts contradict each other"

/* What stands before the slots. */
struct head {
	uint64_t count, clipped;
	nsec sum, min, max;
};

/* One of the two layouts. */
struct layout {
	uint32_t slots;
	uint32_t (*slot)(nsec time);
};
static const struct layout hist_layout = {HIST_SLOTS, hist_slot};
static const struct layout histlet_layout = {HISTLET_SLOTS, histlet_slot};

#define HEAD_OF(from) ((struct head){(from)->count, (from)->clipped, (from)->sum, (from)->min, (from)->max})

#define HEAD_MERGE(into, head)                                                                                                                       \
	do {                                                                                                                                         \
		if ((head)->count == 0) return;                                                                                                      \
		if ((into)->count == 0 || (head)->min < (into)->min) (into)->min = (head)->min;                                                      \
		if ((head)->max > (into)->max) (into)->max = (head)->max;                                                                            \
		(into)->count += (head)->count;                                                                                                      \
		(into)->clipped += (head)->clipped;                                                                                                  \
		if (__builtin_add_overflow((into)->sum, (head)->sum, &(into)->sum)) (into)->sum = INT64_MAX;                                         \
	} while (0)

static void put_times(struct parcel_out *out, const struct head *head, const uint64_t *slots, const struct layout *layout) {
	parcel_put(out, head->count);
	if (head->count == 0) return;
	parcel_put(out, head->clipped);
	parcel_put(out, (uint64_t)head->sum);
	parcel_put(out, (uint64_t)head->min);
	parcel_put(out, (uint64_t)head->max);
	parcel_put_entries(out, slots, layout->slot(head->min), layout->slot(head->max) + 1);
	parcel_put(out, 0);
}

void parcel_put_hist(struct parcel_out *out, const struct hist *hist) {
	put_times(out, &HEAD_OF(hist), hist->slots, &hist_layout);
}

void parcel_put_histlet(struct parcel_out *out, const struct histlet *histlet) {
	put_times(out, &HEAD_OF(histlet), histlet->slots, &histlet_layout);
}

/* Returns whether `count` times from min to max can add up to `sum`, which saturates. */
static bool sum_is_possible(nsec sum, uint64_t count, nsec min, nsec max) {
	if (sum > (__int128)max * count) return false;
	return sum >= (__int128)min * count || sum == INT64_MAX;
}

/* Takes sum, min and max of `count` times. */
static void take_extremes(struct parcel_in *in, struct head *head) {
	head->sum = (nsec)parcel_take_most(in, INT64_MAX, UNEQUAL);
	head->min = (nsec)parcel_take_most(in, HIST_MAX, UNEQUAL);
	head->max = (nsec)parcel_take_most(in, HIST_MAX, UNEQUAL);
	if (head->min > head->max || !sum_is_possible(head->sum, head->count, head->min, head->max)) parcel_refuse(in, UNEQUAL);
}

/* Takes a head; false: the histogram is empty, no slots follow. */
static bool take_head(struct parcel_in *in, struct head *head) {
	*head = (struct head){.count = parcel_take_most(in, PARCEL_COUNT_MAX, "a histogram counts more than a run can")};
	if (head->count == 0) return false;
	head->clipped = parcel_take_most(in, head->count, UNEQUAL);
	take_extremes(in, head);
	return !in->why;
}

/* Takes a histogram; its slots are added to `slots`, unless that is NULL. */
static void take_times(struct parcel_in *in, struct head *head, uint64_t *slots, const struct layout *layout) {
	if (!take_head(in, head)) return;
	struct parcel_entry entry = {0};
	uint64_t rest = head->count, first = UINT64_MAX;
	while (parcel_take_entry(in, &entry, layout->slots)) {
		if (entry.value > rest) return parcel_refuse(in, UNEQUAL);
		rest -= entry.value;
		if (first == UINT64_MAX) first = entry.index;
		if (slots) slots[entry.index] += entry.value;
	}
	if (rest > 0 || first != layout->slot(head->min) || entry.next != layout->slot(head->max) + 1) parcel_refuse(in, UNEQUAL);
}

void parcel_add_hist(struct parcel_in *in, struct hist *into) {
	struct head head;
	take_times(in, &head, into ? into->slots : NULL, &hist_layout);
	if (into) HEAD_MERGE(into, &head);
}

static void head_merge_histlet(struct histlet *into, const struct head *head) {
	HEAD_MERGE(into, head);
}

void parcel_add_histlet(struct parcel_in *in, struct histlet *into) {
	struct head head;
	take_times(in, &head, into ? into->slots : NULL, &histlet_layout);
	if (into) head_merge_histlet(into, &head);
}

/* The slots that have grown. */
struct growth {
	uint64_t count, first, last; /* first, last: valid if count > 0 */
};

/* Takes the slots of both, of a head each; refuses `new` if it has less somewhere, or contradicts itself. */
static struct growth take_growth(struct parcel_in *old, struct parcel_in *new, const struct head heads[2], uint64_t *slots) {
	struct parcel_entry a = {.ended = heads[0].count == 0}, b = {0};
	struct growth growth = {0};
	uint64_t rest = heads[1].count, first = UINT64_MAX;
	if (!a.ended) parcel_take_entry(old, &a, HISTLET_SLOTS);
	while (parcel_take_entry(new, &b, HISTLET_SLOTS)) {
		bool is_same = !a.ended && a.index == b.index;
		uint64_t before = is_same ? a.value : 0, more = b.value - before;
		if ((!a.ended && a.index < b.index) || b.value < before) parcel_refuse(new, SHRUNK);
		if (b.value > rest) parcel_refuse(new, UNEQUAL);
		if (new->why) return growth;
		if (is_same) parcel_take_entry(old, &a, HISTLET_SLOTS);
		rest -= b.value;
		if (first == UINT64_MAX) first = b.index;
		if (more == 0) continue;
		if (growth.count == 0) growth.first = b.index;
		growth.last = b.index;
		growth.count += more;
		if (slots) slots[b.index] += more;
	}
	if (!a.ended) parcel_refuse(new, SHRUNK);
	if (rest > 0 || first != histlet_slot(heads[1].min) || b.next != histlet_slot(heads[1].max) + 1) parcel_refuse(new, UNEQUAL);
	return growth;
}

/* Works out the head of the difference; false: the two contradict each other. */
static bool head_subtract(const struct head *old, const struct head *new, const struct growth *growth, struct head *ret) {
	bool is_first = old->count == 0;
	if (new->clipped < old->clipped || new->sum < old->sum || (!is_first && (new->min > old->min || new->max < old->max))) return false;
	*ret = (struct head){.count = growth->count, .clipped = new->clipped - old->clipped, .sum = new->sum - old->sum};
	if (growth->count == 0) return ret->clipped == 0 && ret->sum == 0 && new->min == old->min &&new->max == old->max;
	nsec low = histlet_slot_low((uint32_t)growth->first), high = histlet_slot_high((uint32_t)growth->last);
	ret->min = is_first || new->min < old->min || low < new->min ? new->min : low;
	ret->max = is_first || new->max > old->max || high > new->max ? new->max : high;
	return histlet_slot(ret->min) == growth->first && histlet_slot(ret->max) == growth->last && ret->clipped <= ret->count;
}

bool parcel_subtract_histlet(struct parcel_in *old, struct parcel_in *new, struct histlet *into) {
	struct head heads[2], difference;
	bool has_old = take_head(old, &heads[0]), has_new = take_head(new, &heads[1]);
	if (!has_new) {
		if (has_old) parcel_refuse(new, SHRUNK);
		return false;
	}
	struct growth growth = take_growth(old, new, heads, into ? into->slots : NULL);
	if (!new->why && !head_subtract(&heads[0], &heads[1], &growth, &difference)) parcel_refuse(new, SHRUNK);
	if (new->why || growth.count == 0) return false;
	if (into) head_merge_histlet(into, &difference);
	return true;
}

void parcel_put_digest(struct parcel_out *out, const struct digest *digest) {
	parcel_put(out, digest_count(digest) > 0);
	if (digest_count(digest) == 0) return;
	parcel_put(out, digest->ok);
	parcel_put(out, digest->failed);
	parcel_put(out, digest->open);
	parcel_put(out, digest->bytes);
	parcel_put(out, (uint64_t)digest->sum);
	parcel_put(out, (uint64_t)digest->min);
	parcel_put(out, (uint64_t)digest->max);
	uint64_t next = 0;
	for (uint32_t i = digest_slot(digest->min); i <= digest_slot(digest->max); i++) {
		if (digest->slots[i] == 0) continue;
		parcel_put(out, i - next + 1);
		parcel_put(out, digest->slots[i]);
		next = i + 1;
	}
	parcel_put(out, 0);
}

/* Takes the slots, which saturate, of a digest that counts `head->count`. */
static void take_digest_slots(struct parcel_in *in, const struct head *head, uint32_t *slots) {
	struct parcel_entry entry = {0};
	uint64_t rest = head->count, first = UINT64_MAX;
	bool saturated = false;
	while (parcel_take_entry(in, &entry, DIGEST_SLOTS)) {
		if (entry.value > rest || entry.value > UINT32_MAX) return parcel_refuse(in, UNEQUAL);
		rest -= entry.value;
		saturated |= entry.value == UINT32_MAX;
		if (first == UINT64_MAX) first = entry.index;
		uint32_t *slot = slots ? &slots[entry.index] : NULL;
		if (slot && __builtin_add_overflow(*slot, (uint32_t)entry.value, slot)) *slot = UINT32_MAX;
	}
	if ((rest > 0 && !saturated) || first != digest_slot(head->min) || entry.next != digest_slot(head->max) + 1) parcel_refuse(in, UNEQUAL);
}

void parcel_add_digest(struct parcel_in *in, struct digest *into) {
	static const char *const more = "a URL was asked for more often than a run can";
	if (parcel_take_most(in, 1, "a mark is neither 0 nor 1") == 0) return;
	struct digest head;
	head.ok = parcel_take_most(in, PARCEL_COUNT_MAX, more);
	head.failed = parcel_take_most(in, PARCEL_COUNT_MAX, more);
	head.open = parcel_take_most(in, PARCEL_COUNT_MAX, more);
	head.bytes = parcel_take(in);
	struct head times = {.count = digest_count(&head)};
	take_extremes(in, &times);
	if (times.count == 0) parcel_refuse(in, UNEQUAL);
	take_digest_slots(in, &times, into ? into->slots : NULL);
	if (!into) return;
	if (digest_count(into) == 0 || times.min < into->min) into->min = times.min;
	if (times.max > into->max) into->max = times.max;
	into->ok += head.ok;
	into->failed += head.failed;
	into->open += head.open;
	into->bytes += head.bytes;
	if (__builtin_add_overflow(into->sum, times.sum, &into->sum)) into->sum = INT64_MAX;
}
