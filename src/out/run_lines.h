/* The two lines of a run log that are no records: "# strest {...}" says what the run was, "# end {...}" what came of it besides its records.
 * In: a run, its report; or these lines. Out: JSON; or the run, and the parts of its result that its records do not tell. Any thread; owns nothing. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "stats/report.h"

#define RUN_LINE_MAX ((size_t)192 << 10) /* bytes of such a line; what it would pass it by is left out of it: names of URLs, times of groups */

/* Puts what was planned into the object of the first line. `urls`: rows of a list of URLs, `url_count` of them. */
void run_lines_put_head(const struct run_info *info, const char *const *urls, size_t url_count, struct json *into);

/* Puts what came of it into the object of the last line. */
void run_lines_put_end(const struct report *report, struct json *into);

/* What the first line says. */
struct run_head {
	struct run_info info; /* its groups are those of the run, or, of a line without them, just the three first rows and one address */
	size_t url_count;     /* 0: no list */
	const char **urls;    /* as in struct run_result */
};

/* Reads the JSON of a first line. False: it is none. What a line of an older version does not say is 0, or as for a closed loop. */
bool run_lines_read_head(struct slice text, struct arena *arena, struct run_head *ret);

/* The groups of a file that says nothing of them: all, new, reused, one address. */
void run_lines_plain_groups(struct arena *arena, struct group_table *ret);

/* What the last line says of a run: the members that its records do not tell. */
struct run_end {
	uint64_t counted, shed;   /* requests of the books that were ok, failed or open; of them those that the log lacks */
	struct run_result result; /* but for tally, totals, step_reasons, series and URLs */
	long aborted_by;          /* index of the threshold that ended it; -1: none */
	double asked_per_s;
	const char *tls_version, *tls_cipher;
	const struct tree *root; /* the whole line */
};

/* Reads the JSON of a last line. False: it is none, or one of an older version, which has not enough. */
bool run_lines_read_end(struct slice text, struct arena *arena, struct run_end *ret);

/* Puts the counts and times of a last line into the sums of the records of the same run. */
void run_lines_apply_end(const struct run_end *end, struct tally *tally, struct totals *totals);
