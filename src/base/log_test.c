#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"

/* What takes the place of stderr for a test, and what was read from it. */
static int saved, reader;
static char text[4096];

static void redirect(int writer) {
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0 && dup2(writer, STDERR_FILENO) >= 0);
	close(writer);
}

static void open_pipe(void) {
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	reader = ends[0];
	redirect(ends[1]);
}

/* A terminal that passes everything on as it is. */
static void open_terminal(void) {
	struct termios raw;
	reader = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(reader >= 0 && grantpt(reader) == 0 && unlockpt(reader) == 0);
	int writer = open(ptsname(reader), O_RDWR | O_NOCTTY);
	assert_true(writer >= 0 && tcgetattr(writer, &raw) == 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(writer, TCSANOW, &raw), 0);
	redirect(writer);
}

/* Returns what was written since the last call. A mark behind it tells where it ends: a terminal passes things on in its own time. */
static const char *read_text(void) {
	size_t used = 0;
	assert_int_equal(write(STDERR_FILENO, "\1", 1), 1);
	while (used == 0 || text[used - 1] != 1) {
		ssize_t size = read(reader, text + used, sizeof(text) - used);
		assert_true(size > 0);
		used += (size_t)size;
	}
	text[used - 1] = 0;
	return text;
}

static int restore(void **state) {
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
	log_set_level(LOG_INFO);
	log_set_color(false);
	log_set_hide(NULL, NULL);
	return 0;
}

static int with_pipe(void **state) {
	(void)state;
	open_pipe();
	return 0;
}

static int with_terminal(void **state) {
	(void)state;
	open_terminal();
	return 0;
}

static void write_one_of_each(void) {
	log_write(LOG_ERROR, "e%d", 1);
	log_warn("w%s", "2");
	log_info("i3");
	log_debug("d4");
}

static void lines_above_the_level_are_dropped_but_errors_never(void **state) {
	static const struct {
		enum log_level level;
		const char *want;
	} cases[] = {
		{LOG_OFF, "strest: error: e1\n"},
		{LOG_ERROR, "strest: error: e1\n"},
		{LOG_WARN, "strest: error: e1\nstrest: warning: w2\n"},
		{LOG_INFO, "strest: error: e1\nstrest: warning: w2\nstrest: i3\n"},
		{LOG_DEBUG, "strest: error: e1\nstrest: warning: w2\nstrest: i3\nstrest: debug: d4\n"},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		log_set_level(cases[i].level);
		write_one_of_each();
		assert_string_equal(read_text(), cases[i].want);
	}
}

static void info_is_the_level_when_nobody_says_otherwise(void **state) {
	(void)state;
	write_one_of_each();
	assert_string_equal(read_text(), "strest: error: e1\nstrest: warning: w2\nstrest: i3\n");
}

static void a_filter_is_read_as_the_environment_variables_of_the_reference_are(void **state) {
	static const struct {
		const char *text;
		enum log_level want;
		bool understood;
	} cases[] = {
		{"off", LOG_OFF, true},
		{"error", LOG_ERROR, true},
		{"warn", LOG_WARN, true},
		{"info", LOG_INFO, true},
		{"debug", LOG_DEBUG, true},
		{"trace", LOG_DEBUG, true},
		{"WARN", LOG_WARN, true},
		{" Error ", LOG_ERROR, true},
		{"strest=debug", LOG_DEBUG, true},
		{"hyper=debug", LOG_INFO, true},
		{"warn,hyper=debug", LOG_WARN, true},
		{"hyper=off,strest=error", LOG_ERROR, true},
		{"strest=error,debug", LOG_ERROR, true},
		{"debug,strest=error", LOG_ERROR, true},
		{" warn , strest = debug ", LOG_DEBUG, true},
		{"warn,", LOG_WARN, true},
		{"warn,error", LOG_ERROR, true},
		{"", LOG_INFO, false},
		{",", LOG_INFO, false},
		{"loud", LOG_INFO, false},
		{"warning", LOG_INFO, false},
		{"strest", LOG_INFO, false},
		{"strest=", LOG_INFO, false},
		{"strest=loud", LOG_INFO, false},
		{"error,hyper=loud", LOG_INFO, false},
		{"strest=error=warn", LOG_INFO, false},
		{"2", LOG_INFO, false},
	};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		bool understood = !cases[i].understood;
		enum log_level got = log_read_filter(slice_of(cases[i].text), &understood);
		if (got != cases[i].want || understood != cases[i].understood) fail_msg("'%s' gives %d, %d", cases[i].text, (int)got, understood);
	}
}

static void a_file_gets_no_colors(void **state) {
	(void)state;
	log_set_color(true);
	log_warn("w");
	assert_string_equal(read_text(), "strest: warning: w\n");
}

static void a_terminal_gets_colors_only_when_they_are_on(void **state) {
	(void)state;
	log_set_color(true);
	log_set_level(LOG_DEBUG);
	write_one_of_each();
	assert_string_equal(read_text(), "strest: \033[31merror:\033[0m e1\nstrest: \033[33mwarning:\033[0m w2\nstrest: i3\n"
					 "strest: \033[34mdebug:\033[0m d4\n");
	log_set_color(false);
	log_warn("w");
	assert_string_equal(read_text(), "strest: warning: w\n");
}

static void colors_are_wanted_by_a_terminal_that_has_them(void **state) {
	static const struct {
		const char *term; /* NULL: not set */
		bool refused, want;
	} cases[] = {{"xterm", false, true}, {"xterm", true, false}, {"dumb", false, false}, {"", false, false}, {NULL, false, false}};
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (cases[i].term)
			setenv("TERM", cases[i].term, 1);
		else
			unsetenv("TERM");
		assert_int_equal(log_color_wanted(cases[i].refused), cases[i].want);
	}
}

static void a_file_wants_no_colors(void **state) {
	(void)state;
	setenv("TERM", "xterm", 1);
	assert_false(log_color_wanted(false));
}

static void take_line_off(void *user) {
	const char *mark = user;
	assert_true(write(STDERR_FILENO, mark, strlen(mark)) > 0);
}

static void what_stands_on_the_line_leaves_before_a_message_and_not_for_a_dropped_one(void **state) {
	(void)state;
	log_set_hide(take_line_off, "<");
	log_warn("a");
	log_debug("dropped");
	log_info("b");
	log_set_hide(NULL, NULL);
	log_info("c");
	assert_string_equal(read_text(), "<strest: warning: a\n<strest: b\nstrest: c\n");
}

static void *warn_from_elsewhere(void *user) {
	log_warn("%s", (const char *)user);
	return NULL;
}

static void only_the_thread_that_draws_is_asked_to_hide(void **state) {
	pthread_t thread;
	(void)state;
	log_set_hide(take_line_off, "<");
	assert_int_equal(pthread_create(&thread, NULL, warn_from_elsewhere, "other"), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(read_text(), "strest: warning: other\n");
}

static void a_long_message_is_cut_and_still_ends_its_line(void **state) {
	char *words = malloc(3001);
	(void)state;
	memset(words, 'x', 3000);
	words[3000] = 0;
	log_info("%s", words);
	free(words);
	const char *got = read_text();
	assert_int_equal(strlen(got), 1023);
	assert_int_equal(got[1022], '\n');
	assert_memory_equal(got + 1018, "x...", 4);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(info_is_the_level_when_nobody_says_otherwise, with_pipe, restore),
		cmocka_unit_test_setup_teardown(lines_above_the_level_are_dropped_but_errors_never, with_pipe, restore),
		cmocka_unit_test(a_filter_is_read_as_the_environment_variables_of_the_reference_are),
		cmocka_unit_test_setup_teardown(a_file_gets_no_colors, with_pipe, restore),
		cmocka_unit_test_setup_teardown(a_terminal_gets_colors_only_when_they_are_on, with_terminal, restore),
		cmocka_unit_test_setup_teardown(colors_are_wanted_by_a_terminal_that_has_them, with_terminal, restore),
		cmocka_unit_test_setup_teardown(a_file_wants_no_colors, with_pipe, restore),
		cmocka_unit_test_setup_teardown(what_stands_on_the_line_leaves_before_a_message_and_not_for_a_dropped_one, with_pipe, restore),
		cmocka_unit_test_setup_teardown(only_the_thread_that_draws_is_asked_to_hide, with_pipe, restore),
		cmocka_unit_test_setup_teardown(a_long_message_is_cut_and_still_ends_its_line, with_pipe, restore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
