#include "tui/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#define PATIENCE_MS 250 /* with a terminal that takes nothing, before what it has is thrown away and after it */
#define WAIT_MS 20
#define COPY_BYTES 1024

/* What a signal handler needs, complete before `taken` is set. */
static struct {
	int fd;             /* the terminal; -1: not open */
	atomic_bool taken;  /* modes and screen are ours */
	struct termios own; /* modes before that */
	bool lost;          /* ... and they were not set again since */
	const char *back;
	size_t back_size;
	atomic_bool holding;
	int held, standard_error; /* what was said meanwhile, and to whom */
	bool same;                /* ... who is this terminal */
} terminal = {.fd = -1};

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGHUP, SIGQUIT};

/* ---- standard error ---- */

/* Says what was held back, to this terminal without waiting for long. With system calls only. */
static void terminal_let_go(void) {
	char text[COPY_BYTES];
	struct pollfd polled = {.fd = terminal.same ? terminal.fd : terminal.standard_error, .events = POLLOUT};
	ssize_t got, more;
	if (!atomic_exchange(&terminal.holding, false)) return;
	dup2(terminal.standard_error, STDERR_FILENO);
	for (off_t at = 0; (got = pread(terminal.held, text, sizeof(text), at)) > 0; at += more) {
		if (poll(&polled, 1, PATIENCE_MS) != 1 || (more = write(polled.fd, text, (size_t)got)) <= 0) break; /* nobody is left to tell */
	}
	close(terminal.held);
	close(terminal.standard_error);
}

/* Returns which device a terminal is; "/dev/tty" has a number of its own. */
static bool terminal_device(int fd, unsigned *ret) {
	return fd >= 0 && ioctl(fd, TIOCGDEV, ret) == 0;
}

static void terminal_hold(void) {
	unsigned here, there;
	if (atomic_load(&terminal.holding) || !isatty(STDERR_FILENO)) return;
	int held = memfd_create("said", MFD_CLOEXEC), standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (held < 0 || standard_error < 0 || fcntl(held, F_SETFL, O_APPEND) != 0 || dup2(held, STDERR_FILENO) < 0) {
		if (held >= 0) close(held);
		if (standard_error >= 0) close(standard_error);
		return;
	}
	terminal.held = held;
	terminal.standard_error = standard_error;
	terminal.same = terminal_device(terminal.fd, &here) && terminal_device(standard_error, &there) && here == there;
	atomic_store(&terminal.holding, true);
}

bool terminal_said(char *text, size_t size) {
	char tail[COPY_BYTES];
	off_t end = atomic_load(&terminal.holding) ? lseek(terminal.held, 0, SEEK_END) : 0;
	if (end <= 0) return false;
	off_t begin = end > (off_t)sizeof(tail) - 1 ? end - (off_t)sizeof(tail) + 1 : 0;
	ssize_t got = pread(terminal.held, tail, sizeof(tail) - 1, begin);
	while (got > 0 && tail[got - 1] == '\n') got--;
	if (got <= 0) return false;
	tail[got] = 0;
	const char *line = strrchr(tail, '\n');
	snprintf(text, size, "%s", line ? line + 1 : tail);
	return true;
}

/* ---- bytes ---- */

size_t terminal_write(const char *bytes, size_t size) {
	size_t done = 0;
	while (done < size) {
		ssize_t more = write(terminal.fd, bytes + done, size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0 && errno != EAGAIN) return size;
		if (more <= 0) break;
		done += (size_t)more;
	}
	return done;
}

void terminal_wait(void) {
	struct pollfd polled = {.fd = terminal.fd, .events = POLLOUT};
	poll(&polled, 1, WAIT_MS);
}

void terminal_drop(void) {
	tcflush(terminal.fd, TCOFLUSH);
}

size_t terminal_read(char *bytes, size_t size) {
	ssize_t got = read(terminal.fd, bytes, size);
	return got > 0 ? (size_t)got : 0;
}

int terminal_descriptor(void) {
	return terminal.fd;
}

/* Writes `back`, waiting a little for a terminal that takes nothing now. Returns false if it did not take all. */
static bool terminal_write_back(size_t *done) {
	struct pollfd polled = {.fd = terminal.fd, .events = POLLOUT};
	*done += terminal_write(terminal.back + *done, terminal.back_size - *done);
	if (*done < terminal.back_size && poll(&polled, 1, PATIENCE_MS) == 1)
		*done += terminal_write(terminal.back + *done, terminal.back_size - *done);
	return *done == terminal.back_size;
}

void terminal_give_back(void) {
	size_t done = 0;
	if (!atomic_exchange(&terminal.taken, false)) return;
	if (!terminal_write_back(&done)) {
		terminal_drop(); /* the rest of a screen that nobody will look at; it would keep away what comes behind it */
		done = 0;
		terminal_write_back(&done);
	}
	tcsetattr(terminal.fd, TCSANOW, &terminal.own);
}

void terminal_restore(void) {
	int error = errno;
	terminal_give_back();
	terminal_let_go();
	errno = error;
}

/* ---- signals ---- */

static void terminal_on_fatal(int number) {
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static void terminal_catch_fatal(void) {
	static bool registered;
	if (!registered) atexit(terminal_restore);
	registered = true;
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(*fatal_signals); i++) {
		struct sigaction before;
		if (sigaction(fatal_signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) signal(fatal_signals[i], terminal_on_fatal);
	}
}

void terminal_finish(void) {
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(*fatal_signals); i++) {
		struct sigaction now;
		if (sigaction(fatal_signals[i], NULL, &now) == 0 && now.sa_handler == terminal_on_fatal) signal(fatal_signals[i], SIG_DFL);
	}
	terminal_let_go();
}

/* ---- taking it ---- */

bool terminal_open(struct err *err) {
	static const char *const paths[] = {"/proc/self/fd/1", "/dev/tty"};
	unsigned wanted, found;
	if (!terminal_device(STDOUT_FILENO, &wanted)) return err_set(err, ERR_FAILED, "standard output is no terminal");
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open(paths[i], O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (terminal_device(fd, &found) && found == wanted) {
			terminal.fd = fd;
			terminal.lost = false;
			if (terminal_is_ours()) return true;
			terminal_close();
			return err_set(err, ERR_FAILED, "strest was started in the background");
		}
		if (fd >= 0) close(fd);
	}
	return err_set(err, ERR_FAILED, "the terminal of standard output cannot be opened for reading and writing; write --no-tui");
}

void terminal_close(void) {
	if (terminal.fd >= 0) close(terminal.fd);
	terminal.fd = -1;
}

bool terminal_is_ours(void) {
	pid_t group = tcgetpgrp(terminal.fd);
	return group <= 0 || group == getpgrp(); /* not the controlling terminal: nobody says who may draw */
}

void terminal_take(const char *back, size_t size) {
	if (!atomic_load(&terminal.taken) && !terminal.lost) tcgetattr(terminal.fd, &terminal.own);
	terminal.lost = false;
	struct termios modes = terminal.own;
	terminal.back = back;
	terminal.back_size = size;
	terminal_catch_fatal();
	atomic_store(&terminal.taken, true);
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL);
	modes.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR);
	modes.c_oflag &= ~(tcflag_t)OPOST;
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	tcsetattr(terminal.fd, TCSANOW, &modes);
	terminal_hold();
}

void terminal_lose(void) {
	if (atomic_exchange(&terminal.taken, false)) terminal.lost = true;
}
