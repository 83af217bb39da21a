#include "target/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "target/mux.h"
#include "target/peer.h"

#define EVENTS_MAX 256
#define ACCEPTS_MAX 64           /* in one turn */
#define ACCEPT_REST (100 * MSEC) /* after a lack of descriptors */
#define SPIN (50 * USEC)         /* so long before a timer is due the thread polls instead of sleeping: a sleep ends that late */
#define CAUGHT_UP 2              /* at most so many connections ready: a stall's backlog is worked off */

/* A request's answer as it is most of the time: made once, patched each time. */
static void prepare_plain(struct server *server) {
	struct answer answer = {.status = 200, .keep_alive = true, .body_bytes = sizeof(ANSWER_BODY) - 1};
	char head[ANSWER_HEAD_MAX];
	size_t size = answer_format_head(&answer, head, &server->plain_truth);
	memcpy(server->plain, head, size);
	memcpy(server->plain + size, ANSWER_BODY, sizeof(ANSWER_BODY) - 1);
	server->plain_size = size + sizeof(ANSWER_BODY) - 1;
}

static bool watch(struct server *server, int fd, void *mark) {
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool server_init(struct server *server, const struct server_group *group, unsigned index, int listener, struct err *err) {
	server->group = group;
	server->record = &group->record->thread[index];
	server->arrivals = record_arrivals(group->record, index);
	server->listener = listener;
	server->accept_again = NSEC_NEVER;
	server->in = mem_alloc(SERVER_IN_BYTES);
	server->out = mem_alloc(SERVER_OUT_BYTES);
	server->decrypted = group->tls ? mem_alloc(SERVER_IN_BYTES) : NULL;
	server->parser = h1_server_new_shared(&peer_parser_events);
	server->mux_parser = h2_server_new_shared(&mux_events);
	timer_queue_init(&server->timers);
	prepare_plain(server);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bool fine =
		server->epoll >= 0 && server->wake >= 0 && watch(server, server->wake, &server->wake) && watch(server, listener, &server->listener);
	return fine || err_set_sys(err, ERR_FAILED, errno, "target: setting up a thread");
}

void server_fini(struct server *server) {
	while (server->peers) peer_close(server->peers);
	peer_free_closed(server);
	if (server->epoll >= 0) close(server->epoll);
	if (server->wake >= 0) close(server->wake);
	if (server->listener >= 0) close(server->listener);
	timer_queue_fini(&server->timers);
	h1_server_free_shared(server->parser);
	h2_server_free_shared(server->mux_parser);
	free(server->in);
	free(server->out);
	free(server->decrypted);
}

void server_stop(struct server *server) {
	atomic_store(&server->stop, true);
	uint64_t one = 1;
	if (write(server->wake, &one, sizeof(one)) < 0) log_warn("target: cannot wake a thread: %s", strerror(errno));
}

void server_wait_stall(struct server *server) {
	struct record_stall window;
	if (!stall_wait(&server->stall, server->worked, &server->stop, &window)) return;
	server->touched = true;
	server->stalled = true;
	if (server == server->group->servers) record_add_stall(server->group->record, window);
}

/* Without free descriptors a listening socket stays ready: it is left alone for a while, or the thread would turn in circles. */
static void rest_accepting(struct server *server, int sys) {
	if (!server->lack_told) log_warn("target: cannot accept more connections for now: %s", strerror(sys));
	server->lack_told = true;
	struct epoll_event event = {.events = 0, .data.ptr = &server->listener};
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
	server->accept_again = clock_now() + ACCEPT_REST;
}

static void accept_connections(struct server *server) {
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		server_stall(server);
		int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			server->accepted = true;
			record_count(&server->record->connections, 1);
			peer_open(server, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			rest_accepting(server, errno);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void accept_again(struct server *server, nsec now) {
	if (now < server->accept_again) return;
	server->accept_again = NSEC_NEVER;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->listener};
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
}

/* Answers what is due. Its order is the order of the due times. */
static void expire_timers(struct server *server, nsec now) {
	struct timer *timer;
	while ((timer = timer_take(&server->timers, now)) != NULL) timer->expire(timer);
}

/* Waits until something is ready or due. While the backlog of a stall is worked off, or told so, it only looks. */
static int wait_ready(struct server *server, struct epoll_event *events) {
	nsec next = timer_next(&server->timers), other = server->stall.begin;
	if (server->accept_again < other) other = server->accept_again;
	if (server->touched || server->group->spin) return epoll_wait(server->epoll, events, EVENTS_MAX, 0);
	if (next == NSEC_NEVER && other == NSEC_NEVER) return epoll_wait(server->epoll, events, EVENTS_MAX, -1);
	nsec sleep_end = next != NSEC_NEVER && next - SPIN < other ? next - SPIN : other, left = sleep_end - clock_now();
	if (left <= 0) return epoll_wait(server->epoll, events, EVENTS_MAX, 0);
	struct timespec timeout = clock_timespec(left);
	return epoll_pwait2(server->epoll, events, EVENTS_MAX, &timeout, NULL);
}

static void handle_event(struct server *server, const struct epoll_event *event) {
	void *mark = event->data.ptr;
	if (mark == &server->listener) {
		accept_connections(server);
	} else if (mark != &server->wake) {
		peer_handle(mark, event->events);
	}
}

/* One turn: what is ready, and in between what is due (the stamp after the last read says how late it is). */
static void take_turn(struct server *server) {
	struct epoll_event events[EVENTS_MAX];
	int count = wait_ready(server, events);
	server->accepted = server->stalled = false;
	server_stall(server);
	for (int i = 0; i < count; i++) {
		handle_event(server, &events[i]);
		if (timer_next(&server->timers) <= server->worked) expire_timers(server, server->worked);
	}
	if (server->timers.count > 0 || server->accept_again != NSEC_NEVER) {
		nsec now = clock_now();
		expire_timers(server, now);
		accept_again(server, now);
	}
	if (server->touched && !server->stalled && !server->accepted && count <= CAUGHT_UP) server->touched = false;
	peer_free_closed(server);
}

void *server_run(void *at) {
	struct server *server = at;
	prctl(PR_SET_TIMERSLACK, 1L);
	while (!atomic_load_explicit(&server->stop, memory_order_relaxed)) take_turn(server);
	return NULL;
}

static void put_sum(struct json *json, const struct server_group *group, const char *name, size_t offset) {
	uint64_t sum = 0;
	for (unsigned t = 0; t < group->count; t++)
		sum += record_look((const uint64_t *)(const void *)((const char *)&group->record->thread[t] + offset));
	json_put_int(json, name, (int64_t)sum);
}

char *server_format_stats(const struct server *server) {
	const struct server_group *group = server->group;
	struct json *json = json_new_object();
	put_sum(json, group, "requests", offsetof(struct record_thread, requests));
	put_sum(json, group, "answered", offsetof(struct record_thread, answered));
	put_sum(json, group, "connections", offsetof(struct record_thread, connections));
	if (group->tls) {
		put_sum(json, group, "handshakes_full", offsetof(struct record_thread, handshakes_full));
		put_sum(json, group, "handshakes_resumed", offsetof(struct record_thread, handshakes_resumed));
	}
	put_sum(json, group, "bytes_in", offsetof(struct record_thread, bytes_in));
	put_sum(json, group, "bytes_out", offsetof(struct record_thread, bytes_out));
	json_put_int(json, "stalls", (int64_t)record_look(&group->record->stalls));
	json_put_int(json, "threads", group->count);
	json_put_int(json, "started_ns", group->record->started);
	struct json *paths = json_put_object(json, "paths");
	for (size_t i = 0; i < endpoint_count; i++) {
		uint64_t sum = 0;
		for (unsigned t = 0; t < group->count; t++) sum += record_look(&group->servers[t].paths[i]);
		if (!endpoints[i].is_hidden) json_put_int(paths, endpoints[i].name.size ? endpoints[i].name.at : "unknown", (int64_t)sum);
	}
	char *text = json_format(json);
	json_free(json);
	return text;
}
