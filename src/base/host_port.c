#include "base/host_port.h"

#include <string.h>

#include "base/units.h"

bool host_port_parse(struct slice text, struct host_port *ret) {
	const char *colon = text.size > 0 ? memrchr(text.at, ':', text.size) : NULL;
	if (!colon) return false;
	struct slice host = {text.at, (size_t)(colon - text.at)}, digits = {colon + 1, text.size - host.size - 1};
	uint64_t port;
	if (digits.size == 0 || digits.at[0] == '+' || !units_parse_count(digits, &port) || port > UINT16_MAX) return false;
	bool brackets = host.size >= 2 && host.at[0] == '[' && host.at[host.size - 1] == ']';
	if (brackets) host = (struct slice){host.at + 1, host.size - 2};
	if (brackets && host.size == 0) return false;
	if (host.size > HOST_PORT_HOST_MAX || memchr(host.at, 0, host.size) || (!brackets && memchr(host.at, ':', host.size))) return false;
	*ret = (struct host_port){host, (uint16_t)port};
	return true;
}
