#include "cmd/service.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/service_arguments.h"
#include "cmd/service_environment.h"
#include "cmd/service_files.h"
#include "cmd/service_systemctl.h"
#include "cmd/service_unit.h"
#include "config/quote.h"

#define UNIT_FOLDER "/etc/systemd/system"
#define ENV_FOLDER "/etc/strest"
#define TEXT_MAX ((size_t)900 << 10) /* bytes of a unit; systemd reads lines of up to 1 MiB */

/* One service. */
struct service {
	struct arena *arena;
	struct err *err;
	struct service_origin origin;
	const char *name; /* with .service */
	const char *unit_path, *env_path;
	struct buf unit, env; /* texts */
};

bool service_wanted(const struct cli *cli) {
	const struct fleet_settings *fleet = &cli->settings.fleet;
	return cli->action == CLI_RUN && (fleet->install_service || fleet->uninstall_service);
}

static bool name_service(struct service *s) {
	const struct fleet_settings *fleet = &s->origin.cli->settings.fleet;
	const char *preset = fleet->controller_listen ? "strest-controller" : fleet->agent_join ? "strest-agent" : "strest";
	struct quote quote;
	struct slice name;
	if (!service_unit_name(slice_of(fleet->service_name ? fleet->service_name : preset), &name))
		return err_set(s->err, ERR_FAILED,
			"--service-name: %s is no name for a service; write up to 200 letters, digits and characters of ':_.@-', the first one "
			"neither '.' nor '-'",
			quote_text(&quote, slice_of(fleet->service_name)));
	s->name = arena_format(s->arena, "%.*s.service", (int)name.size, name.at);
	s->unit_path = arena_format(s->arena, UNIT_FOLDER "/%s", s->name);
	s->env_path = arena_format(s->arena, ENV_FOLDER "/%.*s.env", (int)name.size, name.at);
	return true;
}

static bool check_rights(const struct service *s) {
	if (geteuid() == 0) return true;
	return err_set(s->err, ERR_FAILED, "--%s-service writes to " UNIT_FOLDER " and calls systemctl, which only root may; write sudo before it",
		s->origin.cli->settings.fleet.install_service ? "install" : "uninstall");
}

/* Returns the path of this program; NULL: not known, or no longer there. */
static const char *find_program(struct arena *arena) {
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
	if (size <= 0 || size == sizeof(path)) return NULL;
	const char *program = arena_copy(arena, (struct slice){path, (size_t)size});
	return access(program, X_OK) == 0 ? program : NULL;
}

/* Writes the unit's text. */
static bool make_unit(struct service *s, bool has_env) {
	struct service_unit unit = {.env_path = has_env ? s->env_path : NULL, .program = find_program(s->arena)};
	char folder[PATH_MAX];
	struct service_found found;
	s->origin.folder = getcwd(folder, sizeof(folder));
	if (!s->origin.folder) return err_set_sys(s->err, ERR_FAILED, errno, "cannot tell the current directory");
	if (!unit.program) return err_set(s->err, ERR_FAILED, "cannot tell where this program is (/proc/self/exe), or it was removed");
	if (!service_files_find(unit.program, true, &found, s->err)) return false;
	if (!service_arguments_place(&s->origin, s->arena, &unit, s->err)) return false;
	if (!found.for_all)
		log_warn("the service's user cannot start '%s'; put the program where everybody can, such as /usr/local/bin, and install again",
			unit.program);
	service_unit_write(&unit, &s->unit);
	return !s->unit.full || err_set(s->err, ERR_FAILED, "the command line is too long for a unit of systemd");
}

/* A file that somebody else wrote is left alone. */
static bool check_owner(const struct service *s, const char *path, const char *verb, enum service_owner *ret) {
	if (!service_files_owner(path, ret, s->err)) return false;
	if (*ret != SERVICE_FOREIGN) return true;
	return err_set(s->err, ERR_FAILED,
		"'%s' was not written by strest --install-service, and so is not %s; choose another --service-name, or remove it yourself", path,
		verb);
}

static bool write_env(const struct service *s) {
	if (!s->env.size) return service_files_remove(s->env_path, s->err);
	if (mkdir(ENV_FOLDER, 0755) != 0 && errno != EEXIST) return err_set_sys(s->err, ERR_FAILED, errno, "cannot make '" ENV_FOLDER "'");
	return service_files_write(s->env_path, slice_of(buf_text(&s->env)), 0600, s->err);
}

static bool install(struct service *s) {
	const char *const reload[] = {"daemon-reload", NULL}, *const enable[] = {"enable", "--now", s->name, NULL};
	const char *const is_active[] = {"is-active", "--quiet", s->name, NULL}, *const restart[] = {"restart", s->name, NULL};
	enum service_owner unit, env;
	int inactive;
	if (!check_owner(s, s->unit_path, "overwritten", &unit) || !check_owner(s, s->env_path, "overwritten", &env)) return false;
	if (!service_systemctl_ask(is_active, &inactive, s->err)) return false;
	if (!write_env(s) || !service_files_write(s->unit_path, slice_of(buf_text(&s->unit)), 0644, s->err)) return false;
	if (!service_systemctl_do(reload, s->err) || !service_systemctl_do(enable, s->err)) return false;
	if (inactive == 0 && !service_systemctl_do(restart, s->err)) return false;
	printf("installed and %s %s\n  unit: %s\n", inactive ? "started" : "restarted", s->name, s->unit_path);
	if (s->env.size) printf("  variables: %s\n", s->env_path);
	printf("  files that it writes: " SERVICE_STATE "\n  what it says: journalctl -u %s\n", s->name);
	return true;
}

static bool uninstall(struct service *s) {
	const char *const disable[] = {"disable", "--now", s->name, NULL}, *const reload[] = {"daemon-reload", NULL};
	enum service_owner unit, env;
	struct err told;
	if (!check_owner(s, s->unit_path, "removed", &unit) || !check_owner(s, s->env_path, "removed", &env)) return false;
	if (!service_systemctl_do(disable, &told)) log_warn("%s", told.text);
	if (!service_files_remove(s->unit_path, s->err) || !service_files_remove(s->env_path, s->err)) return false;
	rmdir(ENV_FOLDER); /* if it is empty */
	if (!service_systemctl_do(reload, s->err)) return false;
	printf(unit == SERVICE_NOBODY ? "%s was not installed\n" : "removed %s\n", s->name);
	return true;
}

static bool act(struct service *s) {
	const struct fleet_settings *fleet = &s->origin.cli->settings.fleet;
	if (!name_service(s) || (!fleet->service_dry_run && !check_rights(s))) return false;
	if (fleet->uninstall_service) return uninstall(s);
	struct service_environment environment;
	if (!service_environment_read(&s->origin, s->arena, &environment, s->err)) return false;
	if (!make_unit(s, environment.count > 0)) return false;
	if (fleet->service_dry_run) {
		fputs(buf_text(&s->unit), stdout);
		return true;
	}
	if (!service_environment_fill(&environment, s->arena, s->err)) return false;
	if (environment.count) service_unit_write_env(environment.count, environment.at, &s->env);
	return (!s->env.full || err_set(s->err, ERR_FAILED, "the variables are too long for a file of systemd")) && install(s);
}

int service_run(const struct cli *cli, int argc, char **argv, struct arena *arena) {
	struct err err;
	struct service service = {.arena = arena, .err = &err, .origin = {.cli = cli, .argc = argc, .argv = argv}};
	buf_init(&service.unit, TEXT_MAX);
	buf_init(&service.env, TEXT_MAX);
	bool good = act(&service);
	if (!good) log_write(LOG_ERROR, "%s", err.text);
	buf_fini(&service.unit);
	buf_fini(&service.env);
	return fflush(stdout) != 0 || !good;
}
