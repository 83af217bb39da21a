#include "dist/link_http_silence.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

void silence_set(int fd, nsec limit) {
	int on = 1, tries = 3;
	int idle = limit > 3 * SEC ? (int)(limit / 3 / SEC) : 1;
	unsigned limit_ms = limit / MSEC < INT32_MAX ? (unsigned)(limit / MSEC) : INT32_MAX;
	if (limit <= 0) return;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
}
