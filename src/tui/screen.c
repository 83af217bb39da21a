#include "tui/screen.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>
#undef columns /* a macro of term.h */

#include "base/arena.h"

#define RESTORE_BYTES 256
#define ESCAPE_MS 25 /* after that a lone escape is the key Esc */

struct screen {
	SCREEN *curses;
	FILE *in;
	bool own_in; /* opened here */
	bool ascii;
	int colors; /* 0: none */
	unsigned rows, columns;
};

/* What a signal handler needs, complete before `entered` is set. */
static struct {
	atomic_bool entered;
	struct termios before;
	char text[RESTORE_BYTES];
	size_t size;
	int held, standard_error; /* what was said meanwhile, and to whom; -1: nothing is held back */
} restore = {.held = -1, .standard_error = -1};

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGHUP, SIGQUIT};

/* Says what was held back. With system calls only. */
static void screen_let_go(void) {
	char text[RESTORE_BYTES];
	ssize_t more;
	if (restore.held < 0) return;
	dup2(restore.standard_error, STDERR_FILENO);
	for (off_t at = 0; (more = pread(restore.held, text, sizeof(text), at)) > 0; at += more) {
		if (write(STDERR_FILENO, text, (size_t)more) < 0) break; /* nobody is left to tell */
	}
	close(restore.held);
	close(restore.standard_error);
	restore.held = restore.standard_error = -1;
}

/* From now on what is written on a terminal's standard error is held back: it would stand in the midst of the screen. */
static void screen_hold(void) {
	if (!isatty(STDERR_FILENO)) return;
	int held = memfd_create("said", MFD_CLOEXEC), standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (held < 0 || standard_error < 0 || fcntl(held, F_SETFL, O_APPEND) != 0 || dup2(held, STDERR_FILENO) < 0) {
		if (held >= 0) close(held);
		if (standard_error >= 0) close(standard_error);
		return;
	}
	restore.held = held;
	restore.standard_error = standard_error;
}

bool screen_said(const struct screen *screen, char *text, size_t size) {
	char tail[1024];
	off_t end = restore.held >= 0 ? lseek(restore.held, 0, SEEK_END) : 0;
	(void)screen;
	if (end <= 0) return false;
	off_t begin = end > (off_t)sizeof(tail) - 1 ? end - (off_t)sizeof(tail) + 1 : 0;
	ssize_t got = pread(restore.held, tail, sizeof(tail) - 1, begin);
	while (got > 0 && tail[got - 1] == '\n') got--;
	if (got <= 0) return false;
	tail[got] = 0;
	const char *line = strrchr(tail, '\n');
	snprintf(text, size, "%s", line ? line + 1 : tail);
	return true;
}

void screen_restore(void) {
	if (!atomic_exchange(&restore.entered, false)) return;
	ssize_t written = write(STDOUT_FILENO, restore.text, restore.size);
	(void)written; /* nobody is left to tell */
	tcsetattr(STDOUT_FILENO, TCSANOW, &restore.before);
	screen_let_go();
}

static void screen_on_fatal(int number) {
	screen_restore();
	signal(number, SIG_DFL);
	raise(number);
}

/* Appends a capability of the terminal, without the delays ("$<5>") that only tputs knows. */
static void restore_add(const char *name) {
	const char *text = tigetstr((char *)(uintptr_t)name);
	if (!text || text == (const char *)-1) return;
	while (*text && restore.size < sizeof(restore.text)) {
		const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;
		if (end)
			text = end + 1;
		else
			restore.text[restore.size++] = *text++;
	}
}

static void screen_prepare_restore(void) {
	static bool registered;
	restore.size = 0;
	restore_add("sgr0");
	restore_add("rmkx");
	restore_add("cnorm");
	restore_add("rmcup");
	if (!registered) atexit(screen_restore);
	registered = true;
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(*fatal_signals); i++) {
		struct sigaction before;
		if (sigaction(fatal_signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) signal(fatal_signals[i], screen_on_fatal);
	}
}

static void screen_forget_restore(void) {
	atomic_store(&restore.entered, false);
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(*fatal_signals); i++) {
		struct sigaction now;
		if (sigaction(fatal_signals[i], NULL, &now) == 0 && now.sa_handler == screen_on_fatal) signal(fatal_signals[i], SIG_DFL);
	}
}

/* The colour of an ink on terminals of 256 and of 8 colours: apart for the colour-blind too (after M. Okabe and K. Ito; heat after viridis). -1: its own. */
static const struct {
	short many, few;
	bool bold; /* on terminals of few colours or none */
} inks[INK_COUNT] = {
	[INK_TEXT] = {-1, -1, false},
	[INK_DIM] = {245, -1, false},
	[INK_FRAME] = {240, COLOR_BLUE, false},
	[INK_TITLE] = {252, -1, true},
	[INK_GOOD] = {36, COLOR_GREEN, false},
	[INK_WARN] = {214, COLOR_YELLOW, true},
	[INK_BAD] = {202, COLOR_RED, true},
	[INK_FIRST] = {75, COLOR_CYAN, false},
	[INK_SECOND] = {227, COLOR_YELLOW, false},
	[INK_THIRD] = {202, COLOR_RED, false},
	[INK_FOURTH] = {175, COLOR_MAGENTA, false},
	[INK_HEAT] = {54, COLOR_BLUE, false},
	[INK_HEAT + 1] = {61, COLOR_BLUE, false},
	[INK_HEAT + 2] = {67, COLOR_CYAN, false},
	[INK_HEAT + 3] = {73, COLOR_CYAN, false},
	[INK_HEAT + 4] = {79, COLOR_GREEN, false},
	[INK_HEAT + 5] = {113, COLOR_GREEN, true},
	[INK_HEAT + 6] = {185, COLOR_YELLOW, true},
	[INK_HEAT + 7] = {227, COLOR_YELLOW, true},
};

static void screen_start_colors(struct screen *screen, bool color) {
	if (!color || !has_colors() || start_color() == ERR || COLORS < 8 || COLOR_PAIRS <= INK_COUNT) return;
	if (use_default_colors() == ERR) return;
	screen->colors = COLORS;
	for (short i = 0; i < INK_COUNT; i++) init_pair((short)(i + 1), COLORS >= 256 ? inks[i].many : inks[i].few, -1);
}

/* Opens where keys come from; NULL: nowhere. */
static FILE *screen_open_keys(struct screen *screen) {
	if (isatty(STDIN_FILENO)) return stdin;
	screen->own_in = true;
	return fopen("/dev/tty", "re");
}

/* Sets the modes in which keys come one by one. A load tester that stands still measures nothing: Ctrl-Z is off. */
static void screen_set_modes(void) {
	struct termios now;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	leaveok(stdscr, TRUE);
	if (tcgetattr(STDOUT_FILENO, &now) != 0) return;
	now.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(STDOUT_FILENO, TCSANOW, &now);
	def_prog_mode();
}

/* Returns whether the locale encodes braille as UTF-8 does. */
static bool screen_speaks_utf8(void) {
	char bytes[MB_LEN_MAX];
	return wctomb(bytes, L'\u2800') == 3 && memcmp(bytes, "\xe2\xa0\x80", 3) == 0;
}

struct screen *screen_enter(bool color, struct err *err) {
	const char *name = getenv("TERM");
	int found = 0;
	if (!name || !*name || setupterm(NULL, STDOUT_FILENO, &found) != OK || !tigetstr((char *)(uintptr_t) "cup")) {
		err_set(err, ERR_FAILED, "the terminal '%s' (TERM) cannot be drawn on; write --no-tui", name ? name : "");
		return NULL;
	}
	struct screen *screen = mem_zeroed(1, sizeof(*screen));
	setlocale(LC_CTYPE, "");
	screen->ascii = !screen_speaks_utf8();
	screen->in = screen_open_keys(screen);
	tcgetattr(STDOUT_FILENO, &restore.before);
	screen_prepare_restore();
	del_curterm(cur_term); /* newterm reads it anew */
	atomic_store(&restore.entered, true);
	screen->curses = newterm(NULL, stdout, screen->in ? screen->in : stdin);
	if (!screen->curses) {
		err_set(err, ERR_FAILED, "the terminal '%s' (TERM) cannot be drawn on; write --no-tui", name);
		screen_leave(screen);
		return NULL;
	}
	signal(SIGWINCH, SIG_DFL); /* the size is asked for before each drawing: no thread is interrupted */
	screen_set_modes();
	screen_start_colors(screen, color);
	screen_hold();
	return screen;
}

void screen_leave(struct screen *screen) {
	if (!screen) return;
	if (screen->curses) {
		endwin();
		delscreen(screen->curses);
		tcsetattr(STDOUT_FILENO, TCSADRAIN, &restore.before);
	}
	if (screen->own_in && screen->in) fclose(screen->in);
	screen_forget_restore();
	screen_let_go();
	free(screen);
}

void screen_fit(struct screen *screen, struct grid *grid) {
	struct winsize size;
	unsigned rows = (unsigned)LINES, columns = (unsigned)COLS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
		rows = size.ws_row;
		columns = size.ws_col;
	}
	if (rows != (unsigned)LINES || columns != (unsigned)COLS) {
		resizeterm((int)rows, (int)columns);
		clearok(stdscr, TRUE);
	}
	grid->ascii = screen->ascii;
	if (rows != grid->rows || columns != grid->columns || !grid->cells) grid_resize(grid, rows, columns);
	grid_clear(grid);
}

static attr_t screen_attributes(const struct screen *screen, enum ink ink) {
	return screen->colors < 256 && inks[ink].bold ? A_BOLD : A_NORMAL;
}

void screen_show(struct screen *screen, const struct grid *grid) {
	struct pollfd polled = {.fd = STDOUT_FILENO, .events = POLLOUT};
	if (poll(&polled, 1, 0) != 1 || !(polled.revents & POLLOUT)) return;
	erase();
	for (unsigned row = 0; row < grid->rows; row++) {
		for (unsigned column = 0; column < grid->columns; column++) {
			const struct grid_cell *cell = &grid->cells[(size_t)row * grid->columns + column];
			wchar_t text[2] = {(wchar_t)cell->code, 0};
			cchar_t shown;
			if (cell->code == ' ') continue;
			setcchar(&shown, text, screen_attributes(screen, cell->ink), screen->colors ? (short)(cell->ink + 1) : 0, NULL);
			mvadd_wch((int)row, (int)column, &shown);
		}
	}
	refresh();
}

int screen_key(struct screen *screen) {
	static const struct {
		wint_t code;
		int press;
	} presses[] = {{KEY_LEFT, PRESS_LEFT}, {KEY_RIGHT, PRESS_RIGHT}, {KEY_UP, PRESS_UP}, {KEY_DOWN, PRESS_DOWN}, {KEY_HOME, PRESS_HOME},
		{KEY_END, PRESS_END}, {KEY_PPAGE, PRESS_PAGE_UP}, {KEY_NPAGE, PRESS_PAGE_DOWN}};
	wint_t code;
	int kind = screen->in ? get_wch(&code) : ERR;
	if (kind == OK) return (int)code;
	if (kind != KEY_CODE_YES) return PRESS_NONE;
	for (size_t i = 0; i < sizeof(presses) / sizeof(*presses); i++) {
		if (presses[i].code == code) return presses[i].press;
	}
	return PRESS_NONE;
}

int screen_descriptor(const struct screen *screen) {
	return screen->in ? fileno(screen->in) : -1;
}
