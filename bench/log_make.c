/* Writes the log of a run that never was: log_make FOLDER RECORDS SHARDS.
 * An open loop of 10,000 requests a second. Most are answered after 0.5 to 20 ms, one in 1,000 only after up to 5 s, one in 5,000 has a bad status,
 * one in 20,000 times out; so they end in another order than they began, and each shard has every SHARDS-th of them. Two steps. The same words give
 * the same log. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "out/run_lines.h"
#include "record/runlog.h"
#include "stats/replay.h"

#define RATE 10000
#define GAP (SEC / RATE)
#define SHARDS_MAX 64
#define HEAP_MAX (1 << 20) /* requests in flight */
#define BUFFER ((size_t)1 << 20)

static const struct group rows[] = {{GROUP_BY_ALL, "all"}, {GROUP_BY_CONNECTION, "new"}, {GROUP_BY_CONNECTION, "reused"},
	{GROUP_BY_ADDRESS, "127.0.0.1"}, {GROUP_BY_STEP, "look"}, {GROUP_BY_STEP, "buy"}, {GROUP_BY_SCENARIO, "shop"}};

struct making {
	uint64_t seed;
	size_t in_flight; /* a heap by done */
	struct logged heap[HEAP_MAX];
	FILE *files[SHARDS_MAX];
	unsigned shards;
	uint64_t written;
	struct replay *replay;
	struct run_info info;
};

/* Method: xorshift64* (S. Vigna). Returns a number in (0, 1). */
static double any(struct making *m) {
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return ((double)((m->seed * 0x2545F4914F6CDD1DULL) >> 12) + 0.5) / (double)(1ull << 52);
}

static void die(const char *what) {
	perror(what);
	exit(1);
}

static void heap_put(struct making *m, const struct logged *record) {
	size_t at = m->in_flight++;
	if (m->in_flight == HEAP_MAX) die("too many in flight");
	for (; at > 0 && m->heap[(at - 1) / 2].sample.done > record->sample.done; at = (at - 1) / 2) m->heap[at] = m->heap[(at - 1) / 2];
	m->heap[at] = *record;
}

static struct logged heap_take(struct making *m) {
	struct logged first = m->heap[0], *last = &m->heap[--m->in_flight];
	size_t at = 0;
	for (size_t child; (child = 2 * at + 1) < m->in_flight; at = child) {
		if (child + 1 < m->in_flight && m->heap[child + 1].sample.done < m->heap[child].sample.done) child++;
		if (m->heap[child].sample.done >= last->sample.done) break;
		m->heap[at] = m->heap[child];
	}
	m->heap[at] = *last;
	return first;
}

static struct logged begin_request(struct making *m, uint64_t number) {
	nsec due = (nsec)(((double)number + any(m)) * GAP), sent = due + (nsec)(20 * USEC * any(m));
	double luck = any(m), slow = any(m) < 1e-3 ? 5e9 * any(m) : 5e5 - 3e6 * log(any(m));
	struct sample sample = {.due = due, .ready = due, .sent = sent, .written = sent, .bytes = 1000 + (uint64_t)(500 * any(m)), .row = number % 2};
	sample.status = luck < 2e-4 ? 503 : 200;
	sample.reason = luck < 2e-4 ? REASON_STATUS : REASON_NONE;
	sample.first = sent + (nsec)slow;
	if (luck > 1 - 5e-5) {
		sample.first = sent + 10 * SEC;
		sample.reason = REASON_TIMEOUT_RESPONSE;
		sample.status = 0;
	}
	sample.done = sample.first + (nsec)(50 * USEC * any(m));
	return (struct logged){.sample = sample, .connection = (uint32_t)(number % 400), .protocol = LOGGED_HTTP1, .has_step = true};
}

static void end_request(struct making *m) {
	struct logged record = heap_take(m);
	char line[RUNLOG_LINE_MAX];
	record.in_flight = (uint32_t)m->in_flight;
	size_t size = runlog_format(&record, 0, line);
	if (fwrite(line, size, 1, m->files[m->written++ % m->shards]) != 1) die("cannot write");
	replay_add(m->replay, &record);
}

static void say(struct making *m, const char *begin, struct json *object) {
	char *text = json_format_line(object);
	for (unsigned i = 0; i < m->shards; i++)
		if (fprintf(m->files[i], "%s%s\n", begin, text) < 0) die("cannot write");
	free(text);
	json_free(object);
}

static void say_head(struct making *m) {
	struct json *object = json_new_object();
	json_put_int(object, "format", 1);
	run_lines_put_head(&m->info, NULL, 0, object);
	say(m, RUNLOG_HEAD, object);
}

static void say_end(struct making *m, nsec window) {
	struct arena arena;
	struct report report;
	const struct tally *tally = m->replay->tally;
	const struct run_result result = {.window = window,
		.planned = m->written,
		.tally = tally,
		.totals = m->replay->totals,
		.step_reasons = (const uint64_t(*)[REASON_COUNT])m->replay->step_reasons};
	arena_init(&arena);
	report_build(&m->info, &result, &arena, &report);
	struct json *object = json_new_object();
	json_put_int(object, "planned", (int64_t)m->written);
	json_put_int(object, "ok", (int64_t)tally->ok);
	json_put_int(object, "failed", (int64_t)tally->failed);
	json_put_int(object, "open", (int64_t)tally->open);
	json_put_int(object, "window_ns", window);
	run_lines_put_end(&report, object);
	say(m, RUNLOG_END, object);
	arena_fini(&arena);
}

static void open_files(struct making *m, const char *folder) {
	for (unsigned i = 0; i < m->shards; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/metrics-1-1767225600000-%u.log", folder, i);
		m->files[i] = fopen(path, "w");
		if (!m->files[i]) die(path);
		setvbuf(m->files[i], NULL, _IOFBF, BUFFER);
	}
}

int main(int argc, char **argv) {
	static struct making m = {.seed = 1};
	uint64_t count = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
	m.shards = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	if (count == 0 || m.shards == 0 || m.shards > SHARDS_MAX) return fputs("usage: log_make FOLDER RECORDS SHARDS\n", stderr), 2;
	nsec window = (nsec)count * GAP;
	m.info = (struct run_info){.id = "00000000-0000-4000-8000-000000000000",
		.version = STREST_VERSION,
		.start_unix_ns = 1767225600 * SEC,
		.target = "1 scenario",
		.method = "GET",
		.keepalive = true,
		.http = "http/1.1",
		.streams = 1,
		.open_loop = true,
		.asked_per_s = RATE / 2.0,
		.threads = 1,
		.max_tasks = HEAP_MAX,
		.spin = "off",
		.duration = window,
		.kernel_stamps = "off",
		.scenario_count = 1,
		.steps_mean = 2,
		.groups = {7, rows, 3, 4, 4, 6}};
	status_set_parse(SLICE("200"), &m.info.expected);
	m.replay = replay_new(&(struct replay_setup){.groups = &m.info.groups});
	open_files(&m, argv[1]);
	say_head(&m);
	for (uint64_t i = 0; i < count; i++) {
		struct logged record = begin_request(&m, i);
		while (m.in_flight > 0 && m.heap[0].sample.done <= record.sample.due) end_request(&m);
		heap_put(&m, &record);
	}
	while (m.in_flight > 0) end_request(&m);
	say_end(&m, window);
	for (unsigned i = 0; i < m.shards; i++)
		if (fclose(m.files[i]) != 0) die("cannot write");
	replay_free(m.replay);
	return 0;
}
