#include "cmd/service_systemctl.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define WORDS_MAX 8
#define POLLS_A_SECOND 100

extern char **environ;

/* Waits, but not for ever. False: the time is up, and the child is gone too. */
static bool wait_for(pid_t child, int *ret_status) {
	const struct timespec pause = {.tv_nsec = 1000000000L / POLLS_A_SECOND};
	for (int i = 0; i < SYSTEMCTL_LIMIT_S * POLLS_A_SECOND; i++) {
		pid_t ended = waitpid(child, ret_status, WNOHANG);
		if (ended == child || (ended < 0 && errno != EINTR)) return ended == child;
		nanosleep(&pause, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, ret_status, 0);
	return false;
}

static void add_command(struct err *err, const char *const words[]) {
	struct buf command;
	buf_init(&command, 512);
	buf_add_text(&command, "systemctl");
	for (; *words; words++) buf_add_format(&command, " %s", *words);
	err_add(err, "%s", buf_text(&command));
	buf_fini(&command);
}

bool service_systemctl_ask(const char *const words[], int *ret_status, struct err *err) {
	char program[] = "systemctl", *arguments[WORDS_MAX + 2] = {program};
	int status, count = 1;
	pid_t child;
	for (size_t i = 0; words[i] && i < WORDS_MAX; i++) arguments[count++] = (char *)words[i];
	fflush(NULL);
	int fault = posix_spawnp(&child, program, NULL, NULL, arguments, environ);
	if (fault) {
		err_set_sys(err, ERR_FAILED, fault, "cannot be run");
	} else if (!wait_for(child, &status)) {
		err_set(err, ERR_FAILED, "did not end within %d s", SYSTEMCTL_LIMIT_S);
	} else if (WIFSIGNALED(status)) {
		err_set(err, ERR_FAILED, "killed by signal %d", WTERMSIG(status));
	} else {
		*ret_status = WEXITSTATUS(status);
		return true;
	}
	add_command(err, words);
	return false;
}

bool service_systemctl_do(const char *const words[], struct err *err) {
	int status;
	if (!service_systemctl_ask(words, &status, err)) return false;
	if (status == 0) return true;
	err_set(err, ERR_FAILED, "exit status %d", status);
	add_command(err, words);
	return false;
}
