#include "http/head.h"

#include <assert.h>
#include <string.h>

/* Fields that decide about framing or the connection: their values are compared, always. */
static const struct slice weighty[] = {
	SLICE("connection"),
	SLICE("expect"),
	SLICE("keep-alive"),
	SLICE("proxy-connection"),
	SLICE("te"),
	SLICE("trailer"),
	SLICE("transfer-encoding"),
	SLICE("upgrade"),
};

/* Returns whether all 8 bytes lie between blank and '~'. */
static inline bool word_printable(const char *at) {
	const uint64_t high = 0x8080808080808080u;
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	/* With the high bits clear no sum carries over: + 0x60 reaches the high bit from 0x20 on, + 1 only from 0x7f on. */
	uint64_t wrong = word | ~(word + 0x6060606060606060u) | (word + 0x0101010101010101u);
	return (wrong & high) == 0;
}

static bool all_printable(const char *at, size_t size) {
	size_t done = 0;
	for (; size - done >= 8; done += 8)
		if (!word_printable(at + done)) return false;
	if (done == size) return true;
	if (size >= 8) return word_printable(at + size - 8);
	for (; done < size; done++)
		if (at[done] < ' ' || at[done] > '~') return false;
	return true;
}

/* Returns whether these are digits, few enough for a number of 64 bits. */
static bool all_digits(const char *at, size_t size) {
	for (size_t i = 0; i < size; i++)
		if (at[i] < '0' || at[i] > '9') return false;
	return size > 0 && size < 19;
}

/* Returns whether the gap may hold what stands there in `head`. */
static bool gap_allows(const struct head_gap *gap, const char *head) {
	size_t size = (size_t)(gap->to - gap->from);
	return gap->number ? all_digits(head + gap->from, size) : all_printable(head + gap->from, size);
}

static bool head_matches(const struct head *head, struct slice bytes) {
	if (!head->size || head->size > bytes.size) return false;
	size_t from = 0;
	for (unsigned i = 0; i < head->gaps; i++) {
		const struct head_gap *gap = &head->gap[i];
		if (memcmp(head->at + from, bytes.at + from, gap->from - from) != 0) return false;
		if (!all_printable(bytes.at + gap->from, (size_t)(gap->to - gap->from))) return false;
		from = gap->to;
	}
	if (head->number && !gap_allows(&head->gap[head->number - 1], bytes.at)) return false;
	return memcmp(head->at + from, bytes.at + from, head->size - from) == 0;
}

void head_init(struct head_memory *memory) {
	memory->last = 0;
	memory->next = 0;
	for (unsigned i = 0; i < HEAD_COUNT; i++) {
		memory->heads[i].size = 0;
		memory->heads[i].gaps = memory->heads[i].number = 0;
	}
}

int head_find(struct head_memory *memory, struct slice bytes) {
	if (head_matches(&memory->heads[memory->last], bytes)) return (int)memory->last;
	for (unsigned i = 0; i < HEAD_COUNT; i++) {
		if (i == memory->last || !head_matches(&memory->heads[i], bytes)) continue;
		memory->last = i;
		return (int)i;
	}
	return -1;
}

uint64_t head_length(const struct head_memory *memory, int number, struct slice bytes) {
	const struct head *head = &memory->heads[number];
	assert(head->number > 0);
	const struct head_gap *gap = &head->gap[head->number - 1];
	uint64_t length = 0;
	for (size_t at = gap->from; at < gap->to; at++) length = length * 10 + (uint64_t)(bytes.at[at] - '0');
	return length;
}

static bool name_weighty(struct slice name) {
	for (size_t i = 0; i < LENGTH(weighty); i++)
		if (slice_equal_nocase(name, weighty[i])) return true;
	return false;
}

/* Finds the value of the line [from, to) of a head; false if it may not become a gap. */
static bool value_find(const char *head, size_t from, size_t to, struct head_gap *ret) {
	const char *colon = memchr(head + from, ':', to - from);
	if (!colon || colon == head + from) return false;
	if (head[from] == ' ' || head[from] == '\t') return false;
	struct slice name = {head + from, (size_t)(colon - head) - from};
	if (name_weighty(name)) return false;
	*ret = (struct head_gap){(uint16_t)(colon + 1 - head), (uint16_t)to, slice_equal_nocase(name, SLICE("content-length"))};
	if (ret->number && head[ret->from] == ' ') ret->from++;
	return true;
}

/* Returns the end of the line that begins at `from` (where its CR LF stands), 0 if it does not end so. */
static size_t line_end(struct slice head, size_t from) {
	const char *lf = memchr(head.at + from, '\n', head.size - from);
	if (!lf || lf == head.at + from || lf[-1] != '\r') return 0;
	size_t end = (size_t)(lf - head.at) - 1;
	return memchr(head.at + from, '\r', end - from) ? 0 : end;
}

/* Returns whether the value at `from` is a gap already. */
static bool gap_known(const struct head *old, size_t from) {
	for (unsigned i = 0; i < old->gaps; i++)
		if (old->gap[i].from == from) return true;
	return false;
}

/* Walks the lines of both heads, which have equal length, and collects the gaps that make them equal. */
static bool gaps_collect(const struct head *old, struct slice head, struct head *ret) {
	size_t from = line_end(head, 0);
	if (from == 0 || memcmp(old->at, head.at, from + 2) != 0) return false;
	for (from += 2;;) {
		size_t to = line_end(head, from);
		if (to == 0) return false;
		if (to == from) break;
		if (to + 2 >= head.size || head.at[to + 2] == ' ' || head.at[to + 2] == '\t') return false;
		struct head_gap value;
		bool gap = value_find(head.at, from, to, &value) &&
			   (gap_known(old, value.from) || memcmp(old->at + value.from, head.at + value.from, to - value.from) != 0);
		size_t same = gap ? value.from : to;
		if (memcmp(old->at + from, head.at + from, same - from) != 0) return false;
		if (gap) {
			if (ret->gaps == HEAD_GAPS_MAX || !gap_allows(&value, head.at) || !gap_allows(&value, old->at)) return false;
			ret->gap[ret->gaps++] = value;
			if (value.number) ret->number = ret->gaps;
		}
		if (memcmp(old->at + to, "\r\n", 2) != 0) return false;
		from = to + 2;
	}
	return from + 2 == head.size && memcmp(old->at + from, "\r\n", 2) == 0;
}

bool head_loosen(struct head_memory *memory, int number, struct slice head) {
	assert(number >= 0 && number < HEAD_COUNT);
	struct head *old = &memory->heads[number];
	if (old->size != head.size || head.size < 4) return false;
	struct head found;
	found.gaps = found.number = 0;
	if (!gaps_collect(old, head, &found)) return false;
	old->gaps = found.gaps;
	old->number = found.number;
	memcpy(old->gap, found.gap, sizeof(found.gap));
	memory->last = (unsigned)number;
	return true;
}

int head_keep(struct head_memory *memory, struct slice head) {
	if (head.size == 0 || head.size > HEAD_SIZE_MAX) return -1;
	if (memory->next == memory->last && memory->heads[memory->last].size) memory->next = (memory->next + 1) % HEAD_COUNT;
	unsigned number = memory->next;
	struct head *place = &memory->heads[number];
	place->size = (uint16_t)head.size;
	place->gaps = place->number = 0;
	memcpy(place->at, head.at, head.size);
	memory->next = (number + 1) % HEAD_COUNT;
	memory->last = number;
	return (int)number;
}
