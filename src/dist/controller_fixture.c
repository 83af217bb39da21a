#include "dist/controller_fixture.h"

static void desk_list(struct buf *into, const struct message_weights *weights) {
	for (size_t i = 0; i < weights->count; i++) buf_add_format(into, "%s%u", i ? "," : "", weights->at[i]);
}

/* What is worth knowing of a message. */
static void desk_describe(struct buf *into, const struct message *m) {
	buf_add_format(into, "%s", message_kind_words(m->kind));
	if (m->kind == LINK_WELCOME && m->welcome.busy) buf_add_text(into, " busy");
	if (m->kind == LINK_CONFIG) {
		buf_add_format(into, " %s %lld of ", m->config.run_id, (long long)m->config.index);
		desk_list(into, &m->config.weights);
		buf_add_format(into, " requests %lld", (long long)m->config.requests);
	}
	if (m->kind == LINK_START) buf_add_format(into, " at %lld ms", (long long)(m->order.at_ns / MSEC));
	if (m->kind == LINK_STRIPE) {
		buf_add_format(into, " at %lld ms %lld of ", (long long)(m->stripe.at_ns / MSEC), (long long)m->stripe.index);
		desk_list(into, &m->stripe.weights);
	}
	if (m->kind == LINK_BEAT) buf_add_format(into, " %lld %lld %lld", (long long)m->beat.t1, (long long)m->beat.t2, (long long)m->beat.t3);
	if (m->kind == LINK_FAULT || m->kind == LINK_STOP || m->kind == LINK_TAKEN) buf_add_format(into, " %s", m->order.run_id);
}

static bool desk_send(void *user, uint64_t peer, enum link_kind kind, struct slice body) {
	struct desk *desk = user;
	struct arena arena;
	struct message m;
	struct err err;
	if (peer == desk->deaf) return false;
	arena_init(&arena);
	if (!message_read(kind, body, &arena, &m, &err)) fail_msg("%s", err.text);
	buf_add_format(&desk->text, "%llu: ", (unsigned long long)peer);
	desk_describe(&desk->text, &m);
	buf_add_text(&desk->text, "\n");
	arena_fini(&arena);
	return true;
}

static void desk_drop(void *user, uint64_t peer, const char *words) {
	struct desk *desk = user;
	buf_add_format(&desk->text, "%llu: dropped: %s\n", (unsigned long long)peer, words);
}

static void desk_say(void *user, enum log_level level, const char *text) {
	struct desk *desk = user;
	if (level <= LOG_WARN) buf_add_format(&desk->text, "say: %s\n", text);
}

static bool desk_prepare(void *user, struct controller_run *ret, struct err *err) {
	struct desk *desk = user;
	if (desk->prepare_fault) return err_set(err, ERR_FAILED, "%s", desk->prepare_fault);
	*ret = desk->run;
	return true;
}

static bool desk_began(void *user, const struct controller_began *began, struct err *err) {
	struct desk *desk = user;
	if (desk->began_fault) return err_set(err, ERR_FAILED, "%s", desk->began_fault);
	buf_add_text(&desk->text, "began:");
	for (size_t i = 0; i < began->count; i++) buf_add_format(&desk->text, " %s", began->agents[i].id);
	buf_add_text(&desk->text, "\n");
	desk->addresses = began->address_count;
	return true;
}

static void desk_snapshot(void *user, size_t index, const struct message_snapshot *snapshot) {
	struct desk *desk = user;
	buf_add_format(&desk->text, "snapshot %zu: %lld\n", index, (long long)snapshot->seq);
}

static void desk_report(void *user, size_t index, const struct controller_report *report) {
	struct desk *desk = user;
	buf_add_format(&desk->text, "report %zu: %.*s%s%s\n", index, report->bytes.size < 99 ? (int)report->bytes.size : 0,
		report->bytes.size < 99 ? report->bytes.at : "", report->early ? " early " : "", report->reason);
}

static void desk_lost(void *user, size_t index, const char *why) {
	struct desk *desk = user;
	buf_add_format(&desk->text, "lost %zu: %s\n", index, why);
}

static void desk_error(void *user, const char *words) {
	struct desk *desk = user;
	buf_add_format(&desk->text, "error: %s\n", words);
}

static void desk_answer(void *user, enum controller_answer answer, const char *words) {
	static const char *const names[] = {"started", "busy", "too few", "invalid", "gone", "withdrawn"};
	struct desk *desk = user;
	buf_add_format(&desk->text, "answer %s: %s\n", names[answer], words);
}

static void desk_over(void *user, const struct controller_outcome *outcome) {
	static const char *const names[] = {"done", "failed", "cancelled"};
	struct desk *desk = user;
	buf_add_format(&desk->text, "over %s: %zu of %zu%s%s\n", names[outcome->end], outcome->reported, outcome->agents,
		outcome->words[0] ? ", " : "", outcome->words);
	desk->outcome = *outcome;
	desk->overs++;
}

struct controller_rules desk_rules(void) {
	return (struct controller_rules){.min_agents = 2, .start_after = 3 * SEC, .heartbeat_timeout = 3 * SEC, .program = "1.2.3"};
}

void desk_open(struct desk *desk, const struct controller_rules *rules) {
	static const struct controller_ops ops = {
		desk_send, desk_drop, desk_say, desk_prepare, desk_began, desk_snapshot, desk_report, desk_lost, desk_error, desk_answer, desk_over};
	*desk = (struct desk){.now = 1000 * SEC};
	buf_init(&desk->text, 1 << 20);
	desk->run = (struct controller_run){.run_id = "r1",
		.config = "{}",
		.requests = 10,
		.duration = 10 * SEC,
		.request_timeout = 5 * SEC,
		.connect_timeout = 2 * SEC,
		.open_loop = true};
	desk->c = controller_new(rules, &ops, desk, desk->now);
}

void desk_close(struct desk *desk) {
	controller_free(desk->c);
	buf_fini(&desk->text);
}

void desk_up(struct desk *desk, uint64_t peer) {
	struct link_event event = {.what = LINK_UP, .peer = peer, .words = "192.0.2.1:5000", .at = desk->now};
	controller_event(desk->c, &event, desk->now);
}

void desk_down(struct desk *desk, uint64_t peer) {
	struct link_event event = {.what = LINK_DOWN, .peer = peer, .words = "closed", .at = desk->now};
	controller_event(desk->c, &event, desk->now);
}

void desk_raw(struct desk *desk, uint64_t peer, enum link_kind kind, struct slice body) {
	struct link_event event = {.what = LINK_MESSAGE, .peer = peer, .kind = kind, .body = body, .at = desk->now};
	controller_event(desk->c, &event, desk->now);
}

void desk_take(struct desk *desk, uint64_t peer, const struct message *message) {
	struct buf body;
	struct err err;
	buf_init(&body, LINK_MESSAGE_MAX);
	if (!message_write(message, &body, &err)) fail_msg("%s", err.text);
	desk_raw(desk, peer, message->kind, (struct slice){body.at, body.size});
	buf_fini(&body);
}

void desk_hello(struct desk *desk, uint64_t peer, const char *id, const char *run_id) {
	struct message hello = {LINK_HELLO, .hello = {MESSAGE_PROTOCOL, "1.2.3", id, "host", 2, 1, run_id}};
	desk_up(desk, peer);
	desk_take(desk, peer, &hello);
}

void desk_beat(struct desk *desk, uint64_t peer) {
	desk_take(desk, peer, &(struct message){LINK_BEAT, .beat = {.t1 = 1, .seq = 1}});
}

void desk_ready(struct desk *desk, uint64_t peer, int64_t attempt) {
	static const char *const addresses[] = {"192.0.2.9:80"};
	desk_take(desk, peer, &(struct message){LINK_READY, .ready = {"r1", attempt, {addresses, 1}, 2, 0, 1000}});
}

void desk_report_in(struct desk *desk, uint64_t peer, const char *run_id, const char *bytes) {
	desk_take(desk, peer, &(struct message){LINK_REPORT, .report = {.run_id = run_id, .parts = 1, .bytes = slice_of(bytes)}});
}

void desk_wait(struct desk *desk, nsec span, const char *beating) {
	for (nsec end = desk->now + span; desk->now < end;) {
		struct buf kept = desk->text;
		buf_init(&desk->text, 1 << 20);
		desk->now += CONTROLLER_TICK;
		for (const char *at = beating; *at; at++) desk_beat(desk, (uint64_t)(*at - '0'));
		buf_fini(&desk->text); /* the answers to beats */
		desk->text = kept;
		controller_tick(desk->c, desk->now);
	}
}

void desk_tick(struct desk *desk) {
	desk->now += CONTROLLER_TICK;
	controller_tick(desk->c, desk->now);
}

void desk_clear(struct desk *desk) {
	buf_fini(&desk->text);
}

void desk_expect(struct desk *desk, const char *want) {
	assert_string_equal(buf_text(&desk->text), want);
	desk_clear(desk);
}

void desk_run(struct desk *desk, const struct controller_rules *rules) {
	desk_open(desk, rules);
	desk_hello(desk, 1, "a", "");
	desk_hello(desk, 2, "b", "");
	if (rules->manual) controller_start(desk->c, -1, 0, desk->now);
	desk_tick(desk);
	desk_ready(desk, 1, 1);
	desk_ready(desk, 2, 1);
	desk_tick(desk);
	assert_int_equal(controller_state(desk->c), CONTROLLER_STARTING);
	desk_clear(desk);
}
