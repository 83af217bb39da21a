/* From a finished request to the counts: one sample, its window, its groups. */
#include "engine/recording.h"

#include "base/fault.h"
#include "engine/setup.h"
#include "engine/users.h"

/* Returns the row of the stage that a request due at `due` belongs to; 0: there are no stages. */
static size_t recording_stage(struct worker *worker, nsec due) {
	const struct group_table *groups = &worker->plan->groups;
	const struct schedule *schedule = &worker->plan->schedule;
	if (groups->first_stage == groups->first_step) return 0;
	nsec at = due - worker->start;
	size_t i = worker->stage;
	while (i > 0 && schedule->at[i].t0 > at) i--;
	while (i + 1 < schedule->count && schedule->at[i + 1].t0 <= at) i++;
	worker->stage = i;
	return groups->first_stage + i;
}

/* A request goes on the wire at `now`, or leaves it: two additions keep the area under their number (struct tally). */
static inline void recording_enter(struct worker *worker, nsec now) {
	worker->on_wire++;
	worker->tally->wire_area -= (uint64_t)now;
}

static inline void recording_leave(struct worker *worker, const struct flight *flight, nsec now) {
	if (flight->first_sent == 0) return;
	worker->on_wire--;
	worker->tally->wire_area += (uint64_t)now;
}

void recording_wire(struct worker *worker, nsec at, struct tally *next) {
	uint64_t area = worker->on_wire * (uint64_t)at;
	worker->tally->wire_area += area;
	worker->tally->wire_span += at - worker->wire_from;
	worker->wire_from = at;
	if (next) next->wire_area -= area;
}

void recording_attempt(struct worker *worker, struct flight *flight) {
	struct tally *tally = worker->tally;
	flight->on_wire = true;
	tally->attempts++;
	if (flight->due < worker->window_start) tally->attempts_warmup++;
	if (flight->first_sent > 0) {
		if (flight->hopped)
			tally->hops++;
		else if (flight->retried)
			tally->retries++;
		flight->hopped = false;
		return;
	}
	flight->first_sent = flight->sent;
	recording_enter(worker, flight->sent);
	if (!worker_in_window(worker, flight->sent)) return;
	tally->sent_in_window++;
	if (worker->last_done == 0) worker->last_done = flight->sent;
}

static void recording_make(const struct task *task, const struct http_end *end, nsec done, struct sample *sample) {
	const struct flight *flight = &task->flight;
	nsec first = end->first ? end->first : done;
	nsec sent = flight->sent ? flight->sent : done; /* else it ended in the set-up */
	nsec written = flight->written && flight->written < first ? flight->written : first;
	*sample = (struct sample){
		.due = flight->due,
		.ready = flight->ready,
		.sent = sent,
		.written = written,
		.first = first,
		.done = done,
		.dns = flight->dns,
		.connect = flight->connect,
		.tls = flight->tls,
		.retry = flight->again && flight->first_sent ? flight->again - flight->first_sent : 0,
		.bytes = end->body_bytes,
		.status = end->status,
		.reason = (uint8_t)end->reason,
		.flags = flight->reused ? SAMPLE_REUSED : 0,
		.address = task->address,
		.row = (uint16_t)(flight->request->row < SAMPLE_ROWS_MAX ? flight->request->row : SAMPLE_ROWS_MAX - 1),
	};
}

void recording_give_log(struct worker *worker) {
	logport_give(&worker->log[worker->log_turn]);
	if (++worker->log_turn == worker->shared->shards) worker->log_turn = 0;
}

/* Writes a sample of the window into the run log. */
static void recording_log(struct worker *worker, const struct task *task, const struct sample *sample) {
	struct logport *port = &worker->log[worker->log_turn];
	struct logged *place = logport_next(port);
	const struct flight *flight = &task->flight;
	if (!place) return;
	place->sample = *sample;
	place->connection = flight->sent ? flight->connection : 0;
	place->in_flight = (uint32_t)worker->active - 1;
	place->has_step = worker->plan->groups.first_step < worker->plan->groups.first_scenario;
	place->protocol = !flight->sent ? LOGGED_NONE : flight->is_h2 ? LOGGED_H2 : LOGGED_HTTP1;
	if (port->used == LOGPORT_BLOCK) recording_give_log(worker);
}

/* Counts a sample of the window. */
static void recording_count(struct worker *worker, const struct task *task, const struct sample *sample) {
	const struct run_hooks *hooks = worker->shared->hooks;
	if (hooks && hooks->sample) hooks->sample(hooks->user, sample);
	if (fault_on(FAULT_CRASH) && worker->index == 0 && ++worker->samples == 200) *(volatile int *)(uintptr_t)0 = 0;
	if (fault_on(FAULT_DROP_SAMPLE) && worker->index == 0 && ++worker->samples == 10) return;
	if (worker->step_reasons && sample->reason != REASON_NONE) worker->step_reasons[sample->row][sample->reason]++;
	if (worker->urls) digest_record(&worker->urls[sample->row], sample);
	tally_record(worker->tally, worker->totals, sample, &worker->plan->groups, recording_stage(worker, sample->due));
	if (worker->log) recording_log(worker, task, sample);
	if (sample->done > worker->ended_at) worker->ended_at = sample->done;
}

/* A response is complete: throughput and gaps go by the time of the event. */
static void recording_complete(struct worker *worker, nsec done) {
	if (!worker_in_window(worker, done)) return;
	worker->tally->done_in_window++;
	nsec gap = done - worker->last_done;
	if (gap > worker->tally->longest_gap) worker->tally->longest_gap = gap;
	worker->last_done = done;
}

/* The kernel stamped the last bytes of a complete response: parts the way from the time that they waited for us. */
static void recording_split(struct worker *worker, const struct sample *sample, nsec stamp) {
	if (stamp < sample->sent) stamp = sample->sent; /* the two clocks are compared within some 100 ns */
	hist_record(&worker->totals->outside, stamp - sample->sent, 1);
	hist_record(&worker->totals->client_queue, sample->done - stamp, 1);
}

void recording_finish(struct worker *worker, struct task *task, const struct http_end *end, nsec done) {
	const struct flight *flight = &task->flight;
	struct sample sample;
	recording_make(task, end, done, &sample);
	recording_leave(worker, flight, done);
	if (sample.reason == REASON_NONE) {
		if (!status_set_has(flight->request->expected, sample.status)) sample.reason = REASON_STATUS;
		recording_complete(worker, done);
	}
	if (task->user) users_judge(worker, task, &sample);
	if (!flight->counted) return;
	recording_count(worker, task, &sample);
	if (end->reason != REASON_NONE) return;
	if (task->conn && task->conn->net.stamp > 0) recording_split(worker, &sample, task->conn->net.stamp);
	if (flight->has_truth && sample.retry == 0)
		hist_record(&worker->totals->own_error, done - sample.ready - sample.connect - sample.tls - flight->truth, 1);
}

void recording_open(struct worker *worker, struct task *task, nsec now) {
	struct sample sample;
	struct http_end end = {.reason = REASON_OPEN};
	const struct flight *flight = &task->flight;
	if (task->state == TASK_SETUP) task->address = (uint16_t)conn_address_row(task->conn);
	if (task->state == TASK_SETUP && conn_is_in_setup(task->conn))
		setup_abandon(worker, task->conn, now); /* its time so far is a part of the request's */
	if (task->state == TASK_SENT) {
		end = task->conn->http->cancel(conn_http(task->conn), task->id);
		end.reason = REASON_OPEN;
		if (!end.any_byte && flight->on_wire) worker->tally->lost++;
	}
	recording_make(task, &end, now, &sample);
	recording_leave(worker, flight, now);
	sample.flags |= SAMPLE_OPEN;
	if (flight->counted) recording_count(worker, task, &sample);
}
