/* What the live view shows at one moment: plain figures, whether they come from a run or from a replay.
 * In: by whoever knows them: stats/live.h from the ticks of a run, cmd/replay from the slots of a log. Out: to tui/view.h. The maker owns it; main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/outcome.h"

#define FRAME_COLUMNS 320 /* slots of time that a view has at most */
#define FRAME_BANDS 48    /* of response times in a column of the heatmap: see frame_band */
#define FRAME_ROWS 512    /* stages, steps and scenarios at most */
#define FRAME_REASONS 8   /* the most frequent ones */
#define FRAME_CLASSES 5   /* as SERIES_CLASSES */

/* A time of -1 means: nothing was measured. */
struct frame_times {
	nsec p50, p90, p99, max;
};

/* One slot of time, oldest first. */
struct frame_column {
	nsec start, width;          /* from the start line; width 0: the slot is not there (before the run, a gap, still to come) */
	bool is_gap;                /* strest stood still then */
	struct frame_times all, ok; /* response times of what ended in the slot */
	double asked_per_s, sent_per_s, done_per_s, failed_per_s; /* asked: -1 in a closed loop */
	double in_flight;                                         /* mean */
	uint64_t classes[FRAME_CLASSES];
	uint32_t bands[FRAME_BANDS]; /* requests by response time */
};

/* Requests of one stage, step, scenario (which counts iterations) or agent. */
struct frame_row {
	const char *kind; /* "stage", "step", "scenario", "agent" */
	const char *name;
	uint64_t ok, failed, open;
	struct frame_times times;
};

enum frame_phase { FRAME_CONNECT, FRAME_WARMUP, FRAME_RAMP, FRAME_STEADY, FRAME_DRAIN, FRAME_DONE, FRAME_REPLAY };

struct frame {
	enum frame_phase phase;
	nsec elapsed, duration; /* duration 0: not known */
	uint64_t requests;      /* --requests; 0: none */
	/* From the end of the warm-up (replay: from the start of its window) on: */
	uint64_t ok, failed, open, unsent, timeouts, transport, unexpected;
	struct frame_times run_all, run_ok;
	/* Of the window, the last `window` ns: */
	nsec window;
	struct frame_times window_all, window_ok;
	double rps, failed_per_s;       /* completions of the last second, and those of them that failed */
	double asked_per_s, sent_per_s; /* now; asked -1: a closed loop */
	uint64_t in_flight, in_flight_most;
	uint64_t classes[FRAME_CLASSES]; /* of the run so far */
	size_t reason_count;
	struct {
		enum reason reason;
		uint64_t count;
	} reasons[FRAME_REASONS]; /* the most frequent first */
	size_t row_count;
	const struct frame_row *rows;
	size_t column_count;
	const struct frame_column *columns;
	bool limited;        /* by this side: the verdict of the run so far names a cause */
	const char *light;   /* whom the numbers are about: "target", "target, or --max-tasks", or the causes so far, "cpu, late"; NULL: not known */
	const char *words;   /* the first cause with its figures; NULL: there is none */
	const char *warning; /* the last one; NULL: none */
	/* Replay only. */
	bool is_paused;
	double speed;
	nsec from, to, cursor;   /* on the clock of the log */
	nsec mark_from, mark_to; /* of a snapshot; -1: not set */
	const char *note;        /* "wrote /tmp/x.json"; NULL: nothing to say */
};

/* Returns where a status code counts in `classes`; 0, none, and what is no status of HTTP are the last. */
static inline size_t frame_class(size_t status) {
	return status >= 200 && status < 600 ? status / 100 - 2 : FRAME_CLASSES - 1;
}

/* Returns the band of a response time: band 0 is below 100 us, six of them make a decade after that, the last one has no end. */
unsigned frame_band(nsec time);

/* Returns where a band begins. */
nsec frame_band_low(unsigned band);

/* Fills timeouts, transport, unexpected and the reasons of a frame in which they are 0, from requests by reason. */
void frame_count_reasons(struct frame *frame, const uint64_t counts[REASON_COUNT]);
