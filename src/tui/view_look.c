/* Shows the fixture's frame on the terminal until q is pressed twice: for looking at the view. With a word: as a replay. Not installed. */
#include <poll.h>
#include <stdio.h>

#include "tui/frame_fixture.h"
#include "tui/screen.h"
#include "tui/view.h"

int main(int argc, char **argv) {
	struct err err = {0};
	struct frame frame;
	struct grid grid = {0};
	enum view_wish wish = VIEW_NOTHING;
	(void)argv;
	struct screen *screen = screen_enter(true, &err);
	if (!screen) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	struct view *view = view_new(argc > 1, VIEW_WINDOW);
	frame_fixture(&frame, 100);
	if (argc > 1) {
		frame.phase = FRAME_REPLAY;
		frame.speed = 2;
		frame.to = 30 * SEC;
		frame.cursor = 12 * SEC;
		frame.mark_from = 3 * SEC;
		frame.note = "wrote /tmp/snapshot-3000ms-12000ms.json";
	}
	for (int i = 0; i < 6000 && wish != VIEW_FORCE; i++) {
		struct pollfd polled = {.fd = screen_descriptor(screen), .events = POLLIN};
		frame.window = view_window(view);
		screen_fit(screen, &grid);
		view_draw(view, &frame, &grid);
		screen_show(screen, &grid);
		poll(&polled, 1, 100);
		wish = view_key(view, screen_key(screen));
	}
	view_free(view);
	grid_fini(&grid);
	screen_leave(screen);
	return 0;
}
