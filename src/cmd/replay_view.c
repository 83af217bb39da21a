#include "cmd/replay_view.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/replay_snapshot.h"
#include "cmd/watch.h"
#include "tui/screen.h"
#include "tui/view.h"

#define SPEED_LEAST 0.25
#define SPEED_MOST 64
#define KEYS_AT_ONCE 64        /* as many are taken before the next drawing */
#define STEP_MOST (500 * MSEC) /* of the clock: who was stopped, or wrote a snapshot, goes on where it was */
#define NOTE_BYTES 400
#define SEND_MS 20 /* between two attempts to send what the terminal did not take */

struct player {
	const struct replay_view_setup *setup;
	struct screen *screen;
	struct view *view;
	struct grid grid;
	nsec from, cursor; /* on the clock of the log */
	nsec moved;        /* CLOCK_MONOTONIC */
	bool paused;
	double speed;
	nsec mark_from, mark_to;     /* -1: not set */
	struct snapshots *snapshots; /* NULL: none was written yet */
	struct replay_span rest;     /* what --replay-snapshot-interval has still to write */
	bool rest_over;              /* ... nothing, or it is not given */
	bool failed;
	char note[NOTE_BYTES];
};

bool replay_view_wanted(const struct out_settings *out) {
	return !out->no_tui && !out->verbose && !out->json && isatty(STDOUT_FILENO);
}

static __attribute__((format(printf, 2, 3))) void player_note(struct player *player, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(player->note, sizeof(player->note), format, args);
	va_end(args);
}

static void player_draw(struct player *player) {
	struct frame frame;
	replay_frame_fill(player->setup->frames, player->cursor, view_window(player->view), &frame);
	frame.is_paused = player->paused;
	frame.speed = player->speed;
	frame.mark_from = player->mark_from;
	frame.mark_to = player->mark_to;
	if (player->note[0]) frame.note = player->note;
	if (screen_is_away(player->screen)) return;
	screen_fit(player->screen, &player->grid);
	view_draw(player->view, &frame, &player->grid);
	screen_show(player->screen, &player->grid);
}

/* ---- snapshots ---- */

static bool player_open_snapshots(struct player *player, struct err *err) {
	const struct snapshots_setup setup = {player->setup->out, player->setup->source, *player->setup->span, false};
	if (player->snapshots) return true;
	player_note(player, "sorting the requests for the first snapshot ...");
	player_draw(player);
	player->snapshots = snapshots_open(&setup, err);
	return player->snapshots != NULL;
}

static bool player_write(struct player *player, const struct snapshot *part) {
	struct err err;
	if (!player_open_snapshots(player, &err) || !snapshots_write(player->snapshots, part, &err)) {
		log_write(LOG_ERROR, "%s", err.text);
		player_note(player, "%s", err.text);
		player->failed = true;
		return false;
	}
	const char *path = snapshots_last(player->snapshots), *slash = strrchr(path, '/');
	player_note(
		player, "wrote %s in %.*s", slash + 1, (int)(slash - path + (slash == path)), path); /* on a narrow screen the name matters more */
	return true;
}

static uint64_t player_ms(const struct player *player, nsec at) {
	const struct replay_span *span = player->setup->span;
	uint64_t ms = (uint64_t)(at / MSEC);
	return ms < span->from ? span->from : ms > span->to ? span->to : ms;
}

/* What `w` writes: between the marks, from one of them to the cursor, else as the options say, else from the start to the cursor. */
static bool player_choose(const struct player *player, struct snapshot *ret, struct err *err) {
	const struct out_settings *out = player->setup->out;
	bool marked = player->mark_from >= 0 || player->mark_to >= 0;
	uint64_t cursor = player_ms(player, player->cursor), from = cursor, to = cursor;
	ret->last = true;
	if (!marked && (out->replay_snapshot_start || out->replay_snapshot_end))
		return replay_snapshot_span(out, player->setup->span, &ret->span, err);
	if (!marked) from = player->setup->span->from;
	if (player->mark_from >= 0) from = player_ms(player, player->mark_from);
	if (player->mark_to >= 0) to = player_ms(player, player->mark_to);
	ret->span = from <= to ? (struct replay_span){from, to} : (struct replay_span){to, from};
	return true;
}

static void player_write_marked(struct player *player) {
	struct snapshot part;
	struct err err;
	if (player_choose(player, &part, &err))
		player_write(player, &part);
	else
		player_note(player, "%s", err.text);
	player->mark_from = player->mark_to = -1;
}

/* Writes the parts of --replay-snapshot-interval whose end the cursor has passed. After a failure none. */
static void player_write_passed(struct player *player) {
	uint64_t cursor = player_ms(player, player->cursor);
	unsigned count = 0;
	while (!player->rest_over) {
		struct snapshot part = snapshot_first(player->setup->out, &player->rest);
		if (part.span.to > cursor) break;
		bool good = player_write(player, &part);
		player->rest_over = !good || part.last;
		player->rest.from = part.span.to;
		count += good;
	}
	if (count > 1 && !player->failed) player_note(player, "wrote %u snapshots, the last one is %s", count, snapshots_last(player->snapshots));
}

/* Writes what lies between the last part and the cursor. */
static void player_write_rest(struct player *player) {
	uint64_t cursor = player_ms(player, player->cursor);
	const struct snapshot part = {{player->rest.from, cursor}, true};
	if (!player->rest_over && cursor > player->rest.from) player_write(player, &part);
}

/* ---- the cursor ---- */

static void player_move_to(struct player *player, nsec at) {
	nsec to = player->setup->to;
	player->cursor = at < player->from ? player->from : at > to ? to : at;
	player_write_passed(player);
}

/* Moves the cursor on as time has passed; it stops at the end. */
static void player_play(struct player *player) {
	nsec now = clock_now(), passed = now - player->moved;
	player->moved = now;
	if (player->paused) return;
	if (passed > STEP_MOST) passed = STEP_MOST;
	player_move_to(player, player->cursor + (nsec)((double)passed * player->speed));
	player->paused = player->cursor >= player->setup->to;
}

static void player_seek(struct player *player, nsec at) {
	player->paused = true;
	player_move_to(player, at);
}

/* At the end playing begins anew. */
static void player_toggle(struct player *player) {
	player->paused = !player->paused;
	if (!player->paused && player->cursor >= player->setup->to) player->cursor = player->from;
}

static void player_find_failure(struct player *player) {
	nsec at = replay_frame_next_failure(player->setup->frames, player->cursor);
	player->paused = true;
	if (at < 0)
		player_note(player, "no request fails behind the cursor");
	else
		player_move_to(player, at);
}

static void player_set_speed(struct player *player, double speed) {
	player->speed = speed < SPEED_LEAST ? SPEED_LEAST : speed > SPEED_MOST ? SPEED_MOST : speed;
}

static void player_obey(struct player *player, enum view_wish wish) {
	nsec step = player->setup->out->replay_step;
	player->note[0] = 0;
	switch (wish) {
	case VIEW_PLAY: player_toggle(player); break;
	case VIEW_BACK: player_seek(player, player->cursor - step); break;
	case VIEW_FORWARD: player_seek(player, player->cursor + step); break;
	case VIEW_FIRST:
	case VIEW_RESTART: player_seek(player, player->from); break;
	case VIEW_LAST: player_seek(player, player->setup->to); break;
	case VIEW_MARK_FROM: player->mark_from = player->cursor; break;
	case VIEW_MARK_TO: player->mark_to = player->cursor; break;
	case VIEW_WRITE: player_write_marked(player); break;
	case VIEW_FASTER: player_set_speed(player, player->speed * 2); break;
	case VIEW_SLOWER: player_set_speed(player, player->speed / 2); break;
	case VIEW_NEXT_ERROR: player_find_failure(player); break;
	default: break;
	}
}

/* Takes the keys that were pressed; false: the user leaves. */
static bool player_take_keys(struct player *player) {
	for (int i = 0; i < KEYS_AT_ONCE; i++) {
		int key = screen_key(player->screen);
		if (key == PRESS_NONE) break;
		enum view_wish wish = view_key(player->view, key);
		if (wish == VIEW_QUIT || wish == VIEW_FORCE) return false;
		if (wish != VIEW_NOTHING) player_obey(player, wish);
	}
	return true;
}

/* Answers the signals that came; false: one of them ends the program. */
static bool player_answer(struct player *player, int signals) {
	int number;
	while ((number = watch_next_signal(signals)) != 0) {
		if (number == SIGTSTP)
			screen_stop(player->screen);
		else if (number == SIGCONT)
			screen_continue(player->screen);
		else
			return false;
	}
	return true;
}

static void player_go(struct player *player, int signals) {
	struct pollfd polled[] = {{.fd = signals, .events = POLLIN}, {.events = POLLIN}};
	nsec every = SEC / (nsec)player->setup->out->fps, next = 0;
	player->moved = clock_now();
	while (player_answer(player, signals) && !(polled[1].revents & (POLLHUP | POLLERR | POLLNVAL))) { /* else the terminal is gone */
		player_play(player);
		if (!player_take_keys(player)) break;
		nsec now = clock_now();
		bool is_back = screen_is_away(player->screen) && screen_return(player->screen);
		bool all_sent = screen_send(player->screen);
		if (now >= next || polled[1].revents || is_back) {
			player_draw(player);
			next = now + every;
		}
		int wait_ms = all_sent ? (int)((next > now ? next - now : 0) / MSEC) + 1 : SEND_MS;
		polled[1].fd = screen_descriptor(player->screen);
		if (poll(polled, LENGTH(polled), wait_ms) < 0) polled[1].revents = 0;
	}
	player_write_rest(player);
}

enum replay_view_end replay_view_run(const struct replay_view_setup *setup, struct err *err) {
	struct player player = {.setup = setup, .from = (nsec)setup->span->from * MSEC, .speed = 1, .mark_from = -1, .mark_to = -1};
	const struct out_settings *out = setup->out;
	player.cursor = player.from;
	player.rest_over = out->replay_snapshot_interval == 0;
	if (!replay_snapshot_span(out, setup->span, &player.rest, err)) {
		log_write(LOG_ERROR, "%s", err->text);
		return REPLAY_VIEW_FAILED;
	}
	int signals = watch_catch_signals();
	player.screen = screen_enter(!out->no_color, err);
	if (player.screen) {
		player.view = view_new(true, (nsec)out->ui_window_ms * MSEC);
		player_go(&player, signals);
		snapshots_close(player.snapshots);
		view_free(player.view);
		grid_fini(&player.grid);
		screen_leave(player.screen);
	}
	watch_release_signals(signals);
	close(signals);
	if (!player.screen) return REPLAY_VIEW_NONE;
	return player.failed ? REPLAY_VIEW_FAILED : REPLAY_VIEW_LEFT;
}
