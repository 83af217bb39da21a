/* Any bytes as the counts of a run from another machine, behind a head that fits: two bodies, the second perhaps a later state of the first.
 * What is refused leaves no trace; what is taken can be written and taken again; the difference of two added to the first is the second. */
#include "base/buf.h"
#include "fuzz.h"
#include "record/parcel.h"

enum { GROUPS = 2, STEPS = 2, URLS = 2 };
#define TALLY_BYTES (sizeof(struct tally) + GROUPS * sizeof(struct cell))

static const struct parcel_map map = {.count = GROUPS};

struct sum {
	struct parcel_sum all;
	uint64_t reasons[STEPS][REASON_COUNT];
	struct digest urls[URLS];
};

/* Made once, emptied after use. */
static struct sum *first, *then, *again;
static struct totals *first_totals, *again_totals;
static struct tally *tick;

static struct sum *sum_new(void) {
	struct sum *sum = calloc(1, sizeof(*sum));
	assert(sum);
	sum->all.tally = tally_new(GROUPS);
	sum->all.step_count = STEPS;
	sum->all.step_reasons = sum->reasons;
	sum->all.url_count = URLS;
	sum->all.urls = sum->urls;
	return sum;
}

static void tally_empty(struct tally *tally) {
	memset(tally, 0, TALLY_BYTES);
	tally->cell_count = GROUPS;
}

static void sum_empty(struct sum *sum) {
	tally_empty(sum->all.tally);
	if (sum->all.totals) memset(sum->all.totals, 0, sizeof(*sum->all.totals));
	memset(sum->reasons, 0, sizeof(sum->reasons));
	memset(sum->urls, 0, sizeof(sum->urls));
	memset(&sum->all.facts, 0, sizeof(sum->all.facts));
	sum->all.most_failures = 0;
}

static struct buf write_sum(const struct sum *sum) {
	struct buf buf;
	buf_init(&buf, 16 << 20);
	struct parcel parcel = {.tally = sum->all.tally,
		.totals = sum->all.totals,
		.step_count = STEPS,
		.step_reasons = (const uint64_t(*)[REASON_COUNT])(const void *)sum->reasons,
		.url_count = URLS,
		.urls = sum->urls,
		.facts = sum->all.facts};
	bool fits = parcel_write(&parcel, &buf);
	assert(fits);
	return buf;
}

/* Returns how many bytes stand before the first counter: parcels of one and of two groups differ in the last of them. */
static size_t head_size(const struct slice whole) {
	struct tally *one = tally_new(1);
	struct buf buf;
	buf_init(&buf, 10000);
	parcel_write(&(struct parcel){.tally = one}, &buf);
	size_t same = 0;
	while (buf.at[same] == whole.at[same]) same++;
	free(one);
	buf_fini(&buf);
	return same + 1;
}

/* Returns the body behind a head, in memory of exactly its size. */
static struct slice join(struct slice body) {
	static char head[100];
	static size_t size;
	if (size == 0) {
		struct buf buf = write_sum(first); /* empty */
		size = head_size((struct slice){buf.at, buf.size});
		assert(size <= sizeof(head));
		memcpy(head, buf.at, size);
		buf_fini(&buf);
	}
	char *all = malloc(size + body.size);
	assert(all);
	memcpy(all, head, size);
	if (body.size) memcpy(all + size, body.at, body.size);
	return (struct slice){all, size + body.size};
}

static void compare(const struct sum *a, const struct sum *b) {
	assert(memcmp(a->all.tally, b->all.tally, TALLY_BYTES) == 0);
	assert(memcmp(a->reasons, b->reasons, sizeof(a->reasons)) == 0 && memcmp(a->urls, b->urls, sizeof(a->urls)) == 0);
	assert(memcmp(&a->all.facts, &b->all.facts, sizeof(a->all.facts)) == 0);
	if (a->all.totals) assert(memcmp(a->all.totals, b->all.totals, sizeof(*a->all.totals)) == 0);
}

/* Adds a parcel to an empty sum, and what is written of that to another one. */
static bool add(struct slice bytes, struct sum *sum) {
	struct err err = {0};
	bool good = parcel_add(bytes, &map, &sum->all, &err);
	assert(good == (err.code == ERR_NONE));
	again->all.totals = sum->all.totals ? again_totals : NULL;
	if (good) {
		struct buf buf = write_sum(sum);
		bool taken = parcel_add((struct slice){buf.at, buf.size}, &map, &again->all, &err);
		assert(taken);
		buf_fini(&buf);
	}
	compare(sum, again); /* two empty ones, if it was refused */
	if (good) sum_empty(again);
	return good;
}

/* `first` has what `old` says; adds the difference. */
static void subtract(struct slice old, struct slice new, bool has_then) {
	struct err err = {0};
	if (!parcel_subtract(old, new, &map, tick, &err)) {
		assert(memcmp(tick, again->all.tally, TALLY_BYTES) == 0 && err.code == ERR_FAILED);
		return;
	}
	assert(has_then);
	tally_merge(first->all.tally, tick);
	first->all.tally->stream_limit = then->all.tally->stream_limit; /* the smaller one wins, the later one may be larger */
	assert(memcmp(first->all.tally, then->all.tally, TALLY_BYTES) == 0);
	tally_empty(tick);
}

static void prepare(void) {
	if (first) return;
	first = sum_new();
	then = sum_new();
	then->all.step_count = then->all.url_count = 0; /* not wanted, as by parcel_subtract */
	again = sum_new();
	tick = tally_new(GROUPS);
	first_totals = calloc(1, sizeof(*first_totals));
	again_totals = calloc(1, sizeof(*again_totals));
	assert(first_totals && again_totals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct slice rest = {(const char *)data, size};
	prepare();
	first->all.totals = fuzz_byte(&rest) == 1 ? first_totals : NULL;
	size_t cut = fuzz_byte(&rest) * 256;
	cut += fuzz_byte(&rest);
	if (cut > rest.size) cut = rest.size;
	struct slice old = join((struct slice){rest.at, cut}), new = join((struct slice){rest.at + cut, rest.size - cut});
	bool has_first = add(old, first), has_then = add(new, then);
	if (has_first) subtract(old, new, has_then);
	if (has_first) sum_empty(first);
	if (has_then) sum_empty(then);
	free((char *)old.at);
	free((char *)new.at);
	return 0;
}
