#include "cmd/service_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/service_unit.h"

/* Returns whether everybody may enter each folder that the path names. */
static bool folders_are_open(const char *path) {
	char folder[PATH_MAX];
	struct stat about;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t size = (size_t)(slash - path) + (slash == path);
		if (size >= sizeof(folder)) return false;
		memcpy(folder, path, size);
		folder[size] = 0;
		if (stat(folder, &about) != 0 || !(about.st_mode & S_IXOTH)) return false;
	}
	return true;
}

/* PrivateTmp= of the unit hides these. */
static bool is_hidden(const char *path) {
	return strncmp(path, "/tmp/", 5) == 0 || strncmp(path, "/var/tmp/", 9) == 0;
}

bool service_files_find(const char *path, bool executable, struct service_found *ret, struct err *err) {
	char real[PATH_MAX];
	struct stat about;
	*ret = (struct service_found){0};
	if (stat(path, &about) != 0 || !realpath(path, real)) {
		if (errno == EACCES) return true;
		return err_set_sys(err, ERR_FAILED, errno, "cannot read '%s'", path);
	}
	if (!S_ISREG(about.st_mode)) return err_set(err, ERR_FAILED, "'%s' is no regular file; a service needs one that it can read again", path);
	mode_t wanted = executable ? S_IXOTH : S_IROTH;
	ret->for_all = (about.st_mode & wanted) && folders_are_open(path) && folders_are_open(real) && !is_hidden(path) && !is_hidden(real);
	ret->size = about.st_size;
	return true;
}

bool service_files_owner(const char *path, enum service_owner *ret, struct err *err) {
	char start[256];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		*ret = SERVICE_NOBODY;
		return true;
	}
	if (fd < 0 && errno == ELOOP) { /* a link: a masked unit, or an alias */
		*ret = SERVICE_FOREIGN;
		return true;
	}
	ssize_t size = fd < 0 ? -1 : read(fd, start, sizeof(start));
	int fault = errno;
	if (fd >= 0) close(fd);
	if (size < 0) return err_set_sys(err, ERR_FAILED, fault, "cannot read '%s'", path);
	*ret = service_unit_is_ours((struct slice){start, (size_t)size}) ? SERVICE_OURS : SERVICE_FOREIGN;
	return true;
}

static bool write_all(int fd, struct slice text) {
	while (text.size) {
		ssize_t size = write(fd, text.at, text.size);
		if (size < 0 && errno == EINTR) continue;
		if (size < 0) return false;
		text = (struct slice){text.at + size, text.size - (size_t)size};
	}
	return true;
}

bool service_files_write(const char *path, struct slice text, unsigned mode, struct err *err) {
	char temporary[PATH_MAX];
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return err_set(err, ERR_FAILED, "cannot write '%s': the path is too long", path);
	int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot write '%s'", path);
	bool good = write_all(fd, text) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	int fault = errno;
	if (close(fd) != 0 && good) {
		good = false;
		fault = errno;
	}
	if (good && rename(temporary, path) == 0) return true;
	if (good) fault = errno;
	unlink(temporary);
	return err_set_sys(err, ERR_FAILED, fault, "cannot write '%s'", path);
}

bool service_files_remove(const char *path, struct err *err) {
	return unlink(path) == 0 || errno == ENOENT || err_set_sys(err, ERR_FAILED, errno, "cannot remove '%s'", path);
}

bool service_files_token(const char *path, struct arena *arena, const char **ret, struct err *err) {
	char bytes[SERVICE_TOKEN_MAX + 2];
	FILE *file = fopen(path, "re");
	if (!file) return err_set_sys(err, ERR_FAILED, errno, "cannot read '%s'", path);
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	int fault = ferror(file) ? errno : 0;
	fclose(file);
	if (fault) return err_set_sys(err, ERR_FAILED, fault, "cannot read '%s'", path);
	while (size && strchr("\r\n", bytes[size - 1])) size--;
	if (size == 0) return err_set(err, ERR_FAILED, "'%s' is empty; write a token into it", path);
	if (size > SERVICE_TOKEN_MAX) return err_set(err, ERR_FAILED, "'%s' is no token: it has more than %d bytes", path, SERVICE_TOKEN_MAX);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return err_set(err, ERR_FAILED, "'%s' is no token: it has more than one line, or a control character", path);
	*ret = arena_copy(arena, (struct slice){bytes, size});
	return true;
}
