#include "config/check.h"

#include <assert.h>
#include <inttypes.h>
#include <sys/un.h>

#include "base/label.h"
#include "base/output_format.h"
#include "base/threshold.h"
#include "base/units.h"
#include "config/fleet_rules.h"
#include "config/header.h"
#include "config/protocol.h"
#include "config/quote.h"
#include "config/rule.h"
#include "config/scenario_rules.h"
#include "config/secret.h"
#include "http/url.h"

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
	if (!(row->commands & r->check->command) || !row->requires || !rule_is_on(r, row->flag)) return true;
	needed = rule_row(r, row->requires);
	if (rule_is_on(r, needed->flag)) return true;
	name = rule_name(r, row->flag);
	other = rule_other(r, row->flag, needed->flag);
	how = rule_origin(r, row->flag)->kind == ORIGIN_FILE
		      ? rule_show(r, row->flag, needed->flag, needed->kind == KIND_BOOL ? "true" : value_unit(needed))
		      : arena_format(r->check->arena, "--%s", needed->flag);
	return RULE_BROKEN(row->flag, "%s needs %s (%s); add %s", name, other, needed->help, how);
}

/* Each label has one value. */
static bool check_labels(const struct rule *r) {
	const struct text_list *labels = &r->settings->out.label;
	for (size_t i = 0; i < labels->count; i++) {
		struct label label, before;
		if (!label_parse(slice_of(labels->at[i]), &label)) continue;
		for (size_t j = 0; j < i; j++) {
			if (!label_parse(slice_of(labels->at[j]), &before) || !slice_equal(label.name, before.name)) continue;
			err_set(&r->fault->err, ERR_FAILED, "%s: '%.*s' is given twice; give each label once", rule_name(r, "label"),
				(int)label.name.size, label.name.at);
			return rule_place(r, "label", i);
		}
	}
	return true;
}

/* Each file that a run writes is another one. */
static bool check_files(const struct rule *r) {
	static const char *const flags[] = {"junit", "sink-prometheus", "sink-otel", "sink-influx"};
	const struct out_settings *out = &r->settings->out;
	const char *const paths[] = {out->junit, out->sink_prometheus, out->sink_otel, out->sink_influx};
	for (size_t i = 0; i < LENGTH(flags); i++)
		for (size_t j = 0; j < i; j++)
			if (paths[i] && paths[j] && *paths[i] && strcmp(paths[i], paths[j]) == 0)
				return RULE_BROKEN(flags[i], "%s: '%s' is the file of %s, too; write another one", rule_name(r, flags[i]), paths[i],
					rule_other(r, flags[i], flags[j]));
	return true;
}

static bool check_url(const struct rule *r) {
	struct url url;
	const char *text = r->settings->http.url, *const *written = rule_origin(r, "url")->written;
	if (!text ||
		url_parse_shown(text, secret_show_url(text, written ? written[0] : NULL, r->check->arena), r->check->arena, &url, &r->fault->err))
		return true;
	err_add(&r->fault->err, "%s", rule_name(r, "url"));
	return rule_place(r, "url", 0);
}

/* Of a proxy's URL only scheme, user, host and port have a meaning. */
static bool check_proxy(const struct rule *r) {
	struct url url;
	const char *text = r->settings->net.proxy, *const *written = rule_origin(r, "proxy")->written, *shown, *advice = "write it without";
	if (!text) return true;
	if (!*text)
		return RULE_BROKEN("proxy", "%s: URL is empty; write e.g. %s, or %s for none", rule_name(r, "proxy"),
			rule_show(r, "proxy", "proxy", "http://localhost:3128"), rule_show(r, "proxy", "no-proxy", "true"));
	shown = secret_show_url(text, written ? written[0] : NULL, r->check->arena);
	if (!url_parse_shown(text, shown, r->check->arena, &url, &r->fault->err)) {
		err_add(&r->fault->err, "%s", rule_name(r, "proxy"));
		return rule_place(r, "proxy", 0);
	}
	if (strcmp(url.target, "/") == 0) return true;
	if (!written) advice = arena_format(r->check->arena, "write %s://%s", url.scheme, url.authority);
	return RULE_BROKEN("proxy", "%s: URL '%.160s' has a path or a query, which no proxy has; %s", rule_name(r, "proxy"), shown, advice);
}

/* sun_path ends with a 0 (unix(7)). */
static bool check_socket(const struct rule *r) {
	const char *path = r->settings->net.unix_socket, *url = r->settings->http.url, *name = rule_name(r, "unix-socket");
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	if (!path) return true;
	if (!*path) return RULE_BROKEN("unix-socket", "%s: the path is empty; write %s", name, rule_show(r, "unix-socket", "unix-socket", "PATH"));
	if (strlen(path) > most) return RULE_BROKEN("unix-socket", "%s: the path has %zu bytes; write one of at most %zu", name, strlen(path), most);
	if (!url || strncasecmp(url, "https:", 6) != 0) return true;
	return RULE_BROKEN("unix-socket", "%s speaks plain http only; write an http:// URL", name);
}

static bool check_times(const struct rule *r) {
	const struct load_settings *load = &r->settings->load;
	char warmup[32], duration[32];
	if (load->warmup < load->duration) return true;
	const char *subject = rule_is_given(r, "warmup") ? "warmup" : "duration";
	return RULE_BROKEN(subject, "%s: %s leaves nothing of the %s of %s; write a shorter warm-up or a longer duration", rule_name(r, "warmup"),
		units_format_span(load->warmup, warmup, sizeof(warmup)), rule_other(r, "warmup", "duration"),
		units_format_span(load->duration, duration, sizeof(duration)));
}

/* A User-Agent of the user's own choice hides what sends the load. */
static bool check_agent(const struct rule *r) {
	size_t at;
	if (r->settings->http.authorized || !header_find(&r->settings->http.headers, SLICE("user-agent"), &at)) return true;
	err_set(&r->fault->err, ERR_FAILED, "%s: another User-Agent needs permission to test this target; if you have it, add %s",
		rule_name(r, "headers"), rule_show(r, "headers", "authorized", "true"));
	return rule_place(r, "headers", at);
}

static bool check_auth(const struct rule *r) {
	const char *other = r->settings->http.basic_auth ? "basic-auth" : "bearer";
	size_t at;
	if (!r->settings->http.basic_auth && !r->settings->http.bearer) return true;
	if (!header_find(&r->settings->http.headers, SLICE("authorization"), &at)) return true;
	err_set(&r->fault->err, ERR_FAILED, "%s: Authorization is made by %s; give one of them", rule_name(r, "headers"), rule_name(r, other));
	return rule_place(r, "headers", at);
}

/* The form's type names the boundary between its parts. */
static bool check_form(const struct rule *r) {
	size_t at;
	if (!r->settings->http.form.count || !header_find(&r->settings->http.headers, SLICE("content-type"), &at)) return true;
	err_set(&r->fault->err, ERR_FAILED, "%s: %s says its own Content-Type; leave this one out", rule_name(r, "headers"), rule_name(r, "form"));
	return rule_place(r, "headers", at);
}

/* Options that shape a rate say nothing about a closed loop: refused rather than ignored. */
static bool check_rate(const struct rule *r) {
	const struct load_settings *load = &r->settings->load;
	const char *idle = NULL, *value = "";
	if (load->rate > 0) return true;
	for (size_t i = 0; i < load->stages.count; i++) {
		if (load->stages.at[i].target > 0) return true;
	}
	if (load->stages.count && rule_origin(r, "stages")->kind == ORIGIN_FILE)
		return RULE_BROKEN("stages", "%s: every rate is 0, nothing would be sent; write one over 0", rule_name(r, "stages"));
	if (load->stages.count) return RULE_BROKEN("stages", "--stages: every rate is 0, nothing would be sent; write e.g. --stages 30s@500,1m@2000");
	if (rule_is_given(r, "arrival")) idle = "arrival";
	if (rule_is_given(r, "rate-unit")) idle = "rate-unit";
	if (rule_is_given(r, "connection-pick")) idle = "connection-pick";
	if (rule_is_given(r, "preconnect") && load->preconnect > 0) idle = "preconnect";
	if (load->spin == SPIN_ON) {
		idle = "spin";
		value = " on";
	}
	if (!idle) return true;
	if (rule_origin(r, idle)->kind == ORIGIN_FILE)
		return RULE_BROKEN(idle, "%s%s needs a rate; add e.g. %s", rule_name(r, idle), value, rule_show(r, idle, "rate", "100"));
	return RULE_BROKEN(idle, "--%s%s needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000", idle, value);
}

static bool check_most(const struct rule *r, const char *flag, uint64_t number) {
	if (number <= r->settings->load.max_tasks) return true;
	return RULE_BROKEN(flag, "%s: %" PRIu64 " is more than the %s of %" PRIu64 "; write at most as many", rule_name(r, flag), number,
		rule_other(r, flag, "max-tasks"), r->settings->load.max_tasks);
}

static bool check_tasks(const struct rule *r) {
	const struct load_settings *load = &r->settings->load;
	bool spawns = rule_is_given(r, "spawn-rate") || rule_is_given(r, "spawn-interval");
	if (!check_most(r, "threads", load->threads)) return false;
	if (load->preconnect > 0 && spawns) {
		return RULE_BROKEN("preconnect", "%s opens connections before the start, %s and %s step by step; leave one out",
			rule_name(r, "preconnect"), rule_other(r, "preconnect", "spawn-rate"), rule_other(r, "preconnect", "spawn-interval"));
	}
	return check_most(r, "preconnect", load->preconnect);
}

static const char *version_words(int version) {
	static const char *const words[] = {"1.0", "1.1", "1.2", "1.3"};
	return words[version - TLS_VERSION_1_0];
}

static bool check_versions(const struct rule *r) {
	const struct tls_settings *tls = &r->settings->tls;
	const char *subject = rule_origin(r, "tls-max")->kind > rule_origin(r, "tls-min")->kind ? "tls-max" : "tls-min";
	if (!tls->min || !tls->max || tls->min <= tls->max) return true;
	return RULE_BROKEN(subject, "%s: %s is over the %s of %s; write a lower one, or a higher %s", rule_name(r, "tls-min"),
		version_words(tls->min), rule_name(r, "tls-max"), version_words(tls->max), rule_name(r, "tls-max"));
}

/* Returns whether a version of HTTP and a protocol that is offered exclude each other. */
static bool check_http_version(const struct rule *r) {
	const char *version = r->settings->net.http_version, *name = rule_name(r, "http-version");
	bool is_second = version && strcmp(version, "2") == 0;
	const char *other = is_second ? "http/1.1" : "h2";
	if (!version) return true;
	if (!is_second && r->settings->net.http2)
		return RULE_BROKEN("http-version", "%s: 1.1 and %s exclude each other; leave one of them out", name, rule_name(r, "http2"));
	if (!protocol_is_among(&r->settings->tls.alpn, other)) return true;
	return RULE_BROKEN("http-version", "%s: %s excludes the %s of %s; leave one of them out", name, version, other, rule_name(r, "alpn"));
}

/* An empty list of a file is as good as none. */
static bool check_alpn(const struct rule *r) {
	const struct text_list *names = &r->settings->tls.alpn;
	if (!names->count && rule_origin(r, "alpn")->kind == ORIGIN_COMMAND)
		return RULE_BROKEN("alpn", "--alpn: the name is blank; write e.g. --alpn h2");
	if (!names->count || !r->settings->net.http2 || protocol_is_among(names, "h2")) return true;
	return RULE_BROKEN("http2", "%s: the protocols of %s leave h2 out; add it there, or leave one of the two options out", rule_name(r, "http2"),
		rule_name(r, "alpn"));
}

/* RFC 9113 section 9.2. */
static bool check_http2_tls(const struct rule *r) {
	int max = r->settings->tls.max;
	if (!max || max >= TLS_VERSION_1_2 || !protocol_wants_h2(r->settings)) return true;
	return RULE_BROKEN("tls-max", "%s: HTTP/2 needs TLS 1.2 or 1.3, not %s; write one of them, or leave HTTP/2 out", rule_name(r, "tls-max"),
		version_words(max));
}

/* Several streams: what else is said about connections must still make sense. */
static bool check_streams(const struct rule *r) {
	const struct settings *settings = r->settings;
	uint64_t streams = settings->net.http2_parallel, tasks = settings->load.max_tasks;
	const char *name = rule_name(r, "http2-parallel"), *typed = rule_origin(r, "max-tasks")->name;
	if (streams <= 1) return true;
	if (!protocol_wants_h2(settings) && (settings->net.http_version || settings->tls.alpn.count))
		return RULE_BROKEN("http2-parallel",
			"%s: HTTP/1.1, which %s asks for, has one request at a time on a connection; leave one of them out", name,
			rule_name(r, settings->net.http_version ? "http-version" : "alpn"));
	if (!protocol_wants_h2(settings))
		return RULE_BROKEN("http2-parallel", "%s: HTTP/1.1 has one request at a time on a connection; add %s", name,
			rule_show(r, "http2-parallel", "http2", "true"));
	if (settings->net.disable_keepalive)
		return RULE_BROKEN("http2-parallel", "%s: with %s a connection has one request only; leave one of them out", name,
			rule_name(r, "disable-keepalive"));
	if (!typed || strcmp(typed, "connections") != 0) return true;
	return RULE_BROKEN("max-tasks",
		"%s: with %" PRIu64
		" streams on each it is not the number of connections; write %s for so many connections, %s for so many requests at once",
		rule_origin(r, "max-tasks")->kind == ORIGIN_FILE ? typed : "--connections", streams,
		rule_show(r, "max-tasks", "max-tasks", arena_format(r->check->arena, "%" PRIu64, tasks * streams)),
		rule_show(r, "max-tasks", "max-tasks", arena_format(r->check->arena, "%" PRIu64, tasks)));
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
	const char *name = rule_name(r, "threshold");
	char start[32], duration[32];
	if (!load->stages.count)
		return err_set(err, ERR_FAILED, "%s: %s asks about a stage, but the load has none; add e.g. --stages 30s@500,1m@2000", name, shown);
	if (number > load->stages.count)
		return err_set(
			err, ERR_FAILED, "%s: %s asks about a stage that is not there; the last one is stage %zu", name, shown, load->stages.count);
	if (stage_start(&load->stages, number) < load->duration) return true;
	return err_set(err, ERR_FAILED, "%s: %s asks about a stage that begins at %s, after the %s of %s; write a longer duration, or leave it out",
		name, shown, units_format_span(stage_start(&load->stages, number), start, sizeof(start)), rule_other(r, "threshold", "duration"),
		units_format_span(load->duration, duration, sizeof(duration)));
}

static bool check_thresholds(const struct rule *r) {
	const struct text_list *list = &r->settings->out.threshold;
	const struct option_origin *origin = rule_origin(r, "threshold");
	for (size_t i = 0; i < list->count; i++) {
		struct threshold threshold;
		struct quote quote;
		const char *shown = origin->written ? origin->written[i] : list->at[i];
		if (threshold_parse(slice_of(list->at[i]), &threshold) != THRESHOLD_GOOD || !threshold.stage) continue;
		if (!check_stage(r, threshold.stage, quote_text(&quote, slice_of(shown)))) return rule_place(r, "threshold", i);
	}
	return true;
}

static bool check_abort(const struct rule *r) {
	if (!r->settings->out.threshold_abort || r->settings->out.threshold.count) return true;
	if (rule_origin(r, "threshold-abort")->kind == ORIGIN_FILE)
		return RULE_BROKEN("threshold-abort", "%s: there is no threshold that could be missed; add one", rule_name(r, "threshold-abort"));
	return RULE_BROKEN("threshold-abort", "--threshold-abort: there is no threshold that could be missed; add e.g. --threshold 'p99<250ms'");
}

static bool check_output(const struct rule *r) {
	const struct out_settings *out = &r->settings->out;
	if (!out->output || output_format_of(out->output, (enum output_format)out->output_format) != OUTPUT_BY_NAME) return true;
	return RULE_BROKEN("output", "%s: the name '%.160s' does not say what to write; end it in .json, .jsonl, .csv or .txt, or add %s",
		rule_name(r, "output"), out->output, rule_show(r, "output", "output-format", "csv"));
}

/* One writer to the database: rows of several files would be an order more. */
static bool check_db(const struct rule *r) {
	const struct out_settings *out = &r->settings->out;
	if (!out->db_url || out->log_shards == 1) return true;
	return RULE_BROKEN("db-url", "%s needs %s; leave out %s %llu", rule_name(r, "db-url"), rule_show(r, "db-url", "log-shards", "1"),
		rule_name(r, "log-shards"), (unsigned long long)out->log_shards);
}

/* A replay loads nothing: what would say how is refused rather than ignored. */
static bool check_replay(const struct rule *r) {
	static const char known[] =
		"replay|run|replay-start|replay-end|replay-step|replay-snapshot-interval|replay-snapshot-start|replay-snapshot-end|"
		"replay-snapshot-out|replay-snapshot-format|status|json|tmp-path|export-csv|export-json|export-jsonl|charts-path|no-charts|"
		"verbose|no-color|no-tui|fps|ui-window-ms|output|output-format";
	static const char listing[] = "replay|run|tmp-path|verbose|no-color|no-tui";
	const struct out_settings *out = &r->settings->out;
	bool lists = out->run && strcmp(out->run, "list") == 0;
	if (!out->replay) return true;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *words = lists ? listing : known;
		bool found = false;
		if (!(row->commands & COMMAND_RUN) || r->check->origins->rows[i].kind != ORIGIN_COMMAND) continue;
		for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words))
			found = found || slice_equal(word, slice_of(row->flag));
		if (!found && lists)
			return RULE_BROKEN(row->flag, "--%s says nothing beside --run list, which shows no run; leave it out", row->flag);
		if (!found) return RULE_BROKEN(row->flag, "--%s says nothing in a replay, which loads nothing; leave it out", row->flag);
	}
	if (!!out->export_csv + !!out->export_json + !!out->export_jsonl > 1)
		return RULE_BROKEN("replay", "--replay reads one file; give one of --export-csv, --export-json and --export-jsonl");
	if (out->run && (out->export_csv || out->export_json || out->export_jsonl))
		return RULE_BROKEN("run", "--run chooses from the folder of --tmp-path, a file has one run; leave it out");
	return true;
}

/* Of a run, and the options that each looks at: when the value of one is broken, the rule has nothing to say. */
static const struct {
	bool (*check)(const struct rule *r);
	const char *flags;
} rules[] = {
	{check_url, "url"},
	{check_replay, "replay"},
	{check_labels, "label"},
	{check_output, "output|output-format"},
	{check_db, "db-url|log-shards"},
	{check_files, "junit|sink-prometheus|sink-otel|sink-influx"},
	{check_proxy, "proxy"},
	{check_socket, "unix-socket|url"},
	{check_times, "warmup|duration"},
	{check_agent, "headers|authorized"},
	{check_auth, "headers|basic-auth|bearer"},
	{check_form, "headers|form"},
	{check_rate, "rate|stages|arrival|rate-unit|connection-pick|preconnect|spin"},
	{check_tasks, "threads|max-tasks|preconnect|spawn-rate|spawn-interval"},
	{check_versions, "tls-min|tls-max"},
	{check_http_version, "http-version|http2|alpn"},
	{check_alpn, "http2|alpn"},
	{check_http2_tls, "http-version|http2|alpn|tls-max"},
	{check_streams, "http-version|http2|alpn|http2-parallel|max-tasks|disable-keepalive"},
	{check_thresholds, "threshold|stages|duration"},
	{check_abort, "threshold|threshold-abort"},
	{fleet_rules_role, "controller-listen|agent-join"},
	{fleet_rules_control, "controller-listen|controller-mode|control-listen"},
	{fleet_rules_safe, "controller-listen|control-listen|auth-token|control-auth-token"},
	{fleet_rules_outputs, "controller-listen"},
	{fleet_rules_service, "install-service|uninstall-service|service-name"},
	{scenario_rules_others, "urls-from-file|data-file|data-lines|form|debug"},
	{scenario_rules_headers, "authorized|basic-auth|bearer"},
	{scenario_rules_socket, "unix-socket"},
	{scenario_rules_unit, "rate-unit"},
	{scenario_rules_data, ""},
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

/* A run has something to load: a URL, a list of them, or scenarios whose steps know where to. */
static bool check_aim(const struct rule *r) {
	const struct settings *settings = r->settings;
	const char *path = r->check->origins->path;
	if (settings->http.url || settings->http.urls_from_file || settings->out.replay || !fleet_rules_aims(settings)) return true;
	if (settings->scenarios.count) return scenario_rules_aim(r);
	return err_set(&r->fault->err, ERR_FAILED, "no URL to load%s; write e.g. --url http://localhost:3000/, or --urls-from-file FILE",
		path ? arena_format(r->check->arena, ": %s has none", path) : "");
}

/* Puts the fault's place in front of it. */
static bool fail(const struct check *check, const struct check_fault *fault, struct err *err) {
	*err = fault->err;
	if (fault->at.line) err_add(err, "%s:%u:%u", check->origins->path, fault->at.line, fault->at.column);
	return false;
}

bool check_all(const struct check *check, struct err *err) {
	struct check_fault fault = {0};
	if (check->command == COMMAND_RUN && !check_aim(&(struct rule){check, check->settings, &fault})) return fail(check, &fault, err);
	for (unsigned i = 0; i < check_count(); i++)
		if (!check_rule(check, i, &fault)) return fail(check, &fault, err);
	return true;
}

const char *check_warning(const struct check *check) {
	const struct settings *settings = check->settings;
	const struct proxy_environment *proxies = &settings->proxies;
	const struct rule r = {check, settings, NULL};
	const struct option_origin *origin = rule_origin(&r, "proxy-header");
	bool ignored = settings->net.no_proxy || settings->net.unix_socket, named = proxies->http || proxies->https || proxies->all;
	const char *where = "";
	if (!settings->net.proxy_headers.count || settings->net.proxy || (named && !ignored)) return NULL;
	if (origin->kind == ORIGIN_FILE) where = arena_format(check->arena, "%s:%u:%u: ", check->origins->path, origin->at.line, origin->at.column);
	return arena_format(
		check->arena, "%s%s: there is no proxy to send it to; add e.g. --proxy http://localhost:3128", where, rule_name(&r, "proxy-header"));
}
