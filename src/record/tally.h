/* Sums and histograms of many samples: what a worker fills in one tick, what a run adds up to.
 * In: samples. Out: counts and times that add up across threads, ticks, agents: tally_merge. One owner at a time (see base/mailbox.h). */
#pragma once

#include <stdint.h>

#include "base/outcome.h"
#include "base/status.h"
#include "record/group.h"
#include "record/hist.h"
#include "record/sample.h"
#include "record/strain.h"

#define TALLY_STATUSES 1000

/* The requests of one group whose due lies in the window; of a scenario its iterations, by the due of their first step. */
struct cell {
	uint64_t ok, failed, open;
	uint64_t complete;             /* of ok and failed: a complete response came, whatever it said */
	uint64_t unsent;               /* rows "all", of stages, of scenarios and of their first steps only; counted by the engine at the end */
	uint64_t bytes;                /* of bodies received */
	uint64_t opened;               /* connections, warm-up included; rows of addresses only, counted by the engine */
	struct histlet response_ok;    /* response times of the ok ones ... */
	struct histlet response_other; /* ... and of those that failed or were open; of iterations durations, of those that failed only */
	struct histlet service;        /* of requests only */
};

/* A way of one user through the steps of a scenario. */
struct iteration {
	nsec due;  /* of its first step */
	nsec done; /* of the last step that it took; >= due */
	bool ok;   /* no step failed */
	bool open; /* cut off by the end of the run: no time counts, whatever `ok` says */
};

/* Who closed a connection. */
enum closer { CLOSER_PEER, CLOSER_US, CLOSER_END, CLOSER_COUNT }; /* END: open when the run ended */

struct tally {
	/* Books: requests whose due lies in the window. */
	uint64_t planned;            /* closed loop: tickets taken. Open loop: 0 (the schedule knows) */
	uint64_t iterations_planned; /* closed loop: iterations begun whose due lies in the window. Open loop: 0 (the schedule knows) */
	uint64_t ok, failed, open, unsent;
	/* Everything that went over the wire, warm-up included. */
	uint64_t attempts;                   /* requests put on the wire: every send of a first byte */
	uint64_t attempts_warmup;            /* of them: due before the window */
	uint64_t retries;                    /* of them: second sends of the same request */
	uint64_t hops;                       /* of them: sent because the answer before was a redirect */
	uint64_t lost;                       /* attempts that ended without any response byte */
	uint64_t bytes_sent, bytes_received; /* on the wire, heads included */
	/* Throughput: by the time of the event, not by due. */
	uint64_t sent_in_window, done_in_window;
	uint64_t opened_in_window, shaken_in_window; /* connections opened; TLS handshakes done */
	uint64_t encoded, decoded;                   /* --compressed, books: bytes of bodies as they came, and as they were meant */
	uint64_t reasons[REASON_COUNT];              /* of books: failed and open by reason */
	uint64_t status[TALLY_STATUSES];             /* of books: real status codes; 0: none */
	uint64_t opened, reused;                     /* connections opened; requests of the books sent on one that had carried a request before */
	uint64_t connect_failed;                     /* dials that failed */
	uint64_t handshakes_full, handshakes_resumed, handshakes_failed; /* TLS */
	uint64_t closed[CLOSER_COUNT];
	uint64_t opened_h2;   /* of the connections opened: they speak HTTP/2 */
	uint64_t fell_back;   /* ... they were offered HTTP/2 and speak HTTP/1.1 */
	uint64_t goaways;     /* ... their peer has said that it wants no more requests on them (GOAWAY) */
	uint64_t unprocessed; /* attempts that the peer said it did nothing with */
	/* HTTP/2: fewest requests at once that a peer allowed on a connection (SETTINGS_MAX_CONCURRENT_STREAMS); 0: not known. Merging takes the smaller. */
	uint64_t stream_limit;
	nsec spun;        /* time spent waiting without sleeping */
	nsec longest_gap; /* longest time between two completions on one thread; merging takes the larger */
	/* Requests on the wire, warm-up included, from the first send of each to its end: the area under their number (ns, modulo 2^64; a stamp just
	 * behind `upto` counts here and is missing in the next), and how long each thread has looked. Area / span is the mean of a thread. */
	uint64_t wire_area;
	nsec wire_span;
	nsec upto;               /* the moment up to which it counts; set when it is handed over, not merged */
	struct strain_told told; /* the same; merging keeps none */
	size_t cell_count;
	struct histlet late; /* of books: the part "late" of each request, zeros included */
	struct cell cells[]; /* one per row of the group table */
};

/* Exact totals of a whole run, one per worker. */
struct totals {
	struct hist response_ok, response_failed, response_open;
	struct hist service_ok, service_failed, service_open;
	struct hist parts[PART_COUNT]; /* zeros are not recorded: a part's missing count is its number of zeros */
	struct hist own_error;         /* --truth only */
	/* Requests whose last bytes carry the kernel's stamp (--kernel-stamps): done = sent + outside + client_queue (transfer included). */
	struct hist outside;      /* from sent to the arrival of the last byte in this machine's kernel: network and target */
	struct hist client_queue; /* from there until strest read it */
};

/* Allocates an empty tally for `groups` rows; free with free(). Cannot fail. */
struct tally *tally_new(size_t groups);

/* Empties it. */
void tally_clear(struct tally *tally);

/* Counts one sample of the window into books, reasons, status and the cells of its groups, and into the exact totals.
 * `stage` is the row of its stage in the group table, 0: none. The worker's thread; no allocation. */
void tally_record(struct tally *tally, struct totals *totals, const struct sample *sample, const struct group_table *groups, size_t stage);

/* Counts an iteration of the window into the cell of its scenario (index among those of the group table). The worker's thread; no allocation. */
void tally_record_iteration(struct tally *tally, const struct group_table *groups, size_t scenario, const struct iteration *iteration);

/* Adds `from` to `into`; of tallies both have the same number of cells. */
void cell_merge(struct cell *into, const struct cell *from);
void tally_merge(struct tally *into, const struct tally *from);
void totals_merge(struct totals *into, const struct totals *from);
