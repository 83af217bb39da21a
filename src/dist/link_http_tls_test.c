#include "dist/link_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "dist/link_http_fixture.h"
#include "net/tls_fixture.h"

/* An authority, a controller's certificate for 127.0.0.1, an agent's; and another authority with an agent's. */
struct files {
	const char *ca, *cert, *key, *agent_cert, *agent_key, *other_ca, *other_cert, *other_key, *elsewhere_cert, *elsewhere_key;
} files;

static int set_up(void **state) {
	if (fixture_init(state) != 0) return -1;
	struct issued *root = fixture_issue(&(struct fixture_spec){.name = "test root", .is_authority = true});
	struct issued *other = fixture_issue(&(struct fixture_spec){.name = "other root", .is_authority = true});
	struct issued *controller =
		fixture_issue(&(struct fixture_spec){.name = "controller", .names = "IP:127.0.0.1", .usage = "serverAuth", .issuer = root});
	struct issued *elsewhere = fixture_issue(&(struct fixture_spec){.name = "elsewhere", .names = "DNS:elsewhere.example", .issuer = root});
	struct issued *agent = fixture_issue(&(struct fixture_spec){.name = "agent", .usage = "clientAuth", .issuer = root});
	struct issued *stranger = fixture_issue(&(struct fixture_spec){.name = "agent", .usage = "clientAuth", .issuer = other});
	files = (struct files){
		.ca = fixture_write(root, 1, NULL, NULL),
		.cert = fixture_write(controller, 1, NULL, NULL),
		.key = fixture_write(NULL, 0, controller, NULL),
		.agent_cert = fixture_write(agent, 1, NULL, NULL),
		.agent_key = fixture_write(NULL, 0, agent, NULL),
		.other_ca = fixture_write(other, 1, NULL, NULL),
		.other_cert = fixture_write(stranger, 1, NULL, NULL),
		.other_key = fixture_write(NULL, 0, stranger, NULL),
		.elsewhere_cert = fixture_write(elsewhere, 1, NULL, NULL),
		.elsewhere_key = fixture_write(NULL, 0, elsewhere, NULL),
	};
	return 0;
}

static void assert_talks(struct link_http_setup controllers, struct link_http_setup agents) {
	struct link *controller = fixture_listen(controllers), *agent = fixture_join(controller, agents);
	struct got got = {0};
	size_t size = 3000000;
	char *sent = malloc(size);
	for (size_t i = 0; i < size; i++) sent[i] = (char)(i * 7 + i / 256);
	uint64_t peer = fixture_both_up(controller, agent);
	assert_true(link_send(agent, 1, LINK_REPORT, (struct slice){sent, size}));
	assert_true(link_send(controller, peer, LINK_CONFIG, (struct slice){sent, size}));
	got_wait(controller, &got);
	assert_int_equal(got.size, size);
	assert_memory_equal(got.body, sent, size);
	got_wait(agent, &got);
	assert_int_equal(got.size, size);
	assert_memory_equal(got.body, sent, size);
	for (int i = 0; i < 100; i++) {
		assert_true(link_send(agent, 1, LINK_BEAT, SLICE("tick")));
		got_wait(controller, &got);
		assert_true(link_send(controller, peer, LINK_BEAT, SLICE("tock")));
		got_wait(agent, &got);
		assert_string_equal(got.body, "tock");
	}
	link_close(agent);
	got_wait(controller, &got);
	assert_int_equal(got.what, LINK_DOWN);
	link_close(controller);
	got_free(&got);
	free(sent);
}

static void both_ends_talk_inside_tls(void **state) {
	(void)state;
	assert_talks((struct link_http_setup){.cert = files.cert, .key = files.key}, (struct link_http_setup){.ca = files.ca});
	assert_talks(
		(struct link_http_setup){.cert = files.cert, .key = files.key, .token = "t"}, (struct link_http_setup){.ca = files.ca, .token = "t"});
}

static void both_ends_show_certificates(void **state) {
	(void)state;
	assert_talks((struct link_http_setup){.cert = files.cert, .key = files.key, .ca = files.ca, .token = "t"},
		(struct link_http_setup){.ca = files.ca, .cert = files.agent_cert, .key = files.agent_key, .token = "t"});
}

static void those_who_do_not_fit_are_refused(void **state) {
	(void)state;
	const struct link_http_setup tls = {.cert = files.cert, .key = files.key}, mutual = {.cert = files.cert, .key = files.key, .ca = files.ca},
				     elsewhere = {.cert = files.elsewhere_cert, .key = files.elsewhere_key}, plain = {0};
	const struct {
		struct link_http_setup controller, agent;
		const char *words, *refusal;
		bool refused;
	} cases[] = {
		{tls, {.ca = files.other_ca}, "does not verify: unable to get local issuer certificate", "does not trust our certificate", false},
		{tls, {.tls = true}, "does not verify: unable to get local issuer certificate", "does not trust our certificate", false},
		{elsewhere, {.ca = files.ca}, "does not verify: ", "", false},
		{mutual, {.ca = files.ca}, "a client certificate of the controller's authority is wanted", "shows no certificate of our authority",
			true},
		{mutual, {.ca = files.ca, .cert = files.other_cert, .key = files.other_key},
			"a client certificate of the controller's authority is wanted", "shows no certificate of our authority", true},
		/* of our authority, but for servers */
		{mutual, {.ca = files.ca, .cert = files.cert, .key = files.key}, "a client certificate of the controller's authority is wanted",
			"shows no certificate", true},
		{{.cert = files.cert, .key = files.key, .token = "right"}, {.ca = files.ca, .token = "wrong"}, "the token was refused",
			"the token is wrong", true},
		{tls, {0}, "no strest controller answers at 127.0.0.1:", "speaks no HTTPS", false},
		{plain, {.ca = files.ca}, "no strest controller answers at 127.0.0.1:", "speaks no HTTP", false},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct link *controller = fixture_listen(cases[i].controller), *agent = fixture_join(controller, cases[i].agent);
		struct got got = {0};
		got_wait(agent, &got);
		assert_int_equal(got.what, LINK_DOWN);
		if (!strstr(got.words, cases[i].words)) fail_msg("%zu: '%s', where '%s' should be", i, got.words, cases[i].words);
		assert_int_equal(got.refused, cases[i].refused);
		if (cases[i].refusal[0]) {
			const char *refusal = fixture_refusal(controller);
			if (!strstr(refusal, cases[i].refusal)) fail_msg("%zu: '%s', where '%s' should be", i, refusal, cases[i].refusal);
		}
		got_free(&got);
		link_close(agent);
		link_close(controller);
	}
}

static void silence_inside_tls_ends(void **state) {
	(void)state;
	struct link *controller = fixture_listen((struct link_http_setup){.cert = files.cert, .key = files.key});
	struct got got = {0};
	int fd = fixture_connect(controller); /* and no hello */
	got_wait_for(controller, &got, 12500 * MSEC);
	assert_int_equal(got.what, LINK_NOTHING);
	for (int i = 0; i < 20; i++) got_wait_for(controller, &got, 100 * MSEC);
	assert_true(fixture_is_closed(fd, 100 * MSEC));
	close(fd);
	link_close(controller);
}

static void files_that_do_not_fit_are_told(void **state) {
	(void)state;
	const struct link_http_setup wrong_key = {.address = "127.0.0.1:0", .cert = files.cert, .key = files.agent_key},
				     no_ca = {.address = "127.0.0.1:0", .cert = files.cert, .key = files.key, .ca = files.key},
				     missing = {.address = "127.0.0.1:1", .ca = "/nowhere.pem"};
	struct link *link;
	struct err err;
	assert_false(link_http_listen(&wrong_key, &link, &err));
	assert_non_null(strstr(err.text, "cannot be used together"));
	assert_non_null(strstr(err.text, files.agent_key));
	assert_false(link_http_listen(&no_ca, &link, &err));
	assert_non_null(strstr(err.text, "holds no certificate"));
	assert_false(link_http_join(&missing, &link, &err));
	assert_non_null(strstr(err.text, "'/nowhere.pem': No such file"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_talk_inside_tls),
		cmocka_unit_test(both_ends_show_certificates),
		cmocka_unit_test(those_who_do_not_fit_are_refused),
		cmocka_unit_test(silence_inside_tls_ends),
		cmocka_unit_test(files_that_do_not_fit_are_told),
	};
	return cmocka_run_group_tests(tests, set_up, fixture_fini);
}
