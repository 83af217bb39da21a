/* The target's own record: a mapped file that survives a kill, so that tests know what really arrived.
 * In: counts and stamps from the server's threads. Out: a file that anybody can map; layout below, little-endian, native alignment.
 * Each thread writes only its own part, with relaxed atomic stores; readers may look at any time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#define RECORD_MAGIC 0x3174657365727473ull /* the bytes "streset1"; the last one is the version */
#define RECORD_THREADS 64
#define RECORD_STALLS 65536     /* the first so many stall windows */
#define RECORD_ARRIVALS 4194304 /* read stamps of the first so many requests per thread, sparse in the file */

/* One thread's counters, on cache lines of its own. */
struct record_thread {
	uint64_t requests;                            /* complete requests read, counted before they are answered */
	uint64_t answered;                            /* responses handed to the kernel completely */
	uint64_t connections;                         /* accepted */
	uint64_t bytes_in, bytes_out;                 /* on the wire: with TLS encrypted ones */
	uint64_t arrivals;                            /* stamps stored for this thread, up to RECORD_ARRIVALS */
	uint64_t handshakes_full, handshakes_resumed; /* of TLS, complete */
};

struct record_stall {
	nsec begin, end; /* CLOCK_MONOTONIC; end is when work was really taken up again */
};

struct record_head {
	uint64_t magic;
	uint64_t head_bytes; /* offset of the arrivals: thread t's begin at head_bytes + t * RECORD_ARRIVALS * 8 */
	nsec started;        /* CLOCK_MONOTONIC */
	uint64_t threads;
	uint64_t stalls; /* windows stored */
	uint64_t reserved[3];
	struct record_thread thread[RECORD_THREADS];
	struct record_stall stall[RECORD_STALLS]; /* windows of thread 0: all threads stall together */
};

/* Maps `path`, which is truncated and begun anew, for `threads` threads; NULL: memory of this process, without arrival stamps. ERR_FAILED with the path
 * in the sentence. Before the threads start. */
bool record_open(const char *path, unsigned threads, struct record_head **ret, struct err *err);

/* Ends the mapping; the file stays. */
void record_close(struct record_head *head);

/* Where thread `thread` stores its arrivals; NULL: they are not kept. */
nsec *record_arrivals(struct record_head *head, unsigned thread);

/* Adds a window; the ones after the first RECORD_STALLS are left out. Thread 0 only. */
void record_add_stall(struct record_head *head, struct record_stall window);

/* Adds to a counter that only this thread writes. */
static inline void record_count(uint64_t *counter, uint64_t more) {
	__atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

/* Reads a counter of any thread. */
static inline uint64_t record_look(const uint64_t *counter) {
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Counts a request read at `read`: its stamp first, so that a reader never sees a count without its stamp. Thread `thread` only. */
static inline void record_arrival(struct record_thread *thread, nsec *arrivals, nsec read) {
	if (arrivals && thread->arrivals < RECORD_ARRIVALS) {
		__atomic_store_n(&arrivals[thread->arrivals], read, __ATOMIC_RELAXED);
		__atomic_store_n(&thread->arrivals, thread->arrivals + 1, __ATOMIC_RELEASE);
	}
	record_count(&thread->requests, 1);
}
