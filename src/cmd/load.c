#include "cmd/load.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "engine/run.h"
#include "net/address.h"
#include "out/result_json.h"
#include "out/summary.h"
#include "plan/machine.h"
#include "plan/plan.h"
#include "stats/report.h"
#include "stats/series.h"

#define TICK_MS 100
#define EXIT_INTERRUPTED 130
#define HOPELESS_AFTER (3 * SEC) /* or the connect time-out, if that is longer */
#define RESULT_MAX ((size_t)64 << 20)
#define FILES_SPARE 64 /* descriptors besides the connections */

/* Everything of one load test. */
struct load {
	struct plan plan;
	struct address_list addresses;
	struct text_list address_texts;
	struct run *run;
	struct series *series;
	enum stop_cause cause;
	int64_t start_unix_ns;
	bool forced; /* a second signal came */
};

static int load_fail(const struct err *err) {
	log_write(LOG_ERROR, "%s", err->text);
	return (int)err->code;
}

static bool load_prepare(struct load *load, const struct cli *cli, struct arena *arena, struct err *err) {
	struct url url;
	const struct http_settings *http = &cli->settings.http;
	if (!url_parse(http->url, arena, &url, err)) return err_add(err, "--url");
	struct address_query query = {url.host, url.port, http->connect_timeout};
	if (!address_resolve(&query, arena, &load->addresses, err)) return false;
	load->address_texts = (struct text_list){load->addresses.count, arena_array(arena, load->addresses.count, sizeof(char *))};
	for (size_t i = 0; i < load->addresses.count; i++) load->address_texts.at[i] = load->addresses.at[i].text;
	struct plan_inputs inputs = {
		.settings = &cli->settings,
		.spawn_given = cli->spawn_given,
		.preconnect_given = cli->preconnect_given,
		.url = &url,
		.addresses = &load->address_texts,
		.machine = {machine_cpus(), machine_has_quota(), address_is_local(&load->addresses.at[0])},
	};
	return plan_build(&inputs, arena, &load->plan, err);
}

static void load_announce(const struct load *load, struct arena *arena) {
	uint64_t wanted = load->plan.max_tasks + load->plan.threads * 2 + FILES_SPARE;
	uint64_t files = machine_raise_files(wanted);
	log_info("%s", plan_describe(&load->plan, &load->address_texts, arena));
	if (files < wanted)
		log_warn("--max-tasks %llu needs %llu open files, but the limit is %llu (ulimit -n): connections beyond it will fail",
			(unsigned long long)load->plan.max_tasks, (unsigned long long)wanted, (unsigned long long)files);
	uint64_t ports = 28000 * load->addresses.count; /* net.ipv4.ip_local_port_range, for each address */
	if (load->plan.max_tasks > ports)
		log_warn("--max-tasks %llu is more than the local ports towards %zu address%s: connections beyond about %llu will fail",
			(unsigned long long)load->plan.max_tasks, load->addresses.count, load->addresses.count == 1 ? "" : "es",
			(unsigned long long)ports);
}

/* The random part of the run's id: RFC 9562, version 4. */
static void load_make_id(char id[37]) {
	unsigned char b[16];
	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b)) {
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		memcpy(b, &t, sizeof(b));
	}
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(id, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
		b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void load_describe_run(const struct load *load, struct run_info *info) {
	static const char *const spins[] = {"off", "tail", "always"};
	const struct plan *plan = &load->plan;
	*info = (struct run_info){
		.version = STREST_VERSION,
		.start_unix_ns = load->start_unix_ns,
		.target = plan->url.text,
		.method = plan->method,
		.open_loop = plan->open_loop,
		.poisson = plan->open_loop && plan->schedule.poisson,
		.seed = plan->seed,
		.threads = plan->threads,
		.max_tasks = plan->max_tasks,
		.spin = spins[plan->waiting],
		.duration = plan->duration,
		.warmup = plan->warmup,
		.requests = plan->requests,
		.expected = plan->expected,
		.truth = plan->truth,
		.groups = plan->groups,
	};
	load_make_id(info->id);
}

static void load_on_tick(void *user, nsec elapsed, const struct tally *tick) {
	series_add(((struct load *)user)->series, elapsed, tick);
}

/* Blocks the signals that end a run, so that only the descriptor sees them. Before the threads start. */
static int load_catch_signals(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void load_on_signal(struct load *load, int signals) {
	struct signalfd_siginfo info;
	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (load->cause == STOP_SIGNAL) {
			load->forced = true;
			return;
		}
		log_info("stopping: waiting for the requests in flight; a second signal leaves at once");
		load->cause = STOP_SIGNAL;
		run_stop(load->run);
	}
}

static int64_t load_wall_clock(void) {
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * SEC + wall.tv_nsec;
}

/* Stops a run that has nothing to measure. */
static void load_judge(struct load *load, nsec elapsed) {
	nsec after = load->plan.connect_timeout > HOPELESS_AFTER ? load->plan.connect_timeout : HOPELESS_AFTER;
	if (load->cause != STOP_DURATION || elapsed < after || !run_is_hopeless(load->run)) return;
	load->cause = STOP_UNREACHABLE;
	run_stop(load->run);
}

/* Watches over the run until the workers are done. */
static void load_watch(struct load *load, int signals) {
	struct pollfd polled[] = {{.fd = signals, .events = POLLIN}, {.fd = run_descriptor(load->run), .events = POLLIN}};
	struct run_state state = {0};
	while (!state.ended && !load->forced) {
		poll(polled, LENGTH(polled), TICK_MS);
		load_on_signal(load, signals);
		state = run_tick(load->run, load_on_tick, load);
		if (state.started && load->start_unix_ns == 0) load->start_unix_ns = load_wall_clock();
		load_judge(load, state.elapsed);
	}
}

/* Prints on stdout; a reader that has left is no error. */
static int load_write(const struct buf *text) {
	size_t done = 0;
	while (done < text->size) {
		ssize_t more = write(STDOUT_FILENO, text->at + done, text->size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0 && errno == EPIPE) return 0;
		if (more < 0) {
			log_write(LOG_ERROR, "cannot write the results: %s", strerror(errno));
			return 1;
		}
		done += (size_t)more;
	}
	return 0;
}

static int load_print(const struct load *load, const struct run_totals *totals, bool json, struct arena *arena) {
	struct run_info info;
	load_describe_run(load, &info);
	info.asked_per_s = totals->asked_per_s;
	struct run_result result = {
		.cause = load->cause == STOP_DURATION && totals->limit_reached ? STOP_REQUESTS : load->cause,
		.window = totals->window,
		.planned = totals->planned,
		.tally = totals->tally,
		.totals = totals->totals,
		.worker_cpu_ns = totals->busiest_cpu_ns,
		.worker_wall_ns = totals->busiest_wall_ns,
		.series = load->series,
	};
	struct report report;
	struct buf text;
	report_build(&info, &result, arena, &report);
	buf_init(&text, RESULT_MAX);
	if (json) {
		result_json_write(&report, &text);
	} else {
		summary_write_block(&report, &text);
		summary_write_lines(&report, &text);
	}
	int status = load_write(&text);
	buf_fini(&text);
	if (!report.balanced) {
		log_write(LOG_ERROR, "the books do not balance: planned %llu, but ok %llu + failed %llu + open %llu + unsent %llu",
			(unsigned long long)report.planned, (unsigned long long)report.ok, (unsigned long long)report.failed,
			(unsigned long long)report.open, (unsigned long long)report.unsent);
		status = 1;
	}
	return status;
}

static int load_end(struct load *load, const struct cli *cli, struct arena *arena) {
	struct run_totals totals;
	run_finish(load->run, load_on_tick, load, &totals);
	bool unreachable = !totals.answered && totals.failures > 0;
	int status = 0;
	if (load->cause == STOP_SIGNAL && totals.planned == 0 && totals.tally->attempts == 0) {
		log_write(LOG_ERROR, "stopped before anything was sent");
		return ERR_UNREACHABLE;
	}
	if (totals.tally->attempts > 0 || !unreachable) status = load_print(load, &totals, cli->settings.out.json, arena);
	if (unreachable) {
		char words[160] = "";
		if (load->addresses.count > 1 || strcmp(load->addresses.at[0].text, load->plan.url.authority) != 0)
			snprintf(words, sizeof(words), " (%s%s)", load->addresses.at[0].text, load->addresses.count > 1 ? " and others" : "");
		log_write(LOG_ERROR, "cannot measure %s%s: no response at all; %s (%llu failures)", load->plan.url.text, words,
			reason_words(totals.last_failure), (unsigned long long)totals.failures);
		status = ERR_UNREACHABLE;
	}
	return status;
}

int load_run(const struct cli *cli, struct arena *arena) {
	struct load load = {.cause = STOP_DURATION};
	struct err err;
	if (!load_prepare(&load, cli, arena, &err)) return load_fail(&err);
	int signals = load_catch_signals();
	load_announce(&load, arena);
	load.series = series_new(fault_on(FAULT_FAST_SERIES) ? TICK_MS * MSEC : SEC);
	if (!run_start(&load.plan, &load.addresses, NULL, &load.run, &err)) {
		series_free(load.series);
		close(signals);
		return load_fail(&err);
	}
	load_watch(&load, signals);
	if (load.forced) _exit(EXIT_INTERRUPTED);
	int status = load_end(&load, cli, arena);
	run_free(load.run);
	series_free(load.series);
	close(signals);
	return status;
}
