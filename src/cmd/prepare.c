#include "cmd/prepare.h"

#include "base/connect_to.h"
#include "base/log.h"
#include "net/tls.h"
#include "plan/machine.h"
#include "plan/script.h"
#include "stats/judge.h"

#define PORTS_EACH 28000 /* local ports of a pair of addresses */

static void prepare_read_thresholds(struct prepared *ready, const struct text_list *texts, struct arena *arena) {
	ready->thresholds = arena_array(arena, texts->count, sizeof(*ready->thresholds));
	ready->threshold_count = 0; /* a controller makes its plan twice */
	for (size_t i = 0; i < texts->count; i++) {
		struct threshold *threshold = &ready->thresholds[ready->threshold_count];
		if (threshold_parse(slice_of(texts->at[i]), threshold) != THRESHOLD_GOOD) continue; /* config/ has refused it */
		threshold->text = texts->at[i];
		ready->threshold_count++;
	}
}

/* Returns whether connections begin with TLS: with a target, or with its proxy. */
static bool prepare_needs_tls(const struct prepared *ready) {
	const struct route *route = &ready->plan.route;
	bool needs = ready->plan.tls;
	for (size_t i = 0; i < route->origin_count; i++) needs = needs || route->origins[i].proxy_host;
	return needs;
}

/* Opens TLS if it is needed, or if options are given for it, which then are judged before the run and not when a redirect leads there. */
static bool prepare_open_tls(struct prepared *ready, struct err *err) {
	const struct tls_settings *tls = &ready->cli->settings.tls;
	bool offers = tls->alpn.count > 0 && !ready->plan.protocols.clear_h2; /* HTTP/2 is spoken to http:// URLs, too */
	bool given = tls->min || tls->max || offers || tls->cacert || tls->cert || tls->insecure || tls->resume;
	bool needs = prepare_needs_tls(ready), may = ready->plan.redirects > 0;
	if (given && !needs && !may) log_warn("TLS options say nothing about an http:// URL");
	if (!needs && !(given && may)) return true;
	return tls_context_open(tls, &ready->tls, err);
}

bool prepare_source(struct prepared *ready, const struct cli *cli, bool tries, struct arena *arena, struct err *err) {
	const struct settings *settings = &cli->settings;
	struct route *route = &ready->route;
	*ready = (struct prepared){.cli = cli};
	struct source_inputs words = {&settings->http, &settings->net, settings->load.seed, &ready->targets, route, protocols_of(settings)};
	if (!route_open(settings, ROUTE_ORIGINS_MAX, arena, route, err)) return false;
	if (!script_is_wanted(settings))
		return targets_read(&settings->http, arena, &ready->targets, err) && source_build(&words, arena, &ready->source, err);
	bool good = scenario_load(settings, route, arena, &ready->scenario, err);
	if (good && tries) script_try(ready->scenario.script);
	ready->source = ready->scenario.source;
	return good;
}

bool prepare_reach(struct prepared *ready, struct arena *arena, struct err *err) {
	return reach_open(&ready->cli->settings, &ready->route, arena, &ready->reach, err);
}

bool prepare_plan(struct prepared *ready, const struct prepare_share *share, bool sends, struct arena *arena, struct err *err) {
	const struct settings *settings = &ready->cli->settings;
	struct plan_inputs inputs = {
		.settings = settings,
		.spawn_given = ready->cli->spawn_given,
		.preconnect_given = ready->cli->preconnect_given,
		.targets = ready->source.targets,
		.route = &ready->route,
		.source = &ready->source,
		.addresses = &ready->reach.texts,
		.machine = {machine_cpus(), machine_has_quota(), ready->reach.is_local},
		.stripe = share->stripe,
		.tickets = share->tickets,
	};
	ready->threshold_count = 0;
	prepare_read_thresholds(ready, &settings->out.threshold, arena);
	return plan_build(&inputs, arena, &ready->plan, err) && judge_check(ready->thresholds, ready->threshold_count, &ready->plan.groups, err) &&
	       (!sends || prepare_open_tls(ready, err));
}

/* Each pair of a local and a remote address has the ports of net.ipv4.ip_local_port_range. The kernel looks at every second one first: from half of them on its
 * search takes a millisecond and more. */
static void prepare_warn_of_ports(const struct prepared *ready) {
	static const char help[] = "--bind with further local addresses gives 28,000 ports more for each";
	uint64_t pairs = reach_pairs(&ready->reach), ports = pairs > 1000000 ? UINT64_MAX : PORTS_EACH * pairs, tasks = ready->plan.max_tasks;
	uint64_t connections = plan_most_connections(&ready->plan);
	if (pairs > 0 && connections > ports)
		log_warn("--max-tasks %llu is more than the local ports towards the target: connections beyond about %llu will fail; %s",
			(unsigned long long)tasks, (unsigned long long)ports, help);
	else if (pairs > 0 && connections > ports / 2)
		log_warn("--max-tasks %llu needs more than half of the local ports towards the target, which makes connecting slow; %s",
			(unsigned long long)tasks, help);
}

/* A --connect-to for nobody is a typing mistake as a rule, and then the load goes where it was not meant to. */
static void prepare_warn_of_detours(const struct prepared *ready) {
	const struct text_list *texts = &ready->cli->settings.net.connect_to;
	const struct route *route = &ready->plan.route;
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

void prepare_warn(const struct prepared *ready) {
	prepare_warn_of_ports(ready);
	prepare_warn_of_detours(ready);
}

void prepare_inputs(const struct prepared *ready, struct run_inputs *ret) {
	*ret = (struct run_inputs){
		.plan = &ready->plan,
		.places = ready->reach.places,
		.tls = ready->tls,
		.tls_settings = &ready->cli->settings.tls,
		.sources = ready->reach.sources,
		.family = ready->reach.family,
	};
}

void prepare_free(struct prepared *ready) {
	script_free(ready->scenario.script);
	tls_context_close(ready->tls);
}
