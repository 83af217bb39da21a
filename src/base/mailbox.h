/* Hands one pointer from thread to thread: who holds the pointer owns the thing.
 * In: a pointer put by one thread. Out: the same pointer taken by another. Lock-free; the box owns nothing. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct mailbox {
	_Atomic(void *) item; /* NULL: empty */
};

/* Puts `item` (NULL empties the box) and returns what lay there before, which is the caller's from now on. Any thread. */
static inline void *mailbox_swap(struct mailbox *box, void *item) {
	return atomic_exchange_explicit(&box->item, item, memory_order_acq_rel);
}

/* Returns whether something lies there; a cheap look without taking it. */
static inline bool mailbox_full(const struct mailbox *box) {
	return atomic_load_explicit(&box->item, memory_order_relaxed) != NULL;
}
