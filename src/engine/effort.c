#include "engine/effort.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Source: proc(5), /proc/thread-self; the kernel's Documentation/scheduler/sched-stats.rst: the second number, ns. */
static bool effort_read_queued(nsec *ret) {
	char text[96];
	long long queued;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0) return false;
	text[size] = 0;
	if (sscanf(text, "%*u %lld", &queued) != 1) return false;
	*ret = queued;
	return true;
}

nsec effort_cpu(void) {
	struct timespec cpu;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	return (nsec)cpu.tv_sec * SEC + cpu.tv_nsec;
}

void effort_read(nsec now, nsec spun, struct effort *ret) {
	*ret = (struct effort){.at = now, .cpu = effort_cpu(), .spun = spun};
	ret->queued_known = effort_read_queued(&ret->queued);
}
