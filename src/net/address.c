#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A look-up that two threads share; the last one that leaves frees it. */
struct lookup {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	void (*tell)(void *user); /* called under the lock; NULL: somebody waits for `finished` */
	void *user;
	bool done, abandoned;
	int result; /* of getaddrinfo */
	struct addrinfo *found;
	int family;
	uint16_t port;
	char host[];
};

static void lookup_destroy(struct lookup *lookup) {
	if (lookup->found) freeaddrinfo(lookup->found);
	pthread_cond_destroy(&lookup->finished);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

static void *lookup_run(void *argument) {
	struct lookup *lookup = argument;
	struct addrinfo hints = {.ai_family = lookup->family, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP}, *found = NULL;
	int result = getaddrinfo(lookup->host, NULL, &hints, &found);
	pthread_mutex_lock(&lookup->lock);
	lookup->done = true;
	lookup->result = result;
	lookup->found = result == 0 ? found : NULL;
	bool abandoned = lookup->abandoned;
	if (!abandoned && lookup->tell) lookup->tell(lookup->user);
	pthread_cond_signal(&lookup->finished);
	pthread_mutex_unlock(&lookup->lock);
	if (abandoned) lookup_destroy(lookup);
	return NULL;
}

static struct lookup *lookup_new(const struct address_query *query) {
	size_t size = strlen(query->host) + 1;
	struct lookup *lookup = mem_zeroed(1, sizeof(*lookup) + size);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&lookup->lock, NULL);
	pthread_cond_init(&lookup->finished, &attributes);
	pthread_condattr_destroy(&attributes);
	lookup->family = query->family;
	lookup->port = query->port;
	memcpy(lookup->host, query->host, size);
	return lookup;
}

bool lookup_begin(const struct address_query *query, void (*done)(void *user), void *user, struct lookup **ret, struct err *err) {
	struct lookup *lookup = lookup_new(query);
	lookup->tell = done;
	lookup->user = user;
	int failed = pthread_create(&lookup->thread, NULL, lookup_run, lookup);
	if (failed) {
		lookup_destroy(lookup);
		return err_set_sys(err, ERR_FAILED, failed, "cannot start the resolver thread");
	}
	*ret = lookup;
	return true;
}

void lookup_free(struct lookup *lookup) {
	if (!lookup) return;
	pthread_mutex_lock(&lookup->lock);
	bool done = lookup->done;
	pthread_t thread = lookup->thread;
	lookup->abandoned = true;
	pthread_mutex_unlock(&lookup->lock);
	if (!done) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL); /* it is at its end; what the resolver kept for it goes with it */
	lookup_destroy(lookup);
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

/* The addresses of a finished look-up; empty: *ret_words says why. */
static void lookup_collect(const struct lookup *lookup, struct arena *arena, struct address_list *ret, const char **ret_words) {
	struct address found[ADDRESS_MAX];
	struct address_list list = {.at = found};
	for (struct addrinfo *one = lookup->found; one; one = one->ai_next) address_add(&list, one->ai_addr, one->ai_addrlen, lookup->port);
	ret->count = list.count;
	ret->at = arena_array(arena, list.count, sizeof(struct address));
	for (size_t i = 0; i < list.count; i++) {
		ret->at[i] = found[i];
		ret->at[i].text = address_format(&found[i], arena);
	}
	*ret_words = NULL;
	if (list.count == 0) *ret_words = lookup->result != 0 ? gai_strerror(lookup->result) : "no IPv4 or IPv6 address";
}

bool lookup_take(struct lookup *lookup, struct arena *arena, struct address_list *ret, const char **ret_words) {
	pthread_mutex_lock(&lookup->lock);
	bool done = lookup->done;
	pthread_mutex_unlock(&lookup->lock);
	if (done) lookup_collect(lookup, arena, ret, ret_words);
	return done;
}

static void lookup_wait(struct lookup *lookup, nsec limit) {
	struct timespec until = clock_timespec(clock_now() + limit);
	pthread_mutex_lock(&lookup->lock);
	int waited = 0;
	while (!lookup->done && waited == 0) waited = pthread_cond_timedwait(&lookup->finished, &lookup->lock, &until);
	pthread_mutex_unlock(&lookup->lock);
}

/* What a family was asked for by. */
static const char *address_family_words(int family) {
	if (family == AF_UNSPEC) return "";
	return family == AF_INET6 ? " with --ipv6" : " with --ipv4";
}

bool address_resolve(const struct address_query *query, struct arena *arena, struct address_list *ret, struct err *err) {
	struct lookup *lookup;
	struct address_list list;
	const char *words = "no answer within --connect-timeout";
	if (!lookup_begin(query, NULL, NULL, &lookup, err)) return false;
	lookup_wait(lookup, query->limit);
	bool found = lookup_take(lookup, arena, &list, &words) && list.count > 0;
	lookup_free(lookup);
	if (!found) return err_set(err, ERR_UNREACHABLE, "cannot resolve '%s'%s: %s", query->host, address_family_words(query->family), words);
	*ret = list;
	return true;
}

bool address_unix(const char *path, struct arena *arena, struct address_list *ret, struct err *err) {
	struct address address = {.socket.path.sun_family = AF_UNIX};
	size_t size = strlen(path), max = sizeof(address.socket.path.sun_path) - 1;
	if (size == 0) return err_set(err, ERR_FAILED, "--unix-socket: the path is empty");
	if (size > max)
		return err_set(err, ERR_FAILED, "--unix-socket: '%s' is too long for a Unix socket; give a path of at most %zu bytes", path, max);
	memcpy(address.socket.path.sun_path, path, size + 1);
	address.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
	address.text = arena_format(arena, "unix:%s", path);
	*ret = (struct address_list){1, arena_alloc(arena, sizeof(address))};
	ret->at[0] = address;
	return true;
}

static bool address_same_host(const struct address *a, const struct sockaddr *b) {
	if (a->socket.any.sa_family != b->sa_family) return false;
	if (b->sa_family == AF_INET)
		return memcmp(&a->socket.v4.sin_addr, &((const struct sockaddr_in *)(const void *)b)->sin_addr, sizeof(struct in_addr)) == 0;
	return memcmp(&a->socket.v6.sin6_addr, &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

bool address_is_local(const struct address *address) {
	if (address->socket.any.sa_family == AF_UNIX) return true;
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
