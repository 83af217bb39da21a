#include "config/text_rule.h"

#include <arpa/inet.h>
#include <assert.h>

#include "base/cidr.h"
#include "base/connect_to.h"
#include "base/host_port.h"
#include "base/label.h"
#include "base/units.h"
#include "config/header.h"
#include "config/protocol.h"
#include "config/quote.h"

/* One text being checked. */
struct text_rule {
	struct slice text;
	bool is_filled;
	struct arena *arena;
	struct text_fault *ret;
};

static bool fail(const struct text_rule *r, const char *what, const char *advice, const char *example) {
	*r->ret = (struct text_fault){what, advice, example};
	return false;
}

/* RFC 7617 section 2: the user has no colon, the password may. */
static bool check_basic(const struct text_rule *r) {
	struct slice password, user = slice_cut(r->text, ':', &password);
	if (!password.at) return fail(r, "has no ':' between user and password", NULL, NULL);
	if (!user.size) return fail(r, "has no user before the ':'", NULL, NULL);
	if (!header_value_valid(r->text) || memchr(r->text.at, '\t', r->text.size)) return fail(r, "has a control character", "leave it out", NULL);
	return true;
}

static bool check_connect_to(const struct text_rule *r) {
	const char *fault = connect_to_fault(r->text);
	return !fault || fail(r, fault, NULL, "example.com:443:127.0.0.1:8443");
}

static bool check_label(const struct text_rule *r) {
	const char *fault = label_fault(r->text);
	return !fault || fail(r, fault, NULL, "env=staging");
}

static bool check_range(const struct text_rule *r) {
	nsec from, to;
	return units_parse_range(r->text, &from, &to) || fail(r, "is no range of whole seconds, first-last", NULL, "10-30");
}

static bool check_bound(const struct text_rule *r) {
	nsec at;
	return units_parse_bound(r->text, &at) || fail(r, "is neither min, max nor a time", NULL, "10s");
}

static bool check_folder(const struct text_rule *r) {
	uint64_t number;
	if (!r->text.size) return fail(r, "is empty", NULL, "charts");
	if (!units_parse_count(r->text, &number)) return true;
	return fail(r, "is a number", "for so many at once write --max-tasks N --spawn-rate N; a folder of that name is written ./NAME", NULL);
}

static bool check_listen(const struct text_rule *r) {
	struct host_port read;
	return host_port_parse(r->text, &read) || fail(r, "is not ADDRESS:PORT", NULL, "127.0.0.1:9464");
}

/* Returns the block that an address with a too short prefix lies in, "10.0.0.0/24"; NULL: the text is none. */
static const char *block_of(struct slice text, struct arena *arena) {
	struct cidr cidr;
	uint64_t bits;
	char words[INET6_ADDRSTRLEN];
	struct slice tail, address = slice_cut(text, '/', &tail);
	if (!tail.at || !cidr_parse(address, &cidr) || !units_parse_count(tail, &bits) || bits > cidr.bits) return NULL;
	for (unsigned bit = (unsigned)bits; bit < cidr.bits; bit++) cidr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (!inet_ntop(cidr.v6 ? AF_INET6 : AF_INET, cidr.bytes, words, sizeof(words))) return NULL;
	return arena_format(arena, "%s/%u", words, (unsigned)bits);
}

/* Says what is wrong with a part of a list with commas, or with the only one. */
static bool refuse_address(const struct text_rule *r, struct slice part) {
	static const char example[] = "127.0.1.0/28";
	const char *block = r->is_filled ? NULL : block_of(part, r->arena), *which = "";
	struct quote quote;
	if (!part.size) return fail(r, r->text.size ? "has an empty part" : "is empty", NULL, example);
	if (part.size < r->text.size)
		which = r->is_filled ? "has a part that " : arena_format(r->arena, "has a part %s that ", quote_text(&quote, part));
	if (block) return fail(r, arena_format(r->arena, "%shas bits behind its prefix", which), arena_format(r->arena, "write %s", block), NULL);
	return fail(r, arena_format(r->arena, "%sis no IP address or block of addresses", which), NULL, example);
}

static bool check_bind(const struct text_rule *r) {
	struct slice rest = r->text;
	struct cidr cidr;
	do {
		struct slice part = slice_cut(rest, ',', &rest);
		if (!cidr_parse(part, &cidr)) return refuse_address(r, part);
	} while (rest.at);
	return true;
}

/* A version that is written in another way, or that is not ours. */
static bool check_http_version(const struct text_rule *r) {
	static const char unknown[] = "is no version of HTTP";
	struct slice text = slice_trim(r->text);
	const char *name = protocol_name(text);
	if (slice_equal(r->text, SLICE("1.1")) || slice_equal(r->text, SLICE("2"))) return true;
	if (protocol_is_later(text) || slice_equal(text, SLICE("3")) || slice_equal(text, SLICE("3.0")))
		return fail(r, "comes with a later version of strest", "write 1.1 or 2", NULL);
	if (slice_equal(text, SLICE("0.9"))) return fail(r, "is a version that is not spoken", "write 1.1 or 2", NULL);
	if (slice_equal(text, SLICE("1.0"))) return fail(r, "is a version that is not spoken", "write 1.1, perhaps with --disable-keepalive", NULL);
	if (slice_equal(text, SLICE("2.0")) || slice_equal(text, SLICE("2"))) name = "h2";
	if (slice_equal(text, SLICE("1")) || slice_equal(text, SLICE("1.1"))) name = "http/1.1";
	if (name) return fail(r, unknown, strcmp(name, "h2") == 0 ? "did you mean '2'?" : "did you mean '1.1'?", NULL);
	return fail(r, unknown, "write 1.1 or 2", NULL);
}

bool text_rule_check(enum option_check check, struct slice text, bool is_filled, struct arena *arena, struct text_fault *ret) {
	const struct text_rule r = {text, is_filled, arena, ret};
	if (check == CHECK_BASIC) return check_basic(&r);
	if (check == CHECK_CONNECT_TO) return check_connect_to(&r);
	if (check == CHECK_HTTP_VERSION) return check_http_version(&r);
	if (check == CHECK_RANGE) return check_range(&r);
	if (check == CHECK_LABEL) return check_label(&r);
	if (check == CHECK_FOLDER) return check_folder(&r);
	if (check == CHECK_BOUND) return check_bound(&r);
	if (check == CHECK_LISTEN) return check_listen(&r);
	assert(check == CHECK_BIND);
	return check_bind(&r);
}
