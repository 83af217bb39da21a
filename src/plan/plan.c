#include "plan/plan.h"

#include <inttypes.h>
#include <math.h>

#include "base/buf.h"
#include "base/units.h"
#include "plan/script.h"

#define RATE_PER_WORKER 50000.0            /* requests per second that one worker holds with a quiet core */
#define TASKS_PER_WORKER 32                /* closed loop: fewer requests at once are not worth a thread */
#define DESCRIPTION_MAX ((size_t)16 << 20) /* a URL may be long */
#define ADDRESSES_SAID 8                   /* more of them do not help anybody */
#define PRECONNECT_MAX 64                  /* a worker, unless told otherwise */

/* Returns how many connections of HTTP/2 all tasks fill, the last one perhaps in part. */
static uint64_t plan_filled(const struct plan *plan) {
	return (plan->max_tasks - 1) / plan->streams + 1;
}

/* Returns how many tasks in a row a worker has. */
static uint64_t plan_row(const struct plan *plan) {
	return plan_filled(plan) < plan->threads ? 1 : plan->streams;
}

uint64_t plan_tasks(const struct plan *plan, uint64_t started, unsigned worker) {
	uint64_t row = plan_row(plan), full = started / row;
	return plan_share(plan, full, worker) * row + (full % plan->threads == worker ? started % row : 0);
}

uint64_t plan_task_number(const struct plan *plan, unsigned worker, uint64_t i) {
	uint64_t row = plan_row(plan);
	return (i / row * plan->threads + worker) * row + i % row;
}

static unsigned plan_threads(const struct plan *plan, const struct load_settings *load, const struct machine *machine) {
	uint64_t threads = load->threads;
	double peak = schedule_peak(&plan->schedule, plan->duration) * stripe_fraction(&plan->stripe);
	if (threads == 0 && plan->open_loop) threads = (uint64_t)ceil(peak / RATE_PER_WORKER);
	if (threads == 0 && !plan->open_loop) {
		threads = machine->target_local ? machine->cpus / 2 : machine->cpus;
		if (threads > plan->max_tasks / TASKS_PER_WORKER) threads = plan->max_tasks / TASKS_PER_WORKER;
	}
	if (load->threads == 0 && threads > machine->cpus) threads = machine->cpus;
	if (load->threads == 0 && threads > plan_filled(plan)) threads = plan_filled(plan);
	if (threads > plan->max_tasks) threads = plan->max_tasks;
	return threads == 0 ? 1 : (unsigned)threads;
}

/* Spinning before due times helps when a core is free for it: one for each worker, and one for a target on this machine. */
static enum waiting plan_waiting(const struct plan *plan, enum spin wish, const struct machine *machine) {
	if (!plan->open_loop || wish == SPIN_OFF) return WAITING_SLEEPS;
	if (wish == SPIN_ON) return WAITING_SPINS;
	bool spare = !machine->quota && plan->threads + (machine->target_local ? 1 : 0) < machine->cpus;
	return spare ? WAITING_TAIL : WAITING_SLEEPS;
}

/* --debug is one exchange, whatever else is said about the load. */
static struct load_settings plan_load(const struct settings *settings) {
	struct load_settings load = settings->load;
	if (settings->out.debug) {
		load.rate = 0;
		load.stages.count = 0;
		load.warmup = 0;
		load.requests = load.max_tasks = load.threads = 1;
	}
	return load;
}

double plan_steps_mean(const struct plan *plan) {
	return plan->source.script ? plan->source.script->step_mean : 1;
}

/* The schedule of scenarios counts iterations, the user's rates requests. */
static void plan_scale(const struct plan *plan, struct load_settings *load) {
	load->rate /= plan_steps_mean(plan);
	for (size_t i = 0; i < load->stages.count; i++) load->stages.at[i].target /= plan_steps_mean(plan);
}

/* What is this machine's when several share the schedule. */
static void plan_build_part(struct plan *plan, const struct plan_inputs *inputs) {
	const struct script *script = plan->source.script;
	plan->stripe = inputs->stripe ? *inputs->stripe : stripe_whole;
	plan->tickets = inputs->stripe ? inputs->tickets : plan->requests;
	plan->iterations = UINT64_MAX;
	if (script && script->iterations_max < UINT64_MAX) plan->iterations = stripe_count(&plan->stripe, script->iterations_max);
}

static void plan_build_load(struct plan *plan, struct load_settings *load) {
	plan->open_loop = load->rate > 0 || load->stages.count > 0;
	plan->duration = load->duration;
	plan->warmup = load->warmup;
	plan->requests = load->requests;
	plan->max_tasks = load->max_tasks;
	plan->seed = load->seed;
	plan->k_limit = UINT64_MAX;
	if (!plan->open_loop) return;
	if (load->rate_unit == RATE_UNIT_REQUESTS && plan->source.script) plan_scale(plan, load);
	schedule_build(&plan->schedule, load->rate, &load->stages);
	plan->schedule.poisson = load->arrival == ARRIVAL_POISSON;
	plan->schedule.seed = load->seed;
	cursor_init(&plan->at_window, &plan->schedule, 0, 1);
	cursor_skip(&plan->at_window, plan->warmup);
	plan->k_window = plan->at_window.k;
	const struct script *script = plan->source.script;
	uint64_t wanted = plan->requests;
	if (script && wanted > 0) {
		/* The run ends before it has more of them, however Poisson arrivals fall. */
		double most = (2 * schedule_integral(&plan->schedule, plan->duration) + 1000) * (double)script->step_most;
		if (most < (double)wanted) wanted = (uint64_t)most + 1;
		wanted = script_iterations(script, plan->k_window, wanted);
	}
	if (wanted > 0) plan->k_limit = plan->k_window + wanted;
	if (script && script->iterations_max < plan->k_limit) plan->k_limit = script->iterations_max;
}

/* One row a step, and one a scenario. */
static void plan_add_groups(const struct script *script, struct group *steps, struct group *scenarios, struct arena *arena) {
	for (size_t i = 0; i < script->scenario_count; i++) {
		const struct script_scenario *scenario = &script->scenarios[i];
		scenarios[i] = (struct group){.dimension = GROUP_BY_SCENARIO, .name = scenario->name};
		for (size_t j = 0; j < scenario->step_count; j++) {
			const char *name = scenario->steps[j].name;
			if (script->scenario_count > 1) name = arena_format(arena, "%s/%s", scenario->name, name);
			steps[scenario->first_row + j] = (struct group){.dimension = GROUP_BY_STEP, .name = name};
		}
	}
}

/* One row a stage, and one for the time after the last stage if the run is longer than the stages. */
static void plan_build_groups(struct plan *plan, const struct text_list *addresses, size_t stages, struct arena *arena) {
	bool holds = stages > 0 && plan->schedule.at[stages].t0<plan->duration, finds = plan->redirects> 0 || !plan->pre_lookup;
	const struct script *script = plan->source.script && !plan->source.script->is_plain ? plan->source.script : NULL;
	size_t first_stage = 3 + addresses->count + finds, first_step = first_stage + stages + holds;
	size_t first_scenario = first_step + (script ? script->step_count : 0), count = first_scenario + (script ? script->scenario_count : 0);
	struct group *rows = arena_array(arena, count, sizeof(*rows));
	rows[0] = (struct group){GROUP_BY_ALL, "all"};
	rows[1] = (struct group){GROUP_BY_CONNECTION, "new"};
	rows[2] = (struct group){GROUP_BY_CONNECTION, "reused"};
	for (size_t i = 0; i < addresses->count; i++) rows[3 + i] = (struct group){GROUP_BY_ADDRESS, addresses->at[i]};
	if (finds) rows[first_stage - 1] = (struct group){GROUP_BY_ADDRESS, GROUP_ELSEWHERE};
	const struct segment *segments = plan->schedule.at;
	for (size_t i = 0; i < stages; i++)
		rows[first_stage + i] = (struct group){GROUP_BY_STAGE, arena_format(arena, "%zu", i + 1), segments[i].t0, segments[i + 1].t0};
	if (holds) rows[first_step - 1] = (struct group){GROUP_BY_STAGE, "hold", segments[stages].t0, NSEC_NEVER};
	if (script) plan_add_groups(script, rows + first_step, rows + first_scenario, arena);
	plan->groups = (struct group_table){count, rows, 3, first_stage, first_step, first_scenario};
}

static void plan_build_connections(struct plan *plan, const struct plan_inputs *inputs, const struct load_settings *load) {
	const struct net_settings *net = &inputs->settings->net;
	plan->spawn = !plan->open_loop || inputs->spawn_given;
	plan->spawn_rate = load->spawn_rate;
	plan->spawn_interval = (nsec)load->spawn_interval * MSEC;
	plan->keepalive = !net->disable_keepalive;
	plan->requests_per_connection = net->requests_per_connection ? net->requests_per_connection : UINT64_MAX;
	if (!plan->keepalive) plan->requests_per_connection = 1;
	plan->pick_mru = net->connection_pick == CONNECTION_PICK_MRU;
	plan->pre_lookup = !net->no_pre_lookup;
}

/* How many connections, and how many of them before the start. */
static bool plan_count_connections(struct plan *plan, const struct plan_inputs *inputs, const struct load_settings *load, struct err *err) {
	plan->connections = plan_filled(plan) > plan->threads ? plan_filled(plan) : plan->threads;
	plan->is_h2_sure = true;
	for (size_t i = 0; i < plan->route.origin_count; i++) {
		plan->is_h2_sure = plan->is_h2_sure && protocols_must_h2(&plan->protocols, plan->route.origins[i].tls);
		plan->may_h2 = plan->may_h2 || protocols_may_h2(&plan->protocols, plan->route.origins[i].tls);
	}
	if (!plan->open_loop) return true;
	plan->preconnect = inputs->preconnect_given ? load->preconnect : (uint64_t)PRECONNECT_MAX * plan->threads;
	if (!inputs->preconnect_given && plan->preconnect > plan->connections) plan->preconnect = plan->connections;
	if (plan->preconnect <= plan_most_connections(plan)) return true;
	return err_set(err, ERR_FAILED,
		"--preconnect: %" PRIu64 " is more than the %" PRIu64 " connections of --max-tasks %" PRIu64 " and --http2-parallel %" PRIu64
		"; write at most as many",
		plan->preconnect, plan->connections, plan->max_tasks, plan->streams);
}

static void plan_build_requests(struct plan *plan, const struct plan_inputs *inputs) {
	const struct http_settings *http = &inputs->settings->http;
	plan->target = inputs->targets->name;
	plan->targets = inputs->targets;
	plan->route = *inputs->route;
	for (size_t i = 0; i < plan->route.origin_count; i++) plan->tls = plan->tls || plan->route.origins[i].tls;
	plan->timeout = http->timeout;
	plan->connect_timeout = http->connect_timeout;
	plan->redirects = (unsigned)http->redirect;
	plan->compressed = http->compressed;
	plan->retry_stale = http->retry_stale == RETRY_STALE_IDEMPOTENT;
	plan->expected = http->status;
	plan->method = method_name((enum method)http->method);
}

bool plan_build(const struct plan_inputs *inputs, struct arena *arena, struct plan *ret, struct err *err) {
	struct load_settings load = plan_load(inputs->settings);
	struct plan *plan = ret;
	*plan = (struct plan){.source = *inputs->source};
	plan_build_load(plan, &load);
	plan_build_part(plan, inputs);
	plan->protocols = protocols_of(inputs->settings);
	plan->streams = 1;
	if (protocols_have_h2(&plan->protocols) && inputs->settings->net.http2_parallel > 1) plan->streams = inputs->settings->net.http2_parallel;
	if (plan->open_loop && plan->at_window.due >= plan->duration)
		return err_set(err, ERR_FAILED, "--rate: no request is due between the warm-up and the end of --duration; raise one of the two");
	plan->threads = plan_threads(plan, &load, &inputs->machine);
	plan->waiting = plan_waiting(plan, (enum spin)load.spin, &inputs->machine);
	plan->kernel_stamps = (enum kernel_stamps)load.kernel_stamps;
	plan->truth = inputs->settings->out.truth;
	plan_build_connections(plan, inputs, &load);
	plan_build_requests(plan, inputs);
	if (!plan_count_connections(plan, inputs, &load, err)) return false;
	plan_build_groups(plan, inputs->addresses, load.stages.count, arena);
	return true;
}

static bool plan_has_users(const struct plan *plan) {
	return plan->source.script && !plan->source.script->is_plain;
}

static void plan_describe_rate(const struct plan *plan, double rate, struct buf *text) {
	if (plan_has_users(plan))
		buf_add_format(text, "%.10g iterations/s (%.10g requests/s)", rate, rate * plan_steps_mean(plan));
	else
		buf_add_format(text, "%.10g/s", rate);
}

static void plan_describe_load(const struct plan *plan, struct buf *text) {
	char span[64];
	bool is_part = plan->stripe.modulus > 1;
	if (plan->open_loop) {
		const struct segment *last = &plan->schedule.at[plan->schedule.count - 1];
		buf_add_format(text, "%s arrivals at ", plan->schedule.poisson ? "poisson" : "even");
		plan_describe_rate(plan, plan->schedule.at[0].rate, text);
		for (size_t i = 1; i < plan->schedule.count; i++) {
			buf_add_text(text, ", to ");
			plan_describe_rate(plan, plan->schedule.at[i].rate, text);
			buf_add_format(text, " at %s", units_format_duration(plan->schedule.at[i].t0, span, sizeof(span)));
		}
		if (last->t0 > plan->duration) buf_add_text(text, " (the run ends before the last stage does; a longer --duration reaches it)");
		if (is_part) buf_add_format(text, ", %u in %u of them from here", (unsigned)plan->stripe.count, (unsigned)plan->stripe.modulus);
		buf_add_format(text, ", at most %llu %s", (unsigned long long)plan->max_tasks, plan_has_users(plan) ? "users at once" : "in flight");
	} else {
		buf_add_format(text, "closed loop of %llu %s", (unsigned long long)plan->max_tasks, plan_has_users(plan) ? "users" : "tasks");
	}
	uint64_t ticks = (plan->max_tasks + plan->spawn_rate - 1) / plan->spawn_rate - 1;
	if (plan->spawn && ticks > 0) {
		nsec ramp = ticks > (uint64_t)(INT64_MAX / plan->spawn_interval) ? NSEC_NEVER : (nsec)ticks * plan->spawn_interval;
		buf_add_format(text, ", %llu new every %s", (unsigned long long)plan->spawn_rate,
			units_format_duration(plan->spawn_interval, span, sizeof(span)));
		if (ramp > plan->duration)
			buf_add_format(text, " (%llu by the end of the run)",
				(unsigned long long)(((uint64_t)(plan->duration / plan->spawn_interval) + 1) * plan->spawn_rate));
		else
			buf_add_format(text, " (all after %s)", units_format_duration(ramp, span, sizeof(span)));
	}
}

/* What is asked for, and the way there. */
static void plan_describe_target(const struct plan *plan, const struct text_list *addresses, struct arena *arena, struct buf *text) {
	const char *proxy = route_proxy_words(&plan->route);
	const char *unix_path = plan->route.place_count > 0 ? plan->route.places[0].unix_path : NULL;
	if (!plan->targets->listed && !plan_has_users(plan)) buf_add_format(text, "%s ", plan->method);
	if (plan_has_users(plan)) buf_add_format(text, "%s at ", script_describe(plan->source.script, arena));
	buf_add_text(text, plan->target);
	if (proxy) buf_add_format(text, " by way of %s", proxy);
	if (unix_path) buf_add_format(text, " through the Unix socket %s", unix_path);
	if (!unix_path && addresses->count > 0) {
		for (size_t i = 0; i < addresses->count && i < ADDRESSES_SAID; i++) buf_add_format(text, "%s%s", i ? ", " : " (", addresses->at[i]);
		if (addresses->count > ADDRESSES_SAID) buf_add_format(text, " and %zu more", addresses->count - ADDRESSES_SAID);
		buf_add_text(text, ")");
	}
	buf_add_text(text, ": ");
}

static void plan_describe_connections(const struct plan *plan, struct buf *text) {
	if (!plan->keepalive)
		buf_add_text(text, ", a connection for each request");
	else if (plan->requests_per_connection != UINT64_MAX)
		buf_add_format(text, ", a connection for every %llu requests", (unsigned long long)plan->requests_per_connection);
}

/* Returns the words for the targets of one scheme. */
static const char *plan_protocol_words(const struct plan *plan, bool tls) {
	if (!tls) return plan->protocols.clear_h2 ? "HTTP/2 (h2c)" : "HTTP/1.1 (only https:// negotiates)";
	return plan->protocols.tls == TLS_HTTP_2 ? "HTTP/2" : "HTTP/2 if the server agrees (ALPN), else HTTP/1.1";
}

const char *plan_describe_http(const struct plan *plan, struct arena *arena) {
	const char *words = plan_protocol_words(plan, plan->tls);
	bool has_clear = false;
	for (size_t i = 0; i < plan->route.origin_count; i++) has_clear = has_clear || !plan->route.origins[i].tls;
	if (!protocols_have_h2(&plan->protocols)) return NULL;
	if (has_clear && plan->tls)
		words = arena_format(arena, "http:// in %s, https:// in %s", plan_protocol_words(plan, false), plan_protocol_words(plan, true));
	if (!plan->may_h2 || plan->streams == 1) return words;
	return arena_format(arena, "%s%s, %" PRIu64 " connection%s with up to %" PRIu64 " streams each", words, plan->is_h2_sure ? "" : "; in HTTP/2",
		plan->connections, plan->connections == 1 ? "" : "s", plan->streams);
}

const char *plan_describe(const struct plan *plan, const struct text_list *address_texts, struct arena *arena) {
	static const char *const waits[] = {", sleeping", ", spinning before due times", ", spinning always"};
	struct buf text;
	char span[64];
	buf_init(&text, DESCRIPTION_MAX);
	plan_describe_target(plan, address_texts, arena, &text);
	plan_describe_load(plan, &text);
	const char *http = plan_describe_http(plan, arena);
	if (http) buf_add_format(&text, ", %s", http);
	plan_describe_connections(plan, &text);
	buf_add_format(&text, ", for %s", units_format_duration(plan->duration, span, sizeof(span)));
	if (plan->requests > 0) buf_add_format(&text, " or %llu requests", (unsigned long long)(plan->open_loop ? plan->requests : plan->tickets));
	if (plan->warmup > 0) buf_add_format(&text, ", the first %s as warm-up", units_format_duration(plan->warmup, span, sizeof(span)));
	buf_add_format(&text, "; %u thread%s%s", plan->threads, plan->threads == 1 ? "" : "s", plan->open_loop ? waits[plan->waiting] : "");
	const char *copy = arena_copy(arena, (struct slice){buf_text(&text), text.size});
	buf_fini(&text);
	return copy;
}
