#include "cmd/describe.h"

#include <sys/socket.h>

#include "net/sources.h"
#include "plan/script.h"

static double describe_asked(const struct plan *plan) {
	nsec length = plan->duration - plan->warmup;
	if (!plan->open_loop || length <= 0) return 0;
	double asked = schedule_integral(&plan->schedule, plan->duration) - schedule_integral(&plan->schedule, plan->warmup);
	return asked * stripe_fraction(&plan->stripe) * 1e9 / (double)length;
}

void describe_run(const struct description *d, struct arena *arena, struct run_info *ret) {
	static const char *const spins[] = {"off", "tail", "always"}, *const stamps[] = {"sample", "all", "off"};
	const struct plan *plan = d->plan;
	const struct out_settings *out = &d->settings->out;
	const struct script *script = plan->source.script && !plan->source.script->is_plain ? plan->source.script : NULL;
	*ret = (struct run_info){
		.version = STREST_VERSION,
		.label_count = out->label.count,
		.labels = out->label.at,
		.target = plan->target,
		.listed = plan->targets->listed,
		.proxy = route_proxy_words(&plan->route),
		.unix_path = d->settings->net.unix_socket,
		.sources = d->reach->sources ? sources_count(d->reach->sources, AF_INET) + sources_count(d->reach->sources, AF_INET6) : 0,
		.keepalive = plan->keepalive,
		.requests_per_connection = plan->keepalive && plan->requests_per_connection < UINT64_MAX ? plan->requests_per_connection : 0,
		.compressed = plan->compressed,
		.redirects = plan->redirects,
		.http = plan->is_h2_sure ? "h2"
			: plan->may_h2   ? "either"
					 : "http/1.1",
		.http_words = plan_describe_http(plan, arena),
		.streams = plan->may_h2 ? plan->streams : 1,
		.method = plan->method,
		.open_loop = plan->open_loop,
		.asked_per_s = describe_asked(plan),
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
		.kernel_stamps = stamps[plan->kernel_stamps],
		.tls = plan->tls,
		.tls_unverified = d->settings->tls.insecure,
		.threshold_count = d->threshold_count,
		.thresholds = d->thresholds,
		.groups = plan->groups,
		.scenario_count = script ? script->scenario_count : 0,
		.steps_mean = script ? script->step_mean : 0,
	};
}
