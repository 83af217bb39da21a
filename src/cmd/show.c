#include "cmd/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/live.h"
#include "tui/screen.h"

#define KEYS_AT_ONCE 64 /* as many are taken before the next drawing */
#define SAID_BYTES 240

struct show {
	struct screen *screen; /* NULL: left */
	struct view *view;
	struct live *live;
	struct grid grid;
	struct frame frame;
	char said[SAID_BYTES]; /* the last line of standard error */
	bool changed;          /* something to show has, since the last drawing */
	bool open_loop;
	nsec every, next; /* drawings; CLOCK_MONOTONIC */
};

struct show *show_new(const struct show_setup *setup, struct err *err) {
	const struct plan *plan = setup->plan;
	struct live_setup live = {plan->duration, plan->requests, plan->max_tasks, plan->threads, &plan->groups};
	struct screen *screen = screen_enter(setup->color, err);
	if (!screen) return NULL;
	struct show *show = mem_zeroed(1, sizeof(*show));
	show->screen = screen;
	show->view = view_new(false, setup->window);
	show->live = live_new(&live);
	show->open_loop = plan->open_loop;
	show->every = SEC / setup->per_s;
	return show;
}

void show_end(struct show *show) {
	if (!show) return;
	screen_leave(show->screen);
	show->screen = NULL;
}

void show_free(struct show *show) {
	if (!show) return;
	show_end(show);
	view_free(show->view);
	live_free(show->live);
	grid_fini(&show->grid);
	free(show);
}

int show_descriptor(const struct show *show) {
	return show && show->screen ? screen_descriptor(show->screen) : -1;
}

int show_wait_ms(const struct show *show) {
	return (int)(show->every / MSEC) + 1;
}

void show_tick(struct show *show, const struct progress_moment *moment, const struct tally *tick) {
	static const enum frame_phase phases[] = {
		[PROGRESS_CONNECT] = FRAME_CONNECT,
		[PROGRESS_WARMUP] = FRAME_WARMUP,
		[PROGRESS_RAMP] = FRAME_RAMP,
		[PROGRESS_STEADY] = FRAME_STEADY,
		[PROGRESS_DRAIN] = FRAME_DRAIN,
	};
	struct live_moment now = {moment->elapsed, phases[moment->phase], show->open_loop ? moment->asked_per_s : -1};
	live_add(show->live, &now, tick);
	show->changed = show->changed || tick;
}

void show_heed(struct show *show, const struct strain *strain) {
	live_heed(show->live, strain);
}

void show_agents(struct show *show, const struct frame_row *rows, size_t count) {
	live_tell_agents(show->live, rows, count);
}

enum view_wish show_draw(struct show *show) {
	enum view_wish wish = VIEW_NOTHING;
	bool pressed = false;
	char said[SAID_BYTES];
	if (!show->screen) return wish;
	if (screen_is_away(show->screen)) pressed = screen_return(show->screen);
	if (screen_is_away(show->screen)) return wish;
	screen_send(show->screen);
	for (int i = 0; i < KEYS_AT_ONCE; i++) {
		int key = screen_key(show->screen);
		if (key == PRESS_NONE) break;
		enum view_wish next = view_key(show->view, key);
		if (next != VIEW_NOTHING) wish = next;
		pressed = true;
	}
	nsec now = clock_now();
	if (now < show->next && !pressed) return wish;
	show->next = now + show->every;
	if (screen_said(show->screen, said, sizeof(said)) && strcmp(said, show->said) != 0) {
		memcpy(show->said, said, sizeof(said));
		live_warn(show->live, said);
		show->changed = true;
	}
	unsigned rows = show->grid.rows, columns = show->grid.columns;
	screen_fit(show->screen, &show->grid);
	if (!show->changed && !pressed && rows == show->grid.rows && columns == show->grid.columns) return wish; /* it shows all that already */
	show->changed = false;
	if (!view_is_frozen(show->view) || show->frame.columns == NULL) live_frame(show->live, view_window(show->view), &show->frame);
	view_draw(show->view, &show->frame, &show->grid);
	screen_show(show->screen, &show->grid);
	return wish;
}

void show_stop(struct show *show) {
	screen_stop(show ? show->screen : NULL);
}

void show_continue(struct show *show) {
	if (!show) return;
	screen_continue(show->screen);
	show->next = 0;
	show->changed = true; /* all of it is drawn anew */
}

void show_stopping(struct show *show) {
	view_stopping(show->view);
	show->changed = true;
}
