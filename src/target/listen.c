#include "target/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/host_port.h"
#include "base/str.h"

#define BACKLOG 4096

unsigned short listen_port(const union listen_address *address) {
	return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

static void set_port(union listen_address *address, unsigned short port) {
	if (address->any.sa_family == AF_INET6) {
		address->v6.sin6_port = htons(port);
	} else {
		address->v4.sin_port = htons(port);
	}
}

static socklen_t address_size(const union listen_address *address) {
	return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

const char *listen_format(const union listen_address *address, char *text) {
	char host[INET6_ADDRSTRLEN] = "";
	bool six = address->any.sa_family == AF_INET6;
	inet_ntop(address->any.sa_family, six ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr, host, sizeof(host));
	snprintf(text, LISTEN_TEXT_MAX, six ? "[%s]:%u" : "%s:%u", host, listen_port(address));
	return text;
}

static bool resolve(const char *text, union listen_address *ret, struct err *err) {
	struct host_port read;
	char host[HOST_PORT_HOST_MAX + 1] = ""; /* empty: all addresses */
	if (!host_port_parse(slice_of(text), &read)) {
		return err_set(err, ERR_FAILED, "--listen: '%s' is not ADDRESS:PORT; write e.g. 127.0.0.1:3000 or [::1]:3000", text);
	}
	memcpy(host, read.host.at, read.host.size);
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
	int failed = getaddrinfo(host[0] ? host : NULL, "0", &hints, &found);
	if (failed) return err_set(err, ERR_FAILED, "--listen: '%s': %s", text, gai_strerror(failed));
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	set_port(ret, read.port);
	return true;
}

/* A bound socket; TCP_NODELAY passes on to accepted ones. */
static int bind_socket(const union listen_address *address, bool shared) {
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0) return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, &address->any, address_size(address)) == 0) return fd;
	int sys = errno;
	close(fd);
	errno = sys;
	return -1;
}

/* With SO_REUSEPORT two programs of one user could share a port unnoticed: a bind without it finds out first. */
static bool is_free(const union listen_address *address) {
	int fd = listen_port(address) == 0 ? -2 : bind_socket(address, false);
	if (fd >= 0) close(fd);
	return fd != -1;
}

static int open_socket(union listen_address *address, bool shared) {
	int fd = bind_socket(address, shared);
	if (fd < 0) return -1;
	socklen_t size = sizeof(*address);
	if (listen(fd, BACKLOG) == 0 && getsockname(fd, &address->any, &size) == 0) return fd;
	int sys = errno;
	close(fd);
	errno = sys;
	return -1;
}

static bool refuse(const char *text, int sys, struct err *err) {
	if (sys != EADDRINUSE) return err_set_sys(err, ERR_FAILED, sys, "--listen: '%s'", text);
	return err_set(err, ERR_FAILED, "--listen: '%s' is in use by another program; write another port, or 0 for a free one", text);
}

bool listen_open(const char *text, unsigned count, int *ret_sockets, union listen_address *ret_address, struct err *err) {
	union listen_address address;
	if (!resolve(text, &address, err)) return false;
	if (!is_free(&address)) return refuse(text, errno, err);
	for (unsigned i = 0; i < count; i++) {
		ret_sockets[i] = open_socket(&address, count > 1);
		if (ret_sockets[i] >= 0) continue;
		int sys = errno;
		while (i > 0) close(ret_sockets[--i]);
		return refuse(text, sys, err);
	}
	*ret_address = address;
	return true;
}
