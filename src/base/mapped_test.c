#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mapped.h"

/* Tests run in the order of main(): what one has changed stays changed, as mapped_changed() says. */

struct box {
	char folder[64], path[96];
	struct err err;
	struct slice bytes;
};

static int setup(void **state) {
	struct box *box = calloc(1, sizeof(*box));
	strcpy(box->folder, "/tmp/mapped_test_XXXXXX");
	if (!mkdtemp(box->folder)) return -1;
	snprintf(box->path, sizeof(box->path), "%s/file", box->folder);
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	unlink(box->path);
	rmdir(box->folder);
	free(box);
	return 0;
}

static void write_file(const struct box *box, size_t size) {
	FILE *file = fopen(box->path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < size; i++) fputc('a' + (int)(i % 26), file);
	assert_int_equal(fclose(file), 0);
}

static void map_file(struct box *box, size_t size) {
	write_file(box, size);
	if (!mapped_open(box->path, &box->bytes, &box->err)) fail_msg("%s", box->err.text);
	assert_int_equal(box->bytes.size, size);
}

/* Ends the process as SIGBUS does by itself; 0 if it does not. */
static int fate(void (*cause)(struct box *box), struct box *box) {
	pid_t child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL); /* a sanitizer may have set one */
		map_file(box, 10);
		cause(box);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void read_a_foreign_mapping(struct box *box) {
	char path[128];
	snprintf(path, sizeof(path), "%s.other", box->path);
	FILE *file = fopen(path, "w+");
	fputs("x", file);
	fflush(file);
	const volatile char *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	unlink(path);
	if (at != MAP_FAILED && ftruncate(fileno(file), 0) == 0) (void)*at;
}

static void send_the_signal(struct box *box) {
	(void)box;
	raise(SIGBUS);
}

static void any_other_sigbus_ends_the_program_as_ever(void **state) {
	assert_int_equal(fate(read_a_foreign_mapping, *state), SIGBUS);
	assert_int_equal(fate(send_the_signal, *state), SIGBUS);
}

static void a_file_is_there_byte_for_byte(void **state) {
	struct box *box = *state;
	static const size_t sizes[] = {1, 26, 4095, 4096, 4097, 1000000};
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		map_file(box, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++) assert_int_equal(box->bytes.at[at], 'a' + (int)(at % 26));
	}
	map_file(box, 0);
	assert_non_null(box->bytes.at);
	assert_null(mapped_changed());
}

static void what_is_no_file_is_named(void **state) {
	struct box *box = *state;
	box->bytes.at = box->path;
	assert_false(mapped_open(box->path, &box->bytes, &box->err));
	assert_int_equal(box->err.code, ERR_FAILED);
	assert_non_null(strstr(box->err.text, "cannot open '"));
	assert_non_null(strstr(box->err.text, "file': No such file or directory"));
	assert_false(mapped_open(box->folder, &box->bytes, &box->err));
	assert_non_null(strstr(box->err.text, "' is not a regular file"));
	assert_int_equal(mkfifo(box->path, 0600), 0);
	alarm(5); /* opening a pipe that nobody writes to would wait for ever (fifo(7)) */
	assert_false(mapped_open(box->path, &box->bytes, &box->err));
	alarm(0);
	assert_non_null(strstr(box->err.text, "' is not a regular file"));
	assert_ptr_equal(box->bytes.at, box->path); /* untouched */
}

/* Sparse: such a file takes no room. */
static void a_file_over_the_limit_is_refused(void **state) {
	struct box *box = *state;
	write_file(box, 1);
	if (truncate(box->path, (off_t)(MAPPED_MAX + 1)) != 0) skip(); /* not every file system takes that much */
	assert_false(mapped_open(box->path, &box->bytes, &box->err));
	assert_non_null(strstr(box->err.text, "larger than 64 GiB"));
}

static void what_a_file_loses_reads_as_zeros(void **state) {
	struct box *box = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 10 * page + 5;
	map_file(box, size);
	assert_int_equal(truncate(box->path, (off_t)(3 * page)), 0);
	assert_null(mapped_changed()); /* nobody has looked there */
	const volatile char *at = box->bytes.at;
	assert_int_equal(at[7 * page + 1], 0);
	assert_string_equal(mapped_changed(), box->path);
	for (size_t i = 3 * page; i < size; i++) assert_int_equal(at[i], 0);
	for (size_t i = 0; i < 3 * page; i++) assert_int_equal(at[i], 'a' + (int)(i % 26));
}

/* The kernel does not raise the signal when it is its own reading that fails. */
static void after_a_touch_a_send_does_not_fail(void **state) {
	struct box *box = *state;
	size_t size = 30000;
	char *got = malloc(size);
	int pair[2];
	map_file(box, size);
	assert_int_equal(truncate(box->path, 0), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(send(pair[0], box->bytes.at, size, 0), -1);
	assert_int_equal(errno, EFAULT);
	struct iovec pieces[] = {{(char[]){"head"}, 4}, {(char *)(uintptr_t)(box->bytes.at + 1), size - 1}};
	mapped_touch(pieces, 2);
	assert_int_equal(send(pair[0], box->bytes.at, size, 0), size);
	assert_int_equal(recv(pair[1], got, size, MSG_WAITALL), size);
	for (size_t i = 0; i < size; i++) assert_int_equal(got[i], 0);
	close(pair[0]);
	close(pair[1]);
	free(got);
}

static void *read_all(void *user) {
	const struct slice *bytes = user;
	mapped_touch(&(struct iovec){(char *)(uintptr_t)bytes->at, bytes->size}, 1);
	return NULL;
}

static void threads_may_meet_the_loss_together(void **state) {
	struct box *box = *state;
	pthread_t threads[4];
	map_file(box, 1000000);
	assert_int_equal(truncate(box->path, 5000), 0);
	for (size_t i = 0; i < LENGTH(threads); i++) assert_int_equal(pthread_create(&threads[i], NULL, read_all, &box->bytes), 0);
	for (size_t i = 0; i < LENGTH(threads); i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(box->bytes.at[4999], 'a' + 4999 % 26);
	assert_int_equal(box->bytes.at[999999], 0);
}

static void files_are_counted(void **state) {
	struct box *box = *state;
	write_file(box, 10);
	size_t more = 0;
	while (more <= MAPPED_FILES && mapped_open(box->path, &box->bytes, &box->err)) more++;
	assert_in_range(more, 1, MAPPED_FILES - 1); /* tests before this one have opened some */
	assert_non_null(strstr(box->err.text, "at most 64"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(any_other_sigbus_ends_the_program_as_ever),
		CASE(a_file_is_there_byte_for_byte),
		CASE(what_is_no_file_is_named),
		CASE(a_file_over_the_limit_is_refused),
		CASE(what_a_file_loses_reads_as_zeros),
		CASE(after_a_touch_a_send_does_not_fail),
		CASE(threads_may_meet_the_loss_together),
		CASE(files_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
