/* What parts_test.c needs besides the built-in target: a server that redirects, and that opens tunnels. One thread, on a free port of 127.0.0.1.
 * GET /hop/N is answered with 302: to /hop/N-1, and with 0 to a given URL. CONNECT leads to the port that it names. All else is answered with 200. */
#pragma once

#include <stdint.h>

struct relay;

/* `url` (kept) is where the hops end; NULL: no such request comes. Asserts that it could. */
struct relay *relay_open(const char *url);

uint16_t relay_port(const struct relay *relay);

/* Returns how many requests it read, CONNECT included. */
uint64_t relay_close(struct relay *relay);
