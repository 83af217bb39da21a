/* The way of records from one worker to one writer of the run log: a ring of blocks, so that the request path has neither lock nor system call.
 * In: records, by the worker's thread. Out: blocks, by the writer's. Bounded: when the writer is a whole ring behind, records are shed, and counted. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "record/runlog.h"

#define LOGPORT_BLOCK 256  /* records of a block */
#define LOGPORT_BLOCKS 256 /* at most, of all ports of a worker together */

struct logblock {
	uint32_t count;
	struct logged at[LOGPORT_BLOCK];
};

struct logport {
	/* Worker. */
	uint32_t used;                       /* records in the block that is being filled */
	_Alignas(64) _Atomic uint64_t given; /* blocks handed over so far */
	_Atomic uint64_t shed;               /* records dropped */
	nsec zero;                           /* what the writer subtracts from stamps; set before the first block is given */
	/* Writer. */
	_Alignas(64) _Atomic uint64_t taken;
	/* Const. */
	uint64_t size;
	struct logblock *blocks;
};

/* Takes memory for `blocks` blocks (a power of two). */
void logport_open(struct logport *port, unsigned blocks);
void logport_close(struct logport *port);

/* Returns the place for the next record, which the worker fills; NULL: it is shed. Worker's thread; no allocation, no lock. */
static inline struct logged *logport_next(struct logport *port) {
	uint64_t given = atomic_load_explicit(&port->given, memory_order_relaxed);
	if (port->used == 0 && given - atomic_load_explicit(&port->taken, memory_order_acquire) == port->size) {
		atomic_store_explicit(&port->shed, atomic_load_explicit(&port->shed, memory_order_relaxed) + 1, memory_order_relaxed);
		return NULL;
	}
	return &port->blocks[given & (port->size - 1)].at[port->used++];
}

/* Hands over what is in the block that is being filled, if anything is. */
static inline void logport_give(struct logport *port) {
	uint64_t given = atomic_load_explicit(&port->given, memory_order_relaxed);
	if (port->used == 0) return;
	port->blocks[given & (port->size - 1)].count = port->used;
	port->used = 0;
	atomic_store_explicit(&port->given, given + 1, memory_order_release);
}

/* Returns the oldest block that was given, NULL: there is none; it is the writer's until logport_return. */
const struct logblock *logport_take(const struct logport *port);
void logport_return(struct logport *port);
