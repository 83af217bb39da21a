#include "config/check.h"

#include <assert.h>
#include <inttypes.h>

#include "base/units.h"
#include "config/header.h"

/* Returns whether an option is in force: a BOOL that is true, anything else that was given. */
static bool is_on(const struct option_row *row, const struct settings *settings, const bool given[]) {
	if (row->kind == KIND_BOOL) return *(const bool *)((const char *)settings + row->at);
	return given[option_index(row)];
}

static bool check_conflicts(const struct option_row *row, enum option_command command, const bool given[], struct err *err) {
	const char *words = row->conflicts;
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		const struct option_row *other = option_by_name(word, command);
		assert(other);
		if (given[option_index(other)])
			return err_set(err, ERR_USAGE, "--%s and --%s exclude each other; give one of them", row->flag, other->flag);
	}
	return true;
}

bool check_pairs(enum option_command command, const struct settings *settings, const bool given[OPTION_COUNT], struct err *err) {
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i], *needed;
		if (!(row->commands & command)) continue;
		if (given[i] && !check_conflicts(row, command, given, err)) return false;
		if (!row->requires || !is_on(row, settings, given)) continue;
		needed = option_by_name(slice_of(row->requires), command);
		assert(needed);
		if (!is_on(needed, settings, given)) {
			return err_set(err, ERR_FAILED, "--%s needs --%s (%s); add --%s", row->flag, needed->flag, needed->help, needed->flag);
		}
	}
	return true;
}

static bool is_given(const char *flag, const bool given[]) {
	const struct option_row *row = option_by_name(slice_of(flag), COMMAND_RUN);
	assert(row);
	return given[option_index(row)];
}

static bool check_times(const struct load_settings *load, struct err *err) {
	char warmup[32], duration[32];
	if (load->warmup < load->duration) return true;
	return err_set(err, ERR_FAILED, "--warmup: %s leaves nothing of the --duration of %s; write a shorter warm-up or a longer duration",
		units_format_span(load->warmup, warmup, sizeof(warmup)), units_format_span(load->duration, duration, sizeof(duration)));
}

/* A User-Agent of the user's own choice hides what sends the load. */
static bool check_agent(const struct http_settings *http, struct err *err) {
	if (http->authorized) return true;
	for (size_t i = 0; i < http->headers.count; i++) {
		struct slice name, value;
		if (header_parse(slice_of(http->headers.at[i]), &name, &value) && slice_equal_nocase(name, SLICE("user-agent"))) {
			return err_set(err, ERR_FAILED,
				"--headers: another User-Agent needs permission to test this target; if you have it, add --authorized");
		}
	}
	return true;
}

/* Options that shape a rate say nothing about a closed loop: refused rather than ignored. */
static bool check_rate(const struct load_settings *load, const bool given[], struct err *err) {
	const char *idle = NULL;
	if (load->rate > 0) return true;
	for (size_t i = 0; i < load->stages.count; i++) {
		if (load->stages.at[i].target > 0) return true;
	}
	if (load->stages.count)
		return err_set(err, ERR_FAILED, "--stages: every rate is 0, nothing would be sent; write e.g. --stages 30s@500,1m@2000");
	if (is_given("arrival", given)) idle = "arrival";
	if (is_given("preconnect", given) && load->preconnect > 0) idle = "preconnect";
	if (load->spin == SPIN_ON) idle = "spin on";
	if (idle) return err_set(err, ERR_FAILED, "--%s needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000", idle);
	return true;
}

static bool check_tasks(const struct load_settings *load, bool spawns, struct err *err) {
	static const char text[] = "--%s: %" PRIu64 " is more than the --max-tasks of %" PRIu64 "; write at most as many";
	if (load->threads > load->max_tasks) return err_set(err, ERR_FAILED, text, "threads", load->threads, load->max_tasks);
	if (load->preconnect > 0 && spawns)
		return err_set(err, ERR_FAILED,
			"--preconnect opens connections before the start, --spawn-rate and --spawn-interval step by step; leave one out");
	if (load->preconnect > load->max_tasks) return err_set(err, ERR_FAILED, text, "preconnect", load->preconnect, load->max_tasks);
	return true;
}

bool check_run(const struct settings *settings, const bool given[OPTION_COUNT], struct err *err) {
	if (!settings->http.url) return err_set(err, ERR_FAILED, "no URL to load; write e.g. --url http://localhost:3000/");
	return check_times(&settings->load, err) && check_agent(&settings->http, err) && check_rate(&settings->load, given, err) &&
	       check_tasks(&settings->load, is_given("spawn-rate", given) || is_given("spawn-interval", given), err);
}
