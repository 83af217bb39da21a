#include "tui/layout.h"

#include <assert.h>

#define GROWING_ABREAST 2

struct shelf {
	size_t first, end; /* of the panels in their order; those left out lie between them */
	unsigned rows, columns, growing, panels;
};

/* Puts the chosen panels on shelves; returns the number of these. */
static size_t shelves_fill(const struct layout_panel *panels, size_t count, const bool *chosen, unsigned columns, struct shelf *ret) {
	size_t shelves = 0;
	for (size_t i = 0; i < count; i++) {
		const struct layout_panel *panel = &panels[i];
		struct shelf *shelf = &ret[shelves > 0 ? shelves - 1 : 0];
		if (!chosen[i]) continue;
		bool fits = shelves > 0 && shelf->columns + panel->columns <= columns && !(panel->grows && shelf->growing >= GROWING_ABREAST) &&
			    (panel->grows == (shelf->growing > 0));
		if (!fits) {
			shelf = &ret[shelves++];
			*shelf = (struct shelf){.first = i};
		}
		shelf->end = i + 1;
		shelf->panels++;
		shelf->columns += panel->columns;
		shelf->growing += panel->grows;
		if (panel->rows > shelf->rows) shelf->rows = panel->rows;
	}
	return shelves;
}

static bool layout_fits(const struct layout_panel *panels, size_t count, const bool *chosen, const struct area *room) {
	struct shelf shelves[LAYOUT_PANELS];
	size_t shelf_count = shelves_fill(panels, count, chosen, room->columns, shelves);
	unsigned rows = 0;
	for (size_t i = 0; i < shelf_count; i++) {
		if (shelves[i].columns > room->columns) return false;
		rows += shelves[i].rows;
	}
	return rows <= room->rows;
}

/* Chooses by priority; one that does not fit is left out, a later one may. */
static void layout_choose(const struct layout_panel *panels, size_t count, const struct area *room, bool *chosen) {
	bool tried[LAYOUT_PANELS] = {false};
	for (size_t round = 0; round < count; round++) {
		size_t best = count;
		for (size_t i = 0; i < count; i++) {
			if (!tried[i] && (best == count || panels[i].priority < panels[best].priority)) best = i;
		}
		tried[best] = true;
		chosen[best] = !panels[best].hidden;
		if (chosen[best] && !layout_fits(panels, count, chosen, room)) chosen[best] = false;
	}
}

/* Shares the columns of a shelf by what its panels need. */
static void shelf_place(const struct shelf *shelf, const struct layout_panel *panels, const bool *chosen, struct area row, struct area *ret) {
	unsigned used = 0, needed = 0;
	for (size_t i = shelf->first; i < shelf->end; i++) {
		if (!chosen[i]) continue;
		needed += panels[i].columns;
		unsigned end = row.columns * needed / shelf->columns;
		ret[i] = (struct area){row.top, row.left + used, row.rows, end - used};
		used = end;
	}
}

void layout_place(const struct layout_panel *panels, size_t count, const struct area *room, struct area *ret) {
	struct shelf shelves[LAYOUT_PANELS];
	bool chosen[LAYOUT_PANELS] = {false};
	unsigned rows = 0, growing = 0, top = room->top;
	assert(count <= LAYOUT_PANELS);
	for (size_t i = 0; i < count; i++) ret[i] = (struct area){0};
	layout_choose(panels, count, room, chosen);
	size_t shelf_count = shelves_fill(panels, count, chosen, room->columns, shelves);
	for (size_t i = 0; i < shelf_count; i++) {
		rows += shelves[i].rows;
		growing += shelves[i].growing > 0;
	}
	for (size_t i = 0; i < shelf_count; i++) {
		unsigned extra = shelves[i].growing > 0 ? (room->rows - rows) / growing : 0;
		if (shelves[i].growing > 0) {
			rows += extra;
			growing--;
		}
		struct area row = {top, room->left, shelves[i].rows + extra, room->columns};
		shelf_place(&shelves[i], panels, chosen, row, ret);
		top += row.rows;
	}
}
