#include "cmd/fleet_access.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define TOKEN_MAX 4096

/* Reads the first line of a file: a token, without blanks around it. */
static bool read_token(const char *option, const char *path, struct arena *arena, const char **ret, struct err *err) {
	char text[TOKEN_MAX + 2];
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "%s: cannot open '%s'", option, path);
	bool open_to_all = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO));
	ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size < 0) return err_set_sys(err, ERR_FAILED, errno, "%s: cannot read '%s'", option, path);
	text[size] = 0;
	char *token = text + strspn(text, " \t\r\n");
	token[strcspn(token, "\r\n")] = 0;
	for (size_t end = strlen(token); end > 0 && strchr(" \t", token[end - 1]); end--) token[end - 1] = 0;
	if (!*token) return err_set(err, ERR_FAILED, "%s: there is no token in '%s'; write one into its first line", option, path);
	if (strlen(token) > TOKEN_MAX) return err_set(err, ERR_FAILED, "%s: the token in '%s' is longer than %d bytes", option, path, TOKEN_MAX);
	if (open_to_all) log_warn("%s: others can read '%s'; protect it with chmod 600", option, path);
	*ret = arena_copy(arena, slice_of(token));
	return true;
}

bool fleet_access_control(const struct fleet_settings *fleet, struct arena *arena, const char **ret, struct err *err) {
	*ret = fleet->control_auth_token;
	return !fleet->control_auth_token_file || read_token("--control-auth-token-file", fleet->control_auth_token_file, arena, ret, err);
}

bool fleet_access_link(const struct fleet_settings *fleet, struct arena *arena, struct link_http_setup *ret, struct err *err) {
	*ret = (struct link_http_setup){
		.address = fleet->controller_listen ? fleet->controller_listen : fleet->agent_join,
		.token = fleet->auth_token,
		.ca = fleet->fleet_ca,
		.cert = fleet->fleet_cert,
		.key = fleet->fleet_key,
		.silence = (nsec)fleet->agent_heartbeat_timeout_ms * MSEC,
	};
	return !fleet->auth_token_file || read_token("--auth-token-file", fleet->auth_token_file, arena, &ret->token, err);
}
