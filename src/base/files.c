#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

#define PIECE 65536

enum files_mode { FILES_PLAIN, FILES_NOTED, FILES_SEALED };

static struct {
	enum files_mode mode;
	size_t count;
	bool many; /* more than FILES_MOST were noted */
	struct {
		char *name;
		int fd;           /* SEALED: of its bytes */
		bool is_variable; /* NOTED */
	} at[FILES_MOST];
} files;

static size_t files_find(const char *name) {
	size_t i = 0;
	while (i < files.count && strcmp(files.at[i].name, name) != 0) i++;
	return i;
}

static void files_add(const char *name, int fd) {
	char *copy = mem_alloc(strlen(name) + 1);
	strcpy(copy, name);
	files.at[files.count].name = copy;
	files.at[files.count++].fd = fd;
}

/* Opens the bytes anew: each descriptor has a place of its own. */
static int files_open_given(const char *name) {
	char path[32];
	size_t i = files_find(name);
	if (i == files.count) {
		errno = ENOENT;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", files.at[i].fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void files_note_name(const char *name, bool is_variable) {
	if (files.count == FILES_MOST) {
		files.many = true;
		return;
	}
	files_add(name, -1);
	files.at[files.count - 1].is_variable = is_variable;
}

int files_open(const char *name) {
	if (files.mode == FILES_SEALED) return files_open_given(name);
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || files.mode != FILES_NOTED || files_find(name) < files.count) return fd;
	files_note_name(name, false);
	return fd;
}

static const char *files_variable_given(const char *key) {
	static char *value;
	struct stat status;
	size_t i = files_find(key);
	if (i == files.count || fstat(files.at[i].fd, &status) != 0) return NULL;
	free(value);
	value = mem_zeroed(1, (size_t)status.st_size + 1);
	if (pread(files.at[i].fd, value, (size_t)status.st_size, 0) != status.st_size) return NULL;
	return value;
}

const char *files_variable(const char *name) {
	char key[FILES_NAME];
	if (files.mode == FILES_PLAIN || snprintf(key, sizeof(key), "${%s}", name) >= (int)sizeof(key)) return getenv(name);
	if (files.mode == FILES_SEALED) return files_variable_given(key);
	const char *value = getenv(name);
	if (value && files_find(key) == files.count) files_note_name(key, true);
	return value;
}

void files_reset(void) {
	for (size_t i = 0; i < files.count; i++) {
		free(files.at[i].name);
		if (files.at[i].fd >= 0) close(files.at[i].fd);
	}
	files.mode = FILES_PLAIN;
	files.count = 0;
	files.many = false;
}

void files_note(void) {
	files_reset();
	files.mode = FILES_NOTED;
}

void files_seal(void) {
	files_reset();
	files.mode = FILES_SEALED;
}

/* Reads a regular file of at most `most` bytes into memory; free() it. */
static char *files_read(const char *name, size_t most, size_t *ret_size, struct err *err) {
	struct stat status;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	size_t size = is_file && status.st_size > 0 ? (size_t)status.st_size : 0, got = 0;
	ssize_t more = 1;
	char *bytes = NULL;
	if (fd < 0) {
		err_set_sys(err, ERR_FAILED, errno, "cannot open '%s'", name);
		return NULL;
	}
	if (!is_file) {
		err_set(err, ERR_FAILED, "'%s' is not a regular file, so it cannot be sent to the agents; write its content to a file", name);
	} else if (size > most) {
		err_set(err, ERR_FAILED, "'%s' is too large to be sent to the agents: the files of a run may have %zu KiB in all", name, most >> 10);
	} else {
		bytes = mem_alloc(size + 1);
		while (got < size && (more = read(fd, bytes + got, size - got < PIECE ? size - got : PIECE)) > 0) got += (size_t)more;
	}
	if (bytes && got < size) {
		err_set(err, ERR_FAILED, "'%s' cannot be read to its end", name);
		free(bytes);
		bytes = NULL;
	}
	close(fd);
	*ret_size = got;
	return bytes;
}

/* Reads what "${NAME}" stands for; free() it. */
static char *files_read_variable(const char *key, size_t *ret_size) {
	char *name = mem_zeroed(1, strlen(key)), *copy;
	memcpy(name, key + 2, strlen(key) - 3);
	const char *value = getenv(name);
	free(name);
	if (!value) value = "";
	copy = mem_alloc(strlen(value) + 1);
	*ret_size = strlen(value);
	return strcpy(copy, value);
}

bool files_each(size_t most, files_each_fn *each, void *user, struct err *err) {
	if (files.many) return err_set(err, ERR_FAILED, "a run may read at most %d files if it has agents", FILES_MOST);
	for (size_t i = 0; i < files.count; i++) {
		size_t size;
		char *bytes = files.at[i].is_variable ? files_read_variable(files.at[i].name, &size) : files_read(files.at[i].name, most, &size, err);
		if (bytes && size > most) {
			free(bytes);
			bytes = NULL;
			err_set(err, ERR_FAILED, "'%s' is too large to be sent to the agents", files.at[i].name);
		}
		if (!bytes) return false;
		most -= size;
		each(user, files.at[i].name, (struct slice){bytes, size});
		free(bytes);
	}
	return true;
}

static bool files_write_all(int fd, struct slice bytes) {
	while (bytes.size > 0) {
		ssize_t written = write(fd, bytes.at, bytes.size);
		if (written < 0 && errno == EINTR) continue;
		if (written <= 0) return false;
		bytes.at += written;
		bytes.size -= (size_t)written;
	}
	return true;
}

bool files_give(const char *name, struct slice bytes, struct err *err) {
	if (files_find(name) < files.count) return true; /* twice the same */
	if (files.count == FILES_MOST) return err_set(err, ERR_FAILED, "'%s' is one file too many; a run may have %d", name, FILES_MOST);
	int fd = memfd_create("given", MFD_CLOEXEC);
	if (fd < 0 || !files_write_all(fd, bytes)) {
		err_set_sys(err, ERR_FAILED, errno, "cannot keep '%s' in memory", name);
		if (fd >= 0) close(fd);
		return false;
	}
	files_add(name, fd);
	return true;
}
