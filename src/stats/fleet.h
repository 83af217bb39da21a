/* What a report says of each agent of a fleet: who it is, what became of it, and its own figures, so that one bad agent does not hide in the sum.
 * In: by the controller what it knows of the agent; the figures from its counts. Out: plain values. The texts outlive it; main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "record/parcel.h"
#include "stats/report.h"
#include "stats/verdict.h"

enum fleet_state {
	FLEET_REPORTED, /* its report is here */
	FLEET_LOST,     /* it was not heard of any more; its figures are those of its last snapshot, if one came */
	FLEET_UNABLE,   /* it could not prepare the run */
	FLEET_REFUSED,  /* it was not let in: token, version, a name that is taken */
	FLEET_STATES
};

struct fleet_agent {
	const char *id, *hostname;
	uint64_t weight;
	enum fleet_state state;
	nsec last_heard;    /* LOST: from the common start; its figures may be up to a stream interval older */
	const char *words;  /* why it is not REPORTED, or has ended early; NULL: it is, and has not */
	bool early;         /* it ended before the others, by a signal of its own */
	nsec clock_offset;  /* the controller's clock less its own */
	nsec started_late;  /* after the common start; 0: in time */
	size_t error_count; /* of its run, as it words them */
	const char *const *errors;
	/* From fleet_agent_from_parcel; 0 while has_figures is false. */
	bool has_figures;
	uint64_t planned, ok, failed, open, unsent;
	double throughput_per_s;              /* completions in the window / window */
	struct quantile response[2], late[2]; /* FLEET_P50, FLEET_P99: of all its requests; of how late strest itself sent them */
	struct verdict verdict;               /* was it the target or this agent? */
};
enum { FLEET_P50, FLEET_P99 };

/* All of them, for outputs. The controller owns it; const once the report is built. */
struct fleet_report {
	size_t expected, reported; /* agents of the run; those whose report is here */
	size_t count;
	const struct fleet_agent *at; /* by their index in the run */
	nsec spread, clock_doubt;     /* between the first and the last start; how wrong the agents' clocks may be */
	bool unstreamed;              /* charts were not refused, but without snapshots there are none */
	size_t error_count;
	const char *const *errors; /* of the run, as the controller words them */
};

/* Returns a state's name as it stands in JSON: "reported", "lost", "unable", "refused". */
const char *fleet_state_name(enum fleet_state state);

/* Fills the figures from the counts of this agent alone: its report, or a snapshot (`totals` is NULL, or empty: then times are known to 1 %, see
 * parcel_totals_from_tally). `run` is that of the fleet. A few ms and 5 MB for a moment; leaves the other members as they are. */
void fleet_agent_from_parcel(const struct run_info *run, const struct parcel_sum *sum, struct fleet_agent *ret);
