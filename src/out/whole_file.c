#include "out/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

static bool fail(const struct whole_file *file, struct err *err) {
	return err_set_sys(err, ERR_FAILED, errno, "cannot write '%s'", file->path);
}

/* Another name in the same folder, of the rights that a new file gets. */
static int open_temporary(struct whole_file *file) {
	size_t size = strlen(file->path) + sizeof(".XXXXXX");
	file->temporary = mem_alloc(size);
	snprintf(file->temporary, size, "%s.XXXXXX", file->path);
	int opened = mkostemp(file->temporary, O_CLOEXEC);
	mode_t mask = umask(0);
	umask(mask);
	if (opened >= 0 && fchmod(opened, 0666 & ~mask) != 0) {
		int fault = errno;
		close(opened);
		unlink(file->temporary);
		errno = fault;
		return -1;
	}
	return opened;
}

bool whole_file_open(const char *path, struct whole_file *ret, struct err *err) {
	struct whole_file file = {.path = path, .file = -1};
	struct stat there;
	bool is_new = lstat(path, &there) != 0;
	if (!is_new && S_ISDIR(there.st_mode)) {
		errno = EISDIR;
		return fail(&file, err);
	}
	/* Without O_NONBLOCK a pipe that nobody reads would hold up everything; with it, that is an error (ENXIO). */
	file.file = is_new || S_ISREG(there.st_mode) ? open_temporary(&file) : open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
	if (file.file < 0) {
		fail(&file, err);
		free(file.temporary);
		return false;
	}
	int flags = fcntl(file.file, F_GETFL);
	if (!file.temporary) fcntl(file.file, F_SETFL, flags & ~O_NONBLOCK);
	file.text = mem_alloc(WHOLE_FILE_BYTES);
	*ret = file;
	return true;
}

static bool whole_file_flush(struct whole_file *file, struct err *err) {
	for (size_t done = 0; done < file->size;) {
		ssize_t more = write(file->file, file->text + done, file->size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0) return fail(file, err);
		done += (size_t)more;
	}
	file->size = 0;
	return true;
}

char *whole_file_room(struct whole_file *file, size_t size, struct err *err) {
	if (file->size + size > WHOLE_FILE_BYTES && !whole_file_flush(file, err)) return NULL;
	return file->text + file->size;
}

bool whole_file_add(struct whole_file *file, struct slice bytes, struct err *err) {
	while (bytes.size > 0) {
		size_t part = bytes.size < WHOLE_FILE_BYTES / 2 ? bytes.size : WHOLE_FILE_BYTES / 2;
		char *room = whole_file_room(file, part, err);
		if (!room) return false;
		memcpy(room, bytes.at, part);
		whole_file_took(file, part);
		bytes = (struct slice){bytes.at + part, bytes.size - part};
	}
	return true;
}

bool whole_file_commit(struct whole_file *file, struct err *err) {
	bool ok = whole_file_flush(file, err);
	if (ok && file->temporary && fsync(file->file) != 0) ok = fail(file, err);
	int closed = close(file->file);
	file->file = -1;
	if (ok && closed != 0) ok = fail(file, err);
	if (ok && file->temporary && rename(file->temporary, file->path) != 0) ok = fail(file, err);
	if (!ok && file->temporary) unlink(file->temporary);
	whole_file_abandon(file);
	return ok;
}

void whole_file_abandon(struct whole_file *file) {
	if (file->file >= 0) {
		close(file->file);
		if (file->temporary) unlink(file->temporary);
	}
	free(file->temporary);
	free(file->text);
	*file = (struct whole_file){.path = file->path, .file = -1};
}
