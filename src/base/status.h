/* A set of HTTP status codes: what --status expects.
 * In: text such as "200,204,3xx". Out: membership. Plain value; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct status_set {
	uint64_t bits[10]; /* bit n of the whole: status n, 100..599 */
};

/* Reads "200", "200,204", "2xx", "200-204" and mixtures. False, *ret untouched, on anything else or a code outside 100..599. */
bool status_set_parse(struct slice text, struct status_set *ret);

/* Returns whether `status` is in the set; 0 and codes of 600 and more never are. */
static inline bool status_set_has(const struct status_set *set, unsigned status) {
	return status < 600 && (set->bits[status / 64] >> (status % 64) & 1);
}

/* Writes the set in its shortest form ("200,204,3xx") into `text` of `size` bytes and returns `text`. */
const char *status_set_format(const struct status_set *set, char *text, unsigned size);
