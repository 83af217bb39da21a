#include "cmd/fleet_agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/charts_out.h"
#include "cmd/describe.h"
#include "cmd/fleet_access.h"
#include "cmd/fleet_run.h"
#include "cmd/progress_line.h"
#include "cmd/watch.h"
#include "dist/link_http.h"
#include "plan/machine.h"

#define TURN_MS 50     /* at most between two looks at the clock */
#define HOST_BYTES 128 /* of a name of this machine */
#define ID_BYTES 128
#define PARCEL_BYTES ((size_t)MESSAGE_PARTS_MAX * MESSAGE_PART_MAX)

/* All of an agent. */
struct seat {
	const struct cli *cli;
	struct link_http_setup setup;
	struct agent *agent;
	struct link *link; /* NULL: none */
	struct err down;   /* why the link could not even be begun; its text empty: nothing of that kind */
	int signals;
	struct fleet_run *run; /* NULL: none */
	bool told;             /* the machine knows how preparing has ended */
	bool starts;           /* `start` is to be obeyed */
	struct agent_start start;
	/* While it runs: */
	struct watch *watch;
	uint64_t sent_snapshots; /* intervals that are over */
	bool new_share;          /* `share` is still to be taken; with its weights copied */
	struct agent_stripe share;
	const char *stop_words; /* why the controller stopped it */
	bool interrupted;       /* the machine knows of the user's wish */
	struct rusage used;     /* at the last beat ... */
	nsec used_at;           /* ... which was then */
	bool left;
	int status;
};

/* ---- what the machine asks for ---- */

static void seat_disconnect(void *user) {
	struct seat *seat = user;
	link_close(seat->link);
	seat->link = NULL;
	seat->down = (struct err){0};
}

static void seat_connect(void *user) {
	struct seat *seat = user;
	seat_disconnect(seat);
	if (!link_http_join(&seat->setup, &seat->link, &seat->down)) seat->link = NULL;
}

static bool seat_send(void *user, enum link_kind kind, struct slice body) {
	struct seat *seat = user;
	return seat->link && link_send(seat->link, 1, kind, body);
}

static void seat_say(void *user, enum log_level level, const char *text) {
	(void)user;
	log_write(level, "%s", text);
}

static nsec used_cpu(const struct rusage *used) {
	return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * SEC + (used->ru_utime.tv_usec + used->ru_stime.tv_usec) * USEC;
}

static void seat_strain(void *user, struct message_beat *ret) {
	struct seat *seat = user;
	struct rusage now;
	nsec at = clock_now();
	getrusage(RUSAGE_SELF, &now);
	if (seat->used_at > 0 && at > seat->used_at)
		ret->cpu = 100.0 * (double)(used_cpu(&now) - used_cpu(&seat->used)) / (double)(at - seat->used_at) / machine_cpus();
	if (ret->cpu > 100) ret->cpu = 100;
	seat->used = now;
	seat->used_at = at;
	if (!seat->watch || !seat->watch->so_far) return;
	const struct tally *so_far = seat->watch->so_far;
	uint64_t over = so_far->ok + so_far->failed + so_far->open;
	ret->in_flight = so_far->attempts > over + so_far->attempts_warmup ? (int64_t)(so_far->attempts - over - so_far->attempts_warmup) : 0;
	ret->late = (int64_t)(so_far->late.count > 0 ? so_far->late.count - so_far->late.slots[0] : 0);
}

static void seat_prepare(void *user, const struct message_config *config) {
	struct seat *seat = user;
	fleet_run_free(seat->run);
	seat->run = fleet_run_new(seat->cli, config);
	seat->told = seat->starts = false;
}

static void seat_cancel(void *user) {
	struct seat *seat = user;
	fleet_run_free(seat->run);
	seat->run = NULL;
	seat->starts = false;
}

static void seat_start(void *user, const struct agent_start *start) {
	struct seat *seat = user;
	seat->start = *start;
	seat->starts = true;
	seat->stop_words = NULL;
}

/* Applies another share that has come, as soon as there is a run. */
static void seat_take_share(struct seat *seat) {
	struct stripe *made;
	struct err err;
	uint64_t missed = 0;
	if (!seat->new_share || !seat->watch) return;
	seat->new_share = false;
	made = arena_alloc(fleet_run_arena(seat->run), sizeof(*made));
	if (!fleet_run_stripe(seat->run, &seat->share.weights, seat->share.index, made, &err))
		log_warn("another share of the load is not taken: %s", err.text);
	else if (!run_restripe(seat->watch->run, seat->share.at, made, &missed))
		log_warn("another share of the load is not taken: it comes too often, or without a rate");
	else if (missed > 0)
		log_warn("another share of the load came too late for %llu requests; they count as unsent", (unsigned long long)missed);
}

static void seat_restripe(void *user, const struct agent_stripe *stripe) {
	struct seat *seat = user;
	uint32_t *weights = arena_array(fleet_run_arena(seat->run), stripe->weights.count, sizeof(*weights));
	memcpy(weights, stripe->weights.at, stripe->weights.count * sizeof(*weights));
	seat->share = *stripe;
	seat->share.weights.at = weights;
	seat->new_share = true;
	seat_take_share(seat);
}

static void seat_stop(void *user, const char *reason) {
	struct seat *seat = user;
	(void)reason; /* the machine has said it */
	seat->stop_words = "stopped";
	if (seat->watch) watch_order_stop(seat->watch);
}

static void seat_leave(void *user, int status) {
	struct seat *seat = user;
	seat->left = true;
	seat->status = status;
}

/* ---- turns ---- */

/* Hands an event to the machine. That may close the link, and its words go with it. */
static void seat_event(struct seat *seat, struct link_event *event) {
	struct err words = {0};
	if (event->words) snprintf(words.text, sizeof(words.text), "%s", event->words);
	event->words = words.text;
	seat->down = (struct err){0};
	agent_event(seat->agent, event, link_clock());
}

/* Hands events and time to the machine. */
static void seat_turn(struct seat *seat) {
	struct link_event event;
	struct agent_prepared prepared;
	if (seat->down.text[0] && !seat->left) {
		event = (struct link_event){.what = LINK_DOWN, .peer = 1, .words = seat->down.text, .at = link_clock()};
		seat_event(seat, &event);
	}
	while (!seat->left && seat->link && link_next(seat->link, &event)) seat_event(seat, &event);
	if (!seat->left && seat->run && !seat->told && fleet_run_is_ready(seat->run, &prepared)) {
		seat->told = true;
		agent_prepared(seat->agent, &prepared, link_clock());
	}
	if (!seat->left) agent_tick(seat->agent, link_clock());
}

static int turn_ms(const struct seat *seat) {
	nsec left = agent_due(seat->agent) - link_clock();
	return left < 0 ? 0 : left > TURN_MS * MSEC ? TURN_MS : (int)(left / MSEC) + 1;
}

static void seat_wait(struct seat *seat) {
	struct pollfd polled[] = {{.fd = seat->signals, .events = POLLIN}, {.fd = seat->link ? link_descriptor(seat->link) : -1, .events = POLLIN},
		{.fd = seat->run && !seat->told ? fleet_run_descriptor(seat->run) : -1, .events = POLLIN}};
	poll(polled, LENGTH(polled), turn_ms(seat));
	while (!seat->left && watch_next_signal(seat->signals) != 0) agent_interrupt(seat->agent, link_clock());
}

/* ---- a run ---- */

static void run_turn(void *user) {
	struct seat *seat = user;
	if (seat->watch->cause == STOP_SIGNAL && !seat->watch->ordered && !seat->interrupted) {
		seat->interrupted = true;
		agent_interrupt(seat->agent, link_clock());
	}
	seat_turn(seat);
	if (seat->left) seat->watch->forced = true;
}

static int run_descriptor_of_link(void *user) {
	struct seat *seat = user;
	return seat->link ? link_descriptor(seat->link) : -1;
}

/* Sends a snapshot when another interval is over. */
static void run_tick_over(void *user, nsec elapsed, const struct tally *so_far) {
	struct seat *seat = user;
	const struct message_config *config = seat->start.config;
	const struct plan *plan = seat->watch->plan;
	nsec interval = config->interval_ms * MSEC, end = elapsed < plan->duration ? elapsed : plan->duration;
	struct buf bytes;
	if (!config->stream || interval <= 0 || (uint64_t)(elapsed / interval) <= seat->sent_snapshots) return;
	seat->sent_snapshots = (uint64_t)(elapsed / interval);
	buf_init(&bytes, MESSAGE_TAIL_MAX);
	if (fleet_run_write_snapshot(seat->run, so_far, end > plan->warmup ? end - plan->warmup : 0, &bytes))
		agent_snapshot(seat->agent, elapsed, (struct slice){bytes.at, bytes.size});
	buf_fini(&bytes);
}

/* What has to be told of a run that is over. */
struct tale {
	struct buf bytes;
	nsec late; /* after the moment of the start */
	struct err err;
	const char *texts[4];
	size_t count;
};

static void tale_add(struct tale *tale, struct arena *arena, const char *text) {
	if (tale->count < LENGTH(tale->texts)) tale->texts[tale->count++] = arena_copy(arena, slice_of(text));
}

/* Tells why nothing could be measured. */
static void tale_judge(struct tale *tale, const struct watch *watch, struct arena *arena) {
	const struct run_totals *totals = &watch->totals;
	if (totals->answered || totals->failures == 0) return;
	tale_add(tale, arena,
		arena_format(arena, "cannot measure %s: no response at all; %s (%llu failures)", watch->plan->target,
			reason_words(totals->last_failure), (unsigned long long)totals->failures));
}

/* This agent's own log and sinks, as its command line asks for them; exports it has none. */
static bool open_outputs(struct seat *seat, struct watch *watch, struct run_log *log, struct settings *settings, struct err *err) {
	const struct prepared *ready = fleet_run_prepared(seat->run);
	struct out_settings *out = &settings->out;
	struct sinks_setup sinks = {out, watch->run_id, ready->plan.target, ready->plan.open_loop, &ready->plan.groups};
	*settings = fleet_run_cli(seat->run)->settings;
	out->export_csv = out->export_json = out->export_jsonl = out->output = out->hdr_log = out->db_url = NULL;
	if (!run_log_open(settings, &ready->plan, fleet_run_arena(seat->run), log, err)) return false;
	return seat->start.config->stream || sinks_open(&sinks, &watch->sinks, err);
}

/* What this agent alone has measured: for its own sinks and the last line of its log. */
static void report_own(const struct watch *watch, const struct run_info *info, const struct strain *strain, struct arena *arena, struct report *ret) {
	const struct run_totals *totals = &watch->totals;
	const struct run_result result = {
		.cause = watch->cause,
		.window = totals->window,
		.planned = totals->planned,
		.iterations_planned = totals->iterations_planned,
		.step_reasons = totals->step_reasons,
		.tally = totals->tally,
		.totals = totals->totals,
		.strain = *strain,
		.series = watch->series,
	};
	report_build(info, &result, arena, ret);
}

static bool measure(struct seat *seat, struct watch *watch, struct tale *tale) {
	const struct prepared *ready = fleet_run_prepared(seat->run);
	struct arena *arena = fleet_run_arena(seat->run);
	struct settings *settings = arena_alloc(arena, sizeof(*settings));
	struct run_inputs inputs;
	struct run_log log;
	struct run_info info;
	struct report *report = NULL;
	bool good = open_outputs(seat, watch, &log, settings, &tale->err);
	describe_run(&(struct description){&ready->plan, &ready->reach, settings, 0, NULL}, arena, &info);
	log.info = &info;
	watch->log = &log;
	prepare_inputs(ready, &inputs);
	inputs.start_at = seat->start.at;
	run_log_join(&log, &inputs);
	good = good && run_start(&inputs, &watch->run, &tale->err);
	if (good) {
		seat->watch = watch;
		if (seat->stop_words) watch_order_stop(watch);
		seat_take_share(seat);
		watch_run(watch, seat->signals);
		seat->watch = NULL;
	}
	if (watch->forced) { /* workers still use what would be freed */
		link_close(seat->link);
		_exit(seat->left ? seat->status : EXIT_INTERRUPTED);
	}
	if (good) {
		struct strain strain = watch->totals.strain;
		machine_add_strain(&watch->machine[0], &watch->machine[1], &strain);
		strain.shed = run_log_drain(&log);
		tale->late = watch->start - seat->start.at > 0 ? watch->start - seat->start.at : 0;
		tale_judge(tale, watch, arena);
		report = arena_alloc(arena, sizeof(*report));
		report_own(watch, &info, &strain, arena, report);
		if (watch->sinks && !sinks_finish(watch->sinks, report)) tale_add(tale, arena, "its own sinks could not be written");
		good = fleet_run_write_report(seat->run, &watch->totals, &strain, &tale->bytes) ||
		       err_set(&tale->err, ERR_FAILED, "the report is too large");
	}
	run_log_end(&log, report);
	run_log_close(&log);
	if (report) run_free(watch->run);
	return good;
}

/* From the start order to the report. */
static void seat_run(struct seat *seat) {
	const struct prepared *ready = fleet_run_prepared(seat->run);
	struct arena *arena = fleet_run_arena(seat->run);
	struct watch_guest guest = {seat, run_descriptor_of_link, run_turn, run_tick_over};
	struct watch watch = {.cause = STOP_DURATION, .plan = &ready->plan, .guest = &guest};
	struct tale tale = {.late = 0};
	seat->starts = seat->interrupted = false;
	seat->sent_snapshots = 0;
	snprintf(watch.run_id, sizeof(watch.run_id), "%s", seat->start.config->run_id);
	watch.series = series_new(SEC, ready->plan.threads);
	watch.progress = progress_line_start(&seat->cli->settings.out, &ready->plan, false);
	buf_init(&tale.bytes, PARCEL_BYTES);
	prepare_warn(ready);
	bool good = measure(seat, &watch, &tale);
	progress_line_end(watch.progress);
	series_free(watch.series);
	sinks_close(watch.sinks);
	if (!good && tale.err.text[0]) tale_add(&tale, arena, tale.err.text);
	bool early = watch.cause == STOP_UNREACHABLE || seat->interrupted;
	struct agent_finished finished = {
		.bytes = {tale.bytes.at, tale.bytes.size},
		.early = early,
		.reason = seat->interrupted ? "interrupted at the agent"
			  : early           ? "the target does not answer"
					    : "",
		.started_late = seat->start.late + tale.late,
		.errors = {tale.texts, tale.count},
	};
	if (!seat->left) agent_finished(seat->agent, &finished, link_clock());
	buf_fini(&tale.bytes);
}

/* ---- the process ---- */

/* "HOST-PID-1f3a": names of hosts and processes come again in containers. */
static const char *make_id(const char *host, struct arena *arena) {
	uint16_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) random = (uint16_t)clock_now();
	return arena_format(arena, "%s-%ld-%04x", host, (long)getpid(), random);
}

static void fill_rules(const struct fleet_settings *fleet, struct arena *arena, struct agent_rules *ret) {
	char host[HOST_BYTES] = "unknown";
	if (gethostname(host, sizeof(host)) != 0) snprintf(host, sizeof(host), "unknown");
	host[sizeof(host) - 1] = 0;
	*ret = (struct agent_rules){
		.host = arena_copy(arena, slice_of(host)),
		.program = STREST_VERSION,
		.cpus = machine_cpus(),
		.weight = (uint32_t)fleet->agent_weight,
		.standby = fleet->agent_standby,
		.reconnect = (nsec)fleet->agent_reconnect_ms * MSEC,
		.heartbeat_interval = (nsec)fleet->agent_heartbeat_interval_ms * MSEC,
		.monotonic_behind = link_clock() - clock_now(),
		.seed = (uint64_t)clock_now() ^ (uint64_t)getpid(),
	};
	ret->id = fleet->agent_id ? fleet->agent_id : make_id(ret->host, arena);
}

int fleet_agent_main(const struct cli *cli, struct arena *arena) {
	static const struct agent_ops ops = {seat_connect, seat_disconnect, seat_send, seat_say, seat_strain, seat_prepare, seat_cancel, seat_start,
		seat_restripe, seat_stop, seat_leave};
	struct seat seat = {.cli = cli};
	struct agent_rules rules;
	struct err err;
	if (!fleet_access_link(&cli->settings.fleet, arena, &seat.setup, &err)) {
		log_write(LOG_ERROR, "%s", err.text);
		return (int)err.code;
	}
	fill_rules(&cli->settings.fleet, arena, &rules);
	seat.signals = watch_catch_signals();
	watch_release_stops(seat.signals);
	log_info("agent %s, weight %u: joining %s", rules.id, rules.weight, cli->settings.fleet.agent_join);
	seat.agent = agent_new(&rules, &ops, &seat, link_clock());
	while (!seat.left) {
		seat_wait(&seat);
		seat_turn(&seat);
		if (!seat.left && seat.starts) seat_run(&seat);
	}
	agent_free(seat.agent);
	link_close(seat.link);
	fleet_run_free(seat.run);
	close(seat.signals);
	return seat.status;
}
