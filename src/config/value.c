#include "config/value.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/threshold.h"
#include "base/units.h"
#include "config/env.h"
#include "config/header.h"
#include "config/protocol.h"
#include "config/quote.h"
#include "config/secret.h"
#include "config/text_rule.h"
#include "http/form.h"

/* What a parser of one kind gets. */
struct value {
	const struct option_row *row;
	const struct value_input *input;
	struct slice text;
	struct arena *arena;
	void *at; /* the field */
	struct err *err;
};

/* Returns what a refusal begins with. */
static const char *name_of(const struct value *v) {
	return v->input->syntax == VALUE_COMMAND ? arena_format(v->arena, "--%s", v->row->flag) : v->input->path;
}

/* Returns advice that shows this example; NULL: one made from the row. */
static const char *advise(const struct value *v, const char *example) {
	const char *own = value_example(v->row);
	if (example || own) return arena_format(v->arena, "write e.g. %s", value_show(v->row, example ? example : own, v->input));
	return arena_format(v->arena, "write %s", value_show(v->row, value_unit(v->row), v->input));
}

/* Returns whether the text has the values of variables in it. */
static bool is_filled(const struct value *v) {
	return v->input->shown && env_is_in(slice_of(v->input->shown));
}

/* Fails with "--flag: 'text' <what>; <advice>"; advice NULL: an example. Of a secret no more than its variables is quoted. */
static bool refuse(const struct value *v, const char *what, const char *advice) {
	struct quote quote;
	const char *written = v->input->shown, *subject = "the value";
	if (!v->row->secret)
		subject = quote_text(&quote, written ? slice_of(written) : v->text);
	else if (is_filled(v))
		subject = quote_text(&quote, slice_of(secret_show_text(written, v->arena)));
	return err_set(v->err, ERR_USAGE, "%s: %s %s; %s", name_of(v), subject, what, advice ? advice : advise(v, NULL));
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
		size_t begin = v->text.size > 0 && v->text.at[0] == '-', digits = begin;
		while (digits < v->text.size && v->text.at[digits] >= '0' && v->text.at[digits] <= '9') digits++;
		if (digits == begin || digits < v->text.size) return refuse(v, "is not a whole number", NULL);
		return check_limits(v, begin ? -1 : HUGE_VAL) && refuse(v, begin ? "is below 0" : "is too large", NULL);
	}
	bool over = v->row->max > 0 && count > (uint64_t)v->row->max; /* a double would round 10^18 + 1 down */
	if (!check_limits(v, over ? HUGE_VAL : (double)count)) return false;
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

/* Fails with "--headers: 'text' <what>; <advice>", where the text is what may be seen of it; else with its number. */
static bool refuse_as_header(const struct value *v, const char *what) {
	struct quote quote;
	const struct text_list *list = v->at;
	const char *text = arena_copy(v->arena, v->text), *written = v->input->shown, *subject = "the header";
	const char *shown = secret_quote_header(text, is_filled(v) ? written : NULL, v->arena);
	if (shown)
		subject = quote_text(&quote, slice_of(shown));
	else if (v->input->syntax == VALUE_COMMAND) /* a file's has its number in the path */
		subject = arena_format(v->arena, "header %zu", list->count + 1);
	return err_set(v->err, ERR_USAGE, "%s: %s %s; %s", name_of(v), subject, what, advise(v, "Accept: text/html"));
}

/* Says what is wrong with a header that header_parse refuses. */
static bool refuse_header(const struct value *v) {
	struct slice rest;
	struct slice name = slice_trim(slice_cut(v->text, ':', &rest));
	if (!rest.at) return refuse_as_header(v, "has no colon");
	if (name.size == 0) return refuse_as_header(v, "has no name before the colon");
	if (!header_name_valid(name)) return refuse_as_header(v, "has a character in its name that HTTP does not allow");
	return refuse_as_header(v, "has a control character in its value");
}

static bool check_alpn(const struct value *v) {
	static const char advice[] = "write h2 or http/1.1";
	if (!slice_trim(v->text).size || protocol_name(v->text)) return true;
	if (protocol_is_later(v->text)) return refuse(v, "comes with a later version of strest", advice);
	return refuse(v, "is no protocol of HTTP", advice);
}

static bool check_threshold(const struct value *v) {
	struct threshold threshold;
	enum threshold_fault fault = threshold_parse(v->text, &threshold);
	const char *words = threshold_fault_words(fault), *advice = strstr(words, "; ");
	if (fault == THRESHOLD_GOOD) return true;
	if (!advice) return refuse(v, words, NULL);
	return refuse(v, arena_copy(v->arena, (struct slice){words, (size_t)(advice - words)}), advice + 2);
}

/* The form has its own sentences, which quote the text. */
static bool check_form(const struct value *v) {
	struct form_field field;
	struct err err = {0};
	if (form_parse(v->text, v->arena, &field, &err)) return true;
	if (is_filled(v)) return refuse(v, "is no field of a form with what its variables hold", "write NAME=VALUE or NAME=@FILE");
	return err_set(v->err, ERR_USAGE, "%s: %s", name_of(v), err.text);
}

static bool check_value(const struct value *v) {
	if (v->row->secret && !v->text.size) return refuse(v, "is empty", NULL);
	return header_value_valid(v->text) || refuse(v, "has a control character", "leave it out");
}

static bool check_rule(const struct value *v) {
	struct text_fault fault;
	if (text_rule_check(v->row->check, v->text, is_filled(v), v->arena, &fault)) return true;
	return refuse(v, fault.what, fault.advice ? fault.advice : advise(v, fault.example));
}

/* Applies the row's check to a text. */
static bool check_text(const struct value *v) {
	struct slice name, value;
	nsec length, period;

	switch (v->row->check) {
	case CHECK_NONE: return true;
	case CHECK_HEADER: return header_parse(v->text, &name, &value) || refuse_header(v);
	case CHECK_HEADER_VALUE: return check_value(v);
	case CHECK_BEARER:
		return check_value(v) &&
		       (!memchr(v->text.at, ' ', v->text.size) || refuse(v, "has a blank", "write the token alone, without 'Bearer'"));
	case CHECK_FORM: return check_form(v);
	case CHECK_BASIC:
	case CHECK_CONNECT_TO:
	case CHECK_LABEL:
	case CHECK_RANGE:
	case CHECK_BOUND:
	case CHECK_FOLDER:
	case CHECK_LISTEN:
	case CHECK_HTTP_VERSION:
	case CHECK_BIND: return check_rule(v);
	case CHECK_ALPN: return check_alpn(v);
	case CHECK_THRESHOLD: return check_threshold(v);
	case CHECK_STALL:
		return units_parse_stall(v->text, &length, &period) ||
		       refuse(v, "is not TIME/PERIOD with a TIME over 0 and below PERIOD", advise(v, "200ms/1s"));
	}
	return true;
}

/* Returns a threshold without blanks, but for those in the name of its step. */
static const char *threshold_text(const struct value *v) {
	struct threshold threshold;
	char *text = arena_copy(v->arena, v->text), *to = text;
	if (threshold_parse(slice_of(text), &threshold) != THRESHOLD_GOOD) return text;
	const char *name = threshold.step.at, *end = name ? name + threshold.step.size : NULL;
	for (const char *from = text; *from; from++) {
		if ((*from != ' ' && *from != '\t') || (name && from >= name && from < end)) *to++ = *from;
	}
	*to = 0;
	return text;
}

/* Returns the text of a list as the rest of the program wants it: one name a protocol, a threshold without blanks around its parts. */
static const char *list_text(const struct value *v) {
	if (v->row->check == CHECK_ALPN) return protocol_name(v->text);
	if (v->row->check == CHECK_THRESHOLD) return threshold_text(v);
	return arena_copy(v->arena, v->text);
}

static bool parse_text(const struct value *v) {
	if (!check_text(v)) return false;
	*(const char **)v->at = arena_copy(v->arena, v->text);
	return true;
}

static bool parse_list(const struct value *v) {
	struct text_list *list = v->at;
	if (!check_text(v)) return false;
	if (v->row->check == CHECK_ALPN && !slice_trim(v->text).size) return true;
	if ((list->count & (list->count - 1)) == 0) { /* full at every power of two (and at 0): double it */
		const char **at = arena_array(v->arena, list->count ? 2 * list->count : 1, sizeof(*at));
		if (list->count) memcpy(at, list->at, list->count * sizeof(*at));
		list->at = at;
	}
	list->at[list->count++] = list_text(v);
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
	return refuse(v, "is not a set of status codes from 100 to 599", advise(v, "200,204,3xx"));
}

/* Fails with the number and the text of one stage; `part` is a part of the whole text. */
static bool refuse_stage(const struct value *v, struct slice part, const char *what) {
	struct quote quote;
	unsigned number = 1;
	for (const char *c = v->text.at; part.at && c < part.at; c++) number += *c == ',';
	if (number > STAGE_MAX) return err_set(v->err, ERR_USAGE, "%s: too many stages; write at most %d", name_of(v), STAGE_MAX);
	return err_set(v->err, ERR_USAGE, "%s: stage %u, %s, %s; %s", name_of(v), number, quote_text(&quote, part), what, advise(v, NULL));
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

/* 1.2, tls1.2, v1.2 or TLSv1.2; tls1 is 1.0. */
static bool parse_tls(const struct value *v) {
	static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
	struct slice text = slice_trim(v->text);
	bool named = text.size > 3 && slice_equal_nocase((struct slice){text.at, 3}, SLICE("tls"));
	if (named) text = (struct slice){text.at + 3, text.size - 3};
	if (text.size > 1 && (text.at[0] == 'v' || text.at[0] == 'V')) text = (struct slice){text.at + 1, text.size - 1};
	if (named && slice_equal(text, SLICE("1"))) text = SLICE("1.0");
	for (size_t i = 0; i < LENGTH(versions); i++) {
		if (!slice_equal(text, slice_of(versions[i]))) continue;
		*(int *)v->at = TLS_VERSION_1_0 + (int)i;
		return true;
	}
	return refuse(v, "is no version of TLS", "write 1.0, 1.1, 1.2 or 1.3");
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
	[KIND_TLS] = parse_tls,
};

bool value_read(const struct option_row *row, const struct value_input *input, struct settings *settings, struct err *err) {
	struct value v = {
		.row = row, .input = input, .text = slice_of(input->text), .arena = input->arena, .at = (char *)settings + row->at, .err = err};
	assert(input->text && (input->syntax == VALUE_COMMAND || (input->path && input->key)));
	return parsers[row->kind](&v);
}

bool value_parse(const struct option_row *row, const char *text, struct arena *arena, struct settings *settings, struct err *err) {
	return value_read(row, &(struct value_input){.text = text, .syntax = VALUE_COMMAND, .arena = arena}, settings, err);
}

void value_copy(const struct option_row *row, struct settings *to, const struct settings *from) {
	static const size_t sizes[] = {
		[KIND_BOOL] = sizeof(bool),
		[KIND_COUNT] = sizeof(uint64_t),
		[KIND_REAL] = sizeof(double),
		[KIND_TEXT] = sizeof(const char *),
		[KIND_LIST] = sizeof(struct text_list),
		[KIND_TIME] = sizeof(nsec),
		[KIND_CHOICE] = sizeof(int),
		[KIND_STATUS] = sizeof(struct status_set),
		[KIND_STAGES] = sizeof(struct stage_list),
		[KIND_TLS] = sizeof(int),
	};
	memcpy((char *)to + row->at, (const char *)from + row->at, sizes[row->kind]);
}

bool value_is_off(const struct option_row *row, const struct settings *settings) {
	const void *at = (const char *)settings + row->at;
	if (row->kind == KIND_LIST) return ((const struct text_list *)at)->count == 0;
	return row->kind == KIND_BOOL && !*(const bool *)at;
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
		[KIND_TLS] = "VERSION",
	};
	return row->unit ? row->unit : units[row->kind];
}

const char *value_example(const struct option_row *row) {
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
		[KIND_TLS] = "1.2",
	};
	return row->preset ? row->preset : examples[row->kind];
}

/* Returns the example as a literal of TOML or JSON. */
static const char *show_literal(const struct option_row *row, const char *example, struct arena *arena) {
	bool bare = row->kind == KIND_BOOL || row->kind == KIND_COUNT || row->kind == KIND_REAL;
	const char *list = row->kind == KIND_LIST ? "[]" : "";
	if (bare) return example;
	return arena_format(arena, "%.1s\"%s\"%s", list, example, *list ? list + 1 : "");
}

const char *value_show(const struct option_row *row, const char *example, const struct value_input *how) {
	const char *quote = strchr(example, ' ') ? "'" : "";
	if (how->syntax == VALUE_COMMAND) return arena_format(how->arena, "--%s %s%s%s", row->flag, quote, example, quote);
	return arena_format(how->arena, how->syntax == VALUE_TOML ? "%s = %s" : "\"%s\": %s", how->key, show_literal(row, example, how->arena));
}

const char *value_advice(const struct option_row *row, struct arena *arena) {
	struct value_input input = {.syntax = VALUE_COMMAND, .arena = arena};
	const char *example = value_example(row);
	if (example) return arena_format(arena, "write e.g. %s", value_show(row, example, &input));
	return arena_format(arena, "write %s", value_show(row, value_unit(row), &input));
}
