#include "config/merge.h"

#include <stdlib.h>

#include "config/header.h"
#include "config/protocol.h"

static bool is_commanded(const struct settings *settings, const struct origins *origins, struct slice flag) {
	const struct option_row *row = option_by_name(flag, COMMAND_RUN);
	return origins->rows[option_index(row)].kind == ORIGIN_COMMAND && !value_is_off(row, settings);
}

/* Returns whether the row makes the Authorization that a header of the command line is. */
static bool is_authorized_otherwise(const struct option_row *row, const struct settings *settings, const struct origins *origins) {
	size_t at;
	if (strcmp(row->flag, "basic-auth") != 0 && strcmp(row->flag, "bearer") != 0) return false;
	return is_commanded(settings, origins, SLICE("headers")) && header_find(&settings->http.headers, SLICE("authorization"), &at);
}

/* Returns whether the row asks for other protocols than the command line does. */
static bool is_spoken_otherwise(
	const struct option_row *row, const struct settings *settings, const struct file *file, const struct origins *origins) {
	bool offers = is_commanded(settings, origins, SLICE("alpn")), speaks = is_commanded(settings, origins, SLICE("http2"));
	bool versioned = is_commanded(settings, origins, SLICE("http-version"));
	if (strcmp(row->flag, "http-version") == 0) return offers || speaks;
	if (strcmp(row->flag, "http2") == 0) return versioned || (offers && !protocol_is_among(&settings->tls.alpn, "h2"));
	if (strcmp(row->flag, "alpn") == 0) return versioned || (speaks && !protocol_is_among(&file->settings.tls.alpn, "h2"));
	return false;
}

/* Returns whether the command line gave something that makes the file's value of this row pointless. */
static bool is_displaced(const struct option_row *row, const struct settings *settings, const struct file *file, const struct origins *origins) {
	const char *words = row->conflicts;
	bool load = strcmp(row->flag, "rate") == 0 || strcmp(row->flag, "stages") == 0;
	if (load && (is_commanded(settings, origins, SLICE("rate")) || is_commanded(settings, origins, SLICE("stages")))) return true;
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		if (is_commanded(settings, origins, word)) return true;
	}
	return is_authorized_otherwise(row, settings, origins) || is_spoken_otherwise(row, settings, file, origins);
}

/* The file's streams say nothing any more once the command line has taken its HTTP/2 away. */
static void drop_streams(const struct file *file, struct settings *settings, struct origins *origins) {
	struct option_origin *origin = &origins->rows[option_index(option_by_name(SLICE("http2-parallel"), COMMAND_RUN))];
	if (origin->kind != ORIGIN_FILE || protocol_wants_h2(settings) || !protocol_wants_h2(&file->settings)) return;
	settings->net.http2_parallel = 1;
	*origin = (struct option_origin){.kind = ORIGIN_PRESET};
}

void merge_file(const struct file *file, struct settings *settings, struct origins *origins) {
	origins->path = file->origins.path;
	origins->syntax = file->origins.syntax;
	origins->document = file->origins.document;
	settings->scenarios = file->settings.scenarios;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (file->origins.rows[i].kind != ORIGIN_FILE || origins->rows[i].kind == ORIGIN_COMMAND ||
			is_displaced(row, settings, file, origins))
			continue;
		value_copy(row, settings, &file->settings);
		origins->rows[i] = file->origins.rows[i];
	}
	drop_streams(file, settings, origins);
}

static void take_no_color(enum option_command command, struct settings *settings, struct origins *origins) {
	static const char variable[] = "NO_COLOR";
	const struct option_row *row = option_by_name(SLICE("no-color"), command);
	const char *value = getenv(variable);
	struct option_origin *origin = row ? &origins->rows[option_index(row)] : NULL;
	if (!row || !value || !*value || origin->kind != ORIGIN_PRESET) return;
	settings->out.no_color = true;
	*origin = (struct option_origin){.kind = ORIGIN_ENVIRONMENT, .name = variable};
}

/* Returns the value of the first of two variables that is set and not empty; NULL: neither is. */
static const char *either_of(const char *first, const char *second) {
	const char *value = getenv(first);
	if ((!value || !*value) && second) value = getenv(second);
	return value && *value ? value : NULL;
}

/* A CGI program finds the header "Proxy" of whoever sends it a request in HTTP_PROXY (CVE-2016-5385). The name in lower case cannot come about that way. */
static void take_proxies(struct proxy_environment *proxies) {
	proxies->http = either_of("http_proxy", getenv("REQUEST_METHOD") ? NULL : "HTTP_PROXY");
	proxies->https = either_of("https_proxy", "HTTPS_PROXY");
	proxies->all = either_of("all_proxy", "ALL_PROXY");
	proxies->none = either_of("no_proxy", "NO_PROXY");
}

/* The token of a variable, unless somebody gave it or a file that has it. */
static void take_token(const char *variable, struct slice flag, struct slice file, struct settings *settings, struct origins *origins) {
	const struct option_row *row = option_by_name(flag, COMMAND_RUN);
	const char *value = getenv(variable);
	if (!value || !*value || origin_given(origins, row) || origin_given(origins, option_by_name(file, COMMAND_RUN))) return;
	*(const char **)((char *)settings + row->at) = value;
	origins->rows[option_index(row)] = (struct option_origin){.kind = ORIGIN_ENVIRONMENT, .name = variable};
}

void merge_environment(enum option_command command, struct settings *settings, struct origins *origins) {
	take_no_color(command, settings, origins);
	if (command != COMMAND_RUN) return;
	take_proxies(&settings->proxies);
	take_token("STREST_AUTH_TOKEN", SLICE("auth-token"), SLICE("auth-token-file"), settings, origins);
	take_token("STREST_CONTROL_AUTH_TOKEN", SLICE("control-auth-token"), SLICE("control-auth-token-file"), settings, origins);
}

void merge_implied(struct settings *settings, struct origins *origins) {
	const struct option_row *method = option_by_name(SLICE("method"), COMMAND_RUN);
	struct option_origin *origin = &origins->rows[option_index(method)];
	if (!settings->http.form.count || origin->kind != ORIGIN_PRESET) return;
	settings->http.method = METHOD_POST;
	*origin = (struct option_origin){.kind = ORIGIN_IMPLIED, .name = "form"};
}
