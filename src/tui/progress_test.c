#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tui/progress.h"

#include "base/str.h"

#define TICK (100 * MSEC)

static int writer, reader;
static struct tally *tick;
static char text[65536];

static int with_pipe(void **state) {
	int ends[2];
	(void)state;
	if (pipe(ends) != 0) return -1;
	reader = ends[0];
	writer = ends[1];
	tick = tally_new(1);
	return 0;
}

static void set_columns(unsigned short columns) {
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	assert_int_equal(ioctl(writer, TIOCSWINSZ, &size), 0);
}

/* A terminal of 80 columns that passes everything on as it is. */
static int with_terminal(void **state) {
	struct termios raw;
	(void)state;
	reader = posix_openpt(O_RDWR | O_NOCTTY);
	if (reader < 0 || grantpt(reader) != 0 || unlockpt(reader) != 0) return -1;
	writer = open(ptsname(reader), O_RDWR | O_NOCTTY);
	if (writer < 0 || tcgetattr(writer, &raw) != 0) return -1;
	cfmakeraw(&raw);
	if (tcsetattr(writer, TCSANOW, &raw) != 0) return -1;
	set_columns(80);
	tick = tally_new(1);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	close(writer);
	close(reader);
	free(tick);
	return 0;
}

/* Returns what was written since the last call. A mark behind it tells where it ends: a terminal passes things on in its own time. */
static const char *read_text(void) {
	size_t used = 0;
	assert_int_equal(write(writer, "\1", 1), 1);
	while (used == 0 || text[used - 1] != 1) {
		ssize_t size = read(reader, text + used, sizeof(text) - used);
		assert_true(size > 0);
		used += (size_t)size;
	}
	text[used - 1] = 0;
	return text;
}

static size_t count_of(const char *where, const char *part) {
	size_t count = 0;
	for (const char *at = strstr(where, part); at; at = strstr(at + 1, part)) count++;
	return count;
}

static struct progress_setup setup_of(bool terminal) {
	return (struct progress_setup){.fd = writer, .terminal = terminal, .open_loop = true, .duration = 30 * SEC};
}

/* 100 requests of 1 ms, `failed` of them failed. */
static const struct tally *tick_of(uint64_t failed) {
	tally_clear(tick);
	tick->attempts = 100;
	tick->ok = tick->cells[0].ok = 100 - failed;
	tick->failed = tick->cells[0].failed = failed;
	if (failed < 100) histlet_record(&tick->cells[0].response_ok, MSEC, 100 - failed);
	if (failed > 0) histlet_record(&tick->cells[0].response_other, MSEC, failed);
	return tick;
}

/* Ticks from after `from` until `until` at 1,000/s; each brings what happened since the one before it. */
static void run_ticks(struct progress *progress, nsec from, nsec until) {
	for (nsec now = from + TICK; now <= until; now += TICK) {
		progress_tick(progress, &(struct progress_moment){now, PROGRESS_STEADY, 1000}, tick_of(0));
	}
}

static void a_terminal_has_one_line_that_is_written_over(void **state) {
	struct progress_setup setup = setup_of(true);
	struct progress *progress = progress_new(&setup);
	(void)state;
	progress_tick(progress, &(struct progress_moment){0, PROGRESS_CONNECT, 0}, NULL);
	assert_string_equal(read_text(), "\r[----------] 0.0% | 0.0s / 30s | connect | 0.0/s of 0/s | errors 0 | p99 -\033[K");
	progress_tick(progress, &(struct progress_moment){0, PROGRESS_CONNECT, 0}, NULL);
	assert_string_equal(read_text(), ""); /* nothing has moved */
	run_ticks(progress, 0, 3 * SEC);
	const char *got = read_text();
	assert_null(strchr(got, '\n'));
	assert_int_equal(
		count_of(got, "\r["), 10); /* a new phase at 0.1 s, then every 250 ms at most: with ticks of 100 ms every 300 ms, up to 2.8 s */
	assert_string_equal(strrchr(got, '\r'), "\r[----------] 9.3% | 2.8s / 30s | 1000.0/s of 1000/s | errors 0 | p99 1.00 ms\033[K");
	progress_free(progress);
}

static void the_end_is_drawn_as_it_was(void **state) {
	struct progress_setup setup = setup_of(true);
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		struct progress *progress = progress_new(&setup);
		nsec end = whole ? 30 * SEC : 18600 * MSEC;
		run_ticks(progress, 0, end);
		read_text();
		progress_end(progress, &(struct progress_moment){end, PROGRESS_DRAIN, 0});
		assert_string_equal(read_text(), whole ? "\r[##########] 100.0% | 30.0s / 30s | done | 1000.0/s of 1000/s | errors 0\033[K\n"
						       : "\r[######----] 62.0% | 18.6s / 30s | stopped | 1000.0/s of 1000/s | errors 0\033[K\n");
		progress_free(progress);
	}
}

static void the_line_follows_the_width_of_the_terminal(void **state) {
	struct progress_setup setup = setup_of(true);
	struct progress *progress = progress_new(&setup);
	(void)state;
	run_ticks(progress, 0, SEC);
	set_columns(40);
	read_text();
	run_ticks(progress, SEC, 1300 * MSEC);
	assert_string_equal(read_text(), "\r[----------] 4.3% | 1.3s / 30s\033[K");
	progress_free(progress);
}

static void hiding_takes_the_line_off_until_the_next_tick(void **state) {
	struct progress_setup setup = setup_of(true);
	struct progress *progress = progress_new(&setup);
	(void)state;
	progress_hide(progress);
	assert_string_equal(read_text(), ""); /* nothing was there */
	run_ticks(progress, 0, TICK);
	assert_int_equal(count_of(read_text(), "\r["), 1);
	progress_hide(progress);
	assert_string_equal(read_text(), "\r\033[K");
	progress_hide(progress);
	assert_string_equal(read_text(), "");
	run_ticks(progress, TICK, 2 * TICK);
	assert_int_equal(count_of(read_text(), "\r["), 1);
	progress_free(progress);
}

static void a_new_phase_is_shown_at_once(void **state) {
	struct progress_setup setup = setup_of(true);
	struct progress *progress = progress_new(&setup);
	(void)state;
	progress_tick(progress, &(struct progress_moment){TICK, PROGRESS_WARMUP, 10}, tick_of(0));
	assert_non_null(strstr(read_text(), "| warm-up |"));
	progress_tick(progress, &(struct progress_moment){2 * TICK, PROGRESS_RAMP, 10}, tick_of(0));
	assert_non_null(strstr(read_text(), "| ramp |"));
	progress_tick(progress, &(struct progress_moment){3 * TICK, PROGRESS_RAMP, 10}, tick_of(0));
	assert_string_equal(read_text(), "");
	progress_free(progress);
}

static void the_drain_changes_no_rate(void **state) {
	struct progress_setup setup = setup_of(true);
	struct progress *progress = progress_new(&setup);
	(void)state;
	set_columns(120);
	run_ticks(progress, 0, 29900 * MSEC);
	for (nsec now = 30 * SEC; now <= 40 * SEC; now += TICK) {
		/* at 30 s what was sent since 29.9 s; then the last ones, sent when all was over */
		const struct tally *last = now == 30 * SEC ? tick_of(0) : now == 31 * SEC ? tick_of(1) : NULL;
		progress_tick(progress, &(struct progress_moment){now, PROGRESS_DRAIN, 1000}, last);
	}
	read_text();
	progress_end(progress, &(struct progress_moment){40 * SEC, PROGRESS_DRAIN, 0});
	assert_string_equal(
		read_text(), "\r[##############################] 100.0% | 30.0s / 30s | done | 1000.0/s of 1000/s | errors 1 | p99 1.00 ms\033[K\n");
	progress_free(progress);
}

static void a_file_gets_a_line_every_ten_seconds(void **state) {
	struct progress_setup setup = setup_of(false);
	setup.color = true; /* for terminals only */
	struct progress *progress = progress_new(&setup);
	(void)state;
	progress_tick(progress, &(struct progress_moment){0, PROGRESS_CONNECT, 0}, NULL);
	run_ticks(progress, 0, 9900 * MSEC);
	assert_string_equal(read_text(), "");
	run_ticks(progress, 9900 * MSEC, 25 * SEC);
	progress_hide(progress);
	progress_end(progress, &(struct progress_moment){25 * SEC, PROGRESS_DRAIN, 0});
	assert_string_equal(read_text(), "strest: 33.3% | 10.0s / 30s | steady | 1000.0/s of 1000/s | errors 0 | p99 1.00 ms (last 10 s)\n"
					 "strest: 66.6% | 20.0s / 30s | steady | 1000.0/s of 1000/s | errors 0 | p99 1.00 ms (last 10 s)\n");
	progress_free(progress);
}

static void failures_count_from_the_start_and_requests_move_the_bar(void **state) {
	struct progress_setup setup = setup_of(false);
	setup.requests = 20000;
	struct progress *progress = progress_new(&setup);
	(void)state;
	for (nsec now = TICK; now <= 20 * SEC; now += TICK) {
		progress_tick(progress, &(struct progress_moment){now, PROGRESS_STEADY, 1000}, tick_of(now <= SEC ? 3 : 0));
	}
	const char *got = read_text();
	assert_non_null(strstr(got, "strest: 50.0% | 10.0s, 10000 of 20000 | steady | 1000.0/s of 1000/s | errors 30 | "));
	assert_non_null(strstr(got, "strest: 100.0% | 20.0s, 20000 of 20000 | steady | 1000.0/s of 1000/s | errors 30 | "));
	progress_free(progress);
}

static void a_reader_that_does_not_read_holds_nothing_up(void **state) {
	struct progress_setup setup = setup_of(true);
	struct progress *progress = progress_new(&setup);
	(void)state;
	for (nsec now = SEC; now <= 2000 * SEC; now += SEC) { /* 150 kB, more than a pipe holds */
		progress_tick(progress, &(struct progress_moment){now, PROGRESS_STEADY, 1000}, NULL);
	}
	assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	assert_true(read(reader, text, sizeof(text)) > 1000);
	progress_free(progress);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_terminal_has_one_line_that_is_written_over, with_terminal, tear_down),
		cmocka_unit_test_setup_teardown(the_end_is_drawn_as_it_was, with_terminal, tear_down),
		cmocka_unit_test_setup_teardown(the_line_follows_the_width_of_the_terminal, with_terminal, tear_down),
		cmocka_unit_test_setup_teardown(hiding_takes_the_line_off_until_the_next_tick, with_terminal, tear_down),
		cmocka_unit_test_setup_teardown(a_new_phase_is_shown_at_once, with_terminal, tear_down),
		cmocka_unit_test_setup_teardown(the_drain_changes_no_rate, with_terminal, tear_down),
		cmocka_unit_test_setup_teardown(a_file_gets_a_line_every_ten_seconds, with_pipe, tear_down),
		cmocka_unit_test_setup_teardown(failures_count_from_the_start_and_requests_move_the_bar, with_pipe, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_that_does_not_read_holds_nothing_up, with_pipe, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
