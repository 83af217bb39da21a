/* Addresses and blocks of addresses as people write them: "10.0.0.7", "127.0.1.0/24", "fd00::/64".
 * In: text. Out: family, bytes, length of the prefix. Plain values; any thread. Sources: RFC 4632 section 3.1, RFC 4291 section 2.3. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct cidr {
	bool v6;
	uint8_t bits;      /* of the prefix: 0..32 or 0..128 */
	uint8_t bytes[16]; /* network order; IPv4 uses the first 4. Bits behind the prefix are 0 */
};

/* Reads an address (all its bits are prefix) or ADDRESS/BITS, without blanks; IPv6 also in brackets. False, *ret untouched, on anything else, and
 * when bits behind the prefix are set ("10.0.0.7/24"). */
bool cidr_parse(struct slice text, struct cidr *ret);

/* Returns whether the block `outer` has all of `inner`. */
bool cidr_contains(const struct cidr *outer, const struct cidr *inner);

/* Returns how many addresses of the block can be somebody's: all, but not the first and the last of an IPv4 block of up to 30 bits; at most 2^32. */
uint64_t cidr_count(const struct cidr *cidr);

/* Writes the `index`-th of them (0 .. cidr_count - 1) in network order into ret: 4 or 16 bytes. */
void cidr_address(const struct cidr *cidr, uint64_t index, uint8_t ret[16]);
