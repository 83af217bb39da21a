/* Events that wait for the caller of a link, and the descriptor that is readable meanwhile.
 * In: events of a carrier's thread. Out: the oldest first. Nothing is locked here: the carrier does. The struct is the carrier's. */
#pragma once

#include "dist/link.h"

struct inbox_item;

struct inbox {
	struct inbox_item *first, *last;
	struct inbox_item *shown; /* the one that the caller looks at */
	size_t bytes;             /* of the bodies in it, with the one that is shown */
	int descriptor;           /* readable: something waits; -1: cannot be opened */
};

void inbox_init(struct inbox *inbox);
void inbox_fini(struct inbox *inbox);

/* Adds a message; `body` of `size` bytes (malloc; NULL when 0) is the inbox's from now on. */
void inbox_put_message(struct inbox *inbox, uint64_t peer, enum link_kind kind, char *body, size_t size);

/* Adds LINK_UP or LINK_DOWN; the words are copied. */
void inbox_put_state(struct inbox *inbox, enum link_what what, uint64_t peer, const char *words, bool refused);

/* Forgets what waits of a peer. */
void inbox_forget(struct inbox *inbox, uint64_t peer);

/* Shows the oldest; *ret is valid until the next call. False: none waits. Frees the one that was shown before, either way. */
bool inbox_show(struct inbox *inbox, struct link_event *ret);
