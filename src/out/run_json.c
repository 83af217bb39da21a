#include "out/run_json.h"

#include <stdio.h>
#include <time.h>

#include "base/label.h"

const char *const run_json_causes[RUN_JSON_CAUSES] = {
	[STOP_DURATION] = "duration",
	[STOP_REQUESTS] = "requests",
	[STOP_SIGNAL] = "signal",
	[STOP_UNREACHABLE] = "unreachable",
	[STOP_THRESHOLD] = "threshold",
	[STOP_DATA] = "data",
};

void run_json_put_moment(struct json *object, const char *key, int64_t unix_ns) {
	time_t seconds = (time_t)(unix_ns / SEC);
	struct tm utc;
	char day[32], text[40];
	gmtime_r(&seconds, &utc);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(unix_ns % SEC / MSEC));
	json_put_text(object, key, unix_ns > 0 ? text : NULL);
}

void run_json_put_labels(struct json *object, const struct run_info *run) {
	struct json *labels = json_put_object(object, "labels");
	for (size_t i = 0; i < run->label_count; i++) {
		struct label label;
		char name[LABEL_NAME_MAX + 1];
		if (!label_parse(slice_of(run->labels[i]), &label)) continue;
		snprintf(name, sizeof(name), "%.*s", (int)label.name.size, label.name.at);
		json_put_text(labels, name, label.value.at); /* the value ends with the text */
	}
}
