#include "config/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/threshold.h"
#include "base/units.h"
#include "config/header.h"
#include "config/quote.h"
#include "config/secret.h"
#include "http/url.h"

/* One rule being looked at. */
struct rule {
	const struct check *check;
	const struct settings *settings;
	struct check_fault *fault;
};

static const struct option_row *row_of(const struct rule *r, const char *flag) {
	const struct option_row *row = option_by_name(slice_of(flag), r->check->command);
	assert(row);
	return row;
}

static const struct origin *origin_of(const struct rule *r, const char *flag) {
	return &r->check->origins->rows[option_index(row_of(r, flag))];
}

static bool is_given(const struct rule *r, const char *flag) {
	return origin_of(r, flag)->kind != ORIGIN_PRESET;
}

/* Returns an option's name as its user wrote it: a key of the file, or a flag. */
static const char *name_of(const struct rule *r, const char *flag) {
	const struct origin *origin = origin_of(r, flag);
	return origin->kind == ORIGIN_FILE ? origin->name : arena_format(r->check->arena, "--%s", flag);
}

/* Returns how to set `flag` where `subject` was set: "--rate 100", "rate = 100". */
static const char *show(const struct rule *r, const char *subject, const char *flag, const char *value) {
	const struct option_row *row = row_of(r, flag);
	bool file = origin_of(r, subject)->kind == ORIGIN_FILE && row->key;
	struct value_input how = {.syntax = file ? r->check->origins->syntax : VALUE_COMMAND, .key = row->key, .arena = r->check->arena};
	if (!file && row->kind == KIND_BOOL) return arena_format(r->check->arena, "--%s", flag);
	return value_show(row, value, &how);
}

/* Returns the name of another option beside `subject`: one that nobody gave is named in the subject's way. */
static const char *other_of(const struct rule *r, const char *subject, const char *flag) {
	const struct option_row *row = row_of(r, flag);
	if (origin_of(r, subject)->kind == ORIGIN_FILE && !is_given(r, flag) && row->key) return row->key;
	return name_of(r, flag);
}

/* Makes the fault stand where `subject` was given; in a list, where its value `item` was. Returns false. */
static bool place(const struct rule *r, const char *subject, size_t item) {
	const struct origin *origin = origin_of(r, subject);
	r->fault->at = origin->kind != ORIGIN_FILE ? (struct tree_place){0, 0} : origin->items ? origin->items[item] : origin->at;
	return false;
}

#define BROKEN(subject, ...) (err_set(&r->fault->err, ERR_FAILED, __VA_ARGS__), place(r, subject, 0))

/* Returns whether an option is in force: a BOOL that is true, anything else that was given. */
static bool is_on(const struct rule *r, const char *flag) {
	const struct option_row *row = row_of(r, flag);
	if (row->kind == KIND_BOOL) return *(const bool *)((const char *)r->settings + row->at);
	return is_given(r, flag);
}

bool check_conflicts(const struct check *check, struct err *err) {
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *words = option_rows[i].conflicts;
		if (!(option_rows[i].commands & check->command) || check->origins->rows[i].kind != ORIGIN_COMMAND) continue;
		for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
			const struct option_row *other = option_by_name(word, check->command);
			assert(other);
			if (value_is_off(&option_rows[i], check->settings) || value_is_off(other, check->settings)) continue;
			if (check->origins->rows[option_index(other)].kind == ORIGIN_COMMAND)
				return err_set(
					err, ERR_USAGE, "--%s and --%s exclude each other; give one of them", option_rows[i].flag, other->flag);
		}
	}
	return true;
}

static bool check_requires(const struct rule *r, const struct option_row *row) {
	const struct option_row *needed;
	const char *name, *other, *how;
	if (!(row->commands & r->check->command) || !row->requires || !is_on(r, row->flag)) return true;
	needed = row_of(r, row->requires);
	if (is_on(r, needed->flag)) return true;
	name = name_of(r, row->flag);
	other = other_of(r, row->flag, needed->flag);
	how = origin_of(r, row->flag)->kind == ORIGIN_FILE ? show(r, row->flag, needed->flag, needed->kind == KIND_BOOL ? "true" : value_unit(needed))
							   : arena_format(r->check->arena, "--%s", needed->flag);
	return BROKEN(row->flag, "%s needs %s (%s); add %s", name, other, needed->help, how);
}

static bool check_url(const struct rule *r) {
	struct url url;
	const char *text = r->settings->http.url, *const *written = origin_of(r, "url")->written;
	if (!text ||
		url_parse_shown(text, secret_show_url(text, written ? written[0] : NULL, r->check->arena), r->check->arena, &url, &r->fault->err))
		return true;
	err_add(&r->fault->err, "%s", name_of(r, "url"));
	return place(r, "url", 0);
}

static bool check_times(const struct rule *r) {
	const struct load_settings *load = &r->settings->load;
	char warmup[32], duration[32];
	if (load->warmup < load->duration) return true;
	const char *subject = is_given(r, "warmup") ? "warmup" : "duration";
	return BROKEN(subject, "%s: %s leaves nothing of the %s of %s; write a shorter warm-up or a longer duration", name_of(r, "warmup"),
		units_format_span(load->warmup, warmup, sizeof(warmup)), other_of(r, "warmup", "duration"),
		units_format_span(load->duration, duration, sizeof(duration)));
}

/* A User-Agent of the user's own choice hides what sends the load. */
static bool check_agent(const struct rule *r) {
	const struct http_settings *http = &r->settings->http;
	if (http->authorized) return true;
	for (size_t i = 0; i < http->headers.count; i++) {
		struct slice name, value;
		if (!header_parse(slice_of(http->headers.at[i]), &name, &value) || !slice_equal_nocase(name, SLICE("user-agent"))) continue;
		err_set(&r->fault->err, ERR_FAILED, "%s: another User-Agent needs permission to test this target; if you have it, add %s",
			name_of(r, "headers"), show(r, "headers", "authorized", "true"));
		return place(r, "headers", i);
	}
	return true;
}

/* Options that shape a rate say nothing about a closed loop: refused rather than ignored. */
static bool check_rate(const struct rule *r) {
	const struct load_settings *load = &r->settings->load;
	const char *idle = NULL, *value = "";
	if (load->rate > 0) return true;
	for (size_t i = 0; i < load->stages.count; i++) {
		if (load->stages.at[i].target > 0) return true;
	}
	if (load->stages.count && origin_of(r, "stages")->kind == ORIGIN_FILE)
		return BROKEN("stages", "%s: every rate is 0, nothing would be sent; write one over 0", name_of(r, "stages"));
	if (load->stages.count) return BROKEN("stages", "--stages: every rate is 0, nothing would be sent; write e.g. --stages 30s@500,1m@2000");
	if (is_given(r, "arrival")) idle = "arrival";
	if (is_given(r, "preconnect") && load->preconnect > 0) idle = "preconnect";
	if (load->spin == SPIN_ON) {
		idle = "spin";
		value = " on";
	}
	if (!idle) return true;
	if (origin_of(r, idle)->kind == ORIGIN_FILE)
		return BROKEN(idle, "%s%s needs a rate; add e.g. %s", name_of(r, idle), value, show(r, idle, "rate", "100"));
	return BROKEN(idle, "--%s%s needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000", idle, value);
}

static bool check_most(const struct rule *r, const char *flag, uint64_t number) {
	if (number <= r->settings->load.max_tasks) return true;
	return BROKEN(flag, "%s: %" PRIu64 " is more than the %s of %" PRIu64 "; write at most as many", name_of(r, flag), number,
		other_of(r, flag, "max-tasks"), r->settings->load.max_tasks);
}

static bool check_tasks(const struct rule *r) {
	const struct load_settings *load = &r->settings->load;
	bool spawns = is_given(r, "spawn-rate") || is_given(r, "spawn-interval");
	if (!check_most(r, "threads", load->threads)) return false;
	if (load->preconnect > 0 && spawns) {
		return BROKEN("preconnect", "%s opens connections before the start, %s and %s step by step; leave one out", name_of(r, "preconnect"),
			other_of(r, "preconnect", "spawn-rate"), other_of(r, "preconnect", "spawn-interval"));
	}
	return check_most(r, "preconnect", load->preconnect);
}

static const char *version_words(int version) {
	static const char *const words[] = {"1.0", "1.1", "1.2", "1.3"};
	return words[version - TLS_VERSION_1_0];
}

static bool check_versions(const struct rule *r) {
	const struct tls_settings *tls = &r->settings->tls;
	const char *subject = origin_of(r, "tls-max")->kind > origin_of(r, "tls-min")->kind ? "tls-max" : "tls-min";
	if (!tls->min || !tls->max || tls->min <= tls->max) return true;
	return BROKEN(subject, "%s: %s is over the %s of %s; write a lower one, or a higher %s", name_of(r, "tls-min"), version_words(tls->min),
		name_of(r, "tls-max"), version_words(tls->max), name_of(r, "tls-max"));
}

/* Returns when a stage begins, from 1. */
static nsec stage_start(const struct stage_list *stages, unsigned number) {
	nsec start = 0;
	for (unsigned i = 0; i + 1 < number; i++) start += stages->at[i].duration;
	return start;
}

/* A threshold on a stage needs that stage, and a run that is long enough for it. */
static bool check_stage(const struct rule *r, unsigned number, const char *shown) {
	const struct load_settings *load = &r->settings->load;
	struct err *err = &r->fault->err;
	const char *name = name_of(r, "threshold");
	char start[32], duration[32];
	if (!load->stages.count)
		return err_set(err, ERR_FAILED, "%s: %s asks about a stage, but the load has none; add e.g. --stages 30s@500,1m@2000", name, shown);
	if (number > load->stages.count)
		return err_set(
			err, ERR_FAILED, "%s: %s asks about a stage that is not there; the last one is stage %zu", name, shown, load->stages.count);
	if (stage_start(&load->stages, number) < load->duration) return true;
	return err_set(err, ERR_FAILED, "%s: %s asks about a stage that begins at %s, after the %s of %s; write a longer duration, or leave it out",
		name, shown, units_format_span(stage_start(&load->stages, number), start, sizeof(start)), other_of(r, "threshold", "duration"),
		units_format_span(load->duration, duration, sizeof(duration)));
}

static bool check_thresholds(const struct rule *r) {
	const struct text_list *list = &r->settings->out.threshold;
	const struct origin *origin = origin_of(r, "threshold");
	for (size_t i = 0; i < list->count; i++) {
		struct threshold threshold;
		struct quote quote;
		const char *shown = origin->written ? origin->written[i] : list->at[i];
		if (threshold_parse(slice_of(list->at[i]), &threshold) != THRESHOLD_GOOD || !threshold.stage) continue;
		if (!check_stage(r, threshold.stage, quote_text(&quote, slice_of(shown)))) return place(r, "threshold", i);
	}
	return true;
}

static bool check_abort(const struct rule *r) {
	if (!r->settings->out.threshold_abort || r->settings->out.threshold.count) return true;
	if (origin_of(r, "threshold-abort")->kind == ORIGIN_FILE)
		return BROKEN("threshold-abort", "%s: there is no threshold that could be missed; add one", name_of(r, "threshold-abort"));
	return BROKEN("threshold-abort", "--threshold-abort: there is no threshold that could be missed; add e.g. --threshold 'p99<250ms'");
}

/* Of a run, and the options that each looks at: when the value of one is broken, the rule has nothing to say. */
static const struct {
	bool (*check)(const struct rule *r);
	const char *flags;
} rules[] = {
	{check_url, "url"},
	{check_times, "warmup|duration"},
	{check_agent, "headers|authorized"},
	{check_rate, "rate|stages|arrival|preconnect|spin"},
	{check_tasks, "threads|max-tasks|preconnect|spawn-rate|spawn-interval"},
	{check_versions, "tls-min|tls-max"},
	{check_thresholds, "threshold|stages|duration"},
	{check_abort, "threshold|threshold-abort"},
};

static bool is_broken(const struct rule *r, const char *flags) {
	for (struct slice word = option_next_word(&flags); word.size; word = option_next_word(&flags)) {
		const struct option_row *row = option_by_name(word, r->check->command);
		if (row && r->check->origins->rows[option_index(row)].broken) return true;
	}
	return false;
}

unsigned check_count(void) {
	return OPTION_COUNT + LENGTH(rules);
}

bool check_rule(const struct check *check, unsigned number, struct check_fault *fault) {
	const struct rule r = {check, check->settings, fault};
	assert(number < check_count());
	if (number < OPTION_COUNT) {
		const struct option_row *row = &option_rows[number];
		return is_broken(&r, row->flag) || is_broken(&r, row->requires) || check_requires(&r, row);
	}
	number -= OPTION_COUNT;
	return check->command != COMMAND_RUN || is_broken(&r, rules[number].flags) || rules[number].check(&r);
}

bool check_all(const struct check *check, struct err *err) {
	const char *path = check->origins->path;
	struct check_fault fault = {0};
	if (check->command == COMMAND_RUN && !check->settings->http.url) {
		if (!path) return err_set(err, ERR_FAILED, "no URL to load; write e.g. --url http://localhost:3000/");
		return err_set(err, ERR_FAILED, "no URL to load: %s has none; write e.g. --url http://localhost:3000/", path);
	}
	for (unsigned i = 0; i < check_count(); i++) {
		if (check_rule(check, i, &fault)) continue;
		*err = fault.err;
		if (fault.at.line) err_add(err, "%s:%u:%u", path, fault.at.line, fault.at.column);
		return false;
	}
	return true;
}
