/* Draws one chart: the only file that knows a graphics library is draw.c.
 * In: a row of the table, the run's points. Out: the bytes of a PNG file of 1600 x 600 pixels, 8-bit RGB. Keeps nothing; any thread. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "chart/table.h"

#define DRAW_WIDTH 1600
#define DRAW_HEIGHT 600

/* Appends the file to `into`. Where there is no font, there is no text. False: the picture could not be made. ERR_FAILED. */
bool draw_chart(const struct chart *chart, const struct chart_data *data, struct buf *into, struct err *err);

/* Gives back what drawing keeps for each thread: the fonts. The last call of a thread. */
void draw_end(void);
