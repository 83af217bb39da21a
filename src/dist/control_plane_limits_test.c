/* The limits of the control plane: sizes, times, connections; its end; without a token. */
#include <pthread.h>

#include "base/arena.h"
#include "dist/control_fixture.h"

#define MIB ((size_t)1 << 20)

static const char start[] = "POST /start HTTP/1.1\r\n\r\n";

/* Returns `before`, then `fill` times 'a', then `after`; free() it. */
static char *long_text(const char *before, size_t fill, const char *after) {
	size_t head = strlen(before);
	char *text = mem_alloc(head + fill + strlen(after) + 1);
	memcpy(text, before, head);
	memset(text + head, 'a', fill);
	strcpy(text + head + fill, after);
	return text;
}

static void a_head_has_a_mebibyte_at_most(void **state) {
	static const char before[] = "GET /healthz HTTP/1.1\r\nX: ", after[] = "\r\n\r\n";
	size_t rest = sizeof(before) + sizeof(after) - 2;
	struct control_plane *plane = fixture_open((struct control_plane_setup){0});
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		char *text = long_text(before, MIB - rest + over, after), *heard = fixture_ask(plane, text);
		if (over)
			fixture_check_error(heard, 413, "head");
		else
			fixture_check(heard, 200);
		free(text);
		free(heard);
	}
	char *text = long_text("GET /", 3 * MIB, ""), *heard = fixture_ask(plane, text); /* no end in sight; the answer is heard all the same */
	fixture_check_error(heard, 413, "head");
	free(text);
	free(heard);
	control_plane_close(plane);
}

static void a_body_has_a_mebibyte_at_most(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){0});
	(void)state;
	char *text = long_text("POST /start HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n", MIB, "");
	int fd = fixture_connect(plane);
	fixture_say(fd, slice_of(text));
	struct control_request request = fixture_next(plane);
	assert_int_equal(request.body.size, MIB);
	assert_int_equal(request.body.at[MIB - 1], 'a');
	control_plane_answer(plane, request.id, 200, "{}");
	char *heard = fixture_hear(fd);
	fixture_check(heard, 200);
	free(text);
	free(heard);
	text = long_text("POST /start HTTP/1.1\r\nContent-Length: 2097152\r\n\r\n", 2 * MIB, "");
	heard = fixture_ask(plane, text);
	fixture_check_error(heard, 413, "body");
	free(text);
	free(heard);
	control_plane_close(plane);
}

/* Who is still sending when the answer comes is not cut off: a reset could take the answer with it. */
static void who_still_sends_is_listened_to(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){.token = "s3cret"});
	struct pollfd readable = {.events = POLLIN};
	(void)state;
	int fd = readable.fd = fixture_connect(plane);
	fixture_say(fd, SLICE("POST /start HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"));
	assert_int_equal(poll(&readable, 1, FIXTURE_WAIT_MS), 1);
	nsec since = clock_now();
	for (int i = 0; i < 5 && clock_now() - since < SEC / 2; i++) { /* the plane listens for a second */
		ssize_t sent = send(fd, "abc", 3, MSG_NOSIGNAL);
		if (clock_now() - since < SEC / 2) assert_int_equal(sent, 3);
		usleep(10000);
	}
	char *heard = fixture_hear(fd);
	fixture_check_error(heard, 401, "token");
	free(heard);
	control_plane_close(plane);
}

static void a_slow_client_is_not_waited_for(void **state) {
	static const char *const said[] = {"", "POST /start HT", "POST /start HTTP/1.1\r\nContent-Length: 3\r\n\r\nx"};
	struct control_plane *plane = fixture_open((struct control_plane_setup){.read_limit = 50 * MSEC});
	(void)state;
	for (size_t i = 0; i < LENGTH(said); i++) {
		char *heard = fixture_ask(plane, said[i]);
		if (i == 0)
			assert_string_equal(heard, "");
		else
			fixture_check_error(heard, 408, "in time");
		free(heard);
	}
	control_plane_close(plane);
}

static void a_main_thread_that_is_silent(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){.answer_limit = 50 * MSEC});
	struct control_request request;
	(void)state;
	char *heard = fixture_ask(plane, start);
	fixture_check_error(heard, 504, "in time");
	free(heard);
	assert_false(control_plane_next(plane, &request)); /* what is over is not shown */
	int fd = fixture_connect(plane);
	fixture_say(fd, slice_of(start));
	request = fixture_next(plane);
	heard = fixture_hear(fd);
	fixture_check_error(heard, 504, "in time");
	free(heard);
	assert_false(control_plane_answer(plane, request.id, 200, "{}"));
	assert_false(control_plane_extend(plane, request.id, SEC));
	control_plane_close(plane);
}

/* A start that waits for agents is given more time, and less. */
static void the_main_thread_sets_its_own_limit(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){.answer_limit = 200 * MSEC});
	(void)state;
	int fd = fixture_connect(plane);
	fixture_say(fd, slice_of(start));
	struct control_request request = fixture_next(plane);
	if (control_plane_extend(plane, request.id, 600 * SEC)) { /* a machine may be that slow */
		usleep(400000);
		assert_true(control_plane_answer(plane, request.id, 200, "{}"));
		char *heard = fixture_hear(fd);
		fixture_check(heard, 200);
		free(heard);
	} else {
		close(fd);
	}
	control_plane_close(plane);
	plane = fixture_open((struct control_plane_setup){.answer_limit = 600 * SEC});
	fd = fixture_connect(plane);
	fixture_say(fd, slice_of(start));
	assert_true(control_plane_extend(plane, fixture_next(plane).id, MSEC));
	char *heard = fixture_hear(fd);
	fixture_check_error(heard, 504, "in time");
	free(heard);
	control_plane_close(plane);
}

static void who_waits_at_the_end_is_told(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){0});
	int seen = fixture_connect(plane), unseen = fixture_connect(plane), half = fixture_connect(plane);
	(void)state;
	fixture_say(seen, slice_of(start));
	fixture_next(plane);
	fixture_say(half, SLICE("GET /hea"));
	fixture_say(unseen, slice_of(start));
	struct pollfd readable = {.fd = control_plane_descriptor(plane), .events = POLLIN};
	assert_int_equal(poll(&readable, 1, FIXTURE_WAIT_MS), 1);
	control_plane_close(plane);
	for (int i = 0; i < 2; i++) {
		char *heard = fixture_hear(i ? unseen : seen);
		fixture_check_error(heard, 503, "ending");
		free(heard);
	}
	char *heard = fixture_hear(half);
	assert_string_equal(heard, "");
	free(heard);
}

static void further_connections_wait_until_one_is_over(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){.read_limit = 600 * SEC});
	int silent[CONTROL_PLANE_CONNECTIONS];
	(void)state;
	for (size_t i = 0; i < LENGTH(silent); i++) silent[i] = fixture_connect(plane);
	int fd = fixture_connect(plane);
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	fixture_say(fd, SLICE("GET /healthz HTTP/1.1\r\n\r\n"));
	assert_int_equal(poll(&readable, 1, 100), 0);
	close(silent[7]);
	char *heard = fixture_hear(fd);
	fixture_check(heard, 200);
	free(heard);
	for (size_t i = 0; i < LENGTH(silent); i++)
		if (i != 7) close(silent[i]);
	control_plane_close(plane);
}

/* Without a token everybody may, but for the page that a browser of this machine happens to show. */
static void without_a_token(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){0});
	(void)state;
	char *heard = fixture_ask(plane, "POST /start HTTP/1.1\r\nHost: a\r\nOrigin: http://example.com\r\n\r\n");
	fixture_check_error(heard, 403, "browser");
	free(heard);
	int fd = fixture_connect(plane);
	fixture_say(fd, SLICE("POST /start HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==\r\n\r\n"));
	control_plane_answer(plane, fixture_next(plane).id, 200, "{}");
	heard = fixture_hear(fd);
	fixture_check(heard, 200);
	free(heard);
	control_plane_close(plane);
}

static void a_long_answer_arrives(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){0});
	(void)state;
	char *body = long_text("{\"a\":\"", 3 * MIB, "\"}");
	int fd = fixture_connect(plane);
	fixture_say(fd, SLICE("GET /status HTTP/1.1\r\n\r\n"));
	control_plane_answer(plane, fixture_next(plane).id, 200, body);
	char *heard = fixture_hear(fd);
	assert_string_equal(fixture_check(heard, 200), body);
	free(body);
	free(heard);
	control_plane_close(plane);
}

struct crowd {
	struct control_plane *plane;
	int wrong;
};

static void *ask_often(void *argument) {
	struct crowd *crowd = argument;
	for (int i = 0; i < 50; i++) {
		char *heard = fixture_ask(crowd->plane, i % 2 ? "GET /status HTTP/1.1\r\n\r\n" : "GET /nowhere HTTP/1.1\r\n\r\n");
		if (strncmp(heard, i % 2 ? "HTTP/1.1 200 " : "HTTP/1.1 404 ", 13) != 0) crowd->wrong++;
		free(heard);
	}
	return NULL;
}

static void a_crowd_is_served(void **state) {
	struct control_plane *plane = fixture_open((struct control_plane_setup){.answer_limit = 600 * SEC});
	struct crowd crowds[4];
	pthread_t threads[4];
	(void)state;
	for (size_t i = 0; i < LENGTH(crowds); i++) {
		crowds[i] = (struct crowd){plane, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowds[i]), 0);
	}
	for (int i = 0; i < 100; i++) assert_true(control_plane_answer(plane, fixture_next(plane).id, 200, "{}"));
	for (size_t i = 0; i < LENGTH(crowds); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crowds[i].wrong, 0);
	}
	control_plane_close(plane);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_has_a_mebibyte_at_most),
		cmocka_unit_test(a_body_has_a_mebibyte_at_most),
		cmocka_unit_test(who_still_sends_is_listened_to),
		cmocka_unit_test(a_slow_client_is_not_waited_for),
		cmocka_unit_test(a_main_thread_that_is_silent),
		cmocka_unit_test(the_main_thread_sets_its_own_limit),
		cmocka_unit_test(who_waits_at_the_end_is_told),
		cmocka_unit_test(further_connections_wait_until_one_is_over),
		cmocka_unit_test(without_a_token),
		cmocka_unit_test(a_long_answer_arrives),
		cmocka_unit_test(a_crowd_is_served),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
