#include "record/logport.h"

#include <stdlib.h>

#include "base/arena.h"

void logport_open(struct logport *port, unsigned blocks) {
	*port = (struct logport){.size = blocks, .blocks = mem_zeroed(blocks, sizeof(*port->blocks))};
}

void logport_close(struct logport *port) {
	free(port->blocks);
}

const struct logblock *logport_take(const struct logport *port) {
	uint64_t taken = atomic_load_explicit(&port->taken, memory_order_relaxed);
	if (taken == atomic_load_explicit(&port->given, memory_order_acquire)) return NULL;
	return &port->blocks[taken & (port->size - 1)];
}

void logport_return(struct logport *port) {
	atomic_fetch_add_explicit(&port->taken, 1, memory_order_release);
}
