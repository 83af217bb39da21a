/* A frame with something in every figure; for tests and for looking at the view. */
#pragma once

#include "stats/frame.h"

/* Fills a frame; what it points to is static. `columns` slots of time. */
void frame_fixture(struct frame *frame, size_t columns);
