#include "tui/screen.h"

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>
#undef columns /* a macro of term.h */

#include "base/arena.h"
#include "base/clock.h"
#include "tui/terminal.h"

#define WORDS_BYTES 256
#define TYPED_BYTES 64
#define SEND_BYTES 4096
#define PATIENCE (250 * MSEC)    /* with a terminal that takes nothing, when it is given back */
#define ESCAPE_WAIT (200 * MSEC) /* after that a lone escape is the key Esc */

/* Capabilities of a terminal, one behind the other. */
struct words {
	char text[WORDS_BYTES];
	size_t size;
};

struct screen {
	SCREEN *curses;
	FILE *drawn; /* what curses writes, a file in memory: a terminal that takes nothing would hold it up */
	off_t sent;  /* of it to the terminal */
	bool away;   /* the terminal is somebody else's now */
	bool ascii;
	int colors; /* 0: none */
	struct keys keys;
	char typed[TYPED_BYTES];
	size_t typed_at, typed_size;
	nsec typed_last; /* CLOCK_MONOTONIC */
};

/* What makes a screen of the terminal, and a terminal of the screen; a signal handler needs it. */
static struct words words_in, words_out;

/* Appends a capability of the terminal, without the delays ("$<5>") that only tputs knows; false: it has none. */
static bool words_add(struct words *words, const char *name) {
	const char *text = tigetstr((char *)(uintptr_t)name);
	if (!text || text == (const char *)-1) return false;
	while (*text && words->size < sizeof(words->text)) {
		const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;
		if (end)
			text = end + 1;
		else
			words->text[words->size++] = *text++;
	}
	return true;
}

static void screen_find_words(void) {
	words_in.size = words_out.size = 0;
	words_add(&words_in, "smcup");
	words_add(&words_in, "civis");
	words_add(&words_out, "sgr0");
	words_add(&words_out, "cnorm");
	if (!words_add(&words_out, "rmcup")) words_add(&words_out, "clear"); /* there is but one screen */
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

/* Returns whether the locale encodes braille as UTF-8 does. */
static bool screen_speaks_utf8(void) {
	char bytes[MB_LEN_MAX];
	return wctomb(bytes, L'\u2800') == 3 && memcmp(bytes, "\xe2\xa0\x80", 3) == 0;
}

/* Starts curses, which only draws: it gets no keys, no signals and no terminal. */
static bool screen_start_curses(struct screen *screen) {
	static const int caught[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
	struct sigaction before[sizeof(caught) / sizeof(*caught)];
	int file = memfd_create("drawn", MFD_CLOEXEC);
	screen->drawn = file < 0 ? NULL : fdopen(file, "w");
	if (!screen->drawn) {
		if (file >= 0) close(file);
		return false;
	}
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) sigaction(caught[i], NULL, &before[i]);
	screen->curses = newterm(NULL, screen->drawn, stdin);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) sigaction(caught[i], &before[i], NULL);
	if (!screen->curses) return false;
	typeahead(-1);
	nonl();
	leaveok(stdscr, TRUE);
	return true;
}

/* Makes a screen of the terminal, with nothing on it. */
static void screen_appear(struct screen *screen) {
	terminal_take(words_out.text, words_out.size);
	fseeko(screen->drawn, 0, SEEK_SET);
	screen->sent = 0;
	if (write(fileno(screen->drawn), words_in.text, words_in.size) < 0) return; /* to memory */
	clearok(stdscr, TRUE);
	screen->away = false;
}

static bool screen_refuse(struct err *err, const char *name) {
	if (!name || !*name) return err_set(err, ERR_FAILED, "TERM is not set, so the terminal cannot be drawn on; write --no-tui");
	return err_set(err, ERR_FAILED, "the terminal '%s' (TERM) cannot be drawn on; write --no-tui", name);
}

struct screen *screen_enter(bool color, struct err *err) {
	const char *name = getenv("TERM");
	int found = 0;
	if (!name || !*name || setupterm(NULL, STDOUT_FILENO, &found) != OK || !tigetstr((char *)(uintptr_t) "cup")) {
		screen_refuse(err, name);
		return NULL;
	}
	screen_find_words();
	del_curterm(cur_term); /* newterm reads it anew */
	if (!terminal_open(err)) return NULL;
	struct screen *screen = mem_zeroed(1, sizeof(*screen));
	screen->away = true;
	setlocale(LC_CTYPE, "");
	screen->ascii = !screen_speaks_utf8();
	if (!screen_start_curses(screen)) {
		screen_refuse(err, name);
		screen_leave(screen);
		return NULL;
	}
	screen_start_colors(screen, color);
	refresh(); /* what curses begins with is not sent: screen_appear begins anew */
	screen_appear(screen);
	return screen;
}

/* Gives the terminal back. One that has stopped taking output must not hold up what is said behind the screen either: the rest of it is thrown away. */
static void screen_give_back(struct screen *screen) {
	nsec end = clock_now() + PATIENCE;
	if (screen->away) return;
	while (!screen_send(screen) && clock_now() < end) terminal_wait();
	if (!screen_send(screen)) terminal_drop();
	screen->away = true;
	terminal_give_back();
}

void screen_leave(struct screen *screen) {
	if (!screen) return;
	screen_give_back(screen);
	terminal_finish();
	terminal_close();
	if (screen->curses) {
		endwin();
		delscreen(screen->curses);
	}
	if (screen->drawn) fclose(screen->drawn);
	free(screen);
}

bool screen_said(const struct screen *screen, char *text, size_t size) {
	(void)screen;
	return terminal_said(text, size);
}

/* ---- while somebody else has the terminal ---- */

void screen_stop(struct screen *screen) {
	sigset_t set, before;
	if (screen) screen_give_back(screen);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	kill(getpid(), SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, &before); /* here all of the process stands still */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void screen_continue(struct screen *screen) {
	if (!screen || screen->away) return;
	if (terminal_is_ours()) {
		screen_appear(screen);
		return;
	}
	screen->away = true;
	terminal_lose();
}

bool screen_is_away(const struct screen *screen) {
	return screen->away;
}

bool screen_return(struct screen *screen) {
	if (screen->away && terminal_is_ours()) screen_appear(screen);
	return !screen->away;
}

/* ---- drawing ---- */

void screen_fit(struct screen *screen, struct grid *grid) {
	struct winsize size;
	unsigned rows = (unsigned)LINES, columns = (unsigned)COLS;
	if (ioctl(terminal_descriptor(), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
		rows = size.ws_row < GRID_ROWS ? size.ws_row : GRID_ROWS;
		columns = size.ws_col < GRID_COLUMNS ? size.ws_col : GRID_COLUMNS;
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

bool screen_send(struct screen *screen) {
	char bytes[SEND_BYTES];
	int file = fileno(screen->drawn);
	off_t end = lseek(file, 0, SEEK_CUR);
	if (screen->away) return false;
	while (screen->sent < end) {
		off_t left = end - screen->sent;
		ssize_t got = pread(file, bytes, left < (off_t)sizeof(bytes) ? (size_t)left : sizeof(bytes), screen->sent);
		if (got <= 0) break;
		size_t taken = terminal_write(bytes, (size_t)got);
		screen->sent += (off_t)taken;
		if (taken < (size_t)got) return false;
	}
	screen->sent = 0;
	return lseek(file, 0, SEEK_SET) == 0;
}

void screen_show(struct screen *screen, const struct grid *grid) {
	if (!screen_send(screen)) return;
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
	screen_send(screen);
}

/* Returns the next byte that was typed; -1: none is there. */
static int screen_byte(struct screen *screen) {
	if (screen->typed_at == screen->typed_size) {
		screen->typed_at = 0;
		screen->typed_size = screen->away ? 0 : terminal_read(screen->typed, sizeof(screen->typed));
		if (screen->typed_size == 0) return -1;
		screen->typed_last = clock_now();
	}
	return (unsigned char)screen->typed[screen->typed_at++];
}

int screen_key(struct screen *screen) {
	nsec before = clock_now(); /* what came since is looked at first, however long that took */
	int byte;
	while ((byte = screen_byte(screen)) >= 0) { /* it ends: a terminal takes in 4 KB at most before somebody types on */
		int key = keys_take(&screen->keys, (unsigned char)byte);
		if (key != PRESS_NONE) return key;
	}
	if (keys_wait(&screen->keys) && before - screen->typed_last >= ESCAPE_WAIT) return keys_rest(&screen->keys);
	return PRESS_NONE;
}

int screen_descriptor(const struct screen *screen) {
	return screen->away ? -1 : terminal_descriptor();
}
