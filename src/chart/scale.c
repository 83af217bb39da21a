#include "chart/scale.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"

/* The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `least`. */
static double round_step(double least) {
	static const double steps[] = {1, 2, 2.5, 5, 10};
	double power = pow(10, floor(log10(least)));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] * power >= least * (1 - 1e-9)) return steps[i] * power;
	return 10 * power;
}

const char *scale_format_count(double number, char *text, unsigned size) {
	static const struct {
		double from;
		const char *suffix;
	} steps[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (number < steps[i].from * 0.9995) continue;
		snprintf(text, size, "%.3g%s", number / steps[i].from, steps[i].suffix);
		return text;
	}
	snprintf(text, size, number < 1e-9 ? "0" : "%.3g", number);
	return text;
}

const char *scale_format_time(double time, char *text, unsigned size) {
	if (time <= 0)
		snprintf(text, size, "0");
	else if (time < 0.9995 * (double)MSEC)
		snprintf(text, size, "%.3g us", time / (double)USEC);
	else if (time < 0.9995 * (double)SEC)
		snprintf(text, size, "%.3g ms", time / (double)MSEC);
	else
		snprintf(text, size, "%.4g s", time / (double)SEC);
	return text;
}

static void mark_add(struct scale *scale, double at, enum scale_unit unit) {
	if (scale->count >= SCALE_MARKS) return;
	struct scale_mark *mark = &scale->marks[scale->count++];
	mark->at = at;
	switch (unit) {
	case SCALE_COUNT: scale_format_count(at, mark->text, sizeof(mark->text)); break;
	case SCALE_PER_CENT: snprintf(mark->text, sizeof(mark->text), "%.4g %%", at); break;
	case SCALE_TIME: scale_format_time(at, mark->text, sizeof(mark->text)); break;
	}
}

void scale_linear(double most, enum scale_unit unit, struct scale *ret) {
	if (!(most > 0)) most = 1;
	double step = round_step(most / 5);
	unsigned steps = (unsigned)ceil(most / step * (1 - 1e-9));
	*ret = (struct scale){.high = step * steps, .unit = ""};
	for (unsigned i = 0; i <= steps; i++) mark_add(ret, i * step, unit);
}

void scale_log(double least, double most, struct scale *ret) {
	static const double parts[] = {1, 2, 5};
	double first = floor(log10(least) + 1e-9), last = ceil(log10(most) - 1e-9);
	if (last <= first) last = first + 1;
	*ret = (struct scale){.low = pow(10, first), .high = pow(10, last), .is_log = true, .unit = ""};
	for (size_t i = 0; i < 3; i++) {
		if (pow(10, first) * parts[i] <= least * (1 + 1e-9)) ret->low = pow(10, first) * parts[i];
		if (pow(10, last - 1) * parts[2 - i] >= most * (1 - 1e-9) && last - 1 > first) ret->high = pow(10, last - 1) * parts[2 - i];
	}
	for (double power = first; power <= last; power++) {
		for (size_t i = 0; i < (last - first > 3 ? 1 : 3); i++) {
			double at = pow(10, power) * parts[i];
			if (at >= ret->low * (1 - 1e-9) && at <= ret->high * (1 + 1e-9)) mark_add(ret, at, SCALE_TIME);
		}
	}
}

/* Decimals that a multiple of `step` needs. */
static int decimals_of(double step) {
	int decimals = 0;
	for (; decimals < 9 && fabs(step - round(step)) > 1e-6; step *= 10) decimals++;
	return decimals;
}

/* Length of the unit in which a decimal axis counts. */
static double scale_unit_ns(const struct scale *scale) {
	return (double)(scale->unit[0] == 's' ? SEC : scale->unit[0] == 'm' ? MSEC : USEC);
}

/* `step` in the axis' unit; 0: in minutes or hours. */
static void elapsed_mark(struct scale *scale, double at, double step) {
	struct scale_mark *mark = &scale->marks[scale->count++];
	double seconds = at / (double)SEC;
	long long whole = (long long)(seconds + 0.5);
	mark->at = at;
	if (step > 0)
		snprintf(mark->text, sizeof(mark->text), "%.*f", decimals_of(step), at / scale_unit_ns(scale));
	else if (scale->unit[0] == 'm')
		snprintf(mark->text, sizeof(mark->text), "%lld:%02lld", whole / 60, whole % 60);
	else
		snprintf(mark->text, sizeof(mark->text), "%lld:%02lld", whole / 3600, whole / 60 % 60);
}

static void elapsed_decimal(double end, struct scale *ret) {
	double unit = scale_unit_ns(ret), step = round_step(end / unit / 12);
	for (unsigned i = 0; i * step <= end / unit * (1 + 1e-9) && ret->count < SCALE_MARKS; i++) elapsed_mark(ret, i * step * unit, step);
}

void scale_elapsed(double end, struct scale *ret) {
	static const double steps[] = {10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
	double seconds = end / (double)SEC, least = seconds / 12, step = steps[0];
	*ret = (struct scale){.high = end,
		.unit = seconds < 2e-4   ? "us"
			: seconds < 0.2  ? "ms"
			: seconds < 120  ? "s"
			: seconds < 7200 ? "m:ss"
					 : "h:mm"};
	if (seconds < 120) {
		elapsed_decimal(end, ret);
		return;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && step < least; i++) step = steps[i];
	if (step < least) step = 86400 * ceil(least / 86400);
	for (unsigned i = 0; i * step <= seconds * (1 + 1e-9) && ret->count < SCALE_MARKS; i++) elapsed_mark(ret, i * step * (double)SEC, 0);
}

double scale_place(const struct scale *scale, double value) {
	double place = 0;
	if (!scale->is_log)
		place = (value - scale->low) / (scale->high - scale->low);
	else if (value > scale->low)
		place = log(value / scale->low) / log(scale->high / scale->low);
	return place < 0 ? 0 : place > 1 ? 1 : place;
}
