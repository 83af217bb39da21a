#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "dist/link_http_server_inner.h"

#define BACKLOG 4096
#define FILES_BESIDE 256u /* descriptors of the rest of the program */
#define LOOK_EVERY 64u    /* events between two looks at the connections */
#define TELL_EVERY (1 * SEC)
#define WATCH_INBOX 0 /* numbers of what is watched that are no peers */
#define WATCH_TIMER UINT64_MAX

static struct server *server_of(struct link *link) {
	return (struct server *)link;
}

/* Why the other side of a command stream is gone. */
static const char *end_words(uint32_t events) {
	return events & EPOLLERR ? "its connection broke" : "its connection was closed";
}

/* Sees which command streams were closed by their agents; a suspended connection is not looked at by the library. */
static void look(struct server *server) {
	struct epoll_event seen[64];
	int count = epoll_wait(server->watch, seen, LENGTH(seen), 0);
	uint64_t ticks;
	server->until_look = LOOK_EVERY;
	for (int i = 0; i < count; i++) {
		struct peer *peer = NULL;
		if (seen[i].data.u64 == WATCH_TIMER) {
			if (read(server->timer, &ticks, sizeof(ticks)) > 0) visitor_sweep(server);
		} else if (seen[i].data.u64 != WATCH_INBOX) {
			peer = peer_find(server, seen[i].data.u64);
		}
		if (peer) peer_down(peer, end_words(seen[i].events));
	}
}

static bool server_next(struct link *link, struct link_event *ret) {
	struct server *server = server_of(link);
	pthread_mutex_lock(&server->lock);
	if (!server->inbox.first || --server->until_look == 0) look(server);
	bool found = inbox_show(&server->inbox, ret);
	visitor_wake(server); /* what was shown before takes no room any more */
	pthread_mutex_unlock(&server->lock);
	return found;
}

static bool server_send(struct link *link, uint64_t id, enum link_kind kind, struct slice body) {
	struct server *server = server_of(link);
	if (body.size > LINK_MESSAGE_MAX) return false;
	pthread_mutex_lock(&server->lock);
	struct peer *peer = peer_find(server, id);
	bool sent = peer && peer->up && !peer->ending && peer_put(peer, kind, body);
	if (peer && peer->up && !peer->ending && !sent) peer_down(peer, "it lets too much wait that was sent to it");
	pthread_mutex_unlock(&server->lock);
	return sent;
}

static void server_drop(struct link *link, uint64_t id, const char *words) {
	struct server *server = server_of(link);
	pthread_mutex_lock(&server->lock);
	struct peer *peer = peer_find(server, id);
	inbox_forget(&server->inbox, id);
	if (peer && peer->up && peer_put(peer, WIRE_DROPPED, slice_of(words))) {
		peer_end(peer);
	} else if (peer) {
		peer_down(peer, NULL);
	}
	pthread_mutex_unlock(&server->lock);
}

static int server_descriptor(const struct link *link) {
	return ((const struct server *)link)->watch;
}

static const char *server_address(const struct link *link) {
	return ((const struct server *)link)->place.address;
}

/* Frees everything but the library's part. */
static void server_free(struct server *server) {
	inbox_fini(&server->inbox);
	if (server->watch >= 0) close(server->watch);
	if (server->timer >= 0) close(server->timer);
	pthread_cond_destroy(&server->settled);
	pthread_mutex_destroy(&server->lock);
	if (server->token) explicit_bzero(server->token, strlen(server->token));
	if (server->key) explicit_bzero(server->key, strlen(server->key));
	free(server->token);
	free(server->ca);
	free(server->cert);
	free(server->key);
	free(server->table);
	free(server);
}

/* What waits is sent, for a second at most. */
static void flush(struct server *server) {
	struct timespec until = clock_timespec(clock_now() + SERVER_END_LIMIT);
	int failed = 0;
	server->closing = true;
	for (unsigned i = 0; i < server->table_size; i++)
		for (struct peer *peer = server->table[i]; peer; peer = peer->chain) peer_end(peer);
	while (server->stream_count > 0 && failed == 0) failed = pthread_cond_timedwait(&server->settled, &server->lock, &until);
}

static void server_close(struct link *link) {
	struct server *server = server_of(link);
	pthread_mutex_lock(&server->lock);
	flush(server);
	for (unsigned i = 0; i < server->table_size; i++)
		while (server->table[i]) peer_down(server->table[i], NULL);
	visitor_wake(server);
	pthread_mutex_unlock(&server->lock);
	MHD_stop_daemon(server->daemon); /* it must not find a suspended connection */
	server_free(server);
}

static const struct link_ops server_ops = {server_next, server_send, server_drop, server_descriptor, server_address, server_close};

/* Two connections an agent: raises the limit of open files, as far as it may. */
static void raise_files(struct server *server) {
	struct rlimit limit;
	rlim_t wanted = 2 * (rlim_t)server->peers_max + 2 * SERVER_STRANGERS + FILES_BESIDE;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* if not, further agents wait until some have gone */
}

static bool watch(struct server *server, int fd, uint64_t number) {
	struct epoll_event about = {.events = EPOLLIN, .data.u64 = number};
	return fd >= 0 && epoll_ctl(server->watch, EPOLL_CTL_ADD, fd, &about) == 0;
}

static bool open_watch(struct server *server) {
	struct itimerspec every = {.it_interval = {1, 0}, .it_value = {1, 0}};
	server->watch = epoll_create1(EPOLL_CLOEXEC);
	server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	inbox_init(&server->inbox);
	return server->watch >= 0 && watch(server, server->timer, WATCH_TIMER) && timerfd_settime(server->timer, 0, &every, NULL) == 0 &&
	       watch(server, server->inbox.descriptor, WATCH_INBOX);
}

static struct server *server_new(const struct link_http_setup *setup) {
	struct server *server = mem_zeroed(1, sizeof(*server));
	pthread_condattr_t clock;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&server->settled, &clock);
	pthread_condattr_destroy(&clock);
	pthread_mutex_init(&server->lock, NULL);
	TAILQ_INIT(&server->strangers);
	TAILQ_INIT(&server->waiting);
	server->link.ops = &server_ops;
	server->place.fd = -1;
	server->silence = setup->silence;
	server->peers_max = setup->peers_max ? setup->peers_max : LINK_HTTP_PEERS;
	server->table_size = server->peers_max;
	server->table = mem_zeroed(server->table_size, sizeof(struct peer *));
	server->until_look = LOOK_EVERY;
	if (setup->token && !(server->token = strdup(setup->token))) mem_fail();
	return server;
}

bool link_http_listen(const struct link_http_setup *setup, struct link **ret, struct err *err) {
	struct server *server = server_new(setup);
	bool opened = open_watch(server);
	if (!opened) err_set(err, ERR_FAILED, "no descriptors are left for the link to the agents; raise the limit of open files (ulimit -n)");
	opened = opened && server_read_files(server, setup, err) && listening_open(setup->address, "0.0.0.0:9009", BACKLOG, &server->place, err);
	if (opened) {
		raise_files(server);
		opened = server_start(server, err);
	}
	if (!opened) {
		if (server->place.fd >= 0) close(server->place.fd);
		server_free(server);
		return false;
	}
	*ret = &server->link;
	return true;
}

bool link_http_refused(struct link *link, struct link_http_refusals *ret) {
	struct server *server = server_of(link);
	nsec now = clock_now();
	pthread_mutex_lock(&server->lock);
	bool news = server->refused > server->refused_told && now - server->told_at >= TELL_EVERY;
	if (news) {
		server->refused_told = server->refused;
		server->told_at = now;
		memcpy(server->told, server->refused_words, sizeof(server->told));
		*ret = (struct link_http_refusals){.count = server->refused, .words = server->told};
	}
	pthread_mutex_unlock(&server->lock);
	return news;
}
