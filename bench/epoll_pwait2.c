/* For the callgrind runs of script/bench: valgrind 3.19 (Debian 12) does not know the system call epoll_pwait2, which strest asks for. Loaded
 * before the C library (LD_PRELOAD), this one takes epoll_pwait instead, whose time-out is in ms, rounded up. It adds the same few instructions to
 * each program. */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *wait, const sigset_t *mask) {
	int msec = -1;

	if (wait && (wait->tv_sec < 0 || wait->tv_nsec < 0 || wait->tv_nsec > 999999999)) {
		errno = EINVAL;
		return -1;
	}
	if (wait) {
		msec = wait->tv_sec >= INT_MAX / 1000 ? INT_MAX : (int)(wait->tv_sec * 1000 + (wait->tv_nsec + 999999) / 1000000);
	}
	return epoll_pwait(epoll, events, most, msec, mask);
}
