#include "cmd/load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "cmd/conclude.h"
#include "cmd/watch.h"
#include "engine/run.h"
#include "net/address.h"
#include "net/tls.h"
#include "out/junit.h"
#include "plan/machine.h"
#include "plan/plan.h"

#define EXIT_INTERRUPTED 130
#define FAST_SLOT (100 * MSEC) /* of the series, in a build with FAULT_FAST_SERIES */
#define FILES_SPARE 64         /* descriptors besides the connections */

/* Everything of one load test. */
struct load {
	const struct cli *cli;
	struct plan plan;
	struct address_list addresses;
	struct text_list address_texts;
	struct tls_context *tls; /* NULL: plain */
	size_t threshold_count;
	struct threshold *thresholds;
	struct watch watch;
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

static bool load_open_tls(struct load *load, const struct url *url, struct err *err) {
	const struct tls_settings *tls = &load->cli->settings.tls;
	if (url->tls) return tls_context_open(tls, url->host, (unsigned)load->addresses.count, &load->tls, err);
	if (tls->min || tls->max || tls->alpn.count > 0 || tls->cacert || tls->cert || tls->insecure || tls->resume)
		log_warn("TLS options say nothing about an http:// URL");
	return true;
}

static bool load_prepare(struct load *load, struct arena *arena, struct err *err) {
	struct url url;
	const struct settings *settings = &load->cli->settings;
	if (!url_parse(settings->http.url, arena, &url, err)) return err_add(err, "--url");
	struct address_query query = {url.host, url.port, settings->http.connect_timeout};
	if (!address_resolve(&query, arena, &load->addresses, err)) return false;
	load->address_texts = (struct text_list){load->addresses.count, arena_array(arena, load->addresses.count, sizeof(char *))};
	for (size_t i = 0; i < load->addresses.count; i++) {
		load->address_texts.at[i] = load->addresses.at[i].text;
		log_debug("address %zu of %s: %s", i + 1, url.host, load->addresses.at[i].text);
	}
	struct plan_inputs inputs = {
		.settings = settings,
		.spawn_given = load->cli->spawn_given,
		.preconnect_given = load->cli->preconnect_given,
		.url = &url,
		.addresses = &load->address_texts,
		.machine = {machine_cpus(), machine_has_quota(), address_is_local(&load->addresses.at[0])},
	};
	load_read_thresholds(load, &settings->out.threshold, arena);
	return plan_build(&inputs, arena, &load->plan, err) && load_open_tls(load, &url, err);
}

static void load_announce(const struct load *load, struct arena *arena) {
	uint64_t wanted = load->plan.max_tasks + load->plan.threads * 2 + FILES_SPARE;
	uint64_t files = machine_raise_files(wanted);
	log_info("%s", plan_describe(&load->plan, &load->address_texts, arena));
	if (load->cli->config_file) log_debug("settings were read from %s", load->cli->config_file);
	log_debug("%u processors, %s", machine_cpus(), machine_has_quota() ? "under a CPU quota" : "no CPU quota");
	if (files < wanted)
		log_warn("--max-tasks %llu needs %llu open files, but the limit is %llu (ulimit -n): connections beyond it will fail",
			(unsigned long long)load->plan.max_tasks, (unsigned long long)wanted, (unsigned long long)files);
	uint64_t ports = 28000 * load->addresses.count; /* net.ipv4.ip_local_port_range, for each address */
	if (load->plan.max_tasks > ports)
		log_warn("--max-tasks %llu is more than the local ports towards %zu address%s: connections beyond about %llu will fail",
			(unsigned long long)load->plan.max_tasks, load->addresses.count, load->addresses.count == 1 ? "" : "es",
			(unsigned long long)ports);
}

static void load_hide_progress(void *progress) {
	progress_hide(progress);
}

/* Returns whether stderr can rewrite a line. */
static bool load_has_terminal(void) {
	const char *terminal = getenv("TERM");
	return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static struct progress *load_start_progress(const struct load *load) {
	const struct out_settings *out = &load->cli->settings.out;
	struct progress_setup setup = {
		.fd = STDERR_FILENO,
		.terminal = load_has_terminal() && !out->verbose,
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
	log_set_hide(NULL, NULL);
	progress_free(load->watch.progress);
}

/* Everything from the start of the threads to the exit status. */
static int load_measure(struct load *load, int signals, struct arena *arena) {
	struct watch *watch = &load->watch;
	const struct out_settings *out = &load->cli->settings.out;
	struct run_inputs inputs = {.plan = &load->plan, .addresses = &load->addresses, .tls = load->tls};
	struct err err;
	if (!run_start(&inputs, &watch->run, &err)) return load_fail(&err);
	watch->plan = &load->plan;
	watch->thresholds = load->thresholds;
	watch->threshold_count = out->threshold_abort ? load->threshold_count : 0;
	watch_run(watch, signals);
	if (watch->forced) _exit(EXIT_INTERRUPTED);
	struct strain strain = watch->totals.strain;
	machine_add_strain(&watch->machine[0], &watch->machine[1], &strain);
	struct conclusion conclusion = {
		.out = out,
		.plan = &load->plan,
		.addresses = &load->addresses,
		.watch = watch,
		.strain = &strain,
		.insecure = load->cli->settings.tls.insecure,
		.threshold_count = load->threshold_count,
		.thresholds = load->thresholds,
	};
	int status = conclude(&conclusion, arena);
	run_free(watch->run);
	return status;
}

int load_run(const struct cli *cli, struct arena *arena) {
	struct load load = {.cli = cli, .watch.cause = STOP_DURATION};
	struct err err;
	const char *junit = cli->settings.out.junit;
	if (junit && !junit_begin(junit, &err)) {
		err_add(&err, "--junit");
		return load_fail(&err);
	}
	if (!load_prepare(&load, arena, &err)) return load_fail(&err);
	int signals = watch_catch_signals();
	load_announce(&load, arena);
	load.watch.series = series_new(fault_on(FAULT_FAST_SERIES) ? FAST_SLOT : SEC);
	load.watch.progress = load_start_progress(&load);
	int status = load_measure(&load, signals, arena);
	load_end_progress(&load);
	series_free(load.watch.series);
	tls_context_close(load.tls);
	close(signals);
	return status;
}
