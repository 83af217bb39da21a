/* The endpoints of a small shop, for flows of several steps: log in, look around, buy.
 * In: requests. Out: descriptions of answers, all JSON; counts. Nobody is remembered: a token says by itself who logged in. One thread a server. */
#pragma once

#include <stdint.h>

struct answer;
struct endpoint_request;

enum shop_step {
	SHOP_LOGIN,
	SHOP_PROFILE,
	SHOP_SEARCH,
	SHOP_ITEM,
	SHOP_CHECKOUT,
	SHOP_STEPS,
};

/* One thread's counts of requests. A request is in exactly one of the first four. */
struct shop {
	uint64_t done[SHOP_STEPS];  /* answered as the step wants it */
	uint64_t refused;           /* 401 because of ?refuse= */
	uint64_t denied;            /* 401 without credentials */
	uint64_t bad;               /* 400, 404, 405 */
	uint64_t asked[SHOP_STEPS]; /* with ?refuse=, refused or not */
};

/* Rows of the endpoints' table. `?refuse=N`, N from 0 to 100, refuses of each 100 such requests to the same endpoint and thread N, evenly spread:
 * with 5 every 20th. */

/* POST, any body: a token, also as the cookie `session`. The token is the body's FNV-1a hash and the text of its first "user", in hex. */
void shop_answer_login(const struct endpoint_request *request, struct answer *ret);

/* GET with any Authorization, or the cookie: who it is. Of a foreign token it is the token itself; what is no plain text is null. */
void shop_answer_profile(const struct endpoint_request *request, struct answer *ret);

/* GET, ?q=: three items that depend on the words only. */
void shop_answer_search(const struct endpoint_request *request, struct answer *ret);

/* GET /items/N: its name and price. */
void shop_answer_item(const struct endpoint_request *request, struct answer *ret);

/* POST with credentials as for the profile, any body: an order's number, which no other order has. */
void shop_answer_checkout(const struct endpoint_request *request, struct answer *ret);

/* The counts of all threads. */
void shop_answer_stats(const struct endpoint_request *request, struct answer *ret);
