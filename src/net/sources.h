/* The local addresses that connections are opened from, in turn: --bind.
 * In: texts such as "127.0.0.2", "10.0.0.0/28,fd00::7". Out: one address after the other. Const after sources_open; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "net/address.h"

struct sources; /* in the arena */

/* Reads the texts (commas between addresses and blocks; config/ has checked their form) and tries the first address of each. ERR_FAILED with "--bind: ...": an
 * address that is not this machine's. *ret is NULL if there are no texts. */
bool sources_open(const struct text_list *texts, struct arena *arena, const struct sources **ret, struct err *err);

/* Returns how many addresses of a family (AF_INET, AF_INET6) there are; at most 2^32. */
uint64_t sources_count(const struct sources *sources, int family);

/* Writes address number `turn` (modulo their number) of the family that `to` has. False: there is none of that family, or `to` is a Unix socket. `ret->text`
 * stays NULL. */
bool sources_pick(const struct sources *sources, const struct address *to, uint64_t turn, struct address *ret);
