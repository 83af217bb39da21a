#include "base/threshold.h"

#include <stdlib.h>

#include "base/stage.h"
#include "base/units.h"

#define DIGITS_MAX 8 /* of a percentile, after its point */

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static void skip(struct slice *text, size_t bytes) {
	text->at += bytes;
	text->size -= bytes;
}

static bool starts(struct slice text, struct slice word) {
	return text.size >= word.size && memcmp(text.at, word.at, word.size) == 0;
}

/* Cuts at the relation; false when there is none. */
static bool split(struct slice text, struct slice *ret_left, struct slice *ret_right, enum threshold_relation *ret) {
	size_t at = 0;
	while (at < text.size && text.at[at] != '<' && text.at[at] != '>') at++;
	if (at == text.size) return false;
	bool less = text.at[at] == '<', equal = at + 1 < text.size && text.at[at + 1] == '=';
	*ret_left = slice_trim((struct slice){text.at, at});
	skip(&text, at + 1 + equal);
	*ret_right = slice_trim(text);
	*ret = less ? (equal ? THRESHOLD_LESS_EQUAL : THRESHOLD_LESS) : equal ? THRESHOLD_MORE_EQUAL : THRESHOLD_MORE;
	return true;
}

/* Takes "stage.N." from the front of a name, if "stage" stands there. */
static enum threshold_fault take_stage(struct slice *name, unsigned *ret) {
	uint64_t stage;
	struct slice rest;
	*ret = 0;
	if (!starts(*name, SLICE("stage."))) return THRESHOLD_GOOD;
	skip(name, sizeof("stage.") - 1);
	struct slice number = slice_cut(*name, '.', &rest);
	if (number.size == 0 || !is_digit(number.at[0]) || !units_parse_count(number, &stage) || stage < 1 || stage > STAGE_MAX)
		return THRESHOLD_NO_STAGE;
	*ret = (unsigned)stage;
	*name = rest;
	return THRESHOLD_GOOD;
}

/* Returns where the metric begins at the end of a name that has a dot, e.g. "v1.login.p99.9": at its "p99.9". */
static size_t metric_start(struct slice name) {
	size_t start = name.size;
	while (start > 0 && name.at[start - 1] != '.') start--;
	if (start == 0 || start == name.size || !is_digit(name.at[start])) return start;
	size_t before = start - 1; /* perhaps the percentile's own point */
	while (before > 0 && name.at[before - 1] != '.') before--;
	return name.at[before] == 'p' && before + 1 < start - 1 && is_digit(name.at[before + 1]) ? before : start;
}

static enum threshold_fault parse_metric(struct slice name, struct threshold *ret);

/* Takes "step.NAME." from the front of a name, if "step" stands there. */
static enum threshold_fault take_step(struct slice *name, struct slice *ret) {
	struct threshold unused;
	*ret = (struct slice){0};
	if (!starts(*name, SLICE("step."))) return THRESHOLD_GOOD;
	skip(name, sizeof("step.") - 1);
	size_t start = metric_start(*name);
	if (start == 0) return parse_metric(*name, &unused) == THRESHOLD_GOOD ? THRESHOLD_NO_STEP : THRESHOLD_NO_METRIC;
	if (start == 1) return THRESHOLD_NO_STEP;
	*ret = (struct slice){name->at, start - 1};
	skip(name, start);
	return THRESHOLD_GOOD;
}

static bool take_iteration(struct slice *name) {
	if (!starts(*name, SLICE("iteration."))) return false;
	skip(name, sizeof("iteration.") - 1);
	return true;
}

/* Reads what follows the 'p' of a percentile, "99", "99.9" or "99_9", as 0.99 and 0.999. The decimal digits are moved, not divided:
 * the result is the number that a program would write down. */
static bool parse_quantile(struct slice digits, double *ret) {
	char text[2 + 2 + DIGITS_MAX + 1] = "0.";
	size_t whole = 0, used = 2;
	while (whole < digits.size && is_digit(digits.at[whole])) whole++;
	if (whole < 1 || whole > 2) return false;
	if (whole == 1) text[used++] = '0';
	for (size_t i = 0; i < whole; i++) text[used++] = digits.at[i];
	skip(&digits, whole);
	if (digits.size > 0) {
		if ((digits.at[0] != '.' && digits.at[0] != '_') || digits.size < 2 || digits.size > 1 + DIGITS_MAX) return false;
		for (size_t i = 1; i < digits.size; i++) {
			if (!is_digit(digits.at[i])) return false;
			text[used++] = digits.at[i];
		}
	}
	text[used] = 0;
	*ret = strtod(text, NULL);
	return *ret > 0;
}

static enum threshold_fault parse_metric(struct slice name, struct threshold *ret) {
	if (slice_equal(name, SLICE("max"))) {
		ret->metric = THRESHOLD_MAX;
	} else if (slice_equal(name, SLICE("errors"))) {
		ret->metric = THRESHOLD_ERRORS;
	} else if (slice_equal(name, SLICE("rps"))) {
		ret->metric = THRESHOLD_RPS;
	} else if (name.size > 1 && name.at[0] == 'p' && is_digit(name.at[1])) {
		ret->metric = THRESHOLD_QUANTILE;
		skip(&name, 1);
		if (!parse_quantile(name, &ret->quantile)) return THRESHOLD_NO_QUANTILE;
	} else {
		return THRESHOLD_NO_METRIC;
	}
	return THRESHOLD_GOOD;
}

static enum threshold_fault parse_time(struct slice text, struct threshold *ret) {
	nsec time;
	if (text.size == 0 || is_digit(text.at[text.size - 1]) || !units_parse_duration(text, &time)) return THRESHOLD_NO_TIME;
	ret->limit = (double)time;
	return THRESHOLD_GOOD;
}

/* Reads "0.7" as 0.007: as the decimal number says, where 0.7 / 100 would be a little less. */
static bool parse_percent(struct slice text, double *ret) {
	char copy[64];
	double percent;
	if (text.size + sizeof("e-2") > sizeof(copy) || !units_parse_real(text, &percent) || percent > 100) return false;
	*ret = percent / 100;
	if (memchr(text.at, 'e', text.size) || memchr(text.at, 'E', text.size)) return true;
	memcpy(copy, text.at, text.size);
	memcpy(copy + text.size, "e-2", sizeof("e-2"));
	*ret = strtod(copy, NULL);
	return true;
}

static enum threshold_fault parse_errors(struct slice text, struct threshold *ret) {
	uint64_t count;
	if (text.size > 0 && text.at[text.size - 1] == '%') {
		text.size--;
		ret->is_share = true;
		return parse_percent(slice_trim(text), &ret->limit) ? THRESHOLD_GOOD : THRESHOLD_NO_SHARE;
	}
	if (!units_parse_count(text, &count)) return THRESHOLD_NO_SHARE;
	ret->limit = (double)count;
	return THRESHOLD_GOOD;
}

static enum threshold_fault parse_limit(struct slice text, struct threshold *ret) {
	switch (ret->metric) {
	case THRESHOLD_QUANTILE:
	case THRESHOLD_MAX: return parse_time(text, ret);
	case THRESHOLD_ERRORS: return parse_errors(text, ret);
	case THRESHOLD_RPS: return units_parse_real(text, &ret->limit) ? THRESHOLD_GOOD : THRESHOLD_NO_NUMBER;
	}
	return THRESHOLD_NO_NUMBER;
}

enum threshold_fault threshold_parse(struct slice text, struct threshold *ret) {
	struct threshold read = {0};
	struct slice name, limit;
	if (!split(slice_trim(text), &name, &limit, &read.relation)) return THRESHOLD_NO_RELATION;
	enum threshold_fault fault = take_stage(&name, &read.stage);
	if (fault == THRESHOLD_GOOD && read.stage == 0) fault = take_step(&name, &read.step);
	if (fault == THRESHOLD_GOOD && read.stage == 0 && !read.step.at) read.is_iteration = take_iteration(&name);
	if (fault == THRESHOLD_GOOD) fault = parse_metric(name, &read);
	if (fault == THRESHOLD_GOOD) fault = parse_limit(limit, &read);
	if (fault == THRESHOLD_GOOD) *ret = read;
	return fault;
}

const char *threshold_fault_words(enum threshold_fault fault) {
	static const char *const words[] = {
		[THRESHOLD_GOOD] = "is fine",
		[THRESHOLD_NO_RELATION] = "has no <, <=, > or >=; write e.g. p99<250ms",
		[THRESHOLD_NO_METRIC] =
			"is about nothing that is measured; write p50, p99.9, max, errors or rps, alone or after stage.N., step.NAME. or iteration.",
		[THRESHOLD_NO_QUANTILE] = "has no percentile over p0 and below p100; write e.g. p99, p99.9 or, for the longest time, max",
		[THRESHOLD_NO_STAGE] = "has no number of a stage, from 1 to 256; write e.g. stage.2.p95<300ms",
		[THRESHOLD_NO_STEP] = "has no name of a step; write e.g. step.login.p95<400ms",
		[THRESHOLD_NO_TIME] = "has no time with its unit on the right; write e.g. p99<250ms",
		[THRESHOLD_NO_SHARE] = "has neither a share up to 100% nor a whole number on the right; write e.g. errors<1% or errors<10",
		[THRESHOLD_NO_NUMBER] = "has no number on the right; write e.g. rps>900",
	};
	return words[fault];
}
