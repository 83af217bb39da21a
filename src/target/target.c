#include "target/target.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/tls.h"
#include "target/listen.h"
#include "target/server.h"

struct target {
	union listen_address address;
	struct server_group group;
	unsigned started; /* threads that run */
};

/* Every connection is a descriptor. */
static void raise_limit(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warn("target: cannot raise the limit of open files: %s", strerror(errno));
}

static bool start_threads(struct target *target, struct err *err) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the main thread */
	int failed = 0;
	for (; target->started < target->group.count && !failed; target->started += !failed) {
		struct server *server = &target->group.servers[target->started];
		failed = pthread_create(&server->thread, NULL, server_run, server);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !failed || err_set_sys(err, ERR_FAILED, failed, "target: starting a thread");
}

static bool open_servers(struct target *target, const struct target_settings *settings, struct err *err) {
	struct server_group *group = &target->group;
	unsigned count = (unsigned)settings->threads;
	int sockets[RECORD_THREADS];
	struct stall stall;
	if (!stall_parse(settings->stall, 0, &stall, err)) return false; /* before there is anything to undo */
	if (settings->tls && !tls_server_open(settings->cert, settings->key, &group->tls, err)) return false;
	if (!listen_open(settings->listen, count, sockets, &target->address, err)) return false;
	group->count = count;
	group->spin = settings->spin;
	group->streams = (uint32_t)settings->streams;
	group->servers = mem_zeroed(count, sizeof(*group->servers));
	for (unsigned i = 0; i < count; i++) group->servers[i] = (struct server){.epoll = -1, .wake = -1, .listener = sockets[i]};
	if (!record_open(settings->record, count, &group->record, err)) return false;
	bool fine = stall_parse(settings->stall, group->record->started, &stall, err);
	for (unsigned i = 0; i < count && fine; i++) {
		group->servers[i].stall = stall;
		fine = server_init(&group->servers[i], group, i, sockets[i], err);
	}
	return fine;
}

bool target_open(const struct target_settings *settings, struct target **ret, struct err *err) {
	uint64_t most = RECORD_THREADS;
	if (settings->threads < 1 || settings->threads > most)
		return err_set(err, ERR_FAILED, "--threads: write a number from 1 to %d", RECORD_THREADS);
	if (settings->cert && !settings->tls) return err_set(err, ERR_FAILED, "--cert: without --tls nothing is encrypted; add --tls");
	raise_limit();
	stream_prepare();
	struct target *target = mem_zeroed(1, sizeof(*target));
	if (open_servers(target, settings, err) && start_threads(target, err)) {
		*ret = target;
		return true;
	}
	target_close(target);
	return false;
}

uint16_t target_port(const struct target *target) {
	return listen_port(&target->address);
}

void target_close(struct target *target) {
	if (!target) return;
	struct server_group *group = &target->group;
	for (unsigned i = 0; i < target->started; i++) server_stop(&group->servers[i]);
	for (unsigned i = 0; i < target->started; i++) pthread_join(group->servers[i].thread, NULL);
	for (unsigned i = 0; i < group->count; i++) server_fini(&group->servers[i]);
	record_close(group->record);
	tls_server_close(group->tls);
	free(group->servers);
	free(target);
}

int target_run(const struct target_settings *settings) {
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	struct target *target;
	struct err err;
	if (!target_open(settings, &target, &err)) {
		log_write(LOG_ERROR, "%s", err.text);
		return (int)err.code;
	}
	char address[LISTEN_TEXT_MAX];
	printf("listening on %s\n", listen_format(&target->address, address));
	int failed = fflush(stdout), caught;
	if (failed) log_warn("target: writing the address: %s", strerror(errno));
	sigwait(&ends, &caught);
	target_close(target);
	return 0;
}
