#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dist/message.h"

static const char *const addresses[] = {"192.0.2.1:80", "[2001:db8::1]:80"};
static const uint32_t weights[] = {1, 2, 1000000};
static const struct message_file files[] = {{"ca.pem", {"foob", 4}}, {"empty", {NULL, 0}}};

/* Every kind with the bytes that must be sent, written by hand. */
static const struct {
	struct message message;
	const char *wire;
} samples[] = {
	{{LINK_HELLO, .hello = {1, "0.1.0", "a-1", "host", 8, 2, ""}},
		"{\"protocol\":1,\"program\":\"0.1.0\",\"id\":\"a-1\",\"host\":\"host\",\"cpus\":8,\"weight\":2,\"run_id\":\"\"}"},
	{{LINK_WELCOME, .welcome = {1, "0.1.0", 1700000000000000000, 3000, true}},
		"{\"protocol\":1,\"program\":\"0.1.0\",\"clock_ns\":1700000000000000000,\"heartbeat_timeout_ms\":3000,\"busy\":true}"},
	{{LINK_CONFIG, .config = {"r", 2, true, 1000, 3000, "{\"url\":\"x\"}", {files, 2}, {weights, 3}, 1, 7}},
		"{\"run_id\":\"r\",\"attempt\":2,\"stream\":true,\"interval_ms\":1000,\"heartbeat_timeout_ms\":3000,\"config\":\"{\\\"url\\\":"
		"\\\"x\\\"}\","
		"\"files\":[{\"name\":\"ca.pem\",\"bytes\":\"Zm9vYg==\"},{\"name\":\"empty\",\"bytes\":\"\"}],\"weights\":[1,2,1000000],\"index\":1,"
		"\"requests\":7}"},
	{{LINK_READY, .ready = {"r", 1, {addresses, 2}, 4, -5000000000, 250000}},
		"{\"run_id\":\"r\",\"attempt\":1,\"addresses\":[\"192.0.2.1:80\",\"[2001:db8::1]:80\"],\"threads\":4,\"offset_ns\":-5000000000,"
		"\"round_trip_ns\":250000}"},
	{{LINK_START, .order = {.run_id = "r", .at_ns = 1700000003000000000}}, "{\"run_id\":\"r\",\"at_ns\":1700000003000000000}"},
	{{LINK_STOP, .order = {.run_id = "r", .words = "asked"}}, "{\"run_id\":\"r\",\"words\":\"asked\"}"},
	{{LINK_TAKEN, .order = {.run_id = "r"}}, "{\"run_id\":\"r\"}"},
	{{LINK_FAULT, .order = {.run_id = "r", .attempt = 1, .words = "no file"}}, "{\"run_id\":\"r\",\"attempt\":1,\"words\":\"no file\"}"},
	{{LINK_GOODBYE, .order = {.run_id = "", .words = "done"}}, "{\"run_id\":\"\",\"words\":\"done\"}"},
	{{LINK_BEAT, .beat = {10, 20, 30, 4, 12.5, 6, 7}}, "{\"t1\":10,\"t2\":20,\"t3\":30,\"seq\":4,\"cpu\":12.5,\"in_flight\":6,\"late\":7}"},
	{{LINK_STRIPE, .stripe = {"r", 99, {weights, 3}, 2}}, "{\"run_id\":\"r\",\"at_ns\":99,\"weights\":[1,2,1000000],\"index\":2}"},
	{{LINK_SNAPSHOT, .snapshot = {"r", 3, 2000000000, {"\n\0x", 3}}}, "{\"run_id\":\"r\",\"seq\":3,\"elapsed_ns\":2000000000}\n\n#x"},
	{{LINK_REPORT, .report = {"r", 0, 2, true, "Ctrl-C", 12, {addresses, 1}, {"ab", 2}}},
		"{\"run_id\":\"r\",\"part\":0,\"parts\":2,\"early\":true,\"reason\":\"Ctrl-C\",\"started_late_ns\":12,\"errors\":[\"192.0.2.1:80\"]}"
		"\nab"},
};

/* Writes a message; the caller frees the buffer. */
static struct buf write_or_fail(const struct message *message) {
	struct buf into;
	struct err err;
	buf_init(&into, LINK_MESSAGE_MAX);
	if (!message_write(message, &into, &err)) fail_msg("%s", err.text);
	return into;
}

static void every_kind_is_written_as_agreed(void **state) {
	(void)state;
	unsigned seen = 0;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		struct buf got = write_or_fail(&samples[i].message);
		for (size_t j = 0; j < got.size; j++)
			if (got.at[j] == 0) got.at[j] = '#';
		assert_string_equal(buf_text(&got), samples[i].wire);
		buf_fini(&got);
		seen |= 1u << samples[i].message.kind;
	}
	assert_int_equal(seen, (1u << LINK_KIND_COUNT) - 1);
}

static void what_is_read_is_what_was_written(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		struct arena arena;
		struct message back;
		struct err err;
		struct buf first = write_or_fail(&samples[i].message), second;
		arena_init(&arena);
		if (!message_read(samples[i].message.kind, (struct slice){first.at, first.size}, &arena, &back, &err)) fail_msg("%s", err.text);
		second = write_or_fail(&back);
		assert_int_equal(first.size, second.size);
		assert_memory_equal(first.at, second.at, first.size);
		buf_fini(&first);
		buf_fini(&second);
		arena_fini(&arena);
	}
}

/* Reads a control message; the sentence, or "" when it was taken. */
static const char *read_words(enum link_kind kind, struct slice body) {
	static struct err err;
	struct arena arena;
	struct message message;
	arena_init(&arena);
	bool good = message_read(kind, body, &arena, &message, &err);
	arena_fini(&arena);
	return good ? "" : err.text;
}

static void what_is_wrong_is_said_in_one_sentence(void **state) {
	static const struct {
		enum link_kind kind;
		const char *body, *want;
	} cases[] = {
		{LINK_STOP, "", "message STOP: the text ends too early"},
		{LINK_STOP, "[]", "message STOP: it must be a table"},
		{LINK_STOP, "{}", "message STOP: 'run_id' is missing"},
		{LINK_STOP, "{\"run_id\":\"\"}", "message STOP: 'run_id' must have a length of 1 to 128"},
		{LINK_STOP, "{\"run_id\":7}", "message STOP: 'run_id' must be a text"},
		{LINK_STOP, "{\"run_id\":\"a\\u0000b\"}", "message STOP: 'run_id' must not hold a 0"},
		{LINK_STOP, "{\"run_id\":\"a\\u001b[2J\"}", "message STOP: 'run_id' must not have control characters"},
		{LINK_STOP, "{\"run_id\":\"r\"} x", "message STOP: trailing garbage"},
		{LINK_START, "{\"run_id\":\"r\",\"at_ns\":1.5}", "message START: 'at_ns' must be a whole number"},
		{LINK_START, "{\"run_id\":\"r\",\"at_ns\":-1}", "message START: 'at_ns' must be 0 to 9223372036854775807"},
		{LINK_HELLO, "{\"protocol\":1,\"program\":\"0\",\"id\":\"a\",\"cpus\":0,\"weight\":1}", "message HELLO: 'cpus' must be 1 to 65536"},
		{LINK_HELLO, "{\"protocol\":1,\"program\":\"0\",\"id\":\"a\",\"cpus\":1,\"weight\":1000001}",
			"message HELLO: 'weight' must be 0 to 1000000"},
		{LINK_STRIPE, "{\"run_id\":\"r\",\"at_ns\":1,\"weights\":[],\"index\":0}", "message STRIPE: 'weights' must hold 1 to 10000"},
		{LINK_STRIPE, "{\"run_id\":\"r\",\"at_ns\":1,\"weights\":[0],\"index\":0}",
			"message STRIPE: 'weights' must hold whole numbers from 1 to 1000000"},
		{LINK_STRIPE, "{\"run_id\":\"r\",\"at_ns\":1,\"weights\":[1],\"index\":1}", "message STRIPE: 'index' is not a place in 'weights'"},
		{LINK_BEAT, "{\"t1\":1,\"seq\":1,\"cpu\":101}", "message BEAT: 'cpu' must be 0 to 100"},
		{LINK_SNAPSHOT, "{\"run_id\":\"r\",\"seq\":1,\"elapsed_ns\":1}", "message SNAPSHOT: nothing follows its head"},
		{LINK_REPORT, "{\"run_id\":\"r\",\"part\":2,\"parts\":2,\"started_late_ns\":0}\n",
			"message REPORT: 'part' must be less than 'parts'"},
		{LINK_REPORT, "{\"run_id\":\"r\",\"part\":0,\"parts\":65,\"started_late_ns\":0}\n", "message REPORT: 'parts' must be 1 to 64"},
		{LINK_CONFIG,
			"{\"run_id\":\"r\",\"attempt\":1,\"interval_ms\":1,\"heartbeat_timeout_ms\":1,\"config\":\"\",\"files\":[{\"name\":\"a\","
			"\"bytes\":\"!\"}]}",
			"message CONFIG: 'files' has bytes that are not base64"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) assert_string_equal(read_words(cases[i].kind, slice_of(cases[i].body)), cases[i].want);
}

static void members_that_are_not_known_do_not_matter(void **state) {
	(void)state;
	assert_string_equal(read_words(LINK_TAKEN, SLICE("{\"later\":{\"a\":[1]},\"run_id\":\"r\",\"x\":null}")), "");
	assert_string_equal(read_words(LINK_BEAT, SLICE("{\"t1\":1,\"seq\":1}")), "");
}

static void a_hello_of_another_protocol_is_read_as_far_as_its_version(void **state) {
	struct arena arena;
	struct message message;
	struct err err;
	(void)state;
	arena_init(&arena);
	assert_true(message_read(LINK_HELLO, SLICE("{\"protocol\":2,\"program\":\"9.0\",\"name\":[]}"), &arena, &message, &err));
	assert_int_equal(message.hello.protocol, 2);
	assert_string_equal(message.hello.program, "9.0");
	assert_string_equal(message.hello.id, "");
	arena_fini(&arena);
}

static void sizes_have_limits(void **state) {
	struct err err;
	struct buf into;
	char *much = calloc(1, LINK_MESSAGE_MAX + 2);
	(void)state;
	memset(much, 'a', LINK_MESSAGE_MAX + 1);
	struct message report = {LINK_REPORT, .report = {"r", 0, 1, false, "", 0, {NULL, 0}, {much, MESSAGE_PART_MAX}}};
	buf_init(&into, LINK_MESSAGE_MAX);
	assert_true(message_write(&report, &into, &err));
	assert_string_equal(read_words(LINK_REPORT, (struct slice){into.at, into.size}), "");
	buf_fini(&into);
	report.report.bytes.size++;
	assert_false(message_write(&report, &into, &err));
	assert_string_equal(err.text, "message REPORT: 1048577 bytes behind the head, at most 1048576");
	buf_fini(&into);
	struct message config = {LINK_CONFIG, .config = {"r", 1, false, 1, 1, much, {NULL, 0}, {weights, 1}, 0, 0}};
	assert_false(message_write(&config, &into, &err));
	buf_fini(&into);
	assert_string_equal(
		read_words(LINK_STOP, (struct slice){much, MESSAGE_HEAD_MAX + 1}), "message STOP: a head of 262145 bytes, at most 262144");
	free(much);
}

static void a_long_sentence_is_cut_between_characters(void **state) {
	char words[MESSAGE_WORDS_MAX + 10] = "";
	struct buf into;
	(void)state;
	memset(words, 'x', MESSAGE_WORDS_MAX - 1);
	memcpy(words + MESSAGE_WORDS_MAX - 1, "\xc3\xa4!", 4);
	into = write_or_fail(&(struct message){LINK_GOODBYE, .order = {.words = words}});
	assert_string_equal(buf_text(&into) + into.size - 5, "xxx\"}");
	assert_int_equal(into.size, strlen("{\"run_id\":\"\",\"words\":\"\"}") + MESSAGE_WORDS_MAX - 1);
	buf_fini(&into);
}

static void the_bulk_of_a_config_is_written_once(void **state) {
	(void)state;
	struct message config = samples[2].message, stripe = samples[10].message;
	struct buf one = write_or_fail(&config), other, want;
	buf_init(&other, LINK_MESSAGE_MAX);
	assert_true(message_write_share((struct slice){one.at, one.size}, 2, 123456789, &other));
	config.config.index = 2;
	config.config.requests = 123456789;
	want = write_or_fail(&config);
	assert_string_equal(buf_text(&other), buf_text(&want));
	buf_fini(&one);
	buf_fini(&other);
	buf_fini(&want);
	one = write_or_fail(&stripe);
	assert_true(message_write_share((struct slice){one.at, one.size}, 0, 0, &other));
	stripe.stripe.index = 0;
	want = write_or_fail(&stripe);
	assert_string_equal(buf_text(&other), buf_text(&want));
	buf_fini(&one);
	buf_fini(&other);
	buf_fini(&want);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_written_as_agreed),
		cmocka_unit_test(what_is_read_is_what_was_written),
		cmocka_unit_test(what_is_wrong_is_said_in_one_sentence),
		cmocka_unit_test(members_that_are_not_known_do_not_matter),
		cmocka_unit_test(a_hello_of_another_protocol_is_read_as_far_as_its_version),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(a_long_sentence_is_cut_between_characters),
		cmocka_unit_test(the_bulk_of_a_config_is_written_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
