#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char folder[] = "/tmp/files_test.XXXXXX";
static char path[64];

static void write_file(const char *text) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_reads(const char *name, const char *text) {
	char got[64] = {0};
	int fd = files_open(name);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static unsigned seen;

static void take(void *user, const char *name, struct slice bytes) {
	assert_string_equal(name, path);
	assert_int_equal(bytes.size, 3);
	assert_memory_equal(bytes.at, "abc", 3);
	*(unsigned *)user += 1;
}

static void test_what_was_read_is_handed_over_once(void **state) {
	struct err err;
	(void)state;
	write_file("abc");
	files_note();
	assert_reads(path, "abc");
	assert_reads(path, "abc");
	assert_int_equal(files_open("/nowhere/at all"), -1);
	seen = 0;
	assert_true(files_each(3, take, &seen, &err));
	assert_int_equal(seen, 1);
	assert_false(files_each(2, take, &seen, &err));
	assert_non_null(strstr(err.text, path));
	files_reset();
	assert_true(files_each(0, take, &seen, &err));
}

static void test_only_what_is_given_is_there(void **state) {
	struct err err;
	(void)state;
	write_file("of this machine");
	files_seal();
	assert_int_equal(files_open(path), -1);
	assert_int_equal(errno, ENOENT);
	assert_true(files_give(path, SLICE("given"), &err));
	assert_true(files_give("empty", SLICE(""), &err));
	assert_reads(path, "given");
	assert_reads(path, "given"); /* from the beginning again */
	assert_reads("empty", "");
	files_seal();
	assert_int_equal(files_open(path), -1);
	files_reset();
	assert_reads(path, "of this machine");
}

static void test_a_pipe_cannot_be_sent(void **state) {
	struct err err;
	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	files_note();
	close(files_open(path));
	assert_false(files_each(100, take, &seen, &err));
	assert_non_null(strstr(err.text, "not a regular file"));
	files_reset();
}

static void test_variables(void **state) {
	struct err err;
	(void)state;
	setenv("FILES_TEST", "of this machine", 1);
	assert_string_equal(files_variable("FILES_TEST"), "of this machine");
	files_seal();
	assert_null(files_variable("FILES_TEST"));
	assert_true(files_give("${FILES_TEST}", SLICE("given"), &err));
	assert_string_equal(files_variable("FILES_TEST"), "given");
	files_reset();
}

static void take_variable(void *user, const char *name, struct slice bytes) {
	*(unsigned *)user += 1;
	assert_string_equal(name, "${FILES_TEST}");
	assert_memory_equal(bytes.at, "secret", 6);
}

static void test_variables_are_noted(void **state) {
	struct err err;
	(void)state;
	setenv("FILES_TEST", "secret", 1);
	files_note();
	assert_string_equal(files_variable("FILES_TEST"), "secret");
	assert_null(files_variable("FILES_TEST_NOT_SET"));
	seen = 0;
	assert_true(files_each(6, take_variable, &seen, &err));
	assert_int_equal(seen, 1);
	assert_false(files_each(5, take_variable, &seen, &err));
	files_reset();
}

static void test_too_many(void **state) {
	struct err err;
	char name[16];
	(void)state;
	files_seal();
	for (int i = 0; i < FILES_MOST; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_true(files_give(name, SLICE("x"), &err));
	}
	assert_false(files_give("another", SLICE("x"), &err));
	files_reset();
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_read_is_handed_over_once),
		cmocka_unit_test(test_only_what_is_given_is_there),
		cmocka_unit_test(test_a_pipe_cannot_be_sent),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variables_are_noted),
		cmocka_unit_test(test_too_many),
	};
	if (!mkdtemp(folder)) return 1;
	snprintf(path, sizeof(path), "%s/file", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
