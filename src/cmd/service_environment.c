#include "cmd/service_environment.h"

#include "base/files.h"
#include "cmd/service_files.h"
#include "config/origin.h"

#define VALUES_MAX ((size_t)1 << 20) /* bytes of a config file and its variables */

struct reading {
	struct service_environment *into;
	struct arena *arena;
	struct err *err;
	bool good;
};

static enum origin_kind kind_of(const struct cli *cli, struct slice flag) {
	return cli->origins->rows[option_index(option_by_name(flag, COMMAND_RUN))].kind;
}

static bool add(struct service_environment *into, const char *name, const char *value, struct err *err) {
	for (size_t i = 0; i < into->count; i++)
		if (strcmp(into->at[i].name, name) == 0) return true;
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(err, ERR_FAILED, "%s has a control character in its value, and so cannot be given to a service", name);
	if (into->count == SERVICE_VARIABLES_MAX) return err_set(err, ERR_FAILED, "a service can have at most %d variables", SERVICE_VARIABLES_MAX);
	into->at[into->count++] = (struct service_variable){name, value};
	return true;
}

/* A token of the command line or the environment. */
static bool add_token(struct service_environment *into, const char *variable, const char *token, enum origin_kind kind, struct err *err) {
	return !token || kind == ORIGIN_FILE || add(into, variable, token, err);
}

/* A token in a file that the command line names. */
static bool add_token_file(struct service_environment *into, const char *variable, const char *path, enum origin_kind kind, struct err *err) {
	if (!path || kind == ORIGIN_FILE) return true;
	if (!add(into, variable, "", err)) return false;
	into->files[into->count - 1] = path;
	return true;
}

/* Takes the variables out of what was noted: "${NAME}". */
static void take_variable(void *user, const char *name, struct slice bytes) {
	struct reading *r = user;
	struct slice key = slice_of(name);
	if (!r->good || key.size < 4 || memcmp(key.at, "${", 2) != 0 || key.at[key.size - 1] != '}') return;
	r->good = add(r->into, arena_copy(r->arena, (struct slice){key.at + 2, key.size - 3}), arena_copy(r->arena, bytes), r->err);
}

/* Reads the command line again, with an eye on the variables that its config file takes. */
static bool add_variables(int argc, char **argv, struct reading *r) {
	struct cli again;
	files_note();
	bool read = cli_parse(argc, argv, r->arena, &again, r->err) && files_each(VALUES_MAX, take_variable, r, r->err);
	files_reset();
	return read && r->good;
}

bool service_environment_read(const struct service_origin *origin, struct arena *arena, struct service_environment *ret, struct err *err) {
	const struct cli *cli = origin->cli;
	const struct fleet_settings *fleet = &cli->settings.fleet;
	struct reading reading = {ret, arena, err, true};
	*ret = (struct service_environment){0};
	if (!add_token(ret, "STREST_AUTH_TOKEN", fleet->auth_token, kind_of(cli, SLICE("auth-token")), err) ||
		!add_token(ret, "STREST_CONTROL_AUTH_TOKEN", fleet->control_auth_token, kind_of(cli, SLICE("control-auth-token")), err) ||
		!add_token_file(ret, "STREST_AUTH_TOKEN", fleet->auth_token_file, kind_of(cli, SLICE("auth-token-file")), err) ||
		!add_token_file(
			ret, "STREST_CONTROL_AUTH_TOKEN", fleet->control_auth_token_file, kind_of(cli, SLICE("control-auth-token-file")), err))
		return false;
	return !cli->config_file || add_variables(origin->argc, origin->argv, &reading);
}

bool service_environment_fill(struct service_environment *environment, struct arena *arena, struct err *err) {
	for (size_t i = 0; i < environment->count; i++) {
		bool control = strcmp(environment->at[i].name, "STREST_CONTROL_AUTH_TOKEN") == 0;
		if (environment->files[i] && !service_files_token(environment->files[i], arena, &environment->at[i].value, err))
			return err_add(err, "--%sauth-token-file", control ? "control-" : "");
	}
	return true;
}
