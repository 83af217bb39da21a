#include "base/connect_to.h"

#include <arpa/inet.h>

#include "base/units.h"

#define COLONS 3        /* outside of brackets */
#define ADDRESS_SIZE 64 /* no IPv6 address is longer */

/* Returns how many colons stand outside of brackets. */
static unsigned count_colons(struct slice text) {
	unsigned colons = 0;
	bool inside = false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] == '[') inside = true;
		if (text.at[i] == ']') inside = false;
		colons += !inside && text.at[i] == ':';
	}
	return colons;
}

/* Takes what stands before the next colon outside of brackets. */
static struct slice take_part(struct slice *text) {
	size_t end = 0;
	for (bool inside = false; end < text->size && (inside || text->at[end] != ':'); end++) {
		if (text->at[end] == '[') inside = true;
		if (text->at[end] == ']') inside = false;
	}
	struct slice part = {text->at, end};
	size_t used = end < text->size ? end + 1 : end;
	*text = (struct slice){text->at + used, text->size - used};
	return part;
}

/* Returns whether it is an IPv6 address, perhaps with a zone behind '%' (RFC 4007 section 11). */
static bool is_ipv6(struct slice text) {
	char address[ADDRESS_SIZE];
	struct in6_addr bytes;
	struct slice zone, plain = slice_cut(text, '%', &zone);
	if (plain.size >= sizeof(address) || (zone.at && !zone.size) || memchr(text.at, 0, text.size)) return false;
	memcpy(address, plain.at, plain.size);
	address[plain.size] = 0;
	return inet_pton(AF_INET6, address, &bytes) == 1;
}

/* Returns whether it has only characters of names and IPv4 addresses. */
static bool is_name(struct slice text) {
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (!c || !strchr("-._~", c))) return false;
	}
	return true;
}

/* Reads a host. Returns what is wrong with it, or NULL. */
static const char *read_host(struct slice part, struct slice *ret) {
	struct slice inner = {part.at + 1, part.size - 2};
	if (!part.size) return "has an empty host";
	if (part.at[0] != '[') {
		if (!is_name(part)) return "has a host with characters that no host name has";
		*ret = part;
		return NULL;
	}
	if (part.size < 2 || part.at[part.size - 1] != ']' || !is_ipv6(inner)) return "has no IPv6 address between the brackets";
	*ret = inner;
	return NULL;
}

static const char *read_port(struct slice part, uint16_t *ret) {
	uint64_t port;
	if (!part.size || part.at[0] == '+' || !units_parse_count(part, &port) || port < 1 || port > UINT16_MAX)
		return "has a port that is not a number from 1 to 65535";
	*ret = (uint16_t)port;
	return NULL;
}

/* Reads all four fields. Returns the first fault, or NULL. */
static const char *read_fields(struct slice text, struct connect_to *ret) {
	unsigned colons = count_colons(text);
	const char *fault;
	if (colons < COLONS) return "has fewer than four parts";
	if (colons > COLONS) return "has more than four parts (an IPv6 address stands in brackets)";
	fault = read_host(take_part(&text), &ret->host);
	if (!fault) fault = read_port(take_part(&text), &ret->port);
	if (!fault) fault = read_host(take_part(&text), &ret->to_host);
	if (!fault) fault = read_port(take_part(&text), &ret->to_port);
	return fault;
}

bool connect_to_parse(struct slice text, struct connect_to *ret) {
	struct connect_to fields;
	if (read_fields(text, &fields)) return false;
	*ret = fields;
	return true;
}

const char *connect_to_fault(struct slice text) {
	struct connect_to fields;
	return read_fields(text, &fields);
}
