#include "cmd/load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "cmd/charts_out.h"
#include "cmd/conclude.h"
#include "cmd/debug.h"
#include "cmd/describe.h"
#include "cmd/prepare.h"
#include "cmd/progress_line.h"
#include "cmd/try.h"
#include "cmd/watch.h"
#include "engine/pool.h"
#include "out/junit.h"
#include "plan/machine.h"

#define FAST_SLOT (100 * MSEC) /* of the series, in a build with FAULT_FAST_SERIES */
#define FILES_SPARE 64         /* descriptors besides the connections */

/* Everything of one load test. */
struct load {
	const struct cli *cli;
	struct prepared ready;
	struct debug *debug; /* --debug; else NULL */
	struct try *try;     /* scenario try; else NULL */
	struct watch watch;
	struct run_info info; /* as far as it is known before the start */
	struct run_log log;
};

static int load_fail(const struct err *err) {
	log_write(LOG_ERROR, "%s", err->text);
	return (int)err->code;
}

static bool load_prepare(struct load *load, struct arena *arena, struct err *err) {
	static const struct prepare_share all;
	return prepare_source(&load->ready, load->cli, load->try != NULL, arena, err) && prepare_reach(&load->ready, arena, err) &&
	       prepare_plan(&load->ready, &all, true, arena, err);
}

static void load_announce(const struct load *load, struct arena *arena) {
	uint64_t connections = plan_most_connections(&load->ready.plan), wanted = connections + load->ready.plan.threads * 3 + FILES_SPARE;
	uint64_t files = machine_raise_files(wanted + connections * POOL_ORIGINS); /* as many as there may be idle or leaving, too */
	if (!load->cli->settings.out.debug && !load->try) log_info("%s", plan_describe(&load->ready.plan, &load->ready.reach.texts, arena));
	if (load->cli->config_file) log_debug("settings were read from %s", load->cli->config_file);
	log_debug("%u processors, %s", machine_cpus(), machine_has_quota() ? "under a CPU quota" : "no CPU quota");
	if (files < wanted)
		log_warn("--max-tasks %llu needs %llu open files, but the limit is %llu (ulimit -n): connections beyond it will fail",
			(unsigned long long)load->ready.plan.max_tasks, (unsigned long long)wanted, (unsigned long long)files);
	prepare_warn(&load->ready);
}

/* Enters the live view if there is a terminal for it; NULL: none. */
static struct show *load_start_show(const struct load *load) {
	const struct out_settings *out = &load->cli->settings.out;
	struct show_setup setup = {&load->ready.plan, !out->no_color, (nsec)out->ui_window_ms * MSEC, (unsigned)out->fps};
	struct err err;
	if (out->no_tui || out->verbose || out->debug || load->try || !isatty(STDOUT_FILENO)) return NULL;
	struct show *show = show_new(&setup, &err);
	if (!show) log_info("no live view: %s", err.text);
	return show;
}

static void load_end_progress(struct load *load) {
	show_free(load->watch.show);
	progress_line_end(load->watch.progress);
}

static bool load_open_sinks(struct load *load, struct err *err) {
	struct sinks_setup setup = {
		&load->cli->settings.out, load->watch.run_id, load->ready.plan.target, load->ready.plan.open_loop, &load->ready.plan.groups};
	return sinks_open(&setup, &load->watch.sinks, err);
}

/* Everything from the start of the threads to the exit status. */
static int load_measure(struct load *load, int signals, struct arena *arena) {
	struct watch *watch = &load->watch;
	const struct out_settings *out = &load->cli->settings.out;
	struct run_hooks hooks = {0};
	struct run_inputs inputs;
	struct err err;
	prepare_inputs(&load->ready, &inputs);
	inputs.hooks = load->debug || load->try ? &hooks : NULL;
	if (load->debug) debug_hook(load->debug, &hooks);
	if (load->try) try_hook(load->try, &hooks);
	if (!run_log_open(&load->cli->settings, &load->ready.plan, arena, &load->log, &err)) return load_fail(&err);
	if (load->try) load->log.quiet = true;
	describe_run(&(struct description){&load->ready.plan, &load->ready.reach, &load->cli->settings, load->ready.threshold_count,
			     load->ready.thresholds},
		arena, &load->info);
	load->log.info = &load->info;
	run_log_join(&load->log, &inputs);
	watch->log = &load->log;
	if (!run_start(&inputs, &watch->run, &err)) {
		run_log_end(&load->log, NULL);
		return load_fail(&err);
	}
	watch->plan = &load->ready.plan;
	watch->thresholds = load->ready.thresholds;
	watch->threshold_count = out->threshold_abort ? load->ready.threshold_count : 0;
	watch_run(watch, signals);
	if (watch->forced) _exit(EXIT_INTERRUPTED);
	struct strain strain = watch->totals.strain;
	machine_add_strain(&watch->machine[0], &watch->machine[1], &strain);
	strain.shed = run_log_drain(&load->log);
	struct conclusion conclusion = {
		.out = out,
		.plan = &load->ready.plan,
		.reach = &load->ready.reach,
		.settings = &load->cli->settings,
		.debug = load->debug,
		.watch = watch,
		.signals = signals,
		.log = &load->log,
		.strain = &strain,
		.threshold_count = load->ready.threshold_count,
		.thresholds = load->ready.thresholds,
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
	load.watch.series = series_new(fault_on(FAULT_FAST_SERIES) ? FAST_SLOT : SEC, load.ready.plan.threads);
	load.watch.show = load_start_show(&load);
	if (!load.watch.show) {
		watch_release_stops(signals);
		load.watch.progress = progress_line_start(&cli->settings.out, &load.ready.plan, load.debug || try);
	}
	int status = load_measure(&load, signals, arena);
	load_end_progress(&load);
	sinks_close(load.watch.sinks);
	run_log_close(&load.log);
	series_free(load.watch.series);
	prepare_free(&load.ready);
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
