#include "cmd/sinks.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "cmd/sink_file.h"
#include "net/http_server.h"
#include "out/sink.h"
#include "stats/fleet.h"

#define INTERVAL_PRESET_MS 1000
#define END_LIMIT_MS 2000
#define TEXT_MAX ((size_t)4 << 20)
#define TOLD_MAX 8 /* distinct sentences of a file; further ones are not told while the run lasts */
#define PLACES_MAX 3

/* A file that is written. */
struct place {
	const struct sink *sink;
	const char *key, *path;
	struct mailbox warning; /* a text of malloc, from the writer to main */
	/* The writer's, until it has ended. */
	size_t told_count;
	char *told[TOLD_MAX];
	bool failed; /* the last write */
	struct err err;
};

/* What main hands to the writer. */
struct post {
	bool last;    /* nothing comes behind it */
	bool written; /* it is to be written */
	struct sink_figures figures;
};

struct sinks {
	struct arena arena; /* texts */
	struct sink_run run;
	struct group_table groups; /* a copy: a writer that hangs outlives the plan */
	bool open_loop;
	size_t agents;       /* of a fleet */
	nsec interval, next; /* elapsed at which the next figures are handed over */
	size_t place_count;
	struct place places[PLACES_MAX];
	/* The writer: `box` holds a struct post; `wake` is counted up for each, `ended` once. */
	bool writing; /* it was started and its end has not been seen */
	pthread_t writer;
	struct mailbox box;
	int wake, ended;
	_Atomic(const struct place *) busy; /* NULL: none */
	/* The endpoint. */
	struct http_server *server;
	pthread_mutex_t lock; /* of `latest` */
	struct sink_figures latest;
};

/* ---- the writer's thread ---- */

/* Passes a sentence on unless it was before. A full box: it will fail again, and be told then. */
static void place_warn(struct place *place) {
	for (size_t i = 0; i < place->told_count; i++)
		if (strcmp(place->told[i], place->err.text) == 0) return;
	if (place->told_count == TOLD_MAX || mailbox_full(&place->warning)) return;
	char *own = strdup(place->err.text), *copy = strdup(place->err.text);
	if (!own || !copy) mem_fail();
	place->told[place->told_count++] = own;
	free(mailbox_swap(&place->warning, copy));
}

static void place_write(struct place *place, const struct post *post) {
	struct buf text;
	buf_init(&text, TEXT_MAX);
	place->sink->write(&post->figures, &text);
	place->failed = !sink_file_write(place->path, &text, post->last, &place->err);
	if (place->failed && !post->last) place_warn(place);
	buf_fini(&text);
}

static void count_up(int event) {
	uint64_t one = 1;
	while (write(event, &one, sizeof(one)) < 0 && errno == EINTR) {
	} /* cannot fail otherwise */
}

static void *sinks_write(void *user) {
	struct sinks *sinks = user;
	for (bool last = false; !last;) {
		uint64_t count;
		if (read(sinks->wake, &count, sizeof(count)) < 0 && errno != EINTR) break;
		struct post *post = mailbox_swap(&sinks->box, NULL);
		if (!post) continue;
		for (size_t i = 0; i < sinks->place_count && post->written; i++) {
			atomic_store(&sinks->busy, &sinks->places[i]);
			place_write(&sinks->places[i], post);
		}
		atomic_store(&sinks->busy, NULL);
		last = post->last;
		free(post);
	}
	count_up(sinks->ended);
	return NULL;
}

/* ---- the endpoint's thread ---- */

static const char *sinks_page(void *user, const char *path, struct buf *into) {
	struct sinks *sinks = user;
	if (strcmp(path, "/") == 0) {
		buf_add_text(into, "strest: the figures of this run are at /metrics\n");
		return "text/plain; charset=utf-8";
	}
	if (strcmp(path, "/metrics") != 0) return NULL;
	pthread_mutex_lock(&sinks->lock);
	struct sink_figures figures = sinks->latest;
	pthread_mutex_unlock(&sinks->lock);
	sink_prometheus_scrape(&figures, into);
	return "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- main's ---- */

/* Hands figures to both threads. */
static void sinks_post(struct sinks *sinks, const struct sink_figures *figures, bool last) {
	pthread_mutex_lock(&sinks->lock);
	sinks->latest = *figures;
	pthread_mutex_unlock(&sinks->lock);
	if (!sinks->writing) return;
	struct post *post = mem_alloc(sizeof(*post));
	*post = (struct post){last, true, *figures};
	free(mailbox_swap(&sinks->box, post));
	count_up(sinks->wake);
}

static void sinks_say_warnings(struct sinks *sinks) {
	for (size_t i = 0; i < sinks->place_count; i++) {
		struct place *place = &sinks->places[i];
		char *text = mailbox_full(&place->warning) ? mailbox_swap(&place->warning, NULL) : NULL;
		if (text) log_warn("%s: %s", place->key, text);
		free(text);
	}
}

static bool sinks_add(struct sinks *sinks, const struct sink *sink, const char *path, struct err *err) {
	if (!path) return true;
	struct place *place = &sinks->places[sinks->place_count++];
	place->sink = sink;
	place->key = arena_format(&sinks->arena, "sinks.%s.path", sink->name);
	place->path = arena_copy(&sinks->arena, slice_of(path));
	return sink_file_check(place->path, err) || err_add(err, "%s", place->key);
}

static bool sinks_listen(struct sinks *sinks, const char *address, struct err *err) {
	static const char key[] = "sinks.prometheus.listen";
	if (!address) return true;
	if (!http_server_open(address, sinks_page, sinks, &sinks->server, err)) return err_add(err, key);
	const char *place = http_server_address(sinks->server);
	if (!http_server_is_loopback(sinks->server)) log_warn("%s: anybody who reaches %s can read the figures of this run", key, place);
	log_info("figures for Prometheus: http://%s/metrics", place);
	return true;
}

static bool sinks_start_writer(struct sinks *sinks, struct err *err) {
	if (sinks->place_count == 0) return true;
	sinks->wake = eventfd(0, EFD_CLOEXEC);
	sinks->ended = eventfd(0, EFD_CLOEXEC);
	if (sinks->wake < 0 || sinks->ended < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot start the writer of the sinks");
	int failed = pthread_create(&sinks->writer, NULL, sinks_write, sinks);
	if (failed != 0) return err_set_sys(err, ERR_FAILED, failed, "cannot start the writer of the sinks");
	sinks->writing = true;
	return true;
}

static void sinks_copy_groups(struct sinks *sinks, const struct group_table *groups) {
	struct group *rows = arena_array(&sinks->arena, groups->count, sizeof(*rows));
	for (size_t i = 0; i < groups->count; i++) {
		rows[i] = groups->rows[i];
		rows[i].name = arena_copy(&sinks->arena, slice_of(rows[i].name));
	}
	sinks->groups = *groups;
	sinks->groups.rows = rows;
}

/* Returns the figures that nobody has to count, and zeros. */
static struct sink_figures sinks_figures(const struct sinks *sinks, double asked_per_s) {
	return (struct sink_figures){.run = sinks->run, .agents_expected = sinks->agents, .open_loop = sinks->open_loop, .asked_per_s = asked_per_s};
}

static struct sinks *sinks_new(const struct sinks_setup *setup) {
	struct sinks *sinks = mem_zeroed(1, sizeof(*sinks));
	const struct text_list *labels = &setup->out->label;
	uint64_t interval_ms = setup->out->sink_interval_ms;
	if (interval_ms == 0) log_warn("sinks.update_interval_ms: 0 is no interval; %d is used", INTERVAL_PRESET_MS);
	sinks->interval = (nsec)(interval_ms > 0 ? interval_ms : INTERVAL_PRESET_MS) * MSEC;
	sinks->next = sinks->interval;
	sinks->open_loop = setup->open_loop;
	sinks->agents = setup->agents;
	sinks->wake = sinks->ended = -1;
	pthread_mutex_init(&sinks->lock, NULL);
	arena_init(&sinks->arena);
	const char **copies = arena_array(&sinks->arena, labels->count, sizeof(*copies));
	for (size_t i = 0; i < labels->count; i++) copies[i] = arena_copy(&sinks->arena, slice_of(labels->at[i]));
	sinks->run = (struct sink_run){STREST_VERSION, arena_copy(&sinks->arena, slice_of(setup->run_id)),
		arena_copy(&sinks->arena, slice_of(setup->target)), labels->count, copies};
	sinks_copy_groups(sinks, setup->groups);
	struct tally *nothing = tally_new(sinks->groups.count);
	sinks->latest = sinks_figures(sinks, 0);
	sinks->latest.agents_reporting = sinks->agents;
	figures_of_script(nothing, &sinks->groups, &sinks->latest.script);
	free(nothing);
	return sinks;
}

bool sinks_open(const struct sinks_setup *setup, struct sinks **ret, struct err *err) {
	const struct out_settings *out = setup->out;
	if (!out->sink_prometheus && !out->sink_otel && !out->sink_influx && !out->sink_listen) {
		*ret = NULL;
		return true;
	}
	struct sinks *sinks = sinks_new(setup);
	bool good = sinks_add(sinks, &sink_prometheus, out->sink_prometheus, err) && sinks_add(sinks, &sink_otel, out->sink_otel, err) &&
		    sinks_add(sinks, &sink_influx, out->sink_influx, err) && sinks_listen(sinks, out->sink_listen, err) &&
		    sinks_start_writer(sinks, err);
	if (!good) {
		sinks_close(sinks);
		return false;
	}
	struct sink_figures zeros = sinks->latest;
	sinks_post(sinks, &zeros, false);
	*ret = sinks;
	return true;
}

void sinks_tick(struct sinks *sinks, const struct sinks_moment *moment) {
	sinks_say_warnings(sinks);
	if (moment->elapsed < sinks->next) return;
	struct sink_figures figures = sinks_figures(sinks, moment->asked_per_s);
	figures.agents_reporting = moment->agents;
	figures_from_tally(moment->tally, moment->window, &figures.figures);
	figures_of_script(moment->tally, &sinks->groups, &figures.script);
	sinks_post(sinks, &figures, false);
	sinks->next = (moment->elapsed / sinks->interval + 1) * sinks->interval; /* those that were missed are left out */
}

/* Waits for the writer; false: it hangs. */
static bool sinks_wait(struct sinks *sinks) {
	struct pollfd ended = {.fd = sinks->ended, .events = POLLIN};
	nsec limit = clock_now() + END_LIMIT_MS * MSEC;
	int ready = 0;
	for (nsec now = clock_now(); ready <= 0 && now < limit; now = clock_now()) ready = poll(&ended, 1, (int)((limit - now) / MSEC) + 1);
	if (ready <= 0) return false;
	pthread_join(sinks->writer, NULL);
	sinks->writing = false;
	return true;
}

bool sinks_finish(struct sinks *sinks, const struct report *report) {
	struct sink_figures figures = sinks_figures(sinks, report->run.asked_per_s);
	figures.agents_reporting = report->fleet ? report->fleet->reported : 0;
	figures_from_report(report, &figures.figures);
	figures_of_script(report->tally, &sinks->groups, &figures.script);
	sinks_post(sinks, &figures, true);
	if (!sinks->writing) return true;
	if (!sinks_wait(sinks)) {
		const struct place *busy = atomic_load(&sinks->busy);
		if (!busy) busy = &sinks->places[0];
		log_write(LOG_ERROR, "%s: '%s' was not written within %d s; it may be of an earlier moment", busy->key, busy->path,
			END_LIMIT_MS / 1000);
		return false;
	}
	bool good = true;
	sinks_say_warnings(sinks);
	for (size_t i = 0; i < sinks->place_count; i++) {
		const struct place *place = &sinks->places[i];
		if (place->failed) log_write(LOG_ERROR, "%s: %s", place->key, place->err.text);
		good = good && !place->failed;
	}
	return good;
}

/* Ends a writer whose run has no end to tell of. */
static bool sinks_end_writer(struct sinks *sinks) {
	struct post *post = mem_zeroed(1, sizeof(*post));
	post->last = true;
	free(mailbox_swap(&sinks->box, post));
	count_up(sinks->wake);
	return sinks_wait(sinks);
}

void sinks_close(struct sinks *sinks) {
	if (!sinks) return;
	http_server_close(sinks->server);
	sinks->server = NULL;
	if (sinks->writing && !sinks_end_writer(sinks)) return;
	sinks_say_warnings(sinks);
	free(mailbox_swap(&sinks->box, NULL));
	for (size_t i = 0; i < sinks->place_count; i++)
		for (size_t k = 0; k < sinks->places[i].told_count; k++) free(sinks->places[i].told[k]);
	if (sinks->wake >= 0) close(sinks->wake);
	if (sinks->ended >= 0) close(sinks->ended);
	pthread_mutex_destroy(&sinks->lock);
	arena_fini(&sinks->arena);
	free(sinks);
}
