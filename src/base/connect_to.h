/* What --connect-to says: connections meant for one host and port go to another one.
 * In: text such as "example.com:443:127.0.0.1:8443", "[::1]:80:[fd00::1]:8080". Out: its four fields. Views of the text; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct connect_to {
	struct slice host; /* without brackets; not empty */
	uint16_t port;
	struct slice to_host; /* the same */
	uint16_t to_port;
};

/* Reads HOST:PORT:HOST:PORT, IPv6 addresses in brackets, ports from 1 to 65535. False, *ret untouched, on anything else. */
bool connect_to_parse(struct slice text, struct connect_to *ret);

/* Returns what is wrong with a text that is not such a thing, "has an empty host" and the like; NULL: it is one. Constant. */
const char *connect_to_fault(struct slice text);
