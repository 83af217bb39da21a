#include "config/value.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "config/header.h"
#include "config/quote.h"

/* What a parser of one kind gets. */
struct value {
	const struct option_row *row;
	struct slice text;
	struct arena *arena;
	void *at; /* the field */
	struct err *err;
};

/* Fails with "--flag: 'text' <what>; <advice>"; advice NULL: an example. */
static bool refuse(const struct value *v, const char *what, const char *advice) {
	struct quote quote;
	return err_set(v->err, ERR_USAGE, "--%s: %s %s; %s", v->row->flag, quote_text(&quote, v->text), what,
		advice ? advice : value_advice(v->row, v->arena));
}

static bool refuse_limit(const struct value *v, const char *what, const char *limit, const char *limit_text) {
	return refuse(v, what, arena_format(v->arena, "write at %s %s", limit, limit_text));
}

/* Checks a number against the row's limits. */
static bool check_limits(const struct value *v, double number) {
	const char *format = v->row->kind == KIND_COUNT ? "%.0f" : "%.15g";
	char limit[32];
	if (v->row->max == 0) return true;
	snprintf(limit, sizeof(limit), format, number < v->row->min ? v->row->min : v->row->max);
	if (number < v->row->min) return refuse_limit(v, "is too small", "least", limit);
	if (number > v->row->max) return refuse_limit(v, "is too large", "most", limit);
	return true;
}

static bool parse_bool(const struct value *v) {
	bool on = slice_equal(v->text, SLICE("true"));
	if (!on && !slice_equal(v->text, SLICE("false"))) return refuse(v, "is not a truth value", "write true or false");
	*(bool *)v->at = on;
	return true;
}

static bool parse_count(const struct value *v) {
	uint64_t count;
	if (!units_parse_count(v->text, &count)) {
		size_t digits = 0;
		while (digits < v->text.size && v->text.at[digits] >= '0' && v->text.at[digits] <= '9') digits++;
		if (!digits || digits < v->text.size) return refuse(v, "is not a whole number", NULL);
		return check_limits(v, HUGE_VAL) && refuse(v, "is too large", NULL);
	}
	if (!check_limits(v, (double)count)) return false;
	*(uint64_t *)v->at = count;
	return true;
}

static bool parse_real(const struct value *v) {
	double real;
	if (!units_parse_real(v->text, &real)) {
		struct slice positive = {v->text.at + 1, v->text.size - 1};
		bool negative = v->text.size > 1 && v->text.at[0] == '-' && units_parse_real(positive, &real);
		return refuse(v, negative ? "is below 0" : "is not a number", NULL);
	}
	if (!check_limits(v, real)) return false;
	*(double *)v->at = real;
	return true;
}

/* Says what is wrong with a header that header_parse refuses. */
static bool refuse_header(const struct value *v) {
	struct slice rest;
	struct slice name = slice_trim(slice_cut(v->text, ':', &rest));
	const char *advice = "write e.g. --headers 'Accept: text/html'";
	if (!rest.at) return refuse(v, "has no colon", advice);
	if (name.size == 0) return refuse(v, "has no name before the colon", advice);
	if (!header_name_valid(name)) return refuse(v, "has a character in its name that HTTP does not allow", advice);
	return refuse(v, "has a control character in its value", advice);
}

/* Applies the row's check to a text. */
static bool check_text(const struct value *v) {
	struct slice name, value;
	nsec length, period;

	switch (v->row->check) {
	case CHECK_NONE: return true;
	case CHECK_HEADER: return header_parse(v->text, &name, &value) || refuse_header(v);
	case CHECK_HEADER_VALUE: return header_value_valid(v->text) || refuse(v, "has a control character", "leave it out");
	case CHECK_STALL:
		return units_parse_stall(v->text, &length, &period) ||
		       refuse(v, "is not TIME/PERIOD with a TIME over 0 and below PERIOD", "write e.g. --stall 200ms/1s");
	}
	return true;
}

static bool parse_text(const struct value *v) {
	if (!check_text(v)) return false;
	*(const char **)v->at = arena_copy(v->arena, v->text);
	return true;
}

static bool parse_list(const struct value *v) {
	struct text_list *list = v->at;
	if (!check_text(v)) return false;
	if ((list->count & (list->count - 1)) == 0) { /* full at every power of two (and at 0): double it */
		const char **at = arena_array(v->arena, list->count ? 2 * list->count : 1, sizeof(*at));
		if (list->count) memcpy(at, list->at, list->count * sizeof(*at));
		list->at = at;
	}
	list->at[list->count++] = arena_copy(v->arena, v->text);
	return true;
}

static bool parse_time(const struct value *v) {
	char limit[32];
	nsec time, min = (nsec)llround(v->row->min * 1e9), max = (nsec)llround(v->row->max * 1e9);

	if (!units_parse_duration(v->text, &time)) return refuse(v, "is not a duration", NULL);
	if (v->row->max > 0 && time < min) {
		if (time == 0) return refuse(v, "is no time at all", NULL);
		return refuse_limit(v, "is too short", "least", units_format_span(min, limit, sizeof(limit)));
	}
	if (v->row->max > 0 && time > max) return refuse_limit(v, "is too long", "most", units_format_span(max, limit, sizeof(limit)));
	*(nsec *)v->at = time;
	return true;
}

static bool parse_choice(const struct value *v) {
	const char *words = v->row->choices, *list = "";
	struct slice near;
	int index = 0;

	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words), index++) {
		if (slice_equal_nocase(word, v->text)) {
			*(int *)v->at = index;
			return true;
		}
		list = arena_format(v->arena, "%s%s%.*s", list, *list ? ", " : "", (int)word.size, word.at);
	}
	near = option_nearest_word(v->text, v->row->choices);
	if (near.size) return refuse(v, "is no choice", arena_format(v->arena, "did you mean '%.*s'? (one of %s)", (int)near.size, near.at, list));
	return refuse(v, "is no choice", arena_format(v->arena, "write one of %s", list));
}

static bool parse_status(const struct value *v) {
	if (status_set_parse(v->text, v->at)) return true;
	return refuse(v, "is not a set of status codes from 100 to 599", "write e.g. --status 200,204,3xx");
}

/* Fails with the number and the text of one stage; `part` is a part of the whole text. */
static bool refuse_stage(const struct value *v, struct slice part, const char *what) {
	struct quote quote;
	unsigned number = 1;
	for (const char *c = v->text.at; part.at && c < part.at; c++) number += *c == ',';
	if (number > STAGE_MAX) return err_set(v->err, ERR_USAGE, "--%s: too many stages; write at most %d", v->row->flag, STAGE_MAX);
	return err_set(v->err, ERR_USAGE, "--%s: stage %u, %s, %s; %s", v->row->flag, number, quote_text(&quote, part), what,
		value_advice(v->row, v->arena));
}

static bool parse_stages(const struct value *v) {
	const struct option_row *duration = option_by_name(SLICE("duration"), COMMAND_RUN);
	struct stage_list *list = arena_alloc(v->arena, sizeof(*list));
	struct slice bad, rest = v->text;

	if (!stage_list_parse(v->text, list, &bad)) return refuse_stage(v, bad, "is not TIME@RATE with a time over 0 and a rate up to 10000000");
	for (size_t i = 0; i < list->count; i++) {
		struct slice part = slice_cut(rest, ',', &rest);
		if ((double)list->at[i].duration > duration->max * 1e9) return refuse_stage(v, part, "is too long");
	}
	*(struct stage_list *)v->at = *list;
	return true;
}

static bool (*const parsers[])(const struct value *) = {
	[KIND_BOOL] = parse_bool,
	[KIND_COUNT] = parse_count,
	[KIND_REAL] = parse_real,
	[KIND_TEXT] = parse_text,
	[KIND_LIST] = parse_list,
	[KIND_TIME] = parse_time,
	[KIND_CHOICE] = parse_choice,
	[KIND_STATUS] = parse_status,
	[KIND_STAGES] = parse_stages,
};

bool value_parse(const struct option_row *row, const char *text, struct arena *arena, struct settings *settings, struct err *err) {
	struct value v = {.row = row, .text = slice_of(text), .arena = arena, .at = (char *)settings + row->at, .err = err};
	assert(text);
	return parsers[row->kind](&v);
}

void value_preset(struct arena *arena, struct settings *settings) {
	struct err err = {0};
	memset(settings, 0, sizeof(*settings));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		bool parsed = !option_rows[i].preset || value_parse(&option_rows[i], option_rows[i].preset, arena, settings, &err);
		assert(parsed);
	}
}

const char *value_unit(const struct option_row *row) {
	static const char *const units[] = {
		[KIND_BOOL] = NULL,
		[KIND_COUNT] = "N",
		[KIND_REAL] = "N",
		[KIND_TEXT] = "TEXT",
		[KIND_LIST] = "TEXT",
		[KIND_TIME] = "TIME",
		[KIND_CHOICE] = "CHOICE",
		[KIND_STATUS] = "SET",
		[KIND_STAGES] = "TIME@RATE,...",
	};
	return row->unit ? row->unit : units[row->kind];
}

const char *value_advice(const struct option_row *row, struct arena *arena) {
	static const char *const examples[] = {
		[KIND_BOOL] = "true",
		[KIND_COUNT] = "100",
		[KIND_REAL] = "100",
		[KIND_TEXT] = NULL,
		[KIND_LIST] = NULL,
		[KIND_TIME] = "10s",
		[KIND_CHOICE] = NULL,
		[KIND_STATUS] = "200,204,3xx",
		[KIND_STAGES] = "30s@500,1m@2000",
	};
	const char *example = row->preset ? row->preset : examples[row->kind], *unit = value_unit(row);
	if (example) return arena_format(arena, "write e.g. --%s %s", row->flag, example);
	if (strchr(unit, ' ')) return arena_format(arena, "write --%s '%s'", row->flag, unit);
	return arena_format(arena, "write --%s %s", row->flag, unit);
}
