#include "out/run_numbers.h"

#include <stddef.h>
#include <string.h>

struct number {
	const char *name;
	size_t at;
};

/* All are of 64 bits. What the records tell themselves is not here. */
static const struct number tally_numbers[] = {
	{"attempts", offsetof(struct tally, attempts)},
	{"attempts_warmup", offsetof(struct tally, attempts_warmup)},
	{"retries", offsetof(struct tally, retries)},
	{"hops", offsetof(struct tally, hops)},
	{"lost", offsetof(struct tally, lost)},
	{"bytes_sent", offsetof(struct tally, bytes_sent)},
	{"bytes_received", offsetof(struct tally, bytes_received)},
	{"sent_in_window", offsetof(struct tally, sent_in_window)},
	{"done_in_window", offsetof(struct tally, done_in_window)},
	{"opened_in_window", offsetof(struct tally, opened_in_window)},
	{"shaken_in_window", offsetof(struct tally, shaken_in_window)},
	{"encoded", offsetof(struct tally, encoded)},
	{"decoded", offsetof(struct tally, decoded)},
	{"opened", offsetof(struct tally, opened)},
	{"reused", offsetof(struct tally, reused)},
	{"connect_failed", offsetof(struct tally, connect_failed)},
	{"handshakes_full", offsetof(struct tally, handshakes_full)},
	{"handshakes_resumed", offsetof(struct tally, handshakes_resumed)},
	{"handshakes_failed", offsetof(struct tally, handshakes_failed)},
	{"closed_by_target", offsetof(struct tally, closed[CLOSER_PEER])},
	{"closed_by_strest", offsetof(struct tally, closed[CLOSER_US])},
	{"closed_at_end", offsetof(struct tally, closed[CLOSER_END])},
	{"opened_h2", offsetof(struct tally, opened_h2)},
	{"fell_back", offsetof(struct tally, fell_back)},
	{"goaways", offsetof(struct tally, goaways)},
	{"unprocessed", offsetof(struct tally, unprocessed)},
	{"stream_limit", offsetof(struct tally, stream_limit)},
	{"spun_ns", offsetof(struct tally, spun)},
	{"longest_gap_ns", offsetof(struct tally, longest_gap)},
};

static const struct number strain_numbers[] = {
	{"wall_ns", offsetof(struct strain, wall)},
	{"busiest_cpu_ns", offsetof(struct strain, busiest_cpu)},
	{"busiest_wall_ns", offsetof(struct strain, busiest_wall)},
	{"run_queue_ns", offsetof(struct strain, run_queue)},
	{"throttled_ns", offsetof(struct strain, throttled)},
	{"throttled_times", offsetof(struct strain, throttled_times)},
	{"steal_ns", offsetof(struct strain, steal)},
	{"no_port", offsetof(struct strain, no_port)},
	{"no_descriptor", offsetof(struct strain, no_descriptor)},
	{"log_shed", offsetof(struct strain, shed)},
	{"pauses", offsetof(struct strain, pauses)},
	{"longest_pause_ns", offsetof(struct strain, longest_pause)},
};

static const struct number strain_flags[] = {
	{"run_queue_known", offsetof(struct strain, run_queue_known)},
	{"throttled_known", offsetof(struct strain, throttled_known)},
	{"steal_known", offsetof(struct strain, steal_known)},
};

static void put_numbers(const void *from, const struct number *numbers, size_t count, struct json *into) {
	for (size_t i = 0; i < count; i++) {
		int64_t value;
		memcpy(&value, (const char *)from + numbers[i].at, sizeof(value));
		json_put_int(into, numbers[i].name, value);
	}
}

static void get_numbers(const struct tree *from, const struct number *numbers, size_t count, void *into) {
	for (size_t i = 0; i < count; i++) {
		const struct tree *found = tree_find(from, numbers[i].name);
		if (found && found->kind == TREE_INT && found->integer >= 0)
			memcpy((char *)into + numbers[i].at, &found->integer, sizeof(found->integer));
	}
}

void run_numbers_put(const struct tally *tally, const struct strain *strain, struct json *into) {
	put_numbers(tally, tally_numbers, LENGTH(tally_numbers), into);
	struct json *machine = json_put_object(into, "strain");
	put_numbers(strain, strain_numbers, LENGTH(strain_numbers), machine);
	for (size_t i = 0; i < LENGTH(strain_flags); i++)
		json_put_bool(machine, strain_flags[i].name, *(const bool *)((const char *)strain + strain_flags[i].at));
	json_put_int(machine, "cpus", strain->cpus);
}

void run_numbers_get(const struct tree *from, struct tally *tally) {
	get_numbers(from, tally_numbers, LENGTH(tally_numbers), tally);
}

void run_numbers_get_strain(const struct tree *from, struct strain *ret) {
	const struct tree *machine = tree_find(from, "strain");
	*ret = (struct strain){0};
	if (!machine || machine->kind != TREE_TABLE) return;
	get_numbers(machine, strain_numbers, LENGTH(strain_numbers), ret);
	for (size_t i = 0; i < LENGTH(strain_flags); i++) {
		const struct tree *flag = tree_find(machine, strain_flags[i].name);
		if (flag) *(bool *)((char *)ret + strain_flags[i].at) = flag->truth;
	}
	const struct tree *cpus = tree_find(machine, "cpus");
	if (cpus && cpus->integer > 0) ret->cpus = (unsigned)cpus->integer;
}

#define TIMES_HEAD 4
#define TIMES_MAX ((int64_t)1 << 48) /* counted in a slot: all slots together are no overflow */

/* Both kinds of histogram have the same members before their slots. */
static void put_times(const struct histlet *times, const uint64_t *slots, size_t count, struct json *into) {
	const nsec head[TIMES_HEAD] = {(nsec)times->clipped, times->sum, times->min, times->max};
	if (times->count == 0) return;
	for (size_t i = 0; i < TIMES_HEAD; i++) json_put_int(into, NULL, head[i]);
	for (size_t i = 0; i < count; i++) {
		if (slots[i] == 0) continue;
		json_put_int(into, NULL, (int64_t)i);
		json_put_int(into, NULL, (int64_t)slots[i]);
	}
}

_Static_assert(offsetof(struct hist, slots) == offsetof(struct histlet, slots), "they begin alike");

void run_numbers_put_hist(const struct hist *times, struct json *into) {
	put_times((const struct histlet *)(const void *)times, times->slots, HIST_SLOTS, into);
}

void run_numbers_put_histlet(const struct histlet *times, struct json *into) {
	put_times(times, times->slots, HISTLET_SLOTS, into);
}

/* `ret` becomes what the array says, slots beyond `count` left out. */
static void get_times(const struct tree *from, struct histlet *ret, uint64_t *slots, size_t count) {
	int64_t head[TIMES_HEAD] = {0};
	memset(ret, 0, offsetof(struct histlet, slots));
	memset(slots, 0, count * sizeof(*slots));
	const struct tree *at = from && from->kind == TREE_ARRAY ? from->first : NULL;
	for (size_t i = 0; at && i < TIMES_HEAD; at = at->next) head[i++] = at->integer > 0 ? at->integer : 0;
	ret->clipped = (uint64_t)head[0];
	ret->sum = head[1];
	ret->min = head[2];
	ret->max = head[3];
	for (; at && at->next; at = at->next->next) {
		if (at->integer < 0 || (uint64_t)at->integer >= count || at->next->integer < 0 || at->next->integer > TIMES_MAX) continue;
		slots[at->integer] = (uint64_t)at->next->integer;
		ret->count += slots[at->integer];
	}
}

void run_numbers_get_hist(const struct tree *from, struct hist *ret) {
	get_times(from, (struct histlet *)(void *)ret, ret->slots, HIST_SLOTS);
}

void run_numbers_get_histlet(const struct tree *from, struct histlet *ret) {
	get_times(from, ret, ret->slots, HISTLET_SLOTS);
}
