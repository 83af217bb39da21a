#include "base/mapped.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/files.h"

/* Entries up to the count are never written again, but for `changed`: the handler reads them on any thread. */
static struct mapped_file {
	char *path;
	char *at;
	size_t size;
	atomic_bool changed;
} mapped_files[MAPPED_FILES];
static atomic_size_t mapped_count;
static size_t mapped_page;             /* bytes */
static struct sigaction mapped_before; /* what SIGBUS did before */

/* Puts zeros in the place of everything from `page` to the end of the file: it is lost with it, and one mapping costs less than one a page. The
 * system call itself: mmap(3) is not said to be safe in a handler, and a thread sanitizer takes it for a write. */
static bool mapped_replace(struct mapped_file *file, char *page) {
	size_t rest = file->size - (size_t)(page - file->at);
	int saved = errno;
	long zeros = syscall(SYS_mmap, page, rest, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
	errno = saved;
	atomic_store(&file->changed, true);
	return zeros != -1;
}

static void mapped_on_sigbus(int number, siginfo_t *info, void *context) {
	(void)context;
	char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(mapped_page - 1));
	size_t count = atomic_load(&mapped_count);
	for (size_t i = 0; i < count && info->si_code > 0; i++) {
		struct mapped_file *file = &mapped_files[i];
		if (page >= file->at && page < file->at + file->size && mapped_replace(file, page)) return;
	}
	/* Not ours: what faulted does so again and meets what was there before us; what was sent by kill(2) comes again. */
	sigaction(SIGBUS, &mapped_before, NULL);
	if (info->si_code <= 0) raise(number);
}

/* Done for each file: somebody else may have taken the signal over since the last one. */
static void mapped_catch(void) {
	struct sigaction before, action = {.sa_sigaction = mapped_on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	mapped_page = (size_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
	if (!(before.sa_flags & SA_SIGINFO) || before.sa_sigaction != mapped_on_sigbus) mapped_before = before;
}

static bool mapped_map(int fd, const char *path, struct slice *ret, struct err *err) {
	struct stat status;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return err_set(err, ERR_FAILED, "'%s' is not a regular file", path);
	size_t size = (size_t)status.st_size, count = atomic_load(&mapped_count);
	if (size > MAPPED_MAX) return err_set(err, ERR_FAILED, "'%s' is larger than %zu GiB", path, MAPPED_MAX >> 30);
	if (size == 0) {
		*ret = SLICE("");
		return true;
	}
	if (count == MAPPED_FILES) return err_set(err, ERR_FAILED, "'%s' is one file too many; at most %d can be sent", path, MAPPED_FILES);
	void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED) return err_set_sys(err, ERR_FAILED, errno, "cannot map '%s'", path);
	struct mapped_file *file = &mapped_files[count];
	file->path = mem_alloc(strlen(path) + 1);
	strcpy(file->path, path);
	file->at = at;
	file->size = size;
	mapped_catch();
	atomic_store(&mapped_count, count + 1);
	*ret = (struct slice){at, size};
	return true;
}

bool mapped_open(const char *path, struct slice *ret, struct err *err) {
	int fd = files_open(path);
	if (fd < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot open '%s'", path);
	bool good = mapped_map(fd, path, ret, err);
	close(fd);
	return good;
}

void mapped_close_all(void) {
	size_t count = atomic_exchange(&mapped_count, 0);
	for (size_t i = 0; i < count; i++) {
		munmap(mapped_files[i].at, mapped_files[i].size);
		free(mapped_files[i].path);
		mapped_files[i] = (struct mapped_file){0};
	}
}

void mapped_touch(const struct iovec *iov, int count) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (int i = 0; i < count; i++) {
		const volatile char *at = iov[i].iov_base, *end = at + iov[i].iov_len;
		for (; at < end; at += page - ((uintptr_t)at & (page - 1))) (void)*at;
	}
}

const char *mapped_changed(void) {
	size_t count = atomic_load(&mapped_count);
	for (size_t i = 0; i < count; i++)
		if (atomic_load(&mapped_files[i].changed)) return mapped_files[i].path;
	return NULL;
}
