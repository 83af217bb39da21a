#include "tui/bar.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

#define WORDS_MAX 64 /* bytes of a part */
#define CELLS 30
#define FEW_CELLS 10
#define NOTE " (last 10 s)"

#define CYAN "\033[36m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

/* What of the line is shown. */
struct shape {
	bool shown[BAR_PARTS];
	unsigned cells; /* of the bar; 0: none */
	bool note;
	unsigned width; /* columns used */
};

double bar_share(const struct bar_facts *facts) {
	double by_time = facts->duration > 0 ? (double)facts->elapsed / (double)facts->duration : 0;
	double by_requests = facts->requests > 0 ? (double)facts->done / (double)facts->requests : 0;
	double share = fmax(by_time, by_requests);
	return share > 1 ? 1 : share < 0 ? 0 : share;
}

static bool bar_follows_requests(const struct bar_facts *facts) {
	return facts->requests > 0 && (double)facts->done / (double)facts->requests > (double)facts->elapsed / (double)facts->duration;
}

/* Writes a length of time: tenths of seconds up to ten minutes, then minutes, then hours. `whole`: a limit, without a fraction it does not have. */
static void format_time(nsec time, bool whole, char *text, size_t size) {
	long long s = (long long)(time / SEC);
	double cut = floor((double)time / 1e8) / 10; /* tenths that are over */
	if (whole && time < 600 * SEC)
		snprintf(text, size, "%.6gs", (double)time / 1e9);
	else if (time < 600 * SEC)
		snprintf(text, size, "%.1fs", cut);
	else if (s < 3600)
		snprintf(text, size, "%lldm%02llds", s / 60, s % 60);
	else
		snprintf(text, size, "%lldh%02lldm%02llds", s / 3600, s / 60 % 60, s % 60);
}

static void format_rate(double rate, char *text, size_t size) {
	bool whole = rate >= 10000 || fabs(rate - round(rate)) < 1e-6;
	snprintf(text, size, "%.*f/s", whole ? 0 : 1, rate);
}

static void write_time(const struct bar_facts *facts, char text[WORDS_MAX]) {
	char elapsed[24], limit[24];
	format_time(facts->elapsed < facts->duration ? facts->elapsed : facts->duration, false, elapsed, sizeof(elapsed));
	format_time(facts->duration, true, limit, sizeof(limit));
	if (bar_follows_requests(facts))
		snprintf(text, WORDS_MAX, "%s, %llu of %llu", elapsed, (unsigned long long)facts->done, (unsigned long long)facts->requests);
	else
		snprintf(text, WORDS_MAX, "%s / %s", elapsed, limit);
}

static void write_rate(const struct bar_facts *facts, char text[WORDS_MAX]) {
	char asked[24];
	double sent = facts->recent.sent_per_s;
	snprintf(text, WORDS_MAX, "%.*f/s", sent >= 10000 ? 0 : 1, sent);
	if (!facts->open_loop) return;
	format_rate(facts->recent.asked_per_s, asked, sizeof(asked));
	size_t size = strlen(text);
	snprintf(text + size, WORDS_MAX - size, " of %s", asked);
}

static void write_tail(const struct bar_facts *facts, char text[WORDS_MAX]) {
	char time[32] = "-", name[8] = "max";
	if (facts->recent.count > 0) units_format_duration(facts->recent.time, time, sizeof(time));
	if (facts->recent.count == 0) snprintf(name, sizeof(name), "p99");
	if (facts->recent.count > 0 && facts->recent.quantile < 100) snprintf(name, sizeof(name), "p%u", facts->recent.quantile);
	snprintf(text, WORDS_MAX, "%s %s", name, time);
}

static void write_parts(const struct bar_facts *facts, char texts[BAR_PARTS][WORDS_MAX]) {
	snprintf(texts[BAR_PERCENT], WORDS_MAX, "%.1f%%", floor(bar_share(facts) * 1000 + 1e-6) / 10);
	write_time(facts, texts[BAR_TIME]);
	snprintf(texts[BAR_PHASE], WORDS_MAX, "%s", facts->phase);
	write_rate(facts, texts[BAR_RATE]);
	snprintf(texts[BAR_ERRORS], WORDS_MAX, "errors %llu", (unsigned long long)facts->errors);
	write_tail(facts, texts[BAR_TAIL]);
}

/* Takes `more` columns if the terminal has them. */
static bool shape_take(struct shape *shape, const struct bar *bar, unsigned more) {
	if (bar->columns > 0 && shape->width + more > bar->columns - 1) return false;
	shape->width += more;
	return true;
}

/* Gives room to the parts by their weight; the first one that finds none ends it. */
static struct shape shape_choose(const struct bar *bar, bool plain_phase) {
	static const enum bar_part always[] = {BAR_PERCENT, BAR_TIME, BAR_RATE, BAR_ERRORS, BAR_TAIL, BAR_PHASE};
	static const enum bar_part special[] = {BAR_PERCENT, BAR_TIME, BAR_PHASE, BAR_RATE, BAR_ERRORS, BAR_TAIL};
	const enum bar_part *order = plain_phase ? always : special;
	struct shape shape = {0};
	for (size_t i = 0; i < BAR_PARTS; i++) {
		enum bar_part part = order[i];
		unsigned between = part == BAR_PERCENT ? 0 : 3; /* " | " */
		if (!shape_take(&shape, bar, bar->widest[part] + between)) return shape;
		shape.shown[part] = true;
		if (part == BAR_PERCENT && bar->columns > 0 && shape_take(&shape, bar, FEW_CELLS + 3)) shape.cells = FEW_CELLS; /* "[] " */
	}
	for (unsigned step = 10; shape.cells > 0 && shape.cells < CELLS && shape_take(&shape, bar, step);) shape.cells += step;
	if (bar->columns == 0 || shape.cells == CELLS) shape.note = shape_take(&shape, bar, sizeof(NOTE) - 1);
	return shape;
}

static void add_colored(const struct bar *bar, const char *color, const char *text, struct buf *into) {
	if (bar->color && color) buf_add_text(into, color);
	buf_add_text(into, text);
	if (bar->color && color) buf_add_text(into, PLAIN);
}

static void add_bar(const struct bar *bar, unsigned cells, double share, struct buf *into) {
	char text[CELLS + 4];
	unsigned filled = (unsigned)(share * cells + 1e-6);
	text[0] = '[';
	memset(text + 1, '-', cells);
	memset(text + 1, '#', filled);
	memcpy(text + 1 + cells, "] ", 3);
	add_colored(bar, CYAN, text, into);
}

void bar_write(struct bar *bar, const struct bar_facts *facts, struct buf *into) {
	const char *const colors[BAR_PARTS] = {[BAR_PERCENT] = CYAN, [BAR_TIME] = YELLOW, [BAR_ERRORS] = facts->errors > 0 ? RED : NULL};
	char texts[BAR_PARTS][WORDS_MAX];
	bool begun = false;
	write_parts(facts, texts);
	for (size_t i = 0; i < BAR_PARTS; i++) {
		unsigned width = (unsigned)strlen(texts[i]);
		if (width > bar->widest[i]) bar->widest[i] = width;
	}
	struct shape shape = shape_choose(bar, facts->plain_phase);
	if (shape.cells > 0) add_bar(bar, shape.cells, bar_share(facts), into);
	for (size_t i = 0; i < BAR_PARTS; i++) {
		if (!shape.shown[i]) continue;
		if (begun) buf_add_text(into, " | ");
		add_colored(bar, colors[i], texts[i], into);
		begun = true;
	}
	if (shape.note) buf_add_text(into, NOTE);
}
