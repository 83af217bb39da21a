#include "plan/no_proxy.h"

#include "base/cidr.h"

static struct slice without_dot(struct slice name) {
	if (name.size > 0 && name.at[name.size - 1] == '.') name.size--;
	return name;
}

static bool is_address(struct slice text, struct cidr *ret) {
	return !(text.size > 0 && memchr(text.at, '/', text.size)) && cidr_parse(text, ret);
}

bool host_equal(struct slice a, struct slice b) {
	struct cidr one, other;
	if (slice_equal_nocase(without_dot(a), without_dot(b))) return true;
	return is_address(a, &one) && is_address(b, &other) && cidr_contains(&one, &other);
}

/* Returns whether the host is `name` or lies below it. */
static bool is_below(struct slice host, struct slice name) {
	if (name.size > 0 && name.at[0] == '.') name = (struct slice){name.at + 1, name.size - 1};
	name = without_dot(name);
	host = without_dot(host);
	if (name.size == 0 || host.size < name.size) return false;
	size_t before = host.size - name.size;
	return slice_equal_nocase((struct slice){host.at + before, name.size}, name) && (before == 0 || host.at[before - 1] == '.');
}

bool host_is_loopback(struct slice host) {
	static const struct cidr v4 = {.bits = 8, .bytes = {127}}, v6 = {.v6 = true, .bits = 128, .bytes = {[15] = 1}};
	struct cidr address;
	if (is_address(host, &address)) return cidr_contains(address.v6 ? &v6 : &v4, &address);
	return is_below(host, SLICE("localhost"));
}

/* Reads a number up to `most`; -1: it is none. */
static int read_number(struct slice text, int most) {
	int number = 0;
	if (text.size == 0) return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') return -1;
		number = number * 10 + (text.at[i] - '0');
		if (number > most) return -1;
	}
	return number;
}

/* Reads ADDRESS/BITS; unlike cidr_parse it takes "10.0.0.7/24", which people write and others understand. */
static bool read_block(struct slice text, struct cidr *ret) {
	struct slice bits, address = slice_cut(text, '/', &bits);
	if (!cidr_parse(address, ret)) return false;
	if (!bits.at) return true;
	int number = read_number(bits, ret->bits);
	if (number < 0) return false;
	for (int i = number; i < ret->bits; i++) ret->bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	ret->bits = (uint8_t)number;
	return true;
}

/* Takes ":port" off the end of an entry and returns the number; 0: it has none. Colons of an address outside of brackets are no port's. */
static int take_port(struct slice *entry) {
	const char *colon = memrchr(entry->at, ':', entry->size), *first = memchr(entry->at, ':', entry->size);
	if (!colon || colon == entry->at || (colon != first && colon[-1] != ']')) return 0;
	size_t size = (size_t)(colon - entry->at);
	int port = read_number((struct slice){colon + 1, entry->size - size - 1}, 65535);
	if (port < 0) return 0;
	entry->size = size;
	return port;
}

static bool entry_has(struct slice entry, struct slice host, uint16_t port) {
	struct cidr block, address;
	int only = take_port(&entry);
	if (only && only != port) return false;
	if (slice_equal(entry, SLICE("*"))) return true;
	if (!is_address(host, &address)) return is_below(host, entry);
	return read_block(entry, &block) && block.v6 == address.v6 && cidr_contains(&block, &address);
}

bool no_proxy_has(struct slice list, struct slice host, uint16_t port) {
	size_t at = 0;
	while (at < list.size) {
		size_t end = at;
		while (end < list.size && !strchr(", \t", list.at[end])) end++;
		if (end > at && entry_has((struct slice){list.at + at, end - at}, host, port)) return true;
		at = end + 1;
	}
	return false;
}
