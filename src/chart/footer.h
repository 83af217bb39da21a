/* What run a chart shows, in two lines below it.
 * In: what the run was. Out: text. Any thread. */
#pragma once

#include "base/buf.h"
#include "stats/report.h"

#define FOOTER_LINES 2
#define FOOTER_MAX 4096 /* bytes of a line; a longer one is cut */

/* Appends line `line` (below FOOTER_LINES): target, start in local time, labels; then load, version and run id. */
void footer_write(const struct run_info *run, unsigned line, struct buf *into);
