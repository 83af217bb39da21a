#include "config/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/label.h"
#include "base/output_format.h"
#include "base/threshold.h"
#include "base/units.h"
#include "config/header.h"
#include "config/protocol.h"
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

/* Each label has one value. */
static bool check_labels(const struct rule *r) {
	const struct text_list *labels = &r->settings->out.label;
	for (size_t i = 0; i < labels->count; i++) {
		struct label label, before;
		if (!label_parse(slice_of(labels->at[i]), &label)) continue;
		for (size_t j = 0; j < i; j++) {
			if (!label_parse(slice_of(labels->at[j]), &before) || !slice_equal(label.name, before.name)) continue;
			err_set(&r->fault->err, ERR_FAILED, "%s: '%.*s' is given twice; give each label once", name_of(r, "label"),
				(int)label.name.size, label.name.at);
			return place(r, "label", i);
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
				return BROKEN(flags[i], "%s: '%s' is the file of %s, too; write another one", name_of(r, flags[i]), paths[i],
					other_of(r, flags[i], flags[j]));
	return true;
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

/* Of a proxy's URL only scheme, user, host and port have a meaning. */
static bool check_proxy(const struct rule *r) {
	struct url url;
	const char *text = r->settings->net.proxy, *const *written = origin_of(r, "proxy")->written, *shown, *advice = "write it without";
	if (!text) return true;
	if (!*text)
		return BROKEN("proxy", "%s: URL is empty; write e.g. %s, or %s for none", name_of(r, "proxy"),
			show(r, "proxy", "proxy", "http://localhost:3128"), show(r, "proxy", "no-proxy", "true"));
	shown = secret_show_url(text, written ? written[0] : NULL, r->check->arena);
	if (!url_parse_shown(text, shown, r->check->arena, &url, &r->fault->err)) {
		err_add(&r->fault->err, "%s", name_of(r, "proxy"));
		return place(r, "proxy", 0);
	}
	if (strcmp(url.target, "/") == 0) return true;
	if (!written) advice = arena_format(r->check->arena, "write %s://%s", url.scheme, url.authority);
	return BROKEN("proxy", "%s: URL '%.160s' has a path or a query, which no proxy has; %s", name_of(r, "proxy"), shown, advice);
}

/* sun_path ends with a 0 (unix(7)). */
static bool check_socket(const struct rule *r) {
	const char *path = r->settings->net.unix_socket, *url = r->settings->http.url, *name = name_of(r, "unix-socket");
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	if (!path) return true;
	if (!*path) return BROKEN("unix-socket", "%s: the path is empty; write %s", name, show(r, "unix-socket", "unix-socket", "PATH"));
	if (strlen(path) > most) return BROKEN("unix-socket", "%s: the path has %zu bytes; write one of at most %zu", name, strlen(path), most);
	if (!url || strncasecmp(url, "https:", 6) != 0) return true;
	return BROKEN("unix-socket", "%s speaks plain http only; write an http:// URL", name);
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
	size_t at;
	if (r->settings->http.authorized || !header_find(&r->settings->http.headers, SLICE("user-agent"), &at)) return true;
	err_set(&r->fault->err, ERR_FAILED, "%s: another User-Agent needs permission to test this target; if you have it, add %s",
		name_of(r, "headers"), show(r, "headers", "authorized", "true"));
	return place(r, "headers", at);
}

static bool check_auth(const struct rule *r) {
	const char *other = r->settings->http.basic_auth ? "basic-auth" : "bearer";
	size_t at;
	if (!r->settings->http.basic_auth && !r->settings->http.bearer) return true;
	if (!header_find(&r->settings->http.headers, SLICE("authorization"), &at)) return true;
	err_set(&r->fault->err, ERR_FAILED, "%s: Authorization is made by %s; give one of them", name_of(r, "headers"), name_of(r, other));
	return place(r, "headers", at);
}

/* The form's type names the boundary between its parts. */
static bool check_form(const struct rule *r) {
	size_t at;
	if (!r->settings->http.form.count || !header_find(&r->settings->http.headers, SLICE("content-type"), &at)) return true;
	err_set(&r->fault->err, ERR_FAILED, "%s: %s says its own Content-Type; leave this one out", name_of(r, "headers"), name_of(r, "form"));
	return place(r, "headers", at);
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
	if (is_given(r, "connection-pick")) idle = "connection-pick";
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

/* Returns whether a version of HTTP and a protocol that is offered exclude each other. */
static bool check_http_version(const struct rule *r) {
	const char *version = r->settings->net.http_version, *name = name_of(r, "http-version");
	bool is_second = version && strcmp(version, "2") == 0;
	const char *other = is_second ? "http/1.1" : "h2";
	if (!version) return true;
	if (!is_second && r->settings->net.http2)
		return BROKEN("http-version", "%s: 1.1 and %s exclude each other; leave one of them out", name, name_of(r, "http2"));
	if (!protocol_is_among(&r->settings->tls.alpn, other)) return true;
	return BROKEN("http-version", "%s: %s excludes the %s of %s; leave one of them out", name, version, other, name_of(r, "alpn"));
}

/* An empty list of a file is as good as none. */
static bool check_alpn(const struct rule *r) {
	const struct text_list *names = &r->settings->tls.alpn;
	if (!names->count && origin_of(r, "alpn")->kind == ORIGIN_COMMAND) return BROKEN("alpn", "--alpn: the name is blank; write e.g. --alpn h2");
	if (!names->count || !r->settings->net.http2 || protocol_is_among(names, "h2")) return true;
	return BROKEN("http2", "%s: the protocols of %s leave h2 out; add it there, or leave one of the two options out", name_of(r, "http2"),
		name_of(r, "alpn"));
}

/* RFC 9113 section 9.2. */
static bool check_http2_tls(const struct rule *r) {
	int max = r->settings->tls.max;
	if (!max || max >= TLS_VERSION_1_2 || !protocol_wants_h2(r->settings)) return true;
	return BROKEN("tls-max", "%s: HTTP/2 needs TLS 1.2 or 1.3, not %s; write one of them, or leave HTTP/2 out", name_of(r, "tls-max"),
		version_words(max));
}

/* Several streams: what else is said about connections must still make sense. */
static bool check_streams(const struct rule *r) {
	const struct settings *settings = r->settings;
	uint64_t streams = settings->net.http2_parallel, tasks = settings->load.max_tasks;
	const char *name = name_of(r, "http2-parallel"), *typed = origin_of(r, "max-tasks")->name;
	if (streams <= 1) return true;
	if (!protocol_wants_h2(settings) && (settings->net.http_version || settings->tls.alpn.count))
		return BROKEN("http2-parallel", "%s: HTTP/1.1, which %s asks for, has one request at a time on a connection; leave one of them out",
			name, name_of(r, settings->net.http_version ? "http-version" : "alpn"));
	if (!protocol_wants_h2(settings))
		return BROKEN("http2-parallel", "%s: HTTP/1.1 has one request at a time on a connection; add %s", name,
			show(r, "http2-parallel", "http2", "true"));
	if (settings->net.disable_keepalive)
		return BROKEN("http2-parallel", "%s: with %s a connection has one request only; leave one of them out", name,
			name_of(r, "disable-keepalive"));
	if (!typed || strcmp(typed, "connections") != 0) return true;
	return BROKEN("max-tasks",
		"%s: with %" PRIu64
		" streams on each it is not the number of connections; write %s for so many connections, %s for so many requests at once",
		origin_of(r, "max-tasks")->kind == ORIGIN_FILE ? typed : "--connections", streams,
		show(r, "max-tasks", "max-tasks", arena_format(r->check->arena, "%" PRIu64, tasks * streams)),
		show(r, "max-tasks", "max-tasks", arena_format(r->check->arena, "%" PRIu64, tasks)));
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

static bool check_output(const struct rule *r) {
	const struct out_settings *out = &r->settings->out;
	if (!out->output || output_format_of(out->output, (enum output_format)out->output_format) != OUTPUT_BY_NAME) return true;
	return BROKEN("output", "%s: the name '%.160s' does not say what to write; end it in .json, .jsonl, .csv or .txt, or add %s",
		name_of(r, "output"), out->output, show(r, "output", "output-format", "csv"));
}

/* One writer to the database: rows of several files would be an order more. */
static bool check_db(const struct rule *r) {
	const struct out_settings *out = &r->settings->out;
	if (!out->db_url || out->log_shards == 1) return true;
	return BROKEN("db-url", "%s needs %s; leave out %s %llu", name_of(r, "db-url"), show(r, "db-url", "log-shards", "1"),
		name_of(r, "log-shards"), (unsigned long long)out->log_shards);
}

/* Of a run, and the options that each looks at: when the value of one is broken, the rule has nothing to say. */
static const struct {
	bool (*check)(const struct rule *r);
	const char *flags;
} rules[] = {
	{check_url, "url"},
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
	{check_rate, "rate|stages|arrival|connection-pick|preconnect|spin"},
	{check_tasks, "threads|max-tasks|preconnect|spawn-rate|spawn-interval"},
	{check_versions, "tls-min|tls-max"},
	{check_http_version, "http-version|http2|alpn"},
	{check_alpn, "http2|alpn"},
	{check_http2_tls, "http-version|http2|alpn|tls-max"},
	{check_streams, "http-version|http2|alpn|http2-parallel|max-tasks|disable-keepalive"},
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
	if (check->command == COMMAND_RUN && !check->settings->http.url && !check->settings->http.urls_from_file) {
		const char *none = path ? arena_format(check->arena, ": %s has none", path) : "";
		return err_set(err, ERR_FAILED, "no URL to load%s; write e.g. --url http://localhost:3000/, or --urls-from-file FILE", none);
	}
	for (unsigned i = 0; i < check_count(); i++) {
		if (check_rule(check, i, &fault)) continue;
		*err = fault.err;
		if (fault.at.line) err_add(err, "%s:%u:%u", path, fault.at.line, fault.at.column);
		return false;
	}
	return true;
}

const char *check_warning(const struct check *check) {
	const struct settings *settings = check->settings;
	const struct proxy_environment *proxies = &settings->proxies;
	const struct rule r = {check, settings, NULL};
	const struct origin *origin = origin_of(&r, "proxy-header");
	bool ignored = settings->net.no_proxy || settings->net.unix_socket, named = proxies->http || proxies->https || proxies->all;
	const char *where = "";
	if (!settings->net.proxy_headers.count || settings->net.proxy || (named && !ignored)) return NULL;
	if (origin->kind == ORIGIN_FILE) where = arena_format(check->arena, "%s:%u:%u: ", check->origins->path, origin->at.line, origin->at.column);
	return arena_format(
		check->arena, "%s%s: there is no proxy to send it to; add e.g. --proxy http://localhost:3128", where, name_of(&r, "proxy-header"));
}
