#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A look-up that two threads share; the last one that leaves frees it. */
struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	bool done, abandoned;
	int result;
	struct addrinfo *found;
	char host[256];
};

static void lookup_free(struct lookup *lookup) {
	if (lookup->found) freeaddrinfo(lookup->found);
	pthread_cond_destroy(&lookup->finished);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

static void *lookup_run(void *argument) {
	struct lookup *lookup = argument;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP}, *found = NULL;
	int result = getaddrinfo(lookup->host, NULL, &hints, &found);
	pthread_mutex_lock(&lookup->lock);
	lookup->done = true;
	lookup->result = result;
	lookup->found = result == 0 ? found : NULL;
	bool abandoned = lookup->abandoned;
	pthread_cond_signal(&lookup->finished);
	pthread_mutex_unlock(&lookup->lock);
	if (abandoned) lookup_free(lookup);
	return NULL;
}

static struct lookup *lookup_start(const char *host, struct err *err) {
	struct lookup *lookup = mem_zeroed(1, sizeof(*lookup));
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&lookup->lock, NULL);
	pthread_cond_init(&lookup->finished, &attributes);
	pthread_condattr_destroy(&attributes);
	snprintf(lookup->host, sizeof(lookup->host), "%s", host);
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, lookup_run, lookup);
	if (failed) {
		lookup_free(lookup);
		err_set_sys(err, ERR_FAILED, failed, "cannot start the resolver thread");
		return NULL;
	}
	pthread_detach(thread);
	return lookup;
}

static const char *address_format(const struct address *address, struct arena *arena) {
	char text[INET6_ADDRSTRLEN] = "";
	if (address->socket.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->socket.v4.sin_addr, text, sizeof(text));
		return arena_format(arena, "%s:%u", text, ntohs(address->socket.v4.sin_port));
	}
	inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, text, sizeof(text));
	return arena_format(arena, "[%s]:%u", text, ntohs(address->socket.v6.sin6_port));
}

static void address_add(struct address_list *list, const struct sockaddr *found, socklen_t size, uint16_t port) {
	struct address address = {.size = size};
	if (size > sizeof(address.socket) || list->count == ADDRESS_MAX) return;
	memcpy(&address.socket, found, size);
	if (found->sa_family == AF_INET) {
		address.socket.v4.sin_port = htons(port);
	} else if (found->sa_family == AF_INET6) {
		address.socket.v6.sin6_port = htons(port);
	} else {
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].size == size && memcmp(&list->at[i].socket, &address.socket, size) == 0) return;
	list->at[list->count++] = address;
}

static bool address_collect(struct lookup *lookup, uint16_t port, struct arena *arena, struct address_list *ret, struct err *err) {
	if (lookup->result != 0) return err_set(err, ERR_UNREACHABLE, "cannot resolve '%s': %s", lookup->host, gai_strerror(lookup->result));
	struct address_list list = {.at = arena_array(arena, ADDRESS_MAX, sizeof(struct address))};
	for (struct addrinfo *one = lookup->found; one; one = one->ai_next) address_add(&list, one->ai_addr, one->ai_addrlen, port);
	if (list.count == 0) return err_set(err, ERR_UNREACHABLE, "'%s' has no IPv4 or IPv6 address", lookup->host);
	for (size_t i = 0; i < list.count; i++) list.at[i].text = address_format(&list.at[i], arena);
	*ret = list;
	return true;
}

bool address_resolve(const struct address_query *query, struct arena *arena, struct address_list *ret, struct err *err) {
	struct lookup *lookup = lookup_start(query->host, err);
	if (!lookup) return false;
	struct timespec until = clock_timespec(clock_now() + query->limit);
	pthread_mutex_lock(&lookup->lock);
	int waited = 0;
	while (!lookup->done && waited == 0) waited = pthread_cond_timedwait(&lookup->finished, &lookup->lock, &until);
	bool done = lookup->done;
	lookup->abandoned = !done;
	pthread_mutex_unlock(&lookup->lock);
	if (!done) return err_set(err, ERR_UNREACHABLE, "cannot resolve '%s': no answer within --connect-timeout", query->host);
	bool ok = address_collect(lookup, query->port, arena, ret, err);
	lookup_free(lookup);
	return ok;
}

static bool address_same_host(const struct address *a, const struct sockaddr *b) {
	if (a->socket.any.sa_family != b->sa_family) return false;
	if (b->sa_family == AF_INET)
		return memcmp(&a->socket.v4.sin_addr, &((const struct sockaddr_in *)(const void *)b)->sin_addr, sizeof(struct in_addr)) == 0;
	return memcmp(&a->socket.v6.sin6_addr, &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

bool address_is_local(const struct address *address) {
	struct address plain = *address;
	if (address->socket.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->socket.v6.sin6_addr)) {
		plain.socket.v4 = (struct sockaddr_in){.sin_family = AF_INET};
		memcpy(&plain.socket.v4.sin_addr, &address->socket.v6.sin6_addr.s6_addr[12], 4);
	}
	if (plain.socket.any.sa_family == AF_INET) {
		uint32_t host = ntohl(plain.socket.v4.sin_addr.s_addr);
		if (host == INADDR_ANY || host >> 24 == IN_LOOPBACKNET) return true;
	} else if (IN6_IS_ADDR_UNSPECIFIED(&plain.socket.v6.sin6_addr)) {
		return true;
	}
	struct ifaddrs *all;
	if (getifaddrs(&all) != 0) return false;
	bool local = false;
	for (struct ifaddrs *one = all; one && !local; one = one->ifa_next) {
		if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6)) continue;
		local = address_same_host(&plain, one->ifa_addr);
	}
	freeifaddrs(all);
	return local;
}
