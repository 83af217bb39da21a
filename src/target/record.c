#include "target/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096

static size_t head_size(void) {
	return (sizeof(struct record_head) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static size_t map_size(uint64_t head_bytes, uint64_t threads) {
	return head_bytes == 0 ? head_size() : (size_t)(head_bytes + threads * RECORD_ARRIVALS * sizeof(nsec));
}

/* The file without its name's old content, at its full size; nothing of it takes room on the disk until it is written. */
static int make_file(const char *path, size_t size, struct err *err) {
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		err_set_sys(err, ERR_FAILED, errno, "record '%s'", path);
		return -1;
	}
	struct stat about;
	bool fits = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
	if (!fits) err_set(err, ERR_FAILED, "record '%s': not a regular file", path);
	if (fits && (ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)size) != 0)) {
		fits = err_set_sys(err, ERR_FAILED, errno, "record '%s'", path);
	}
	if (fits) return fd;
	close(fd);
	return -1;
}

bool record_open(const char *path, unsigned threads, struct record_head **ret, struct err *err) {
	uint64_t head_bytes = path ? head_size() : 0;
	size_t size = map_size(head_bytes, threads);
	int fd = -1;
	if (path) {
		fd = make_file(path, size, err);
		if (fd < 0) return false;
	}
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (path ? 0 : MAP_ANONYMOUS), fd, 0);
	int sys = errno;
	if (fd >= 0) close(fd);
	if (at == MAP_FAILED) return err_set_sys(err, ERR_FAILED, sys, "record '%s': mapping it", path ? path : "in memory");
	struct record_head *head = at;
	head->head_bytes = head_bytes;
	head->started = clock_now();
	head->threads = threads;
	/* Last: who sees the magic number sees a complete head. */
	__atomic_store_n(&head->magic, RECORD_MAGIC, __ATOMIC_RELEASE);
	*ret = head;
	return true;
}

void record_close(struct record_head *head) {
	if (head) munmap(head, map_size(head->head_bytes, head->threads));
}

nsec *record_arrivals(struct record_head *head, unsigned thread) {
	if (head->head_bytes == 0) return NULL;
	return (nsec *)(void *)((char *)head + head->head_bytes) + (size_t)thread * RECORD_ARRIVALS;
}

void record_add_stall(struct record_head *head, struct record_stall window) {
	uint64_t n = head->stalls;
	if (n >= RECORD_STALLS) return;
	__atomic_store_n(&head->stall[n].begin, window.begin, __ATOMIC_RELAXED);
	__atomic_store_n(&head->stall[n].end, window.end, __ATOMIC_RELAXED);
	__atomic_store_n(&head->stalls, n + 1, __ATOMIC_RELEASE);
}
