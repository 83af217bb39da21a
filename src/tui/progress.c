#include "tui/progress.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "tui/bar.h"

#define REDRAW (250 * MSEC)
#define LINE_EVERY (10 * SEC)
#define COLUMNS 80 /* of a terminal that does not tell */
#define LINE_MAX_BYTES 1024

#define LINE_BEGIN "\r"
#define LINE_ERASE "\033[K" /* from the cursor to the end of the line */

struct progress {
	struct progress_setup setup;
	struct recent *recent;
	struct bar bar;
	uint64_t done, errors;
	struct progress_moment before; /* of the last tick */
	enum progress_phase phase;     /* of the last drawing */
	bool drawn;                    /* stands on the terminal now */
	nsec next;                     /* elapsed time from which it may be drawn again */
};

struct progress *progress_new(const struct progress_setup *setup) {
	struct progress *progress = mem_zeroed(1, sizeof(*progress));
	progress->setup = *setup;
	progress->recent = recent_new(setup->open_loop);
	progress->bar.color = setup->color && setup->terminal;
	progress->next = setup->terminal ? 0 : LINE_EVERY;
	return progress;
}

void progress_free(struct progress *progress) {
	recent_free(progress->recent);
	free(progress);
}

/* Writes to the terminal or file if it takes anything now: a progress line is not worth waiting for. */
static void progress_write(const struct progress *progress, const struct buf *text) {
	struct pollfd polled = {.fd = progress->setup.fd, .events = POLLOUT};
	size_t done = 0;
	if (poll(&polled, 1, 0) != 1 || !(polled.revents & POLLOUT)) return;
	while (done < text->size) {
		ssize_t more = write(progress->setup.fd, text->at + done, text->size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more <= 0) return; /* nobody is left to tell */
		done += (size_t)more;
	}
}

static unsigned progress_columns(const struct progress *progress) {
	struct winsize size;
	if (ioctl(progress->setup.fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return COLUMNS;
	return size.ws_col;
}

/* Returns the word for how the run stands; `over`: how it ended. */
static const char *progress_word(enum progress_phase phase, bool over, double share) {
	static const char *const words[] = {
		[PROGRESS_CONNECT] = "connect",
		[PROGRESS_WARMUP] = "warm-up",
		[PROGRESS_RAMP] = "ramp",
		[PROGRESS_STEADY] = "steady",
		[PROGRESS_DRAIN] = "drain",
	};
	if (over) return share < 1 ? "stopped" : "done";
	return words[phase];
}

/* Writes the line of this moment; `over`: for the last time. */
static void progress_draw(struct progress *progress, const struct progress_moment *moment, bool over) {
	bool terminal = progress->setup.terminal;
	struct bar_facts facts = {
		.elapsed = moment->elapsed,
		.duration = progress->setup.duration,
		.done = progress->done,
		.requests = progress->setup.requests,
		.plain_phase = moment->phase == PROGRESS_STEADY && !over,
		.open_loop = progress->setup.open_loop,
		.errors = progress->errors,
	};
	struct buf text;
	facts.phase = progress_word(moment->phase, over, bar_share(&facts));
	recent_read(progress->recent, &facts.recent);
	progress->bar.columns = terminal ? progress_columns(progress) : 0;
	buf_init(&text, LINE_MAX_BYTES);
	buf_add_text(&text, terminal ? LINE_BEGIN : "strest: ");
	bar_write(&progress->bar, &facts, &text);
	if (terminal) buf_add_text(&text, LINE_ERASE);
	if (over || !terminal) buf_add_text(&text, "\n");
	progress_write(progress, &text);
	buf_fini(&text);
	progress->phase = moment->phase;
	progress->drawn = !over;
	progress->next = terminal ? moment->elapsed + REDRAW : (moment->elapsed / LINE_EVERY + 1) * LINE_EVERY;
}

/* Returns whether the line is to be drawn at this moment. */
static bool progress_is_due(const struct progress *progress, const struct progress_moment *moment) {
	if (!progress->setup.terminal) return moment->elapsed >= progress->next;
	return !progress->drawn || moment->phase != progress->phase || moment->elapsed >= progress->next;
}

/* Counts what a tick brings; it happened between the tick before and this moment. */
static void progress_count(struct progress *progress, const struct progress_moment *moment, const struct tally *tick) {
	const struct progress_moment *since = &progress->before;
	double asked = since->phase == PROGRESS_CONNECT ? moment->asked_per_s : (since->asked_per_s + moment->asked_per_s) / 2;
	if (since->phase != PROGRESS_DRAIN)
		recent_add(progress->recent, moment->elapsed, asked, tick);
	else if (tick)
		recent_add_late(progress->recent, tick);
	if (!tick) return;
	progress->done += tick->ok + tick->failed;
	progress->errors += tick->failed + tick->open;
}

void progress_tick(struct progress *progress, const struct progress_moment *moment, const struct tally *tick) {
	progress_count(progress, moment, tick);
	progress->before = *moment;
	if (progress_is_due(progress, moment)) progress_draw(progress, moment, false);
}

void progress_end(struct progress *progress, const struct progress_moment *moment) {
	if (progress->setup.terminal) progress_draw(progress, moment, true);
}

void progress_hide(struct progress *progress) {
	struct buf text;
	if (!progress->setup.terminal || !progress->drawn) return;
	buf_init(&text, LINE_MAX_BYTES);
	buf_add_text(&text, LINE_BEGIN LINE_ERASE);
	progress_write(progress, &text);
	buf_fini(&text);
	progress->drawn = false;
}
