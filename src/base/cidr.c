#include "base/cidr.h"

#include <arpa/inet.h>
#include <assert.h>

#define COUNT_BITS 32 /* at most 2^32 addresses are counted */

/* Reads 0 .. `most`, without zeros in front. */
static bool cidr_read_bits(struct slice text, unsigned most, uint8_t *ret) {
	unsigned bits = 0;
	if (text.size == 0 || text.size > 3 || (text.size > 1 && text.at[0] == '0')) return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') return false;
		bits = bits * 10 + (unsigned)(text.at[i] - '0');
	}
	if (bits > most) return false;
	*ret = (uint8_t)bits;
	return true;
}

static bool cidr_read_address(struct slice text, struct cidr *ret) {
	char copy[INET6_ADDRSTRLEN];
	bool bracketed = text.size >= 2 && text.at[0] == '[' && text.at[text.size - 1] == ']';
	if (bracketed) text = (struct slice){text.at + 1, text.size - 2};
	if (text.size == 0 || text.size >= sizeof(copy) || memchr(text.at, 0, text.size)) return false;
	memcpy(copy, text.at, text.size);
	copy[text.size] = 0;
	ret->v6 = memchr(text.at, ':', text.size) != NULL;
	return (ret->v6 || !bracketed) && inet_pton(ret->v6 ? AF_INET6 : AF_INET, copy, ret->bytes) == 1;
}

/* Returns the mask that leaves the bits of byte number `i` which belong to the prefix. */
static uint8_t cidr_mask(unsigned bits, unsigned i) {
	if (bits >= 8 * (i + 1)) return 0xff;
	return bits <= 8 * i ? 0 : (uint8_t)(0xff << (8 * (i + 1) - bits));
}

bool cidr_parse(struct slice text, struct cidr *ret) {
	struct cidr cidr = {0};
	struct slice bits, address = slice_cut(text, '/', &bits);
	if (!cidr_read_address(address, &cidr)) return false;
	cidr.bits = cidr.v6 ? 128 : 32;
	if (bits.at && !cidr_read_bits(bits, cidr.bits, &cidr.bits)) return false;
	for (unsigned i = 0; i < sizeof(cidr.bytes); i++)
		if (cidr.bytes[i] & ~cidr_mask(cidr.bits, i)) return false;
	*ret = cidr;
	return true;
}

bool cidr_contains(const struct cidr *outer, const struct cidr *inner) {
	if (outer->v6 != inner->v6 || outer->bits > inner->bits) return false;
	for (unsigned i = 0; i < sizeof(outer->bytes); i++)
		if ((inner->bytes[i] & cidr_mask(outer->bits, i)) != outer->bytes[i]) return false;
	return true;
}

/* The first address of such a block names the network, the last one is its broadcast (RFC 1122 section 3.2.1.3; RFC 3021: not of 31 bits). */
static bool cidr_has_ends(const struct cidr *cidr) {
	return !cidr->v6 && cidr->bits <= 30;
}

uint64_t cidr_count(const struct cidr *cidr) {
	unsigned free_bits = (cidr->v6 ? 128u : 32u) - cidr->bits;
	uint64_t all = (uint64_t)1 << (free_bits < COUNT_BITS ? free_bits : COUNT_BITS);
	return cidr_has_ends(cidr) ? all - 2 : all;
}

void cidr_address(const struct cidr *cidr, uint64_t index, uint8_t ret[16]) {
	assert(index < cidr_count(cidr));
	unsigned size = cidr->v6 ? 16 : 4;
	if (cidr_has_ends(cidr)) index++;
	memcpy(ret, cidr->bytes, size);
	for (unsigned i = size; index > 0; index >>= 8) ret[--i] |= (uint8_t)index;
}
