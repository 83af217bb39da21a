#include "record/parcel_members.h"

#include "record/parcel_hist.h"

#define ASKED_MAX 1e15 /* per second */

enum kind {
	COUNT, /* uint64_t; adds up, modulo 2^64 */
	HELD,  /* the same, at most PARCEL_COUNT_MAX of one sender */
	AREA,  /* the same, and may become smaller */
	TIME,  /* nsec >= 0; adds up, saturating */
	MOST,  /* of 64 bits, >= 0; the largest counts */
	LEAST, /* uint64_t; the smallest that is not 0 counts */
	FLAG,  /* bool; any counts */
	SMALL, /* unsigned; adds up, saturating */
	RATE,  /* double; adds up */
	LOCAL, /* does not travel */
};

struct member {
	uint16_t offset;
	uint16_t elements; /* over 1: an array of COUNT, mostly zeros */
	enum kind kind;
};

struct parcel_table {
	const struct member *members;
	size_t count;
};

#define SIZE_OF(type, name) sizeof(((struct type *)0)->name)
#define TABLE(rows)                                                                                                                                  \
	{ rows, LENGTH(rows) }

/* X(name, kind), as tally_merge has them. */
#define TALLY_MEMBERS(X)                                                                                                                             \
	X(planned, COUNT)                                                                                                                            \
	X(iterations_planned, COUNT)                                                                                                                 \
	X(ok, COUNT)                                                                                                                                 \
	X(failed, COUNT)                                                                                                                             \
	X(open, COUNT)                                                                                                                               \
	X(unsent, COUNT)                                                                                                                             \
	X(attempts, COUNT)                                                                                                                           \
	X(attempts_warmup, COUNT)                                                                                                                    \
	X(retries, COUNT)                                                                                                                            \
	X(hops, COUNT)                                                                                                                               \
	X(lost, COUNT)                                                                                                                               \
	X(bytes_sent, COUNT)                                                                                                                         \
	X(bytes_received, COUNT)                                                                                                                     \
	X(sent_in_window, COUNT)                                                                                                                     \
	X(done_in_window, COUNT)                                                                                                                     \
	X(opened_in_window, COUNT)                                                                                                                   \
	X(shaken_in_window, COUNT)                                                                                                                   \
	X(encoded, COUNT)                                                                                                                            \
	X(decoded, COUNT)                                                                                                                            \
	X(reasons, COUNT)                                                                                                                            \
	X(status, COUNT)                                                                                                                             \
	X(opened, COUNT)                                                                                                                             \
	X(reused, COUNT)                                                                                                                             \
	X(connect_failed, COUNT)                                                                                                                     \
	X(handshakes_full, COUNT)                                                                                                                    \
	X(handshakes_resumed, COUNT)                                                                                                                 \
	X(handshakes_failed, COUNT)                                                                                                                  \
	X(closed, COUNT)                                                                                                                             \
	X(opened_h2, COUNT)                                                                                                                          \
	X(fell_back, COUNT)                                                                                                                          \
	X(goaways, COUNT)                                                                                                                            \
	X(unprocessed, COUNT)                                                                                                                        \
	X(stream_limit, LEAST)                                                                                                                       \
	X(spun, TIME)                                                                                                                                \
	X(longest_gap, MOST)                                                                                                                         \
	X(wire_area, AREA)                                                                                                                           \
	X(wire_span, TIME)                                                                                                                           \
	X(upto, LOCAL)                                                                                                                               \
	X(told, LOCAL)

#define TALLY_ROW(name, kind) {offsetof(struct tally, name), SIZE_OF(tally, name) / 8, kind},
#define TALLY_SIZE(name, kind) +SIZE_OF(tally, name)
static const struct member tally_members[] = {TALLY_MEMBERS(TALLY_ROW)};
_Static_assert(0 TALLY_MEMBERS(TALLY_SIZE) + sizeof(size_t) == offsetof(struct tally, late), "a member of struct tally is missing in TALLY_MEMBERS");
_Static_assert(offsetof(struct tally, cells) == offsetof(struct tally, late) + sizeof(struct histlet), "a new member of struct tally: see parcel.c");
const struct parcel_table parcel_tally_members = TABLE(tally_members);

#define CELL_BOOKS(X) X(ok, HELD) X(failed, HELD) X(open, HELD) X(unsent, HELD) X(opened, HELD)
#define CELL_MEMBERS(X) X(complete, COUNT) X(bytes, COUNT)

#define CELL_ROW(name, kind) {offsetof(struct cell, name), 1, kind},
#define CELL_SIZE(name, kind) +SIZE_OF(cell, name)
static const struct member cell_books[] = {CELL_BOOKS(CELL_ROW)};
static const struct member cell_members[] = {CELL_MEMBERS(CELL_ROW)};
_Static_assert(
	0 CELL_BOOKS(CELL_SIZE) CELL_MEMBERS(CELL_SIZE) == offsetof(struct cell, response_ok), "a member of struct cell is missing in its lists");
_Static_assert(sizeof(struct cell) == offsetof(struct cell, response_ok) + 3 * sizeof(struct histlet), "a new member of struct cell: see parcel.c");
const struct parcel_table parcel_cell_books = TABLE(cell_books);
const struct parcel_table parcel_cell_members = TABLE(cell_members);

/* Without last_failure, strain.busiest_* and the texts, which have functions of their own. */
#define FACT_MEMBERS(X)                                                                                                                              \
	X(planned, COUNT)                                                                                                                            \
	X(iterations_planned, COUNT)                                                                                                                 \
	X(window, MOST)                                                                                                                              \
	X(asked_per_s, RATE)                                                                                                                         \
	X(limit_reached, FLAG)                                                                                                                       \
	X(answered, FLAG)                                                                                                                            \
	X(data_ran_out, FLAG)                                                                                                                        \
	X(strain.wall, MOST)                                                                                                                         \
	X(strain.run_queue_known, FLAG)                                                                                                              \
	X(strain.run_queue, MOST)                                                                                                                    \
	X(strain.throttled_known, FLAG)                                                                                                              \
	X(strain.throttled, MOST)                                                                                                                    \
	X(strain.throttled_times, MOST)                                                                                                              \
	X(strain.steal_known, FLAG)                                                                                                                  \
	X(strain.steal, TIME)                                                                                                                        \
	X(strain.cpus, SMALL)                                                                                                                        \
	X(strain.no_port, COUNT)                                                                                                                     \
	X(strain.no_descriptor, COUNT)                                                                                                               \
	X(strain.shed, COUNT)                                                                                                                        \
	X(strain.pauses, COUNT)                                                                                                                      \
	X(strain.longest_pause, MOST)

#define FACT_ROW(name, kind) {offsetof(struct parcel_facts, name), 1, kind},
static const struct member fact_members[] = {FACT_MEMBERS(FACT_ROW)};
static const struct parcel_table facts_table = TABLE(fact_members);
_Static_assert(sizeof(struct strain) == 128, "a new member of struct strain belongs into FACT_MEMBERS");
_Static_assert(sizeof(struct parcel_facts) == 48 + sizeof(struct strain) + 136, "a new member of struct parcel_facts belongs into FACT_MEMBERS");

void parcel_put_list(struct parcel_out *out, const uint64_t *list, size_t size) {
	parcel_put_entries(out, list, 0, size);
	parcel_put(out, 0);
}

void parcel_add_list(struct parcel_in *in, uint64_t *into, size_t size) {
	struct parcel_entry entry = {0};
	while (parcel_take_entry(in, &entry, size))
		if (into) into[entry.index] += entry.value;
}

/* A round number has zeros at the end, which a byte that comes last costs nothing. */
static uint64_t bits_of(double number) {
	uint64_t bits;
	memcpy(&bits, &number, sizeof(bits));
	return __builtin_bswap64(bits);
}

static double double_of(uint64_t bits) {
	double number;
	bits = __builtin_bswap64(bits);
	memcpy(&number, &bits, sizeof(number));
	return number;
}

static bool rate_is_good(double rate) {
	return rate >= 0 && rate <= ASKED_MAX;
}

/* What is written of a member. */
static uint64_t member_value(const struct member *member, const void *from) {
	const void *at = (const char *)from + member->offset;
	switch (member->kind) {
	case TIME:
	case MOST: return *(const nsec *)at > 0 ? *(const uint64_t *)at : 0; /* counters of a kernel have gone back before */
	case FLAG: return *(const bool *)at;
	case SMALL: return *(const unsigned *)at;
	case RATE: return rate_is_good(*(const double *)at) ? bits_of(*(const double *)at) : 0;
	default: return *(const uint64_t *)at;
	}
}

static uint64_t member_take(struct parcel_in *in, const struct member *member) {
	switch (member->kind) {
	case TIME:
	case MOST: return parcel_take_most(in, INT64_MAX, "a time is too long");
	case HELD: return parcel_take_most(in, PARCEL_COUNT_MAX, "a group counts more than a run can");
	case FLAG: return parcel_take_most(in, 1, "a mark is neither 0 nor 1");
	case SMALL: return parcel_take_most(in, UINT32_MAX, "a number is too large");
	case RATE: break;
	default: return parcel_take(in);
	}
	uint64_t bits = parcel_take(in);
	if (rate_is_good(double_of(bits))) return bits;
	parcel_refuse(in, "a rate is out of range");
	return 0;
}

static void member_add(const struct member *member, uint64_t value, void *into) {
	void *at = (char *)into + member->offset;
	uint64_t *number = at;
	switch (member->kind) {
	case COUNT:
	case HELD:
	case AREA: *number += value; break;
	case TIME:
		if (__builtin_add_overflow(*(nsec *)at, (nsec)value, (nsec *)at)) *(nsec *)at = INT64_MAX;
		break;
	case MOST:
		if ((nsec)value > *(nsec *)at) *(nsec *)at = (nsec)value;
		break;
	case LEAST:
		if (value > 0 && (*number == 0 || value < *number)) *number = value;
		break;
	case FLAG: *(bool *)at |= value > 0; break;
	case SMALL:
		if (__builtin_add_overflow(*(unsigned *)at, (unsigned)value, (unsigned *)at)) *(unsigned *)at = UINT32_MAX;
		break;
	case RATE: *(double *)at += double_of(value); break;
	case LOCAL: break;
	}
}

void parcel_put_members(struct parcel_out *out, const struct parcel_table *table, const void *from) {
	for (const struct member *member = table->members; member < table->members + table->count; member++) {
		if (member->kind == LOCAL) continue;
		if (member->elements == 1)
			parcel_put(out, member_value(member, from));
		else
			parcel_put_list(out, (const uint64_t *)((const char *)from + member->offset), member->elements);
	}
}

void parcel_add_members(struct parcel_in *in, const struct parcel_table *table, void *into) {
	for (const struct member *member = table->members; member < table->members + table->count; member++) {
		if (member->kind == LOCAL) continue;
		if (member->elements > 1) {
			parcel_add_list(in, into ? (uint64_t *)((char *)into + member->offset) : NULL, member->elements);
			continue;
		}
		uint64_t value = member_take(in, member);
		if (into) member_add(member, value, into);
	}
}

#define SHRUNK "it has counted less than the one before it"

/* Adds what the list of `new` has more; returns whether that is anything. */
static bool list_subtract(struct parcel_in *old, struct parcel_in *new, uint64_t *into, size_t size) {
	struct parcel_entry a = {0}, b = {0};
	bool grew = false;
	parcel_take_entry(old, &a, size);
	while (parcel_take_entry(new, &b, size)) {
		bool is_same = !a.ended && a.index == b.index;
		uint64_t before = is_same ? a.value : 0;
		if ((!a.ended && a.index < b.index) || b.value < before) {
			parcel_refuse(new, SHRUNK);
			return grew;
		}
		if (is_same) parcel_take_entry(old, &a, size);
		grew |= b.value > before;
		if (into) into[b.index] += b.value - before;
	}
	if (!a.ended) parcel_refuse(new, SHRUNK);
	return grew;
}

/* Adds what a single member has more; returns whether that is anything. */
static bool member_subtract(struct parcel_in *old, struct parcel_in *new, const struct member *member, void *into) {
	uint64_t before = member_take(old, member), value = member_take(new, member);
	bool grew = value != before;
	switch (member->kind) {
	case COUNT:
	case HELD:
	case TIME:
		if (value < before) parcel_refuse(new, SHRUNK);
		value -= before;
		break;
	case AREA: value -= before; break;
	case MOST:
		if (value < before) parcel_refuse(new, SHRUNK);
		if (value == before) value = 0;
		break;
	default: break;
	}
	if (into) member_add(member, value, into);
	return grew;
}

bool parcel_subtract_members(struct parcel_in *old, struct parcel_in *new, const struct parcel_table *table, void *into) {
	bool grew = false;
	for (const struct member *member = table->members; member < table->members + table->count; member++) {
		if (member->kind == LOCAL) continue;
		char *at = into ? (char *)into + member->offset : NULL;
		grew |= member->elements > 1 ? list_subtract(old, new, (uint64_t *)at, member->elements) : member_subtract(old, new, member, into);
	}
	return grew;
}

static char printable(char letter) {
	return letter >= ' ' && letter <= '~' ? letter : '?';
}

static void put_text(struct parcel_out *out, const char *text) {
	size_t size = strnlen(text, PARCEL_TEXT_MAX);
	parcel_put(out, size);
	for (size_t i = 0; i < size; i++) parcel_put(out, (unsigned char)printable(text[i]));
}

/* The first text that is not empty stays. */
static void add_text(struct parcel_in *in, char *into) {
	char text[PARCEL_TEXT_MAX + 1] = "";
	uint64_t size = parcel_take_most(in, PARCEL_TEXT_MAX, "a text is too long");
	for (uint64_t i = 0; i < size; i++) {
		text[i] = (char)parcel_take_most(in, '~', "a text is not printable");
		if (text[i] < ' ') parcel_refuse(in, "a text is not printable");
	}
	if (into && into[0] == '\0') memcpy(into, text, sizeof(text));
}

/* The worker that worked the largest share of its time. */
static void add_busiest(struct parcel_in *in, struct strain *into) {
	nsec cpu = (nsec)parcel_take_most(in, INT64_MAX, "a time is too long");
	nsec wall = (nsec)parcel_take_most(in, INT64_MAX, "a time is too long");
	if (!into || wall == 0) return;
	if (into->busiest_wall > 0 && (__int128)cpu * into->busiest_wall <= (__int128)into->busiest_cpu * wall) return;
	into->busiest_cpu = cpu;
	into->busiest_wall = wall;
}

/* The most frequent reason of whoever had the most failures. */
static void add_failures(struct parcel_in *in, struct parcel_sum *into) {
	uint64_t failures = parcel_take(in);
	enum reason reason = (enum reason)parcel_take_most(in, REASON_COUNT - 1, "a reason is unknown");
	if (!into) return;
	into->facts.failures += failures;
	if (reason == REASON_NONE || (into->facts.last_failure != REASON_NONE && failures <= into->most_failures)) return;
	into->most_failures = failures;
	into->facts.last_failure = reason;
}

void parcel_put_facts(struct parcel_out *out, const struct parcel_facts *facts) {
	parcel_put_members(out, &facts_table, facts);
	parcel_put(out, facts->failures);
	parcel_put(out, facts->last_failure);
	parcel_put(out, facts->strain.busiest_cpu > 0 ? (uint64_t)facts->strain.busiest_cpu : 0); /* less than it spun by: see run_gather_strain */
	parcel_put(out, (uint64_t)facts->strain.busiest_wall);
	put_text(out, facts->tls_version);
	put_text(out, facts->tls_cipher);
}

void parcel_add_facts(struct parcel_in *in, struct parcel_sum *into) {
	parcel_add_members(in, &facts_table, into ? &into->facts : NULL);
	add_failures(in, into);
	add_busiest(in, into ? &into->facts.strain : NULL);
	add_text(in, into ? into->facts.tls_version : NULL);
	add_text(in, into ? into->facts.tls_cipher : NULL);
}
