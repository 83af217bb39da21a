/* A controller and many agents over a link in memory, with random delays, losses, deaths, freezes and reconnects: what must hold whatever happens.
 * A schedule is its seed; STREST_FLEET_SEED=n runs one, STREST_FLEET_SEEDS=n so many. */
#include "dist/agent_fleet_fixture.h"

#define STEP (50 * MSEC)
#define SETTLE_TIME (150 * SEC) /* after the last run everybody must be at rest */

/* What has happened in all schedules. */
static struct { size_t done, failed, cancelled, reports, late_reports, losses, early; } tale;

/* ---- What an agent's program does ---- */

static void machine_say(void *user, enum log_level level, const char *text) {
	struct machine *m = user;
	if (getenv("STREST_FLEET_SEED")) fprintf(stderr, "%8.2f agent %s: %d %s\n", (double)m->fleet->now / 1e9, m->id, level, text);
}

static void machine_strain(void *user, struct message_beat *ret) {
	(void)user;
	*ret = (struct message_beat){.cpu = 1};
}

static void machine_prepare(void *user, const struct message_config *config) {
	struct machine *m = user;
	struct fleet *f = m->fleet;
	HOLDS(!m->running && config->weights.count <= (size_t)f->count);
	snprintf(m->run_id, sizeof(m->run_id), "%s", config->run_id);
	m->prepare_at = f->now + draw_span(f, 200 * MSEC);
	m->prepare_fails = !f->healthy && draw(f, 12) == 0;
	if (!f->healthy && draw(f, 40) == 0) m->prepare_at = NSEC_NEVER; /* hangs */
}

static void machine_cancel(void *user) {
	struct machine *m = user;
	HOLDS(!m->running);
	m->prepare_at = NSEC_NEVER;
}

static void machine_start(void *user, const struct agent_start *start) {
	struct machine *m = user;
	HOLDS(!m->running && start->at >= m->fleet->now);
	m->running = true;
	m->finish_at = start->at + m->fleet->duration + (m->fleet->healthy ? 0 : draw_span(m->fleet, SEC));
}

static void machine_restripe(void *user, const struct agent_stripe *stripe) {
	struct machine *m = user;
	HOLDS(m->running && stripe->index < stripe->weights.count);
}

static void machine_stop(void *user, const char *reason) {
	struct machine *m = user;
	nsec soon = m->fleet->now + draw_span(m->fleet, SEC);
	HOLDS(m->running && reason[0]);
	if (soon < m->finish_at) m->finish_at = soon;
}

static void machine_leave(void *user, int status) {
	struct machine *m = user;
	HOLDS(!m->left && (status == 0 || status == 1 || status == 130));
	m->left = true;
	m->running = false;
	m->prepare_at = m->finish_at = NSEC_NEVER;
}

static void machine_boot(struct machine *m) {
	static const struct agent_ops ops = {agent_connect, agent_disconnect, agent_transmit, machine_say, machine_strain, machine_prepare,
		machine_cancel, machine_start, machine_restripe, machine_stop, machine_leave};
	struct fleet *f = m->fleet;
	struct agent_rules rules = {.id = m->id,
		.host = "h",
		.program = "1",
		.cpus = 1,
		.weight = 1 + (uint32_t)draw(f, 3),
		.standby = m->standby,
		.reconnect = SEC,
		.heartbeat_interval = SEC,
		.seed = draw(f, 1u << 30),
		.skew = draw_span(f, 5 * SEC)};
	m->left = m->running = false;
	m->prepare_at = m->finish_at = m->restart_at = NSEC_NEVER;
	m->peer = 0;
	m->a = agent_new(&rules, &ops, m, f->now);
}

static void machine_finish(struct machine *m) {
	char text[2000000];
	int size = snprintf(text, sizeof(text), "%s %s", m->id, m->run_id);
	bool large = draw(m->fleet, 100) == 0;
	if (large) memset(text + size, '.', sizeof(text) - (size_t)size);
	m->finish_at = NSEC_NEVER;
	m->running = false;
	agent_finished(m->a, &(struct agent_finished){.bytes = {text, large ? sizeof(text) : (size_t)size}}, m->fleet->now);
}

/* ---- What the controller's program does ---- */

static void fleet_say(void *user, enum log_level level, const char *text) {
	struct fleet *f = user;
	if (getenv("STREST_FLEET_SEED")) fprintf(stderr, "%8.2f controller: %d %s\n", (double)f->now / 1e9, level, text);
}

static bool fleet_prepare(void *user, struct controller_run *ret, struct err *err) {
	struct fleet *f = user;
	HOLDS(!f->active);
	if (!f->healthy && draw(f, 30) == 0) return err_set(err, ERR_FAILED, "no");
	f->duration = SEC + draw_span(f, 9 * SEC);
	snprintf(f->run_id, sizeof(f->run_id), "r%d", ++f->runs);
	*ret = (struct controller_run){.run_id = f->run_id,
		.config = "{}",
		.requests = draw(f, 1000),
		.duration = f->duration,
		.request_timeout = 5 * SEC,
		.connect_timeout = SEC,
		.open_loop = draw(f, 2)};
	f->active = true;
	f->begun = false;
	f->seats = f->reported = 0;
	f->latest_end = f->now + CONTROLLER_ATTEMPTS_MAX * (CONTROLLER_PREPARE_TIME + 2 * SEC);
	return true;
}

static bool fleet_began(void *user, const struct controller_began *began, struct err *err) {
	struct fleet *f = user;
	(void)err;
	HOLDS(f->active && !f->begun && began->count <= (size_t)f->count);
	f->begun = true;
	f->seats = began->count;
	for (size_t i = 0; i < began->count; i++) {
		snprintf(f->ids[i], sizeof(f->ids[i]), "%s", began->agents[i].id);
		f->seen[i] = f->missing[i] = false;
	}
	f->latest_end = began->at + f->duration + CONTROLLER_REPORT_TIME + SEC;
	return true;
}

static void fleet_snapshot(void *user, size_t index, const struct message_snapshot *snapshot) {
	struct fleet *f = user;
	HOLDS(f->begun && index < f->seats && snapshot->seq > 0);
}

static void fleet_report(void *user, size_t index, const struct controller_report *report) {
	struct fleet *f = user;
	char want[32];
	int size = snprintf(want, sizeof(want), "%s %s", f->ids[index], f->run_id);
	HOLDS(f->active && f->begun && index < f->seats && !f->seen[index]); /* once */
	HOLDS(report->bytes.size >= (size_t)size && memcmp(report->bytes.at, want, (size_t)size) == 0);
	tale.reports++;
	tale.late_reports += f->missing[index];
	tale.early += report->early;
	f->seen[index] = true;
	f->reported++;
}

static void fleet_lost(void *user, size_t index, const char *why) {
	struct fleet *f = user;
	HOLDS(f->active && index < f->seats && !f->seen[index] && why[0]);
	f->missing[index] = true;
	tale.losses++;
}

static void fleet_error(void *user, const char *words) {
	struct fleet *f = user;
	char name[16];
	fleet_say(user, LOG_ERROR, words);
	for (size_t i = 0; i < f->seats; i++) {
		snprintf(name, sizeof(name), "'%s'", f->ids[i]);
		if (strstr(words, name)) f->missing[i] = true;
	}
}

static void fleet_answer(void *user, enum controller_answer answer, const char *words) {
	struct fleet *f = user;
	f->answers++;
	HOLDS(f->answers <= f->starts && words[0] && answer != CONTROLLER_BUSY);
}

static void fleet_over(void *user, const struct controller_outcome *outcome) {
	struct fleet *f = user;
	HOLDS(f->active || !f->manual);
	f->active = false;
	f->overs++;
	f->over_at = f->now;
	f->outcome = *outcome;
	HOLDS(outcome->reported == f->reported || !f->begun);
	if (f->begun)
		for (size_t i = 0; i < f->seats; i++) HOLDS(f->seen[i] || f->missing[i]); /* reported, lost or failed */
	tale.done += outcome->end == CONTROLLER_DONE;
	tale.failed += outcome->end == CONTROLLER_FAILED;
	tale.cancelled += outcome->end == CONTROLLER_CANCELLED;
	HOLDS((outcome->end == CONTROLLER_DONE) == (outcome->reported > 0));
}

/* ---- Time ---- */

static void deliver_to_controller(struct fleet *f, struct parcel *p) {
	struct wire *wire = &f->wires[p->peer - 1];
	if (!wire->controller_open || (p->what == LINK_MESSAGE && wire->lossy)) return;
	if (p->what == LINK_DOWN) wire->controller_open = false;
	struct link_event event = {.what = p->what, .peer = p->peer, .kind = p->kind, .body = {p->bytes, p->size}, .words = "w", .at = p->at};
	controller_event(f->c, &event, f->now);
}

static void deliver_to_agent(struct fleet *f, struct parcel *p) {
	struct wire *wire = &f->wires[p->peer - 1];
	struct machine *m = &f->machines[wire->agent];
	if (!m->a || m->peer != p->peer || !wire->agent_open || (p->what == LINK_MESSAGE && wire->lossy)) return;
	struct link_event event = {.what = p->what, .peer = 1, .kind = p->kind, .body = {p->bytes, p->size}, .words = "w", .at = p->at};
	agent_event(m->a, &event, f->now);
}

static void deliver(struct fleet *f, nsec until) {
	while (f->heap_count > 0 && f->heap[0].at <= until) {
		struct parcel p = heap_pop(f);
		nsec frozen = p.to_controller ? f->controller_frozen_until : f->machines[f->wires[p.peer - 1].agent].frozen_until;
		f->now = p.at > f->now ? p.at : f->now;
		if (frozen > until) {
			p.at = frozen;
			heap_push(f, p);
			continue;
		}
		if (p.to_controller)
			deliver_to_controller(f, &p);
		else
			deliver_to_agent(f, &p);
		free(p.bytes);
	}
	f->now = until;
}

/* What happens to an agent by its fate. */
static void machine_suffer(struct fleet *f, struct machine *m) {
	if (f->now >= m->die_at && m->a) {
		m->die_at = NSEC_NEVER;
		agent_disconnect(m);
		agent_free(m->a);
		m->a = NULL;
		m->running = false;
		m->restart_at = draw(f, 2) ? f->now + draw_span(f, 10 * SEC) : NSEC_NEVER;
	}
	if (!m->a && f->now >= m->restart_at) machine_boot(m);
	if (f->now >= m->break_at && m->peer > 0) {
		m->break_at = NSEC_NEVER;
		f->wires[m->peer - 1].lossy = draw(f, 2);
		close_end(f, m->peer, true);
		close_end(f, m->peer, false);
	}
	if (f->now >= m->half_at && m->peer > 0) { /* the controller learns it only by silence */
		m->half_at = NSEC_NEVER;
		f->wires[m->peer - 1].lossy = true;
		close_end(f, m->peer, false);
	}
	if (f->now >= m->freeze_at) {
		m->freeze_at = NSEC_NEVER;
		m->frozen_until = f->now + m->freeze_for;
	}
	if (f->now >= m->interrupt_at && m->a && f->now >= m->frozen_until) {
		m->interrupt_at = --m->interrupts > 0 ? f->now + draw_span(f, 3 * SEC) : NSEC_NEVER;
		agent_interrupt(m->a, f->now);
	}
}

static void machine_live(struct fleet *f, struct machine *m) {
	static const char *const addresses[] = {"192.0.2.1:80"};
	machine_suffer(f, m);
	if (!m->a || m->left || f->now < m->frozen_until) return;
	if (f->now >= m->prepare_at) {
		m->prepare_at = NSEC_NEVER;
		agent_prepared(m->a, &(struct agent_prepared){m->prepare_fails ? "cannot" : NULL, {addresses, 1}, 1}, f->now);
	}
	if (m->running && f->now >= m->finish_at) machine_finish(m);
	if (m->running && draw(f, 20) == 0) agent_snapshot(m->a, 0, SLICE("x"));
	if (!m->left) agent_tick(m->a, f->now);
}

static void controller_live(struct fleet *f) {
	if (f->now >= f->controller_freeze_at) {
		f->controller_freeze_at = NSEC_NEVER;
		f->controller_frozen_until = f->now + draw_span(f, 12 * SEC);
		f->latest_end += f->controller_frozen_until - f->now;
	}
	if (f->now < f->controller_frozen_until || !f->listening) return;
	if (f->now >= f->stop_at) {
		f->stop_at = NSEC_NEVER;
		if (draw(f, 2))
			controller_stop(f->c, f->now);
		else
			controller_interrupt(f->c, f->now);
	}
	if (f->manual && controller_state(f->c) == CONTROLLER_IDLE && f->starts < 3 && draw(f, 40) == 0) {
		f->starts++;
		controller_start(f->c, draw_span(f, 3 * SEC), draw_span(f, 5 * SEC), f->now);
	}
	controller_tick(f->c, f->now);
	HOLDS(!f->active || f->now <= f->latest_end + SEC); /* never hangs */
}

static bool is_at_rest(const struct fleet *f) {
	if (f->active || controller_state(f->c) == CONTROLLER_WAIT) return false;
	if (f->manual && f->starts < 3 && controller_state(f->c) == CONTROLLER_IDLE) return false;
	for (int i = 0; i < f->count; i++) {
		const struct machine *m = &f->machines[i];
		if (!m->a || m->left) continue;
		enum agent_state state = agent_state(m->a);
		if (state != AGENT_IDLE && state != AGENT_CONNECT && state != AGENT_HELLO && state != AGENT_RECONNECT) return false;
	}
	return true;
}

static nsec draw_fate(struct fleet *f) {
	return f->healthy || draw(f, 8) ? NSEC_NEVER : f->now + draw_span(f, 30 * SEC);
}

static void fleet_open(struct fleet *f, int count) {
	static const struct controller_ops ops = {controller_transmit, controller_drop, fleet_say, fleet_prepare, fleet_began, fleet_snapshot,
		fleet_report, fleet_lost, fleet_error, fleet_answer, fleet_over};
	f->now = 1000 * SEC;
	f->count = count;
	f->listening = true;
	f->delay_max = draw(f, 4) ? 20 * MSEC : 400 * MSEC;
	f->controller_freeze_at = draw_fate(f);
	f->stop_at = draw_fate(f);
	f->manual = !f->healthy && draw(f, 2);
	struct controller_rules rules = {.manual = f->manual,
		.min_agents = f->healthy ? (unsigned)count : 1 + (unsigned)draw(f, (uint64_t)count),
		.wait = 20 * SEC,
		.start_after = SEC + draw_span(f, 2 * SEC),
		.heartbeat_timeout = 3 * SEC,
		.stream_interval = SEC,
		.program = "1",
		.on_loss = (enum controller_loss)draw(f, 3)};
	f->c = controller_new(&rules, &ops, f, f->now);
	for (int i = 0; i < count; i++) {
		struct machine *m = &f->machines[i];
		*m = (struct machine){.fleet = f,
			.standby = draw(f, 2),
			.die_at = draw_fate(f),
			.break_at = draw_fate(f),
			.half_at = draw_fate(f),
			.freeze_at = draw_fate(f),
			.freeze_for = draw_span(f, 40 * SEC),
			.interrupt_at = draw_fate(f),
			.interrupts = 1 + (int)draw(f, 2)};
		snprintf(m->id, sizeof(m->id), "m%d", i);
		machine_boot(m);
	}
}

static void fleet_close(struct fleet *f) {
	for (int i = 0; i < f->count; i++) {
		f->machines[i].left = true;
		agent_free(f->machines[i].a);
	}
	controller_free(f->c);
	for (size_t i = 0; i < f->heap_count; i++) free(f->heap[i].bytes);
	free(f->heap);
	free(f->wires);
	free(f);
}

/* Runs one schedule to its end. */
static void run_schedule(uint64_t seed, int count, bool healthy) {
	struct fleet *f = mem_zeroed(1, sizeof(*f));
	seed_now = seed;
	f->lot = seed * 0x9e3779b97f4a7c15u + 1;
	f->healthy = healthy;
	f->over_at = 0;
	fleet_open(f, count);
	nsec limit = f->now + 1200 * SEC, gone_at = NSEC_NEVER;
	for (nsec next = f->now; !(is_at_rest(f) && f->now > f->over_at + 5 * SEC && (f->overs > 0 || f->manual));) {
		next += STEP;
		deliver(f, next);
		for (int i = 0; i < count; i++) machine_live(f, &f->machines[i]);
		controller_live(f);
		if (controller_state(f->c) == CONTROLLER_OVER && gone_at == NSEC_NEVER) gone_at = f->now + 2 * SEC;
		if (f->now >= gone_at && f->listening) { /* the program of the controller ends */
			f->listening = false;
			for (uint64_t peer = 1; peer <= f->wire_count; peer++) {
				close_end(f, peer, false);
				f->wires[peer - 1].controller_open = false;
			}
		}
		HOLDS(f->now < limit);
		HOLDS(f->active || f->over_at == 0 || f->manual || f->now < f->over_at + SETTLE_TIME);
	}
	HOLDS(f->manual ? f->answers == f->starts : f->overs == 1);
	if (healthy)
		HOLDS(f->outcome.end == CONTROLLER_DONE && f->outcome.reported == (size_t)count && f->outcome.errors == 0 &&
			f->outcome.spread <= STEP);
	fleet_close(f);
}

static void whatever_happens_no_run_hangs_and_no_report_is_lost_or_counted_twice(void **state) {
	const char *one = getenv("STREST_FLEET_SEED"), *many = getenv("STREST_FLEET_SEEDS");
	uint64_t seeds = many ? strtoull(many, NULL, 10) : 2000;
	nsec enough = clock_now() + 15 * SEC; /* on a busy machine fewer seeds, but at least a hundred */
	(void)state;
	if (one) {
		seed_now = strtoull(one, NULL, 10);
		run_schedule(seed_now, 3 + (int)(seed_now % 8), false);
		return;
	}
	uint64_t seed = 1;
	for (; seed <= seeds && (many || seed <= 100 || clock_now() < enough); seed++) run_schedule(seed, 3 + (int)(seed % 8), false);
	print_message("# %llu schedules: runs done %zu, failed %zu, cancelled %zu; reports %zu, of lost agents %zu, early %zu; losses %zu\n",
		(unsigned long long)seed - 1, tale.done, tale.failed, tale.cancelled, tale.reports, tale.late_reports, tale.early, tale.losses);
	assert_true(tale.done && tale.failed && tale.cancelled && tale.late_reports && tale.early && tale.losses); /* the accidents did happen */
}

static void without_accidents_every_agent_reports(void **state) {
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) run_schedule(seed, 3 + (int)seed, true);
}

static void five_hundred_agents_are_one_fleet(void **state) {
	(void)state;
	run_schedule(1, AGENTS_MAX, true);
	run_schedule(2, AGENTS_MAX, false);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_accidents_every_agent_reports),
		cmocka_unit_test(whatever_happens_no_run_hangs_and_no_report_is_lost_or_counted_twice),
		cmocka_unit_test(five_hundred_agents_are_one_fleet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
