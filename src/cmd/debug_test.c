#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cmd/debug.h"

#define SECRET "c2VjcmV0"

static const struct slice head =
	SLICE("POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " SECRET "\r\nCookie: id=" SECRET "\r\nContent-Length: 4\r\n\r\n");
static const char shown[] = "> POST /x HTTP/1.1\\r\\n\n> Host: a\\r\\n\n> Authorization: ";

static struct debug *debug;
static struct run_hooks hooks;
static struct buf text;

static int setup(void **state) {
	(void)state;
	debug = debug_new();
	debug_hook(debug, &hooks);
	buf_init(&text, 1 << 20);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	debug_free(debug);
	buf_fini(&text);
	return 0;
}

static void tell(enum run_trace what, struct slice bytes) {
	hooks.trace(hooks.user, what, bytes, 0);
}

/* Returns all that was shown; to be called once. */
static const char *written(void) {
	debug_write(debug, &text);
	return buf_text(&text);
}

static size_t count(const char *in, const char *what) {
	size_t found = 0;
	for (const char *at = in; (at = strstr(at, what)); at += strlen(what)) found++;
	return found;
}

static void a_head_in_pieces_is_shown_without_its_secrets(void **state) {
	for (size_t split = 1; split < head.size; split++) {
		setup(state);
		tell(TRACE_OPENED, SLICE("127.0.0.1:80"));
		tell(TRACE_SENT, (struct slice){head.at, split});
		tell(TRACE_SENT, (struct slice){head.at + split, head.size - split});
		tell(TRACE_SENT, SLICE("body"));
		tell(TRACE_RECEIVED, SLICE("HTTP/1.1 200 OK\r\n\r\n"));
		const char *all = written();
		assert_int_equal(count(all, SECRET), 0);
		assert_int_equal(count(all, shown), 1);
		assert_int_equal(count(all, "> body\n"), 1);
		assert_int_equal(count(all, "< HTTP/1.1 200 OK\\r\\n\n"), 1);
		teardown(state);
	}
}

/* A server may answer before it has read all of a large head. */
static void an_answer_between_the_pieces_of_a_head_does_not_show_its_secrets(void **state) {
	for (size_t split = 1; split < head.size; split++) {
		setup(state);
		tell(TRACE_OPENED, SLICE("127.0.0.1:80"));
		tell(TRACE_SENT, (struct slice){head.at, split});
		tell(TRACE_RECEIVED, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
		tell(TRACE_SENT, (struct slice){head.at + split, head.size - split});
		const char *all = written();
		assert_int_equal(count(all, SECRET), 0);
		assert_int_equal(count(all, shown), 1);
		teardown(state);
	}
}

static void each_head_on_a_connection_loses_its_secrets(void **state) {
	(void)state;
	tell(TRACE_OPENED, SLICE("127.0.0.1:80"));
	for (int i = 0; i < 3; i++) {
		tell(TRACE_SENT, head);
		tell(TRACE_SENT, SLICE("body"));
		tell(TRACE_RECEIVED, SLICE("HTTP/1.1 307 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"));
	}
	const char *all = written();
	assert_int_equal(count(all, SECRET), 0);
	assert_int_equal(count(all, shown), 3);
}

/* A head that is cut off is not shown at all, and is no part of the next one. */
static void a_head_that_did_not_go_out_is_forgotten_with_its_connection(void **state) {
	(void)state;
	tell(TRACE_OPENED, SLICE("127.0.0.1:80"));
	tell(TRACE_SENT, (struct slice){head.at, head.size - 30});
	tell(TRACE_OPENED, SLICE("127.0.0.1:80"));
	tell(TRACE_SENT, head);
	const char *all = written();
	assert_int_equal(count(all, SECRET), 0);
	assert_int_equal(count(all, shown), 1);
	assert_int_equal(count(all, "POST"), 1);
}

static void a_proxys_password_is_not_shown(void **state) {
	(void)state;
	tell(TRACE_OPENED, SLICE("127.0.0.1:80"));
	tell(TRACE_PROXY_SENT, SLICE("CONNECT a:443 HTTP/1.1\r\nProxy-Author"));
	tell(TRACE_PROXY_SENT, SLICE("ization: Basic " SECRET "\r\n\r\n"));
	tell(TRACE_PROXY_RECEIVED, SLICE("HTTP/1.1 200 OK\r\n\r\n"));
	tell(TRACE_SHAKEN, SLICE("TLSv1.3"));
	tell(TRACE_SENT, head);
	const char *all = written();
	assert_int_equal(count(all, SECRET), 0);
	assert_int_equal(count(all, "> CONNECT a:443 HTTP/1.1\\r\\n\n> Proxy-Authorization: "), 1);
	assert_int_equal(count(all, shown), 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_in_pieces_is_shown_without_its_secrets),
		cmocka_unit_test(an_answer_between_the_pieces_of_a_head_does_not_show_its_secrets),
		cmocka_unit_test_setup_teardown(each_head_on_a_connection_loses_its_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(a_head_that_did_not_go_out_is_forgotten_with_its_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(a_proxys_password_is_not_shown, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
