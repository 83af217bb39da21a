#include "cmd/watch.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "stats/judge.h"

#define HOPELESS_AFTER (3 * SEC) /* or the connect time-out, if that is longer */

static const int ends[] = {SIGINT, SIGTERM}, stops[] = {SIGTSTP, SIGCONT, SIGTTIN, SIGTTOU};

static sigset_t watch_set(const int *numbers, size_t count) {
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < count; i++) sigaddset(&set, numbers[i]);
	return set;
}

int watch_catch_signals(void) {
	sigset_t set = watch_set(ends, LENGTH(ends)), blocked = watch_set(stops, LENGTH(stops));
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void watch_release_stops(int signals) {
	sigset_t set = watch_set(ends, LENGTH(ends)), released = watch_set(stops, LENGTH(stops));
	signalfd(signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	pthread_sigmask(SIG_UNBLOCK, &released, NULL);
}

int watch_next_signal(int signals) {
	struct signalfd_siginfo info;
	return read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

/* Ends the run before its time. */
static void watch_stop(struct watch *watch, enum stop_cause cause, nsec elapsed) {
	watch->cause = cause;
	watch->stopped = elapsed > 0 ? elapsed : 1;
	run_stop(watch->run);
}

/* The user wants it to end: once with the requests in flight, twice without. */
static void watch_on_wish(struct watch *watch, nsec elapsed) {
	if (watch->cause == STOP_SIGNAL && !watch->ordered) {
		watch->forced = true;
		return;
	}
	watch->ordered = false;
	if (watch->show)
		show_stopping(watch->show);
	else
		log_info("stopping: waiting for the requests in flight; a second signal leaves at once");
	watch_stop(watch, STOP_SIGNAL, elapsed);
}

static void watch_on_signal(struct watch *watch, int signals, nsec elapsed) {
	int number;
	while (!watch->forced && (number = watch_next_signal(signals)) != 0) {
		if (number == SIGTSTP)
			show_stop(watch->show);
		else if (number == SIGCONT)
			show_continue(watch->show);
		else
			watch_on_wish(watch, elapsed);
	}
}

void watch_order_stop(struct watch *watch) {
	if (watch->cause == STOP_SIGNAL) return;
	watch->ordered = true;
	watch_stop(watch, STOP_SIGNAL, watch->start > 0 ? clock_now() - watch->start : 1);
}

/* Draws the live view and does what its user wishes. */
static void watch_on_show(struct watch *watch, nsec elapsed) {
	enum view_wish wish = watch->show ? show_draw(watch->show) : VIEW_NOTHING;
	if (wish == VIEW_QUIT || wish == VIEW_FORCE) watch_on_wish(watch, elapsed);
}

/* Tells whoever shows it how the run stands. */
static void watch_tell(struct watch *watch, const struct progress_moment *moment, const struct tally *tick) {
	if (watch->progress) progress_tick(watch->progress, moment, tick);
	if (watch->show) show_tick(watch->show, moment, tick);
}

/* Stops a run that has nothing to measure. */
static void watch_for_hope(struct watch *watch, nsec elapsed) {
	nsec after = watch->plan->connect_timeout > HOPELESS_AFTER ? watch->plan->connect_timeout : HOPELESS_AFTER;
	if (watch->cause != STOP_DURATION || elapsed < after || !run_is_hopeless(watch->run)) return;
	watch_stop(watch, STOP_UNREACHABLE, elapsed);
}

/* Stops a run that has missed a threshold already. */
static void watch_thresholds(struct watch *watch, nsec elapsed) {
	const struct plan *plan = watch->plan;
	struct judge_moment moment = {elapsed - plan->warmup, plan->duration - plan->warmup, watch->so_far, &plan->groups};
	if (watch->threshold_count == 0 || watch->cause != STOP_DURATION || moment.elapsed <= 0) return;
	watch->missed = judge_early(watch->thresholds, watch->threshold_count, &moment);
	if (!watch->missed) return;
	log_info("stopping: the threshold '%s' is missed", watch->missed->text);
	watch_stop(watch, STOP_THRESHOLD, elapsed);
}

/* How the run stands at a tick, in the words of the progress line. */
void watch_describe(const struct watch *watch, nsec elapsed, struct progress_moment *ret) {
	const struct plan *plan = watch->plan;
	bool moving = false;
	*ret = (struct progress_moment){.elapsed = elapsed, .phase = PROGRESS_STEADY};
	if (plan->open_loop) {
		ret->asked_per_s = watch->run ? run_rate(watch->run, elapsed, &moving) : schedule_rate(&plan->schedule, elapsed, &moving);
	} else if (plan->spawn) {
		uint64_t ticks = (plan->max_tasks + plan->spawn_rate - 1) / plan->spawn_rate - 1;
		moving = (uint64_t)(elapsed / plan->spawn_interval) < ticks;
	}
	if (moving) ret->phase = PROGRESS_RAMP;
	if (elapsed < plan->warmup) ret->phase = PROGRESS_WARMUP;
	if (elapsed < 0) ret->phase = PROGRESS_CONNECT;
	if (elapsed >= plan->duration || watch->stopped > 0) ret->phase = PROGRESS_DRAIN;
}

/* Tells the sinks how the run stands. */
static void watch_feed_sinks(const struct watch *watch, nsec elapsed, double asked_per_s) {
	nsec end = watch->stopped > 0 && watch->stopped < watch->plan->duration ? watch->stopped : watch->plan->duration;
	nsec window = (elapsed < end ? elapsed : end) - watch->plan->warmup;
	struct sinks_moment moment = {elapsed, window > 0 ? window : 0, asked_per_s, watch->so_far};
	sinks_tick(watch->sinks, &moment);
}

static void watch_on_tick(void *user, nsec elapsed, const struct tally *tick) {
	struct watch *watch = user;
	struct progress_moment moment;
	series_add(watch->series, elapsed, tick);
	if (watch->so_far) tally_merge(watch->so_far, tick);
	watch_describe(watch, elapsed, &moment);
	if (watch->sinks) watch_feed_sinks(watch, elapsed, moment.asked_per_s);
	moment.asked_per_s *= plan_steps_mean(watch->plan); /* beside requests that were sent */
	watch_tell(watch, &moment, tick);
	if (watch->guest) watch->guest->tick(watch->guest->user, elapsed, watch->so_far);
	if (!watch->show) return;
	struct strain strain;
	run_read_strain(watch->run, &strain);
	show_heed(watch->show, &strain);
}

/* Reads what the machine did, at the bounds of the window. */
static void watch_mark(struct watch *watch, const struct run_state *state) {
	bool over = state->elapsed >= watch->plan->duration || watch->stopped > 0 || state->ended;
	if (watch->marks == 0 && state->started && (state->elapsed >= watch->plan->warmup || over))
		machine_read_strain(&watch->machine[watch->marks++]);
	if (watch->marks == 1 && over) machine_read_strain(&watch->machine[watch->marks++]);
}

static int64_t watch_wall_clock(void) {
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * SEC + wall.tv_nsec;
}

/* The start line is reached. */
static void watch_start(struct watch *watch, nsec start) {
	watch->start = start;
	watch->start_unix_ns = watch_wall_clock() + start - clock_now();
	run_log_begin(watch->log, watch->run_id, watch->start_unix_ns);
}

void watch_run(struct watch *watch, int signals) {
	struct pollfd polled[] = {
		{.fd = signals, .events = POLLIN}, {.fd = run_descriptor(watch->run), .events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
	int wait_ms = watch->show && show_wait_ms(watch->show) < RUN_TICK_MS ? show_wait_ms(watch->show) : RUN_TICK_MS;
	struct run_state state = {0};
	struct progress_moment moment = {.phase = PROGRESS_CONNECT};
	if (watch->threshold_count > 0 || watch->sinks || watch->guest) watch->so_far = tally_new(watch->plan->groups.count);
	while (!state.ended && !watch->forced) {
		polled[2].fd = show_descriptor(watch->show);
		polled[3].fd = watch->guest ? watch->guest->descriptor(watch->guest->user) : -1;
		if (poll(polled, LENGTH(polled), wait_ms) > 0 && (polled[2].revents & (POLLHUP | POLLERR | POLLNVAL)))
			show_end(watch->show); /* the terminal is gone; the run is not */
		watch_on_signal(watch, signals, state.elapsed);
		state = run_tick(watch->run, watch_on_tick, watch);
		if (!state.started) watch_tell(watch, &moment, NULL);
		if (state.started && watch->start_unix_ns == 0) watch_start(watch, state.start);
		watch_mark(watch, &state);
		watch_for_hope(watch, state.elapsed);
		run_log_watch(watch->log);
		watch_thresholds(watch, state.elapsed);
		watch_on_show(watch, state.elapsed);
		if (watch->guest) watch->guest->turn(watch->guest->user);
	}
	show_end(watch->show);
	if (!watch->forced) run_finish(watch->run, watch_on_tick, watch, &watch->totals);
	watch_describe(watch, state.elapsed, &moment);
	if (watch->progress) progress_end(watch->progress, &moment);
	free(watch->so_far);
	watch->so_far = NULL;
}

void watch_release_signals(int signals) {
	sigset_t set = watch_set(ends, LENGTH(ends));
	while (watch_next_signal(signals) != 0) continue; /* they came when it was over anyway */
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	watch_release_stops(signals);
}
