/* --debug: one request shown in bytes, with everything that belongs to it: connections, a proxy's CONNECT, redirects, the parts of its time.
 * In: what the run's hooks see (a worker's thread). Out: text for people, after the run (main thread). */
#pragma once

#include "base/buf.h"
#include "engine/run.h"

struct debug;

struct debug *debug_new(void);

/* NULL is fine. */
void debug_free(struct debug *debug);

/* Makes the hooks write into it. */
void debug_hook(struct debug *debug, struct run_hooks *ret);

/* Adds what was seen: lines "> " sent, "< " received, "* " what happened. Control characters and bytes that are not ASCII stand as \r, \n, \t and \xNN, a
 * backslash as two, so that every byte can be told; a line break follows each \n. Values of fields that name a secret are masked. */
void debug_write(struct debug *debug, struct buf *into);
