#include "cmd/sink_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

bool sink_file_check(const char *path, struct err *err) {
	struct stat there;
	if (!*path) return err_set(err, ERR_FAILED, "the path is empty; write the path of a file");
	if (lstat(path, &there) != 0 || S_ISREG(there.st_mode)) return true; /* what else is wrong is told by writing */
	const char *what = S_ISDIR(there.st_mode) ? "a folder" : S_ISLNK(there.st_mode) ? "a link" : "no regular file";
	return err_set(err, ERR_FAILED, "'%s' is %s, which would be replaced; write the path of a file", path, what);
}

/* Writes everything and closes; errno of the first failure, 0: none. */
static int write_all(int file, const struct buf *text, bool sync) {
	int fault = 0;
	for (size_t done = 0; done < text->size && fault == 0;) {
		ssize_t more = write(file, text->at + done, text->size - done);
		if (more >= 0)
			done += (size_t)more;
		else if (errno != EINTR)
			fault = errno;
	}
	if (fault == 0 && sync && fsync(file) != 0) fault = errno;
	if (close(file) != 0 && fault == 0) fault = errno;
	return fault;
}

/* Opens it empty; -1 with errno. O_NONBLOCK: a pipe of this name does not hold us up. */
static int open_regular(const char *path) {
	struct stat there;
	int file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
	if (file < 0) return -1;
	bool regular = fstat(file, &there) == 0 && S_ISREG(there.st_mode);
	if (regular && ftruncate(file, 0) == 0) return file;
	int fault = regular ? errno : EEXIST;
	close(file);
	errno = fault;
	return -1;
}

bool sink_file_write(const char *path, const struct buf *text, bool sync, struct err *err) {
	struct arena arena;
	if (!sink_file_check(path, err)) return false;
	arena_init(&arena);
	const char *temporary = arena_format(&arena, "%s.tmp", path);
	int file = open_regular(temporary), fault = file < 0 ? errno : write_all(file, text, sync);
	if (file >= 0) {
		if (fault == 0 && rename(temporary, path) != 0) fault = errno;
		if (fault != 0) unlink(temporary);
	}
	if (fault != 0) err_set_sys(err, ERR_FAILED, fault, "cannot write '%s' by way of '%s'", path, temporary);
	arena_fini(&arena);
	return fault == 0;
}
