/* What the files of the block for people share. Nobody else includes this.
 * In: a report, or single values. Out: text in a buffer. Any thread; owns nothing. */
#pragma once

#include "base/buf.h"
#include "stats/report.h"

#define SUMMARY_COLUMNS 100
#define SUMMARY_NAME_COLUMNS 47 /* of the first column of a table: the longest IPv6 address with brackets and port */

/* The cells of a table of times: a blank and nine columns. A quantile with too few samples beyond it is a dash. */
void summary_put_duration(struct buf *into, nsec time);
void summary_put_dash(struct buf *into);
void summary_put_quantile(struct buf *into, const struct quantile *at);

/* Writes a rate for people ("9.87", "123.4", "12345") into `text` of `size` bytes (32 is enough) and returns it. */
const char *summary_format_rate(double rate, char *text, unsigned size);

/* Writes `name` into `text` of width + 1 bytes and returns it: whole if it has at most `width` (>= 16) bytes, else with "..." in its middle. No character
 * of UTF-8 is cut in two. */
const char *summary_format_cut(const char *name, size_t width, char *text);

/* Appends `first`, then words in lines of at most SUMMARY_COLUMNS; further lines begin with as many blanks. A word that is longer stays whole. */
void summary_put_wrapped(struct buf *into, const char *first, const char *words);

/* Append the tables per stage, address and URL: those with more than one row. */
void summary_write_groups(const struct report *report, struct buf *into);

/* Appends the tables of iterations and steps, if there are any: at most 80 columns, but for the reasons of failures. */
void summary_write_script(const struct report *report, struct buf *into);

/* Appends the table of the agents of a run on several machines, and what is to be known of them. */
void summary_write_fleet(const struct report *report, struct buf *into);

/* Appends the lines from "Rate" to "Books". */
void summary_write_wire(const struct report *report, struct buf *into);
