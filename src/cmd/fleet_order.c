#include "cmd/fleet_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/host_port.h"
#include "base/log.h"
#include "cmd/conclude.h"
#include "cmd/describe.h"
#include "cmd/prepare.h"
#include "cmd/progress_line.h"
#include "config/travel.h"
#include "engine/run.h"
#include "stats/judge.h"

#define FILES_BYTES ((size_t)2 << 20) /* of all files together: base64 makes them a third larger, and the settings go with them */
#define ERRORS_MAX 1000
#define ERRORS_SHOWN 20

struct fleet_order {
	const struct cli *cli;
	struct arena arena;
	struct settings settings; /* as the outputs see them */
	struct prepared ready;
	const char *text; /* for config/travel.h on the agents */
	size_t file_count;
	struct message_file files[FILES_MOST];
	struct run_info info;
	struct fleet_sum *sum; /* NULL: the run has not begun */
	struct watch watch;    /* no run of its own: what it shows, and what conclude() reads */
	struct run_log log;
	nsec start; /* link_clock() */
	int signals;
	bool told_missed;
	size_t error_count;
	const char *errors[ERRORS_MAX];
	struct fleet_report report;
	char *result;
};

/* ---- what is sent ---- */

static void keep_file(void *user, const char *name, struct slice bytes) {
	struct fleet_order *order = user;
	char *copy = arena_alloc(&order->arena, bytes.size + 1);
	memcpy(copy, bytes.at, bytes.size);
	order->files[order->file_count++] = (struct message_file){arena_copy(&order->arena, slice_of(name)), {copy, bytes.size}};
}

/* Returns whether the link is encrypted, or goes to this machine only. */
static bool is_private(const struct fleet_settings *fleet) {
	struct host_port where;
	if (fleet->fleet_cert || !host_port_parse(slice_of(fleet->controller_listen), &where)) return true;
	return where.host.size == 0 || slice_equal_nocase(where.host, SLICE("localhost")) || slice_equal(where.host, SLICE("::1")) ||
	       (where.host.size > 4 && memcmp(where.host.at, "127.", 4) == 0);
}

static bool check_secrets(const struct fleet_order *order, struct err *err) {
	const struct fleet_settings *fleet = &order->cli->settings.fleet;
	bool secret = travel_is_secret(&order->cli->settings, order->cli->origins);
	for (size_t i = 0; i < order->file_count; i++) secret = secret || strncmp(order->files[i].name, "${", 2) == 0;
	if (!secret || fleet->insecure_fleet || is_private(fleet)) return true;
	return err_set(err, ERR_FAILED,
		"this run has secrets (a password, a token, a key), which go to agents only over TLS; add --fleet-cert FILE and --fleet-key FILE, or "
		"--insecure-fleet");
}

static bool order_read(struct fleet_order *order, struct err *err) {
	static const struct prepare_share all;
	files_note();
	bool good = prepare_source(&order->ready, order->cli, false, &order->arena, err) &&
		    prepare_plan(&order->ready, &all, true, &order->arena, err) &&
		    travel_write(&order->cli->settings, order->cli->origins, &order->arena, &order->text, err) &&
		    files_each(FILES_BYTES, keep_file, order, err) && check_secrets(order, err);
	files_reset();
	return good;
}

/* What a controller has not: single requests, and without snapshots the course of the run. */
static void order_set_outputs(struct fleet_order *order) {
	struct out_settings *out = &order->settings.out;
	order->settings = order->cli->settings;
	if (order->settings.fleet.stream_summaries) return;
	if (out->charts_path) log_warn("--charts-path: the agents tell the course of the run only with --stream-summaries; no charts");
	out->no_charts = true;
}

struct fleet_order *fleet_order_new(const struct cli *cli, struct err *err) {
	struct fleet_order *order = mem_zeroed(1, sizeof(*order));
	order->cli = cli;
	arena_init(&order->arena);
	order_set_outputs(order);
	order->watch.cause = STOP_DURATION;
	run_id_make(order->watch.run_id);
	if (!order_read(order, err)) {
		fleet_order_free(order);
		return NULL;
	}
	if (cli->settings.fleet.on_agent_loss == ON_LOSS_REDISTRIBUTE && !order->ready.plan.open_loop)
		log_warn("--on-agent-loss redistribute: without a --rate there is no share that others could take; the run goes on with less load");
	return order;
}

void fleet_order_free(struct fleet_order *order) {
	if (!order) return;
	show_free(order->watch.show);
	if (order->watch.progress) progress_line_end(order->watch.progress);
	sinks_close(order->watch.sinks);
	run_log_close(&order->log);
	series_free(order->watch.series);
	fleet_sum_free(order->sum);
	free(order->watch.so_far);
	free(order->result);
	prepare_free(&order->ready);
	arena_fini(&order->arena);
	free(order);
}

void fleet_order_describe(const struct fleet_order *order, struct controller_run *ret) {
	const struct plan *plan = &order->ready.plan;
	*ret = (struct controller_run){
		.run_id = order->watch.run_id,
		.config = order->text,
		.files = {order->files, order->file_count},
		.requests = plan->open_loop ? 0 : plan->requests,
		.duration = plan->duration,
		.request_timeout = plan->timeout,
		.connect_timeout = plan->connect_timeout,
		.open_loop = plan->open_loop,
	};
}

/* ---- the run ---- */

static void order_tick(void *user, nsec elapsed, const struct tally *tick) {
	struct fleet_order *order = user;
	struct watch *watch = &order->watch;
	struct progress_moment moment;
	const struct plan *plan = &order->ready.plan;
	series_add(watch->series, elapsed, tick);
	tally_merge(watch->so_far, tick);
	watch_describe(watch, elapsed, &moment);
	nsec end = elapsed < plan->duration ? elapsed : plan->duration, window = end > plan->warmup ? end - plan->warmup : 0;
	struct sinks_moment sinks = {elapsed, window, moment.asked_per_s, watch->so_far, fleet_sum_present(order->sum)};
	if (watch->sinks) sinks_tick(watch->sinks, &sinks);
	moment.asked_per_s *= plan_steps_mean(plan);
	if (watch->show) show_tick(watch->show, &moment, tick);
	if (watch->progress) progress_tick(watch->progress, &moment, tick);
	struct judge_moment judged = {elapsed - plan->warmup, plan->duration - plan->warmup, watch->so_far, &plan->groups};
	if (watch->threshold_count > 0 && !watch->missed && judged.elapsed > 0)
		watch->missed = judge_early(watch->thresholds, watch->threshold_count, &judged);
}

static void order_show(struct fleet_order *order) {
	const struct out_settings *out = &order->settings.out;
	struct show_setup setup = {&order->ready.plan, !out->no_color, (nsec)out->ui_window_ms * MSEC, (unsigned)out->fps};
	struct watch *watch = &order->watch;
	struct err err;
	if (!order->settings.fleet.stream_summaries) return;
	if (!out->no_tui && !out->verbose && isatty(STDOUT_FILENO)) {
		watch->show = show_new(&setup, &err);
		if (!watch->show) log_info("no live view: %s", err.text);
	}
	if (!watch->show) watch->progress = progress_line_start(out, &order->ready.plan, false);
}

static void order_announce(struct fleet_order *order, const struct controller_began *began) {
	const struct plan *plan = &order->ready.plan;
	uint64_t weights = 0;
	for (size_t i = 0; i < began->count; i++) weights += began->agents[i].weight;
	log_info("run %s: %s", order->watch.run_id, plan_describe(plan, &order->ready.reach.texts, &order->arena));
	log_info("%zu agent%s, weights %llu in all; each sends up to %llu requests at once, all of them %llu", began->count,
		began->count == 1 ? "" : "s", (unsigned long long)weights, (unsigned long long)plan->max_tasks,
		(unsigned long long)plan->max_tasks * began->count);
}

bool fleet_order_begin(struct fleet_order *order, const struct controller_began *began, int signals, struct err *err) {
	static const struct prepare_share all;
	struct prepared *ready = &order->ready;
	struct watch *watch = &order->watch;
	const struct out_settings *out = &order->settings.out;
	struct text_list *texts = &ready->reach.texts;
	texts->count = began->address_count;
	texts->at = arena_array(&order->arena, began->address_count + 1, sizeof(*texts->at));
	for (size_t i = 0; i < began->address_count; i++) texts->at[i] = arena_copy(&order->arena, slice_of(began->addresses[i]));
	if (!prepare_plan(ready, &all, false, &order->arena, err)) return false;
	ready->plan.threads = 0;
	for (size_t i = 0; i < began->count; i++) ready->plan.threads += began->agents[i].threads;
	if (ready->plan.threads == 0) ready->plan.threads = 1;
	order_announce(order, began);
	describe_run(&(struct description){&ready->plan, &ready->reach, &order->settings, ready->threshold_count, ready->thresholds}, &order->arena,
		&order->info);
	order->info.max_tasks = ready->plan.max_tasks * began->count;
	snprintf(order->info.id, sizeof(order->info.id), "%s", watch->run_id);
	watch->plan = &ready->plan;
	watch->thresholds = ready->thresholds;
	watch->threshold_count = out->threshold_abort ? ready->threshold_count : 0;
	watch->so_far = tally_new(ready->plan.groups.count);
	order->signals = signals;
	order->start = began->at;
	if (order->settings.fleet.stream_summaries) watch->series = series_new(SEC, ready->plan.threads);
	struct sinks_setup sinks = {out, watch->run_id, ready->plan.target, ready->plan.open_loop, &ready->plan.groups, began->count};
	if (!run_log_open_without(&order->settings, &order->arena, &order->log) || !sinks_open(&sinks, &watch->sinks, err)) return false;
	order_show(order);
	order->sum = fleet_sum_new(&(struct fleet_sum_setup){&ready->plan, &order->info, began,
		order->settings.fleet.stream_summaries ? (nsec)order->settings.fleet.stream_interval_ms * MSEC : 0, watch->show != NULL, order_tick,
		order});
	if (watch->show) {
		size_t count;
		const struct frame_row *rows = fleet_sum_live(order->sum, &count);
		show_agents(watch->show, rows, count);
	}
	return true;
}

bool fleet_order_snapshot(struct fleet_order *order, size_t index, const struct message_snapshot *snapshot, struct err *err) {
	return fleet_sum_snapshot(order->sum, index, snapshot, err);
}

bool fleet_order_report(struct fleet_order *order, size_t index, const struct controller_report *report, struct err *err) {
	return fleet_sum_report(order->sum, index, report, err);
}

void fleet_order_lose(struct fleet_order *order, size_t index, const char *why) {
	nsec at = link_clock() - order->start;
	fleet_sum_lose(order->sum, index, why, at > 0 ? at : 0);
}

void fleet_order_error(struct fleet_order *order, const char *words) {
	if (order->error_count < ERRORS_MAX) order->errors[order->error_count] = arena_copy(&order->arena, slice_of(words));
	order->error_count++;
}

struct show *fleet_order_show(const struct fleet_order *order) {
	return order->watch.show;
}

bool fleet_order_is_missed(struct fleet_order *order) {
	if (!order->watch.missed || order->told_missed) return false;
	order->told_missed = true;
	log_info("stopping: the threshold '%s' is missed", order->watch.missed->text);
	return true;
}

enum view_wish fleet_order_turn(struct fleet_order *order) {
	struct watch *watch = &order->watch;
	if (!watch->show) return VIEW_NOTHING;
	if (link_clock() < order->start) show_tick(watch->show, &(struct progress_moment){.phase = PROGRESS_CONNECT}, NULL);
	return show_draw(watch->show);
}

/* ---- the end ---- */

/* Returns the mean rate that the schedule asked for. The agents tell their shares of it; that of a lost one was asked for, too. */
static double order_asked(const struct fleet_order *order, const struct controller_outcome *outcome) {
	const struct plan *plan = &order->ready.plan;
	const struct parcel_facts *facts = &fleet_sum_all(order->sum)->facts;
	if (!plan->open_loop || facts->window <= 0 || outcome->reported == outcome->agents) return facts->asked_per_s;
	double asked = schedule_integral(&plan->schedule, plan->warmup + facts->window) - schedule_integral(&plan->schedule, plan->warmup);
	return asked * 1e9 / (double)facts->window;
}

static void order_fill_totals(struct fleet_order *order, const struct controller_outcome *outcome) {
	const struct parcel_sum *all = fleet_sum_all(order->sum);
	const struct parcel_facts *facts = &all->facts;
	order->watch.totals = (struct run_totals){
		.tally = all->tally,
		.totals = all->totals,
		.planned = facts->planned,
		.iterations_planned = facts->iterations_planned,
		.step_reasons = (const uint64_t(*)[REASON_COUNT])(const void *)all->step_reasons,
		.data_ran_out = facts->data_ran_out,
		.window = facts->window,
		.asked_per_s = order_asked(order, outcome),
		.limit_reached = facts->limit_reached,
		.answered = facts->answered,
		.last_failure = facts->last_failure,
		.failures = facts->failures,
		.strain = facts->strain,
		.tls_version = *facts->tls_version ? facts->tls_version : NULL,
		.tls_cipher = *facts->tls_cipher ? facts->tls_cipher : NULL,
		.urls = all->urls,
	};
}

static void order_say_errors(const struct fleet_order *order) {
	size_t shown = order->error_count < ERRORS_SHOWN ? order->error_count : ERRORS_SHOWN;
	if (order->error_count == 0) return;
	fprintf(stderr, "Runtime errors:\n");
	for (size_t i = 0; i < shown; i++) fprintf(stderr, "- %s\n", order->errors[i]);
	if (order->error_count > shown) fprintf(stderr, "- and %zu more\n", order->error_count - shown);
}

void fleet_order_fail(const struct fleet_order *order, const char *words) {
	if (order) order_say_errors(order);
	log_write(LOG_ERROR, "no results: %s", words);
}

/* Says how well the agents have begun together: their own measure, and how far their clocks can be trusted. */
static void order_say_spread(const struct controller_outcome *outcome) {
	if (outcome->reported == 0) return;
	log_info("the agents started within %lld us of each other; their clocks are known to %lld us",
		(long long)((outcome->spread + USEC - 1) / USEC), (long long)((outcome->clock_doubt + USEC - 1) / USEC));
}

int fleet_order_conclude(struct fleet_order *order, const struct controller_outcome *outcome) {
	struct watch *watch = &order->watch;
	struct fleet_report *fleet = &order->report;
	nsec ahead = order->start - link_clock();
	fleet_sum_finish(order->sum);
	show_end(watch->show);
	if (watch->progress) {
		struct progress_moment moment;
		watch_describe(watch, -ahead, &moment);
		progress_end(watch->progress, &moment);
		progress_line_end(watch->progress);
		watch->progress = NULL;
	}
	order_say_spread(outcome);
	order_fill_totals(order, outcome);
	watch->start_unix_ns = order->start;
	if (outcome->stopped) watch->cause = watch->missed ? STOP_THRESHOLD : STOP_SIGNAL;
	*fleet = (struct fleet_report){.expected = outcome->agents,
		.reported = outcome->reported,
		.spread = outcome->spread,
		.clock_doubt = outcome->clock_doubt,
		.unstreamed = !order->settings.fleet.stream_summaries && !order->cli->settings.out.no_charts,
		.error_count = order->error_count < ERRORS_MAX ? order->error_count : ERRORS_MAX,
		.errors = order->errors};
	fleet_sum_rows(order->sum, &fleet->at, &fleet->count);
	struct conclusion conclusion = {
		.out = &order->settings.out,
		.settings = &order->settings,
		.plan = &order->ready.plan,
		.reach = &order->ready.reach,
		.watch = watch,
		.signals = -1,
		.log = &order->log,
		.strain = &watch->totals.strain,
		.threshold_count = order->ready.threshold_count,
		.thresholds = order->ready.thresholds,
		.info = &order->info,
		.fleet = fleet,
		.ret_result = &order->result,
	};
	int status = conclude(&conclusion, &order->arena);
	order_say_errors(order);
	return status == 0 && order->error_count > 0 ? ERR_FAILED : status;
}

const char *fleet_order_result(const struct fleet_order *order) {
	return order->result;
}
