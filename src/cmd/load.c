#include "cmd/load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/connect_to.h"
#include "base/fault.h"
#include "base/log.h"
#include "cmd/charts_out.h"
#include "cmd/conclude.h"
#include "cmd/debug.h"
#include "cmd/describe.h"
#include "cmd/reach.h"
#include "cmd/scenario.h"
#include "cmd/try.h"
#include "cmd/watch.h"
#include "engine/pool.h"
#include "engine/run.h"
#include "net/tls.h"
#include "out/junit.h"
#include "plan/machine.h"
#include "plan/plan.h"
#include "plan/script.h"
#include "stats/judge.h"

#define FAST_SLOT (100 * MSEC) /* of the series, in a build with FAULT_FAST_SERIES */
#define PORTS_EACH 28000       /* local ports of a pair of addresses */
#define FILES_SPARE 64         /* descriptors besides the connections */

/* Everything of one load test. */
struct load {
	const struct cli *cli;
	struct targets targets;
	struct scenario_loaded scenario; /* its script NULL: none */
	struct plan plan;
	struct reach reach;
	struct tls_context *tls; /* NULL: neither a target nor a proxy is https */
	struct debug *debug;     /* --debug; else NULL */
	struct try *try;         /* scenario try; else NULL */
	size_t threshold_count;
	struct threshold *thresholds;
	struct watch watch;
	struct run_info info; /* as far as it is known before the start */
	struct run_log log;
};

static int load_fail(const struct err *err) {
	log_write(LOG_ERROR, "%s", err->text);
	return (int)err->code;
}

static void load_read_thresholds(struct load *load, const struct text_list *texts, struct arena *arena) {
	load->thresholds = arena_array(arena, texts->count, sizeof(*load->thresholds));
	for (size_t i = 0; i < texts->count; i++) {
		struct threshold *threshold = &load->thresholds[load->threshold_count];
		if (threshold_parse(slice_of(texts->at[i]), threshold) != THRESHOLD_GOOD) continue; /* config/ has refused it */
		threshold->text = texts->at[i];
		load->threshold_count++;
	}
}

/* Returns whether connections begin with TLS: with a target, or with its proxy. */
static bool load_needs_tls(const struct load *load) {
	const struct route *route = &load->plan.route;
	bool needs = load->plan.tls;
	for (size_t i = 0; i < route->origin_count; i++) needs = needs || route->origins[i].proxy_host;
	return needs;
}

/* Opens TLS if it is needed, or if options are given for it, which then are judged before the run and not when a redirect leads there. */
static bool load_open_tls(struct load *load, struct err *err) {
	const struct tls_settings *tls = &load->cli->settings.tls;
	bool offers = tls->alpn.count > 0 && !load->plan.protocols.clear_h2; /* HTTP/2 is spoken to http:// URLs, too */
	bool given = tls->min || tls->max || offers || tls->cacert || tls->cert || tls->insecure || tls->resume;
	bool needs = load_needs_tls(load), may = load->plan.redirects > 0;
	if (given && !needs && !may) log_warn("TLS options say nothing about an http:// URL");
	if (!needs && !(given && may)) return true;
	return tls_context_open(tls, &load->tls, err);
}

/* Where requests come from, and where they go. */
static bool load_make_source(struct load *load, struct route *route, struct arena *arena, struct source *ret, struct err *err) {
	const struct settings *settings = &load->cli->settings;
	struct source_inputs words = {&settings->http, &settings->net, settings->load.seed, &load->targets, route, protocols_of(settings)};
	if (!route_open(settings, ROUTE_ORIGINS_MAX, arena, route, err)) return false;
	if (script_is_wanted(settings)) {
		bool good = scenario_load(settings, route, arena, &load->scenario, err);
		if (good && load->try) script_try(load->scenario.script);
		*ret = load->scenario.source;
		return good;
	}
	return targets_read(&settings->http, arena, &load->targets, err) && source_build(&words, arena, ret, err);
}

static bool load_prepare(struct load *load, struct arena *arena, struct err *err) {
	const struct settings *settings = &load->cli->settings;
	struct route route;
	struct source source;
	if (!load_make_source(load, &route, arena, &source, err)) return false;
	if (!reach_open(settings, &route, arena, &load->reach, err)) return false;
	struct plan_inputs inputs = {
		.settings = settings,
		.spawn_given = load->cli->spawn_given,
		.preconnect_given = load->cli->preconnect_given,
		.targets = source.targets,
		.route = &route,
		.source = &source,
		.addresses = &load->reach.texts,
		.machine = {machine_cpus(), machine_has_quota(), load->reach.is_local},
	};
	load_read_thresholds(load, &settings->out.threshold, arena);
	return plan_build(&inputs, arena, &load->plan, err) && judge_check(load->thresholds, load->threshold_count, &load->plan.groups, err) &&
	       load_open_tls(load, err);
}

/* Each pair of a local and a remote address has the ports of net.ipv4.ip_local_port_range. The kernel looks at every second one first: from half of them on its
 * search takes a millisecond and more. */
static void load_warn_of_ports(const struct load *load) {
	static const char help[] = "--bind with further local addresses gives 28,000 ports more for each";
	uint64_t pairs = reach_pairs(&load->reach), ports = pairs > 1000000 ? UINT64_MAX : PORTS_EACH * pairs, tasks = load->plan.max_tasks;
	uint64_t connections = plan_most_connections(&load->plan);
	if (pairs > 0 && connections > ports)
		log_warn("--max-tasks %llu is more than the local ports towards the target: connections beyond about %llu will fail; %s",
			(unsigned long long)tasks, (unsigned long long)ports, help);
	else if (pairs > 0 && connections > ports / 2)
		log_warn("--max-tasks %llu needs more than half of the local ports towards the target, which makes connecting slow; %s",
			(unsigned long long)tasks, help);
}

/* A --connect-to for nobody is a typing mistake as a rule, and then the load goes where it was not meant to. */
static void load_warn_of_detours(const struct load *load) {
	const struct text_list *texts = &load->cli->settings.net.connect_to;
	const struct route *route = &load->plan.route;
	for (size_t i = 0; i < texts->count; i++) {
		struct connect_to detour;
		bool used = !connect_to_parse(slice_of(texts->at[i]), &detour);
		for (size_t j = 0; !used && j < route->origin_count; j++)
			used = detour.port == route->origins[j].port && slice_equal_nocase(detour.host, slice_of(route->origins[j].host));
		if (!used)
			log_warn("--connect-to %s: no target has this host and port; connections go elsewhere only if a redirect leads there",
				texts->at[i]);
	}
}

static void load_announce(const struct load *load, struct arena *arena) {
	uint64_t connections = plan_most_connections(&load->plan), wanted = connections + load->plan.threads * 3 + FILES_SPARE;
	uint64_t files = machine_raise_files(wanted + connections * POOL_ORIGINS); /* as many as there may be idle or leaving, too */
	if (!load->cli->settings.out.debug && !load->try) log_info("%s", plan_describe(&load->plan, &load->reach.texts, arena));
	if (load->cli->config_file) log_debug("settings were read from %s", load->cli->config_file);
	log_debug("%u processors, %s", machine_cpus(), machine_has_quota() ? "under a CPU quota" : "no CPU quota");
	if (files < wanted)
		log_warn("--max-tasks %llu needs %llu open files, but the limit is %llu (ulimit -n): connections beyond it will fail",
			(unsigned long long)load->plan.max_tasks, (unsigned long long)wanted, (unsigned long long)files);
	load_warn_of_ports(load);
	load_warn_of_detours(load);
}

static void load_hide_progress(void *progress) {
	progress_hide(progress);
}

/* Returns whether stderr can rewrite a line. */
static bool load_has_terminal(void) {
	const char *terminal = getenv("TERM");
	return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

/* Enters the live view if there is a terminal for it; NULL: none. */
static struct show *load_start_show(const struct load *load) {
	const struct out_settings *out = &load->cli->settings.out;
	struct show_setup setup = {&load->plan, !out->no_color, (nsec)out->ui_window_ms * MSEC, (unsigned)out->fps};
	struct err err;
	if (out->no_tui || out->verbose || out->debug || load->try || !isatty(STDOUT_FILENO)) return NULL;
	struct show *show = show_new(&setup, &err);
	if (!show) log_info("no live view: %s", err.text);
	return show;
}

static struct progress *load_start_progress(const struct load *load) {
	const struct out_settings *out = &load->cli->settings.out;
	struct progress_setup setup = {
		.fd = STDERR_FILENO,
		.terminal = load_has_terminal() && !out->verbose && !out->debug && !load->try,
		.color = log_color_wanted(out->no_color),
		.open_loop = load->plan.open_loop,
		.duration = load->plan.duration,
		.warmup = load->plan.warmup,
		.requests = load->plan.requests,
	};
	struct progress *progress = progress_new(&setup);
	log_set_hide(load_hide_progress, progress);
	return progress;
}

static void load_end_progress(struct load *load) {
	show_free(load->watch.show);
	log_set_hide(NULL, NULL);
	if (load->watch.progress) progress_free(load->watch.progress);
}

static bool load_open_sinks(struct load *load, struct err *err) {
	struct sinks_setup setup = {&load->cli->settings.out, load->watch.run_id, load->plan.target, load->plan.open_loop, &load->plan.groups};
	return sinks_open(&setup, &load->watch.sinks, err);
}

/* Everything from the start of the threads to the exit status. */
static int load_measure(struct load *load, int signals, struct arena *arena) {
	struct watch *watch = &load->watch;
	const struct out_settings *out = &load->cli->settings.out;
	struct run_hooks hooks = {0};
	struct run_inputs inputs = {
		.plan = &load->plan,
		.places = load->reach.places,
		.tls = load->tls,
		.tls_settings = &load->cli->settings.tls,
		.sources = load->reach.sources,
		.family = load->reach.family,
		.hooks = load->debug || load->try ? &hooks : NULL,
	};
	struct err err;
	if (load->debug) debug_hook(load->debug, &hooks);
	if (load->try) try_hook(load->try, &hooks);
	if (!run_log_open(&load->cli->settings, &load->plan, arena, &load->log, &err)) return load_fail(&err);
	if (load->try) load->log.quiet = true;
	describe_run(
		&(struct description){&load->plan, &load->reach, &load->cli->settings, load->threshold_count, load->thresholds}, arena, &load->info);
	load->log.info = &load->info;
	run_log_join(&load->log, &inputs);
	watch->log = &load->log;
	if (!run_start(&inputs, &watch->run, &err)) {
		run_log_end(&load->log, NULL);
		return load_fail(&err);
	}
	watch->plan = &load->plan;
	watch->thresholds = load->thresholds;
	watch->threshold_count = out->threshold_abort ? load->threshold_count : 0;
	watch_run(watch, signals);
	if (watch->forced) _exit(EXIT_INTERRUPTED);
	struct strain strain = watch->totals.strain;
	machine_add_strain(&watch->machine[0], &watch->machine[1], &strain);
	strain.shed = run_log_drain(&load->log);
	struct conclusion conclusion = {
		.out = out,
		.plan = &load->plan,
		.reach = &load->reach,
		.settings = &load->cli->settings,
		.debug = load->debug,
		.watch = watch,
		.signals = signals,
		.log = &load->log,
		.strain = &strain,
		.threshold_count = load->threshold_count,
		.thresholds = load->thresholds,
	};
	int status = conclude(&conclusion, arena);
	run_free(watch->run);
	return status;
}

static int load_go(const struct cli *cli, struct try *try, struct arena *arena) {
	struct load load = {.cli = cli, .try = try, .watch.cause = STOP_DURATION};
	struct err err;
	const char *junit = cli->settings.out.junit;
	if (junit && !junit_begin(junit, &err)) {
		err_add(&err, "--junit");
		return load_fail(&err);
	}
	if (!load_prepare(&load, arena, &err)) return load_fail(&err);
	int signals = watch_catch_signals();
	run_id_make(load.watch.run_id);
	if (!load_open_sinks(&load, &err)) return load_fail(&err);
	load_announce(&load, arena);
	if (cli->settings.out.debug) load.debug = debug_new();
	load.watch.series = series_new(fault_on(FAULT_FAST_SERIES) ? FAST_SLOT : SEC, load.plan.threads);
	load.watch.show = load_start_show(&load);
	if (!load.watch.show) {
		watch_release_stops(signals);
		load.watch.progress = load_start_progress(&load);
	}
	int status = load_measure(&load, signals, arena);
	load_end_progress(&load);
	sinks_close(load.watch.sinks);
	run_log_close(&load.log);
	series_free(load.watch.series);
	script_free(load.scenario.script);
	tls_context_close(load.tls);
	debug_free(load.debug);
	close(signals);
	return status;
}

int load_run(const struct cli *cli, struct arena *arena) {
	return load_go(cli, NULL, arena);
}

int load_try(const struct cli *cli, struct try *try, struct arena *arena) {
	return load_go(cli, try, arena);
}
