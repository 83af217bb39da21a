/* Compares thresholds with what was measured.
 * In: rules (base/threshold.h), a report or the counts so far. Out: pass or fail with the value. Any thread; owns nothing. */
#pragma once

#include "base/err.h"
#include "stats/report.h"

struct judged {
	const struct threshold *threshold;
	bool passed;
	bool few;     /* the percentile rests on fewer than 10 samples beyond it */
	bool unknown; /* there is no value: no request, no such stage or step reached; never passed */
	double value; /* in the unit of the limit; INFINITY: never (slo) */
};

/* Judges all of `report->run.thresholds` at the end of a run; the report's books, times and groups are filled. A stage's rps are its complete
 * responses, whenever they came, by the part of the stage that lies in the window; the hold after the last stage is no stage. Times go by the slo
 * view: what is not ok counts as never; the nearest rank is compared. Percentiles of a stage are known to 1 % (to 1 us below 100 us), the width of a
 * bucket of its histogram: a limit inside the bucket counts as kept; the value shown is the bucket's upper edge, at most the longest time. The same
 * holds for a step, whose rps are by the whole window, and for iterations: of these the ones that the end of the run cut off are left out, those that
 * failed or were never begun count as never, and rps are those that came to their end. */
void judge_report(const struct report *report, struct judged *ret);

/* What is known while a run goes on. */
struct judge_moment {
	nsec elapsed;              /* of the window so far */
	nsec window;               /* its whole length as planned */
	const struct tally *tally; /* everything counted so far */
	const struct group_table *groups;
};

/* Returns the first threshold on times or errors that is missed by what ended so far, or NULL. Percentiles are known to 1 %, as those of stages in
 * judge_report, and only what is missed for certain counts. One on max, which cannot become better, is missed at once; the others not before a tenth
 * of the window or 10 s have passed (whichever is less, but at least 1 s) and 100 requests (of the stage or step, if it is for one) have ended; a percentile
 * not before FEW_BEYOND of them lie beyond it. A threshold on rps is judged at the end only, a lower one on max or on a count of errors too.
 * Main thread. */
const struct threshold *judge_early(const struct threshold *thresholds, size_t count, const struct judge_moment *moment);

/* Returns whether what the thresholds are about will be there: steps by their names in the table, iterations if there are scenarios. Else a sentence with the
 * rule and, if one is like it, the name of a step: ERR_FAILED. Stages are config/check.c's. Before the run. */
bool judge_check(const struct threshold *thresholds, size_t count, const struct group_table *groups, struct err *err);

/* Writes a value of the threshold's kind for people ("12.3 ms", "0.52 %", "never") into `text` of `size` bytes (32 is enough) and returns it. */
const char *judge_format(const struct threshold *threshold, double value, char *text, unsigned size);
