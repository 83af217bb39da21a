#include "dist/agent_fixture.h"

static bool post_send(void *user, enum link_kind kind, struct slice body) {
	struct post *post = user;
	struct arena arena;
	struct message m;
	struct err err;
	arena_init(&arena);
	if (!message_read(kind, body, &arena, &m, &err)) fail_msg("%s", err.text);
	if (kind == LINK_BEAT) {
		post->beat = m.beat;
		post->beat_due = true;
		if (post->beats_shown) buf_add_format(&post->text, "BEAT %lld\n", (long long)m.beat.seq);
	} else {
		buf_add_format(&post->text, "%s", message_kind_words(kind));
	}
	if (kind == LINK_HELLO) buf_add_format(&post->text, " %s run '%s'\n", m.hello.id, m.hello.run_id);
	if (kind == LINK_READY) buf_add_format(&post->text, " %s attempt %lld\n", m.ready.run_id, (long long)m.ready.attempt);
	if (kind == LINK_FAULT || kind == LINK_GOODBYE) buf_add_format(&post->text, " '%s' %s\n", m.order.run_id, m.order.words);
	if (kind == LINK_SNAPSHOT)
		buf_add_format(&post->text, " %lld %.*s\n", (long long)m.snapshot.seq, (int)m.snapshot.bytes.size, m.snapshot.bytes.at);
	if (kind == LINK_REPORT)
		buf_add_format(&post->text, " %s %lld/%lld %zu%s%s late %lld errors %zu\n", m.report.run_id, (long long)m.report.part,
			(long long)m.report.parts, m.report.bytes.size, m.report.early ? " early " : "", m.report.reason,
			(long long)m.report.started_late_ns, m.report.errors.count);
	arena_fini(&arena);
	return true;
}

static void post_add(void *user, const char *text) {
	struct post *post = user;
	buf_add_format(&post->text, "%s\n", text);
}

static void post_connect(void *user) {
	post_add(user, "connect");
}

static void post_disconnect(void *user) {
	post_add(user, "disconnect");
}

static void post_say(void *user, enum log_level level, const char *text) {
	struct post *post = user;
	if (level <= LOG_WARN) buf_add_format(&post->text, "say: %s\n", text);
}

static void post_strain(void *user, struct message_beat *ret) {
	(void)user;
	*ret = (struct message_beat){.cpu = 50, .in_flight = 3, .late = 1};
}

static void post_prepare(void *user, const struct message_config *config) {
	struct post *post = user;
	buf_add_format(&post->text, "prepare %s: %lld of %zu\n", config->run_id, (long long)config->index, config->weights.count);
}

static void post_cancel(void *user) {
	post_add(user, "cancel");
}

static void post_start(void *user, const struct agent_start *start) {
	struct post *post = user;
	buf_add_format(&post->text, "start at %lld us, late %lld us\n", (long long)(start->at / USEC), (long long)(start->late / USEC));
}

static void post_restripe(void *user, const struct agent_stripe *stripe) {
	struct post *post = user;
	buf_add_format(&post->text, "restripe at %lld us: %zu of %zu, late %lld us\n", (long long)(stripe->at / USEC), stripe->index,
		stripe->weights.count, (long long)(stripe->late / USEC));
}

static void post_stop(void *user, const char *reason) {
	struct post *post = user;
	buf_add_format(&post->text, "stop: %s\n", reason);
}

static void post_leave(void *user, int status) {
	struct post *post = user;
	buf_add_format(&post->text, "leave %d\n", status);
}

struct agent_rules post_rules(bool standby) {
	return (struct agent_rules){
		.id = "a", .host = "h", .program = "1.2.3", .cpus = 2, .weight = 1, .standby = standby, .reconnect = SEC, .heartbeat_interval = SEC};
}

void post_open(struct post *post, const struct agent_rules *rules) {
	static const struct agent_ops ops = {post_connect, post_disconnect, post_send, post_say, post_strain, post_prepare, post_cancel, post_start,
		post_restripe, post_stop, post_leave};
	*post = (struct post){.now = 1000 * SEC};
	buf_init(&post->text, 1 << 20);
	post->a = agent_new(rules, &ops, post, post->now);
}

void post_close(struct post *post) {
	agent_free(post->a);
	buf_fini(&post->text);
}

void post_expect(struct post *post, const char *want) {
	assert_string_equal(buf_text(&post->text), want);
	buf_fini(&post->text);
}

void post_clear(struct post *post) {
	buf_fini(&post->text);
}

void post_up(struct post *post) {
	agent_event(post->a, &(struct link_event){.what = LINK_UP, .peer = 1, .words = "c", .at = post->now}, post->now);
}

void post_down(struct post *post) {
	agent_event(post->a, &(struct link_event){.what = LINK_DOWN, .peer = 1, .words = "closed", .at = post->now}, post->now);
}

void post_take(struct post *post, const struct message *message) {
	struct buf body;
	struct err err;
	buf_init(&body, LINK_MESSAGE_MAX);
	if (!message_write(message, &body, &err)) fail_msg("%s", err.text);
	struct link_event event = {.what = LINK_MESSAGE, .peer = 1, .kind = message->kind, .body = {body.at, body.size}, .at = post->now};
	agent_event(post->a, &event, post->now);
	buf_fini(&body);
}

void post_answer(struct post *post) {
	if (!post->beat_due || post->mute) return;
	post->beat_due = false;
	struct message_beat back = {.t1 = post->beat.t1, .seq = post->beat.seq, .t2 = post->now + post->out + post->ahead};
	back.t3 = back.t2;
	post->now += post->out + post->back;
	post_take(post, &(struct message){LINK_BEAT, .beat = back});
}

void post_wait(struct post *post, nsec span) {
	for (nsec end = post->now + span; post->now < end;) {
		post->now += 20 * MSEC;
		agent_tick(post->a, post->now);
		post_answer(post);
	}
}

void post_welcome(struct post *post) {
	post_take(post, &(struct message){LINK_WELCOME, .welcome = {MESSAGE_PROTOCOL, "1.2.3", post->now + post->ahead, 3000, false}});
}

void post_order(struct post *post, enum link_kind kind, const char *run_id, nsec at) {
	post_take(post, &(struct message){kind, .order = {.run_id = run_id, .at_ns = at, .words = "asked"}});
}

void post_config(struct post *post, const char *run_id, int64_t attempt) {
	static const uint32_t weights[] = {1, 2};
	post_take(post, &(struct message){LINK_CONFIG, .config = {run_id, attempt, true, 1000, 3000, "{}", {NULL, 0}, {weights, 2}, 1, 0}});
}

void post_join(struct post *post, const struct agent_rules *rules) {
	post_open(post, rules);
	post_up(post);
	post_welcome(post);
	post_wait(post, 200 * MSEC);
	post_clear(post);
}

void post_ready(struct post *post, const struct agent_rules *rules) {
	static const char *const addresses[] = {"192.0.2.9:80"};
	post_join(post, rules);
	post_config(post, "r1", 1);
	agent_prepared(post->a, &(struct agent_prepared){NULL, {addresses, 1}, 2}, post->now);
	assert_int_equal(agent_state(post->a), AGENT_READY);
	post_clear(post);
}

void post_run(struct post *post, const struct agent_rules *rules) {
	post_ready(post, rules);
	post_order(post, LINK_START, "r1", post->now + post->ahead + SEC);
	post_wait(post, 2 * SEC);
	assert_int_equal(agent_state(post->a), AGENT_RUN);
	post_clear(post);
}

void post_finish(struct post *post, const char *bytes) {
	agent_finished(post->a, &(struct agent_finished){.bytes = slice_of(bytes)}, post->now);
}
