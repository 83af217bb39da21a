#include "config/scenario_rules.h"

#include <strings.h>

#include "config/header.h"

#define BROKEN_AT(place, ...) (r->fault->at = (place), err_set(&r->fault->err, ERR_FAILED, __VA_ARGS__))

bool scenario_rules_others(const struct rule *r) {
	static const struct {
		const char *flag, *advice;
	} others[] = {
		{"urls-from-file", "write them as url or path of the steps"},
		{"data-file", "write the body as data of the steps"},
		{"data-lines", "write the body as data of the steps, its parts from a file of [[data]]"},
		{"form", "write the body as data of the steps"},
		{"debug", "leave one of them out"},
	};
	if (!r->settings->scenarios.count) return true;
	for (size_t i = 0; i < LENGTH(others); i++)
		if (rule_is_on(r, others[i].flag) && !value_is_off(rule_row(r, others[i].flag), r->settings))
			return RULE_BROKEN(others[i].flag, "%s: says nothing beside the scenario of %.160s; %s", rule_name(r, others[i].flag),
				r->settings->scenarios.path, others[i].advice);
	return true;
}

/* Returns the name of a scenario, or of one of its steps (from 1), for people. */
static const char *name_of(const struct rule *r, const struct scenario *scenario, size_t step) {
	const char *own = scenario->name.text ? arena_format(r->check->arena, "scenarios.%s", scenario->name.text) : "scenario";
	return step ? arena_format(r->check->arena, "%s.steps, step %zu", own, step) : own;
}

/* Checks one list of headers; `name` is of the scenario or step it belongs to. */
static bool check_headers(const struct rule *r, const struct placed_list *list, const char *name) {
	const struct http_settings *http = &r->settings->http;
	for (size_t i = 0; i < list->count; i++) {
		struct slice value, field = slice_trim(slice_cut(slice_of(list->at[i].text), ':', &value));
		if (slice_equal_nocase(field, SLICE("user-agent")) && !http->authorized)
			return BROKEN_AT(list->at[i].at,
				"%s: another User-Agent needs permission to test this target; if you have it, add %s at the top level, or "
				"--authorized",
				name, r->check->origins->syntax == VALUE_JSON ? "\"authorized\": true" : "authorized = true");
		if (slice_equal_nocase(field, SLICE("authorization")) && (http->basic_auth || http->bearer))
			return BROKEN_AT(list->at[i].at, "%s: Authorization is made by %s; give one of them", name,
				rule_name(r, http->basic_auth ? "basic-auth" : "bearer"));
	}
	return true;
}

bool scenario_rules_headers(const struct rule *r) {
	const struct scenario_set *set = &r->settings->scenarios;
	for (size_t i = 0; i < set->count; i++) {
		if (!check_headers(r, &set->at[i].headers, name_of(r, &set->at[i], 0))) return false;
		for (size_t k = 0; k < set->at[i].step_count; k++)
			if (!check_headers(r, &set->at[i].steps[k].headers, name_of(r, &set->at[i], k + 1))) return false;
	}
	return true;
}

static bool check_plain(const struct rule *r, const struct placed *url, const char *name) {
	if (!url->text || strncasecmp(url->text, "https:", 6) != 0) return true;
	return BROKEN_AT(url->at, "%s: %s speaks plain http only; write an http:// URL", name, rule_name(r, "unix-socket"));
}

bool scenario_rules_socket(const struct rule *r) {
	const struct scenario_set *set = &r->settings->scenarios;
	for (size_t i = 0; i < set->count && r->settings->net.unix_socket; i++) {
		if (!check_plain(r, &set->at[i].base_url, name_of(r, &set->at[i], 0))) return false;
		for (size_t k = 0; k < set->at[i].step_count; k++)
			if (!check_plain(r, &set->at[i].steps[k].url, name_of(r, &set->at[i], k + 1))) return false;
	}
	return true;
}

bool scenario_rules_unit(const struct rule *r) {
	if (!rule_is_given(r, "rate-unit") || r->settings->scenarios.count) return true;
	return RULE_BROKEN(
		"rate-unit", "%s: tells requests from iterations of a scenario, and there is no scenario; leave it out", rule_name(r, "rate-unit"));
}

bool scenario_rules_data(const struct rule *r) {
	const struct scenario_set *set = &r->settings->scenarios;
	if (!set->data_count || set->count) return true;
	return BROKEN_AT(set->data[0].at, "data: the rows of a file are for scenarios, and there is none; write one, or take the file out");
}

static bool check_steps(const struct rule *r, const struct scenario *scenario) {
	bool json = r->check->origins->syntax == VALUE_JSON;
	if (scenario->base_url.text) return true;
	for (size_t i = 0; i < scenario->step_count; i++) {
		const struct scenario_step *step = &scenario->steps[i];
		if (step->url.text) continue;
		return BROKEN_AT(step->at, "%s: %s names no server; write %s in %s, or --url URL", name_of(r, scenario, i + 1),
			step->path.text ? "a path alone" : "a step without url and path",
			json ? "\"base_url\": \"http://localhost:3000\"" : "base_url = \"http://localhost:3000\"", name_of(r, scenario, 0));
	}
	return true;
}

bool scenario_rules_aim(const struct rule *r) {
	const struct scenario_set *set = &r->settings->scenarios;
	size_t count = set->is_single ? 1 : set->count; /* the others are not run */
	for (size_t i = 0; i < count; i++)
		if (!check_steps(r, &set->at[i])) return false;
	return true;
}
