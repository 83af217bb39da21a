#include "cmd/service_arguments.h"

#include <assert.h>

#include "base/host_port.h"
#include "cmd/service_files.h"
#include "config/origin.h"
#include "config/secret.h"
#include "http/form.h"
#include "http/url.h"

#define CREDENTIALS_MAX (1 << 20) /* bytes of all, in systemd */

/* What an option's value is for a service. */
enum sort { PLAIN, LEFT_OUT, READ, WRITTEN, SOCKET, FORM, HEADER, LOCATION };

static const struct {
	enum sort sort;
	const char *flags;
} sorts[] = {
	{LEFT_OUT, "install-service|uninstall-service|service-name|service-dry-run|auth-token|control-auth-token"},
	{READ, "config|urls-from-file|data-file|data-lines|cacert|cert|key|fleet-cert|fleet-key|fleet-ca|auth-token-file|control-auth-token-file"},
	{WRITTEN, "junit|output|export-csv|export-json|export-jsonl|hdr-log|db-url|tmp-path|charts-path|sink-prometheus|sink-otel|sink-influx"},
	{SOCKET, "unix-socket"},
	{FORM, "form"},
	{HEADER, "headers|proxy-header"},
	{LOCATION, "url|proxy"},
};

/* What is being made. */
struct placing {
	const struct service_origin *origin;
	struct arena *arena;
	struct err *err;
	size_t word_count, word_room, credential_count;
	struct service_word *words;
	struct service_credential *credentials;
	long long credential_bytes;
};

static enum sort sort_of(const struct option_row *row) {
	for (size_t i = 0; i < LENGTH(sorts); i++) {
		const char *flags = sorts[i].flags;
		for (struct slice word = option_next_word(&flags); word.size; word = option_next_word(&flags))
			if (slice_equal(word, slice_of(row->flag))) return sorts[i].sort;
	}
	return PLAIN;
}

/* ---- what was typed ---- */

/* Takes the letters of one argument "-nuVALUE". Returns whether the value is the next argument. */
static bool read_letters(const char *text, struct arena *arena, struct service_argument *at, size_t *count) {
	for (; *text; text++) {
		const struct option_row *row = option_by_letter(*text, COMMAND_RUN);
		assert(row && "cli_parse has read it");
		at[*count] = (struct service_argument){.row = row, .name = arena_format(arena, "-%c", *text)};
		(*count)++;
		if (row->kind == KIND_BOOL) continue;
		if (text[1]) at[*count - 1].value = text + 1 + (text[1] == '=');
		return !text[1];
	}
	return false;
}

size_t service_arguments_read(int argc, char **argv, struct arena *arena, struct service_argument **ret) {
	size_t count = 0, room = 0;
	for (int i = 1; i < argc; i++) room += strlen(argv[i]) + 1;
	struct service_argument *at = arena_array(arena, room + 1, sizeof(*at));
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		bool next_is_value = false;
		if (strncmp(argv[i], "--", 2) == 0) {
			struct slice value, name = slice_cut(slice_of(argv[i] + 2), '=', &value);
			const struct option_row *row = option_by_name(name, COMMAND_RUN);
			assert(row && "cli_parse has read it");
			at[count++] = (struct service_argument){row, arena_format(arena, "--%.*s", (int)name.size, name.at), value.at, value.at};
			next_is_value = row->kind != KIND_BOOL && !value.at;
		} else {
			next_is_value = read_letters(argv[i] + 1, arena, at, &count);
		}
		if (next_is_value && i + 1 < argc) at[count - 1].value = argv[++i];
	}
	*ret = at;
	return count;
}

/* ---- what the service gets ---- */

static void add_word(struct placing *p, const char *text, const char *credential) {
	assert(p->word_count < p->word_room);
	p->words[p->word_count++] = (struct service_word){text, credential};
}

/* Adds an option as it was typed, with another value if it must be. */
static void add_argument(struct placing *p, const struct service_argument *a, const char *value) {
	if (!value) {
		add_word(p, a->name, NULL);
	} else if (a->joined || (value[0] == '-' && value[1])) {
		const char *name = a->joined ? a->name : arena_format(p->arena, "--%s", a->row->flag);
		add_word(p, arena_format(p->arena, "%s=%s", name, value), NULL);
	} else {
		add_word(p, a->name, NULL);
		add_word(p, value, NULL);
	}
}

static const char *absolute(const struct placing *p, const char *path) {
	return *path == '/' ? path : arena_format(p->arena, "%s/%s", p->origin->folder, path);
}

/* Makes systemd hand a file over: the service finds it under a name with the same ending. */
static bool add_credential(struct placing *p, const struct option_row *row, const char *path, long long size) {
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	bool has_ending = dot && (strcmp(dot, ".toml") == 0 || strcmp(dot, ".json") == 0);
	const char *id = arena_format(p->arena, "%s%s", row->flag, has_ending ? dot : "");
	p->credential_bytes += size;
	if (p->credential_bytes > CREDENTIALS_MAX)
		return err_set(p->err, ERR_FAILED,
			"--%s: '%s' cannot be read by the service's user, and is too large to be handed over by systemd (1 MiB); let everybody read "
			"it, in a "
			"folder such as /etc/strest",
			row->flag, path);
	p->credentials[p->credential_count++] = (struct service_credential){id, path};
	add_word(p, arena_format(p->arena, "--%s=", row->flag), id);
	return true;
}

/* Adds a file that the service reads. `a`: as it was typed; NULL: the config file has it, and it is left there if it can be. */
static bool add_read(struct placing *p, const struct option_row *row, const struct service_argument *a, const char *path) {
	const char *whole = absolute(p, path);
	struct service_found found;
	if (!service_files_find(whole, false, &found, p->err)) return err_add(p->err, "--%s", row->flag);
	if (!found.for_all) return add_credential(p, row, whole, found.size);
	if (a) {
		add_argument(p, a, whole);
	} else if (*path != '/') {
		add_word(p, arena_format(p->arena, "--%s=%s", row->flag, whole), NULL);
	}
	return true;
}

static bool check_written(const struct placing *p, const struct option_row *row, const char *path) {
	if (strncmp(path, "sqlite://", 9) == 0) path += 9;
	if (*path != '/' || strncmp(path, "/dev/", 5) == 0 || strncmp(path, SERVICE_STATE "/", sizeof(SERVICE_STATE)) == 0) return true;
	return err_set(p->err, ERR_FAILED,
		"--%s: a service writes nothing outside " SERVICE_STATE ", and so not '%s'; write a relative path, which is one below it", row->flag,
		path);
}

static bool add_form(struct placing *p, const struct service_argument *a, bool from_file, const char *value) {
	struct form_field field;
	struct service_found found;
	const char *at = strchr(value, '=');
	if (!form_parse(slice_of(value), p->arena, &field, p->err)) return false;
	if (field.file) {
		const char *whole = absolute(p, field.file);
		if (!service_files_find(whole, false, &found, p->err)) return err_add(p->err, "--form");
		if (!found.for_all || (from_file && *field.file != '/'))
			return err_set(p->err, ERR_FAILED,
				"--form: the service's user cannot read '%s'; write the whole path of a file that everybody can read", field.file);
		if (*field.file != '/') value = arena_format(p->arena, "%.*s=@%s/%s", (int)(at - value), value, p->origin->folder, at + 2);
	}
	if (!from_file) add_argument(p, a, value);
	return true;
}

static bool refuse_secret(const struct placing *p, const struct service_argument *a, const char *what) {
	return err_set(p->err, ERR_FAILED,
		"--%s: %s would stand in the unit, which everybody can read; write it into a file, and name that with --config", a->row->flag, what);
}

static bool add_typed(struct placing *p, const struct service_argument *a) {
	enum sort sort = sort_of(a->row);
	bool token_file = a->row == option_by_name(SLICE("auth-token-file"), COMMAND_RUN) ||
			  a->row == option_by_name(SLICE("control-auth-token-file"), COMMAND_RUN);
	struct slice rest;
	if (sort == LEFT_OUT || token_file) return true;
	if (a->row->secret) return refuse_secret(p, a, "a secret");
	if (sort == READ) return add_read(p, a->row, a, a->value);
	if (sort == FORM) return add_form(p, a, false, a->value);
	if (sort == WRITTEN && !check_written(p, a->row, a->value)) return false;
	if (sort == HEADER && secret_is_header(slice_cut(slice_of(a->value), ':', &rest)))
		return refuse_secret(p, a, "a header that says who somebody is");
	if (sort == LOCATION && url_userinfo(a->value).size) return refuse_secret(p, a, "a user with a password");
	add_argument(p, a, sort == SOCKET ? absolute(p, a->value) : a->value);
	return true;
}

/* An option that the config file gives. */
static bool add_filed(struct placing *p, const struct option_row *row) {
	const void *value = (const char *)&p->origin->cli->settings + row->at;
	const struct text_list *list = value;
	const char *text = row->kind == KIND_TEXT ? *(const char *const *)value : NULL;
	switch (sort_of(row)) {
	case READ: return add_read(p, row, NULL, text);
	case WRITTEN: return check_written(p, row, text);
	case SOCKET:
		if (*text != '/') add_word(p, arena_format(p->arena, "--%s=%s", row->flag, absolute(p, text)), NULL);
		return true;
	case FORM:
		for (size_t i = 0; i < list->count; i++)
			if (!add_form(p, NULL, true, list->at[i])) return false;
		return true;
	default: return true;
	}
}

/* The data files of scenarios have no option that could name them anew. */
static bool check_data(const struct placing *p) {
	const struct scenario_set *set = &p->origin->cli->settings.scenarios;
	for (size_t i = 0; i < set->data_count; i++) {
		const char *path = set->data[i].path.text;
		struct service_found found;
		if (!service_files_find(absolute(p, path), false, &found, p->err)) return err_add(p->err, "%s: data", set->path);
		if (*path != '/' || !found.for_all)
			return err_set(p->err, ERR_FAILED,
				"%s: data: the service cannot read '%s'; write the whole path of a file that everybody can read", set->path, path);
	}
	return true;
}

static bool is_low(const char *listen) {
	struct host_port parts;
	return listen && host_port_parse(slice_of(listen), &parts) && parts.port > 0 && parts.port < 1024;
}

bool service_arguments_place(const struct service_origin *origin, struct arena *arena, struct service_unit *ret, struct err *err) {
	const struct cli *cli = origin->cli;
	const struct settings *settings = &cli->settings;
	const struct service_argument config = {.row = option_by_name(SLICE("config"), COMMAND_RUN), .name = "--config", .joined = true};
	struct service_argument *typed;
	size_t count = service_arguments_read(origin->argc, origin->argv, arena, &typed);
	struct placing p = {.origin = origin, .arena = arena, .err = err, .word_room = 2 * count + OPTION_COUNT};
	p.words = arena_array(arena, p.word_room, sizeof(*p.words));
	p.credentials = arena_array(arena, OPTION_COUNT, sizeof(*p.credentials));
	for (size_t i = 0; i < count; i++)
		if (!add_typed(&p, &typed[i])) return false;
	if (cli->config_file && !settings->file.config && !add_read(&p, config.row, &config, cli->config_file)) return false;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (cli->origins->rows[i].kind == ORIGIN_FILE && !add_filed(&p, &option_rows[i])) return false;
	if (!check_data(&p)) return false;
	ret->controls = settings->fleet.controller_listen;
	ret->word_count = p.word_count;
	ret->words = p.words;
	ret->credential_count = p.credential_count;
	ret->credentials = p.credentials;
	ret->low_port = is_low(settings->fleet.controller_listen) || is_low(settings->fleet.control_listen) || is_low(settings->out.sink_listen);
	return true;
}
