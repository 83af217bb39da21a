#include "target/shop.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/units.h"
#include "target/server.h"

#define ITEMS 1000000u
#define RESULTS 3
#define USER_MAX 64 /* bytes of a name; a longer one is none */
#define HASH_DIGITS 16
#define TOKEN_MAX (HASH_DIGITS + 2 * USER_MAX)

/* ---- text */

/* What was written to the text of a request so far: bounded by what a path of 1,024 bytes and a user can make. */
struct page {
	char *at;
	size_t size;
};

static void page_add(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void page_add(struct page *page, const char *format, ...) {
	va_list list;
	va_start(list, format);
	int size = vsnprintf(page->at + page->size, ENDPOINT_TEXT_MAX - page->size, format, list);
	va_end(list);
	assert(size >= 0 && page->size + (size_t)size < ENDPOINT_TEXT_MAX);
	page->size += (size_t)size;
}

/* Returns whether it stands for itself in a JSON string (RFC 8259 section 7) and in a header field. */
static bool is_plain(char c) {
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Adds what is to stand between the quotes of a JSON string; bytes that are not ASCII are taken for Latin-1. */
static void page_add_string(struct page *page, struct slice text) {
	for (size_t i = 0; i < text.size; i++) {
		if (is_plain(text.at[i]) && page->size < ENDPOINT_TEXT_MAX)
			page->at[page->size++] = text.at[i];
		else
			page_add(page, "\\u%04x", (unsigned char)text.at[i]);
	}
}

/* Gives the page from `from` on as the answer's body. */
static void give_page(struct answer *ret, const struct page *page, size_t from) {
	ret->type = SLICE("application/json");
	ret->body = (struct slice){page->at + from, page->size - from};
	ret->body_bytes = ret->body.size;
}

static void give_error(struct answer *ret, unsigned status, struct slice fields, struct slice body) {
	ret->status = status;
	ret->type = SLICE("application/json");
	ret->fields = fields;
	ret->body = body;
	ret->body_bytes = body.size;
}

/* ---- who asks */

/* FNV-1a of 64 bits, as its authors publish it. */
static uint64_t hash(struct slice bytes) {
	uint64_t sum = 0xcbf29ce484222325u;
	for (size_t i = 0; i < bytes.size; i++) sum = (sum ^ (unsigned char)bytes.at[i]) * 0x100000001b3u;
	return sum;
}

/* Returns whether it can be shown as it is, and is short enough. */
static bool is_name(struct slice text) {
	for (size_t i = 0; i < text.size; i++)
		if (!is_plain(text.at[i])) return false;
	return text.size > 0 && text.size <= USER_MAX;
}

static struct slice skip_blanks(struct slice text) {
	while (text.size > 0 && (text.at[0] == ' ' || text.at[0] == '\t' || text.at[0] == '\r' || text.at[0] == '\n'))
		text = (struct slice){text.at + 1, text.size - 1};
	return text;
}

/* The text behind the first "user": of a body; empty if there is none, or one with escapes. */
static struct slice find_user(struct slice body) {
	static const struct slice key = SLICE("\"user\"");
	const char *found = body.size > 0 ? memmem(body.at, body.size, key.at, key.size) : NULL;
	struct slice none = {NULL, 0}, rest;
	if (!found) return none;
	rest = skip_blanks((struct slice){found + key.size, body.size - (size_t)(found - body.at) - key.size});
	if (rest.size == 0 || rest.at[0] != ':') return none;
	rest = skip_blanks((struct slice){rest.at + 1, rest.size - 1});
	if (rest.size == 0 || rest.at[0] != '"') return none;
	struct slice behind, user = slice_cut((struct slice){rest.at + 1, rest.size - 1}, '"', &behind);
	return behind.at && is_name(user) ? user : none;
}

static struct slice find_session(struct slice cookie) {
	while (cookie.size > 0) {
		struct slice value, pair = slice_trim(slice_cut(cookie, ';', &cookie)), name = slice_cut(pair, '=', &value);
		if (slice_equal(name, SLICE("session"))) return value;
	}
	return (struct slice){NULL, 0};
}

/* What stands behind the scheme of Authorization, else the cookie; empty: nobody. */
static struct slice find_credentials(const struct endpoint_request *request) {
	struct slice behind, scheme = slice_cut(request->authorization, ' ', &behind);
	if (behind.size > 0) return slice_trim(behind);
	return scheme.size > 0 ? scheme : find_session(request->cookie);
}

/* Writes the token of a login. */
static void token_make(struct slice body, struct slice user, char token[TOKEN_MAX + 1]) {
	static const char digits[] = "0123456789abcdef";
	char *at = token + HASH_DIGITS;
	snprintf(token, HASH_DIGITS + 1, "%016" PRIx64, hash(body));
	for (size_t i = 0; i < user.size; i++) {
		*at++ = digits[user.at[i] >> 4];
		*at++ = digits[user.at[i] & 15];
	}
	*at = 0;
}

static int digit_of(char c) {
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whom a token was made for, decoded into `name` of USER_MAX bytes; a foreign one is a name itself. Empty: none that can be shown. */
static struct slice token_user(struct slice token, char *name) {
	struct slice user = {name, 0}, none = {NULL, 0};
	bool is_ours = token.size >= HASH_DIGITS && token.size % 2 == 0 && token.size <= TOKEN_MAX;
	for (size_t i = 0; i < token.size && is_ours; i++) is_ours = digit_of(token.at[i]) >= 0;
	if (!is_ours) return is_name(token) ? token : none;
	for (size_t i = HASH_DIGITS; i < token.size; i += 2) name[user.size++] = (char)(digit_of(token.at[i]) * 16 + digit_of(token.at[i + 1]));
	return is_name(user) ? user : none;
}

static void page_add_user(struct page *page, struct slice user) {
	if (user.size > 0)
		page_add(page, "\"user\":\"%.*s\"", (int)user.size, user.at);
	else
		page_add(page, "\"user\":null");
}

/* ---- what all steps have in common */

/* Returns whether the method is that of the step; if not, that is the answer. */
static bool check_method(const struct endpoint_request *request, struct answer *ret, bool posts) {
	bool fits = posts ? slice_equal(request->method, SLICE("POST"))
			  : slice_equal(request->method, SLICE("GET")) || slice_equal(request->method, SLICE("HEAD"));
	if (fits) return true;
	record_count(&request->shop->bad, 1);
	give_error(ret, 405, posts ? SLICE("Allow: POST\r\n") : SLICE("Allow: GET, HEAD\r\n"), SLICE("{\"error\":\"not with this method\"}\n"));
	return false;
}

/* Returns whether ?refuse= lets the request pass; if not, that is the answer. */
static bool check_refuse(const struct endpoint_request *request, struct answer *ret, enum shop_step step) {
	struct slice text = endpoint_find_value(request->query, SLICE("refuse"));
	uint64_t percent;
	if (text.size == 0) return true;
	if (!units_parse_count(text, &percent) || percent > 100) {
		record_count(&request->shop->bad, 1);
		give_error(ret, 400, SLICE(""), SLICE("{\"error\":\"refuse: write a number from 0 to 100\"}\n"));
		return false;
	}
	record_count(&request->shop->asked[step], 1);
	if (request->shop->asked[step] * percent % 100 >= percent) return true;
	record_count(&request->shop->refused, 1);
	give_error(ret, 401, SLICE("WWW-Authenticate: Bearer\r\n"), SLICE("{\"error\":\"refused\"}\n"));
	return false;
}

/* Returns whether somebody asks; if not, that is the answer. */
static bool check_credentials(const struct endpoint_request *request, struct answer *ret, struct slice *ret_credentials) {
	*ret_credentials = find_credentials(request);
	if (ret_credentials->size > 0) return true;
	record_count(&request->shop->denied, 1);
	give_error(ret, 401, SLICE("WWW-Authenticate: Bearer\r\n"), SLICE("{\"error\":\"log in first\"}\n"));
	return false;
}

static void page_add_item(struct page *page, uint64_t id) {
	uint64_t cents = 100 + id * 7919 % 9900;
	page_add(page, "{\"id\":%" PRIu64 ",\"name\":\"item %" PRIu64 "\",\"price\":%" PRIu64 ".%02" PRIu64 "}", id, id, cents / 100, cents % 100);
}

/* ---- the steps */

void shop_answer_login(const struct endpoint_request *request, struct answer *ret) {
	if (!check_method(request, ret, true) || !check_refuse(request, ret, SHOP_LOGIN)) return;
	struct slice body = request->body ? (struct slice){request->body->at, request->body->size} : SLICE(""), user = find_user(body);
	struct page page = {request->text, 0};
	char token[TOKEN_MAX + 1];
	token_make(body, user, token);
	page_add(&page, "Set-Cookie: session=%s; Path=/\r\n", token);
	ret->fields = (struct slice){page.at, page.size};
	size_t from = page.size;
	page_add(&page, "{\"token\":\"%s\",", token);
	page_add_user(&page, user);
	page_add(&page, "}\n");
	give_page(ret, &page, from);
	record_count(&request->shop->done[SHOP_LOGIN], 1);
}

void shop_answer_profile(const struct endpoint_request *request, struct answer *ret) {
	struct slice credentials;
	if (!check_method(request, ret, false) || !check_refuse(request, ret, SHOP_PROFILE) || !check_credentials(request, ret, &credentials)) return;
	struct page page = {request->text, 0};
	char name[USER_MAX];
	page_add(&page, "{");
	page_add_user(&page, token_user(credentials, name));
	page_add(&page, "}\n");
	give_page(ret, &page, 0);
	record_count(&request->shop->done[SHOP_PROFILE], 1);
}

void shop_answer_search(const struct endpoint_request *request, struct answer *ret) {
	if (!check_method(request, ret, false) || !check_refuse(request, ret, SHOP_SEARCH)) return;
	struct slice words = endpoint_find_value(request->query, SLICE("q"));
	struct page page = {request->text, 0};
	uint64_t sum = hash(words);
	page_add(&page, "{\"query\":\"");
	page_add_string(&page, words);
	page_add(&page, "\",\"results\":[");
	for (unsigned i = 0; i < RESULTS; i++) {
		page_add(&page, i > 0 ? "," : "");
		page_add_item(&page, 1 + (sum % ITEMS + i * (ITEMS / RESULTS)) % ITEMS);
	}
	page_add(&page, "]}\n");
	give_page(ret, &page, 0);
	record_count(&request->shop->done[SHOP_SEARCH], 1);
}

void shop_answer_item(const struct endpoint_request *request, struct answer *ret) {
	uint64_t id;
	if (!check_method(request, ret, false) || !check_refuse(request, ret, SHOP_ITEM)) return;
	if (!units_parse_count(request->rest, &id) || request->rest.at[0] == '+' || id < 1 || id > ITEMS) {
		record_count(&request->shop->bad, 1);
		give_error(ret, 404, SLICE(""), SLICE("{\"error\":\"no such item; there are 1 to 1000000\"}\n"));
		return;
	}
	struct page page = {request->text, 0};
	page_add_item(&page, id);
	page_add(&page, "\n");
	give_page(ret, &page, 0);
	record_count(&request->shop->done[SHOP_ITEM], 1);
}

void shop_answer_checkout(const struct endpoint_request *request, struct answer *ret) {
	struct slice credentials;
	if (!check_method(request, ret, true) || !check_refuse(request, ret, SHOP_CHECKOUT) || !check_credentials(request, ret, &credentials)) return;
	const struct server_group *group = request->server->group;
	struct page page = {request->text, 0};
	char name[USER_MAX];
	uint64_t before = request->shop->done[SHOP_CHECKOUT], thread = (uint64_t)(request->server - group->servers);
	page_add(&page, "{\"order\":%" PRIu64 ",", before * group->count + thread + 1);
	page_add_user(&page, token_user(credentials, name));
	page_add(&page, "}\n");
	give_page(ret, &page, 0);
	record_count(&request->shop->done[SHOP_CHECKOUT], 1);
}

void shop_answer_stats(const struct endpoint_request *request, struct answer *ret) {
	static const char *const names[SHOP_STEPS] = {"logins", "profiles", "searches", "items", "orders"};
	const struct server_group *group = request->server->group;
	uint64_t done[SHOP_STEPS] = {0}, refused = 0, denied = 0, bad = 0;
	for (unsigned t = 0; t < group->count; t++) {
		const struct shop *shop = &group->servers[t].shop;
		for (unsigned i = 0; i < SHOP_STEPS; i++) done[i] += record_look(&shop->done[i]);
		refused += record_look(&shop->refused);
		denied += record_look(&shop->denied);
		bad += record_look(&shop->bad);
	}
	struct page page = {request->text, 0};
	page_add(&page, "{");
	for (unsigned i = 0; i < SHOP_STEPS; i++) page_add(&page, "\"%s\":%" PRIu64 ",", names[i], done[i]);
	page_add(&page, "\"refused\":%" PRIu64 ",\"denied\":%" PRIu64 ",\"bad\":%" PRIu64 "}\n", refused, denied, bad);
	give_page(ret, &page, 0);
}
