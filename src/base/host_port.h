/* Where to listen, as the user writes it: "127.0.0.1:3000", "[::1]:3000", ":3000".
 * In: text. Out: host and port. Views of the text; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct host_port {
	struct slice host; /* a name or an address, without brackets; empty: none is given; at most HOST_PORT_HOST_MAX bytes */
	uint16_t port;     /* 0: any that is free */
};

#define HOST_PORT_HOST_MAX 255

/* Reads [HOST]:PORT; an IPv6 address stands in brackets. False, *ret untouched, on anything else. */
bool host_port_parse(struct slice text, struct host_port *ret);
