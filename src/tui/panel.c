#include "tui/panel.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

const struct panel panels[] = {
	{"Requests (run)", {.rows = 7, .columns = 26, .priority = 1}, ON(PAGE_ALL), figures_draw_requests},
	{"Response times", {.rows = 7, .columns = 33, .priority = 2}, ON(PAGE_ALL) | ON(PAGE_TIMES), figures_draw_times},
	{"Throughput (1s)", {.rows = 7, .columns = 21, .priority = 4}, ON(PAGE_ALL) | ON(PAGE_RATES), figures_draw_throughput},
	{"Failures (run)", {.rows = 5, .columns = 44, .priority = 5}, ON(PAGE_ALL) | ON(PAGE_TABLE) | ON(PAGE_RATES), figures_draw_reasons},
	{"Status codes (run)", {.rows = 5, .columns = 34, .priority = 9}, ON(PAGE_ALL) | ON(PAGE_RATES), figures_draw_classes},
	{"Response times by time", {.rows = 7, .columns = 40, .priority = 3, .grows = true}, ON(PAGE_ALL) | ON(PAGE_TIMES), course_draw_times},
	{"Requests per second", {.rows = 7, .columns = 40, .priority = 6, .grows = true}, ON(PAGE_ALL) | ON(PAGE_RATES), course_draw_rates},
	{"How many took how long", {.rows = 8, .columns = 40, .priority = 8, .grows = true}, ON(PAGE_ALL) | ON(PAGE_TIMES), course_draw_heat},
	{"Stages, steps, scenarios (run)", {.rows = 6, .columns = 40, .priority = 7, .grows = true}, ON(PAGE_ALL) | ON(PAGE_TABLE),
		figures_draw_table, true},
	{"In flight", {.rows = 9, .columns = 40, .priority = 10, .grows = true}, ON(PAGE_ALL) | ON(PAGE_RATES), course_draw_flight},
};
const size_t panel_count = sizeof(panels) / sizeof(*panels);

const char *panel_count_text(double count, char *text, unsigned size) {
	static const char letters[] = "kMGTPE";
	if (count < 9999.5) {
		bool whole = count >= 99.95 || fabs(count - round(count)) < 0.05;
		snprintf(text, size, "%.*f", whole ? 0 : 1, count);
		return text;
	}
	size_t letter = 0;
	count /= 1000;
	while (count >= 999.5 && letters[letter + 1]) {
		count /= 1000;
		letter++;
	}
	snprintf(text, size, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count, letters[letter]);
	return text;
}

const char *panel_time_text(nsec time, char *text, unsigned size) {
	if (time < 0)
		snprintf(text, size, "-");
	else if (time == 0)
		snprintf(text, size, "0");
	else
		units_format_duration(time, text, size);
	return text;
}
