/* Which panels a screen has room for, and where: shelves of panels, from the top.
 * In: what each panel needs. Out: an area for each. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tui/grid.h"

#define LAYOUT_PANELS 32

struct layout_panel {
	unsigned rows, columns; /* at least, frame included */
	unsigned priority;      /* the smallest number is placed first */
	bool grows;             /* takes rows that are left; at most two of these stand side by side */
	bool hidden;            /* not to be placed */
};

/* Fills an area for each of `count` (at most LAYOUT_PANELS) panels; rows 0: there was no room. They stand in the order of the list. */
void layout_place(const struct layout_panel *panels, size_t count, const struct area *room, struct area *ret);
