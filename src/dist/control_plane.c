#include "dist/control_plane.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "dist/control_plane_inner.h"
#include "dist/control_words.h"

#define BACKLOG 64
#define DEAF_TIME (100 * MSEC)
#define FIRST_VISIT 2 /* of the descriptors that are polled; before them the wake-up and the listening socket */

/* ---- requests; both threads ---- */

/* Whether the main thread has something to look at; locked. */
static struct plane_request *first_unseen(const struct control_plane *plane) {
	struct plane_request *request;
	TAILQ_FOREACH(request, &plane->requests, in_line) if (!request->was_shown) return request;
	return NULL;
}

static struct plane_request *find(const struct control_plane *plane, uint64_t id) {
	struct plane_request *request;
	TAILQ_FOREACH(request, &plane->requests, in_line) if (request->id == id) return request;
	return NULL;
}

/* Makes the descriptor say what first_unseen says; locked. */
static void settle(const struct control_plane *plane) {
	eventfd_t count;
	if (first_unseen(plane))
		eventfd_write(plane->events, 1);
	else
		eventfd_read(plane->events, &count);
}

struct plane_request *plane_put(struct control_plane *plane, enum control_kind kind, char *body, size_t size) {
	struct plane_request *request = mem_zeroed(1, sizeof(*request));
	*request = (struct plane_request){.kind = kind, .body = body, .size = size, .until = clock_now() + plane->answer_limit};
	pthread_mutex_lock(&plane->lock);
	request->id = ++plane->last_id;
	TAILQ_INSERT_TAIL(&plane->requests, request, in_line);
	settle(plane);
	pthread_mutex_unlock(&plane->lock);
	return request;
}

/* Locked. */
static void drop(struct control_plane *plane, struct plane_request *request) {
	TAILQ_REMOVE(&plane->requests, request, in_line);
	free(request->body);
	free(request->answer);
	free(request);
	settle(plane);
}

bool plane_take(struct control_plane *plane, struct plane_request *request, bool closing, unsigned *ret_status, char **ret_answer) {
	pthread_mutex_lock(&plane->lock);
	bool answered = request->status != 0, late = !answered && clock_now() >= request->until, over = answered || late || closing;
	if (answered) {
		*ret_status = request->status;
		*ret_answer = request->answer;
		request->answer = NULL;
	}
	if (over) drop(plane, request);
	pthread_mutex_unlock(&plane->lock);
	if (answered || !over) return over;
	*ret_status = late ? 504 : 503;
	*ret_answer = control_words_error(late ? "the controller did not answer in time; look at GET /status" : "the controller is ending");
	return true;
}

void plane_forget(struct control_plane *plane, struct plane_request *request) {
	pthread_mutex_lock(&plane->lock);
	drop(plane, request);
	pthread_mutex_unlock(&plane->lock);
}

/* ---- the plane's thread ---- */

static bool is_closing(struct control_plane *plane) {
	pthread_mutex_lock(&plane->lock);
	bool closing = plane->closing;
	pthread_mutex_unlock(&plane->lock);
	return closing;
}

static void admit(struct control_plane *plane) {
	int fd = accept4(plane->place.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		visit_begin(&plane->visits[plane->count++], fd, clock_now() + plane->read_limit);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		plane->deaf_until = clock_now() + DEAF_TIME;
}

/* Returns when something is to be done even if nothing comes. */
static nsec next_moment(struct control_plane *plane, bool hears) {
	nsec next = hears || plane->count == CONTROL_PLANE_CONNECTIONS ? NSEC_NEVER : plane->deaf_until;
	for (unsigned i = 0; i < plane->count; i++)
		if (visit_until(&plane->visits[i]) < next) next = visit_until(&plane->visits[i]);
	struct plane_request *request;
	pthread_mutex_lock(&plane->lock);
	TAILQ_FOREACH(request, &plane->requests, in_line) if (request->until < next) next = request->until;
	pthread_mutex_unlock(&plane->lock);
	return next;
}

/* Waits for what comes next and does it. `latest`: not longer than until then. */
static void turn(struct control_plane *plane, bool closing, nsec latest) {
	struct pollfd watched[FIRST_VISIT + CONTROL_PLANE_CONNECTIONS] = {{.fd = plane->wake, .events = POLLIN}};
	nsec now = clock_now();
	bool hears = !closing && plane->count < CONTROL_PLANE_CONNECTIONS && now >= plane->deaf_until;
	unsigned count = plane->count, kept = 0;
	eventfd_t wakes;
	watched[1] = (struct pollfd){.fd = hears ? plane->place.fd : -1, .events = POLLIN};
	for (unsigned i = 0; i < count; i++)
		watched[FIRST_VISIT + i] = (struct pollfd){.fd = plane->visits[i].fd, .events = visit_events(&plane->visits[i])};
	nsec next = next_moment(plane, hears);
	if (next > latest) next = latest;
	struct timespec wait = clock_timespec(next - now);
	if (ppoll(watched, FIRST_VISIT + count, next == NSEC_NEVER ? NULL : &wait, NULL) < 0) return;
	if (watched[0].revents) eventfd_read(plane->wake, &wakes);
	closing = is_closing(plane);
	for (unsigned i = 0; i < count; i++) visit_turn(plane, &plane->visits[i], watched[FIRST_VISIT + i].revents, closing);
	if (watched[1].revents) admit(plane);
	for (unsigned i = 0; i < plane->count; i++)
		if (plane->visits[i].state != VISIT_OVER) plane->visits[kept++] = plane->visits[i];
	plane->count = kept;
}

static void *serve(void *argument) {
	struct control_plane *plane = argument;
	while (!is_closing(plane)) turn(plane, false, NSEC_NEVER);
	nsec latest = clock_now() + PLANE_CLOSE_LIMIT;
	while (plane->count > 0 && clock_now() < latest) turn(plane, true, latest);
	for (unsigned i = 0; i < plane->count; i++) visit_end(plane, &plane->visits[i]);
	return NULL;
}

/* ---- the other thread ---- */

static bool start_thread(struct control_plane *plane) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the caller's thread */
	int failed = pthread_create(&plane->thread, NULL, serve, plane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0;
}

static void plane_free(struct control_plane *plane) {
	if (plane->place.fd >= 0) close(plane->place.fd);
	if (plane->events >= 0) close(plane->events);
	if (plane->wake >= 0) close(plane->wake);
	if (plane->token) explicit_bzero(plane->token, strlen(plane->token));
	pthread_mutex_destroy(&plane->lock);
	free(plane->token);
	free(plane->shown);
	free(plane);
}

bool control_plane_open(const struct control_plane_setup *setup, struct control_plane **ret, struct err *err) {
	struct control_plane *plane = mem_zeroed(1, sizeof(*plane));
	TAILQ_INIT(&plane->requests);
	pthread_mutex_init(&plane->lock, NULL);
	plane->read_limit = setup->read_limit ? setup->read_limit : CONTROL_PLANE_READ_LIMIT;
	plane->answer_limit = setup->answer_limit ? setup->answer_limit : CONTROL_PLANE_ANSWER_LIMIT;
	plane->place.fd = -1;
	plane->events = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	plane->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (setup->token && !(plane->token = strdup(setup->token))) mem_fail();
	bool opened = plane->events >= 0 && plane->wake >= 0;
	if (!opened) err_set(err, ERR_FAILED, "no descriptors are left for the control plane; raise the limit of open files (ulimit -n)");
	opened = opened && listening_open(setup->address, "127.0.0.1:9010", BACKLOG, &plane->place, err);
	if (opened && !start_thread(plane)) opened = err_set(err, ERR_FAILED, "'%s': the control plane's thread cannot be started", setup->address);
	if (!opened) {
		plane_free(plane);
		return false;
	}
	*ret = plane;
	return true;
}

const char *control_plane_address(const struct control_plane *plane) {
	return plane->place.address;
}

int control_plane_descriptor(const struct control_plane *plane) {
	return plane->events;
}

bool control_plane_next(struct control_plane *plane, struct control_request *ret) {
	free(plane->shown);
	plane->shown = NULL;
	pthread_mutex_lock(&plane->lock);
	struct plane_request *request = first_unseen(plane);
	if (request) {
		plane->shown = request->body;
		request->body = NULL;
		request->was_shown = true;
		*ret = (struct control_request){.id = request->id, .kind = request->kind, .body = {plane->shown, request->size}};
		settle(plane);
	}
	pthread_mutex_unlock(&plane->lock);
	return request != NULL;
}

bool control_plane_answer(struct control_plane *plane, uint64_t id, unsigned status, const char *body) {
	assert(status >= 200 && status <= 599);
	bool fits = strlen(body) <= CONTROL_PLANE_ANSWER_MAX;
	char *copy = fits ? strdup(body) : control_words_error("the answer is too long");
	if (!copy) mem_fail();
	pthread_mutex_lock(&plane->lock);
	struct plane_request *request = find(plane, id);
	bool waits = request && request->status == 0;
	if (waits) {
		request->status = fits ? status : 500;
		request->answer = copy;
	}
	pthread_mutex_unlock(&plane->lock);
	if (waits)
		eventfd_write(plane->wake, 1);
	else
		free(copy);
	return waits;
}

bool control_plane_refuse(struct control_plane *plane, uint64_t id, unsigned status, const char *words) {
	char *body = control_words_error(words);
	bool waits = control_plane_answer(plane, id, status, body);
	free(body);
	return waits;
}

bool control_plane_extend(struct control_plane *plane, uint64_t id, nsec limit) {
	pthread_mutex_lock(&plane->lock);
	struct plane_request *request = find(plane, id);
	bool waits = request && request->status == 0;
	if (waits) request->until = clock_now() + limit;
	pthread_mutex_unlock(&plane->lock);
	if (waits) eventfd_write(plane->wake, 1);
	return waits;
}

void control_plane_close(struct control_plane *plane) {
	if (!plane) return;
	pthread_mutex_lock(&plane->lock);
	plane->closing = true;
	pthread_mutex_unlock(&plane->lock);
	eventfd_write(plane->wake, 1);
	pthread_join(plane->thread, NULL);
	plane_free(plane);
}
