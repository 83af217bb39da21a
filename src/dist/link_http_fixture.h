/* What the tests of dist/link_http share: both ends on loopback, waiting for events, a bare socket for those who do not keep to the rules.
 * In: setups. Out: events, as copies; answers as text. Only for tests: what cannot be had ends the program. */
#pragma once

#include "dist/link_http.h"

#define FIXTURE_WAIT (20 * SEC) /* for anything that must come */

struct got {
	enum link_what what;
	uint64_t peer;
	enum link_kind kind;
	char *body; /* of messages; freed by got_free */
	size_t size;
	char words[512];
	bool refused;
	nsec at;
};

/* Listens on 127.0.0.1 (the address in `setup` may be NULL), and joins that. */
struct link *fixture_listen(struct link_http_setup setup);
struct link *fixture_join(struct link *controller, struct link_http_setup setup);

/* Waits for the next event, FIXTURE_WAIT at most; `what` is LINK_NOTHING then. The one before is freed. */
void got_wait(struct link *link, struct got *got);
void got_free(struct got *got);

/* The same for at most `limit`. */
void got_wait_for(struct link *link, struct got *got, nsec limit);

/* Waits until both ends say LINK_UP; returns the peer. */
uint64_t fixture_both_up(struct link *controller, struct link *agent);

/* Waits for the words of a refusal; "" when none comes. */
const char *fixture_refusal(struct link *controller);

/* A bare connection to a controller, and what it answers until it closes or `limit` is over; "" for nothing. Static memory. */
int fixture_connect(struct link *controller);
void fixture_say(int fd, const char *text);
const char *fixture_hear(int fd, nsec limit);

/* Waits until the other side closes (what it says is dropped); false: `limit` is over. */
bool fixture_is_closed(int fd, nsec limit);
