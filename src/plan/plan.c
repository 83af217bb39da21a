#include "plan/plan.h"

#include <math.h>

#include "base/buf.h"
#include "base/units.h"

#define RATE_PER_WORKER 50000.0 /* requests per second that one worker holds with a quiet core */
#define TASKS_PER_WORKER 32     /* closed loop: fewer connections a worker are not worth its thread */
#define PRECONNECT_MAX 64       /* a worker, unless told otherwise */

static unsigned plan_threads(const struct plan *plan, const struct load_settings *load, const struct machine *machine) {
	uint64_t threads = load->threads;
	if (threads == 0 && plan->open_loop) threads = (uint64_t)ceil(schedule_peak(&plan->schedule, plan->duration) / RATE_PER_WORKER);
	if (threads == 0 && !plan->open_loop) {
		threads = machine->target_local ? machine->cpus / 2 : machine->cpus;
		if (threads > plan->max_tasks / TASKS_PER_WORKER) threads = plan->max_tasks / TASKS_PER_WORKER;
	}
	if (load->threads == 0 && threads > machine->cpus) threads = machine->cpus;
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

static void plan_build_load(struct plan *plan, const struct load_settings *load) {
	plan->open_loop = load->rate > 0 || load->stages.count > 0;
	plan->duration = load->duration;
	plan->warmup = load->warmup;
	plan->requests = load->requests;
	plan->max_tasks = load->max_tasks;
	plan->seed = load->seed;
	plan->k_limit = UINT64_MAX;
	if (!plan->open_loop) return;
	schedule_build(&plan->schedule, load->rate, &load->stages);
	plan->schedule.poisson = load->arrival == ARRIVAL_POISSON;
	plan->schedule.seed = load->seed;
	cursor_init(&plan->at_window, &plan->schedule, 0, 1);
	cursor_skip(&plan->at_window, plan->warmup);
	plan->k_window = plan->at_window.k;
	if (plan->requests > 0) plan->k_limit = plan->k_window + plan->requests;
}

/* One row a stage, and one for the time after the last stage if the run is longer than the stages. */
static void plan_build_groups(struct plan *plan, const struct text_list *addresses, size_t stages, struct arena *arena) {
	bool holds = stages > 0 && plan->schedule.at[stages].t0 < plan->duration;
	size_t count = 3 + addresses->count + stages + holds;
	struct group *rows = arena_array(arena, count, sizeof(*rows));
	rows[0] = (struct group){GROUP_BY_ALL, "all"};
	rows[1] = (struct group){GROUP_BY_CONNECTION, "new"};
	rows[2] = (struct group){GROUP_BY_CONNECTION, "reused"};
	for (size_t i = 0; i < addresses->count; i++) rows[3 + i] = (struct group){GROUP_BY_ADDRESS, addresses->at[i]};
	size_t first_stage = 3 + addresses->count;
	const struct segment *segments = plan->schedule.at;
	for (size_t i = 0; i < stages; i++)
		rows[first_stage + i] = (struct group){GROUP_BY_STAGE, arena_format(arena, "%zu", i + 1), segments[i].t0, segments[i + 1].t0};
	if (holds) rows[count - 1] = (struct group){GROUP_BY_STAGE, "hold", segments[stages].t0, NSEC_NEVER};
	plan->groups = (struct group_table){count, rows, 3, first_stage};
}

bool plan_build(const struct plan_inputs *inputs, struct arena *arena, struct plan *ret, struct err *err) {
	const struct load_settings *load = &inputs->settings->load;
	const struct http_settings *http = &inputs->settings->http;
	struct plan *plan = ret;
	*plan = (struct plan){.url = *inputs->url};
	plan_build_load(plan, load);
	if (plan->open_loop && plan->at_window.due >= plan->duration)
		return err_set(err, ERR_FAILED, "--rate: no request is due between the warm-up and the end of --duration; raise one of the two");
	plan->threads = plan_threads(plan, load, &inputs->machine);
	plan->spawn = !plan->open_loop || inputs->spawn_given;
	plan->spawn_rate = load->spawn_rate;
	plan->spawn_interval = (nsec)load->spawn_interval * MSEC;
	plan->waiting = plan_waiting(plan, (enum spin)load->spin, &inputs->machine);
	if (plan->open_loop) plan->preconnect = inputs->preconnect_given ? load->preconnect : (uint64_t)PRECONNECT_MAX * plan->threads;
	plan->timeout = http->timeout;
	plan->connect_timeout = http->connect_timeout;
	plan->retry_stale = http->retry_stale == RETRY_STALE_IDEMPOTENT;
	plan->expected = http->status;
	plan->truth = inputs->settings->out.truth;
	plan->kernel_stamps = (enum kernel_stamps)inputs->settings->load.kernel_stamps;
	plan->method = method_name((enum method)http->method);
	plan_build_groups(plan, inputs->addresses, load->stages.count, arena);
	return source_build(http, inputs->url, arena, &plan->source, err);
}

static void plan_describe_load(const struct plan *plan, struct buf *text) {
	char span[64];
	if (plan->open_loop) {
		const struct segment *last = &plan->schedule.at[plan->schedule.count - 1];
		buf_add_format(text, "%s arrivals at %.10g/s", plan->schedule.poisson ? "poisson" : "even", plan->schedule.at[0].rate);
		for (size_t i = 1; i < plan->schedule.count; i++)
			buf_add_format(text, ", to %.10g/s at %s", plan->schedule.at[i].rate,
				units_format_duration(plan->schedule.at[i].t0, span, sizeof(span)));
		if (last->t0 > plan->duration) buf_add_text(text, " (the run ends before the last stage does; a longer --duration reaches it)");
		buf_add_format(text, ", at most %llu in flight", (unsigned long long)plan->max_tasks);
	} else {
		buf_add_format(text, "closed loop of %llu tasks", (unsigned long long)plan->max_tasks);
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

const char *plan_describe(const struct plan *plan, const struct text_list *address_texts, struct arena *arena) {
	static const char *const waits[] = {", sleeping", ", spinning before due times", ", spinning always"};
	struct buf text;
	char span[64];
	buf_init(&text, 65536);
	buf_add_format(&text, "%s %s (", plan->method, plan->url.text);
	for (size_t i = 0; i < address_texts->count; i++) buf_add_format(&text, "%s%s", i ? ", " : "", address_texts->at[i]);
	buf_add_text(&text, "): ");
	plan_describe_load(plan, &text);
	buf_add_format(&text, ", for %s", units_format_duration(plan->duration, span, sizeof(span)));
	if (plan->requests > 0) buf_add_format(&text, " or %llu requests", (unsigned long long)plan->requests);
	if (plan->warmup > 0) buf_add_format(&text, ", the first %s as warm-up", units_format_duration(plan->warmup, span, sizeof(span)));
	buf_add_format(&text, "; %u thread%s%s", plan->threads, plan->threads == 1 ? "" : "s", plan->open_loop ? waits[plan->waiting] : "");
	const char *copy = arena_copy(arena, (struct slice){buf_text(&text), text.size});
	buf_fini(&text);
	return copy;
}
