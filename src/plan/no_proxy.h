/* NO_PROXY: which hosts are gone to without a proxy, as curl and others read it.
 * In: the variable's text, a host and port. Out: yes or no. Views of the text; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Returns whether both name the same host: without case, a dot at the end aside; addresses by what they are, not how they are written. */
bool host_equal(struct slice a, struct slice b);

/* Returns whether the host (no brackets) is this machine by its name alone: localhost and all below it (RFC 6761 section 6.3), 127.0.0.0/8, ::1. */
bool host_is_loopback(struct slice host);

/* Returns whether `list` names the host. Its entries, with commas or blanks between: "*" (all), a name (itself and all below it, with or without
 * a dot before it), an address, a block of addresses ("10.0.0.0/8"); each perhaps with :port, IPv6 then in brackets. What is none of these names
 * nothing. */
bool no_proxy_has(struct slice list, struct slice host, uint16_t port);
