#include "net/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/host_port.h"
#include "net/address.h"

#define LOOKUP_LIMIT (5 * SEC)

static bool is_loopback(const struct sockaddr *address) {
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	const struct sockaddr_in6 *v6 = (const void *)address;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Opens the listening socket and takes down where it is. */
static int listen_on(struct listening *listening, const struct address *address, int backlog) {
	int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0) return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	struct sockaddr_storage place;
	socklen_t size = sizeof(place);
	if (bind(fd, &address->socket.any, address->size) != 0 || listen(fd, backlog) != 0 ||
		getsockname(fd, (struct sockaddr *)&place, &size) != 0) {
		int sys = errno;
		close(fd);
		errno = sys;
		return -1;
	}
	char host[INET6_ADDRSTRLEN] = "";
	bool six = place.ss_family == AF_INET6;
	const struct sockaddr_in *v4 = (const void *)&place;
	const struct sockaddr_in6 *v6 = (const void *)&place;
	inet_ntop(place.ss_family, six ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host, sizeof(host));
	snprintf(listening->address, sizeof(listening->address), six ? "[%s]:%u" : "%s:%u", host, ntohs(six ? v6->sin6_port : v4->sin_port));
	listening->loopback = is_loopback((const struct sockaddr *)&place);
	return fd;
}

bool listening_open(const char *text, const char *example, int backlog, struct listening *ret, struct err *err) {
	struct host_port read;
	struct arena arena;
	struct address_list list;
	if (!host_port_parse(slice_of(text), &read)) return err_set(err, ERR_FAILED, "'%s' is not ADDRESS:PORT; write e.g. %s", text, example);
	arena_init(&arena);
	struct address_query query = {
		.host = read.host.size > 0 ? arena_copy(&arena, read.host) : "127.0.0.1", .port = read.port, .limit = LOOKUP_LIMIT};
	ret->fd = -1;
	if (address_resolve(&query, &arena, &list, err)) {
		ret->fd = listen_on(ret, &list.at[0], backlog);
		if (ret->fd < 0 && errno == EADDRINUSE)
			err_set(err, ERR_FAILED, "'%s' is in use by another program; write another port, or 0 for a free one", text);
		else if (ret->fd < 0)
			err_set_sys(err, ERR_FAILED, errno, "'%s'", text);
	} else {
		err->code = ERR_FAILED; /* it is no target */
	}
	arena_fini(&arena);
	return ret->fd >= 0;
}
