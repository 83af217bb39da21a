/* From a finished request to the counts: one sample, its window, its groups. */
#include "base/fault.h"
#include "engine/worker.h"

/* Returns the row of the stage that a request due at `due` belongs to; 0: there are no stages. */
static size_t recording_stage(struct worker *worker, nsec due) {
	const struct group_table *groups = &worker->plan->groups;
	const struct schedule *schedule = &worker->plan->schedule;
	if (groups->first_stage == groups->count) return 0;
	nsec at = due - worker->start;
	size_t i = worker->stage;
	while (i > 0 && schedule->at[i].t0 > at) i--;
	while (i + 1 < schedule->count && schedule->at[i + 1].t0 <= at) i++;
	worker->stage = i;
	return groups->first_stage + i;
}

static void recording_make(const struct conn *conn, const struct http_end *end, nsec done, struct sample *sample) {
	const struct flight *flight = &conn->flight;
	nsec ready = flight->again ? flight->again : flight->ready;
	nsec first = end->first ? end->first : done;
	nsec sent = flight->sent ? flight->sent : done;
	nsec written = flight->written && flight->written < first ? flight->written : first;
	*sample = (struct sample){
		.due = flight->due,
		.ready = flight->ready,
		.sent = sent,
		.written = written,
		.first = first,
		.done = done,
		.connect = flight->connect,
		.tls = flight->tls,
		.retry = flight->again && flight->first_sent ? flight->again - flight->first_sent : 0,
		.bytes = end->body_bytes,
		.status = end->status,
		.reason = (uint8_t)end->reason,
		.flags = flight->reused ? SAMPLE_REUSED : 0,
		.address = conn->address,
	};
	if (flight->sent == 0) { /* it ended in the set-up */
		nsec since = conn->shaking ? conn->shaking : conn->dialled;
		nsec *part = conn->shaking ? &sample->tls : &sample->connect;
		*part = done - (since > ready ? since : ready);
	}
}

/* Counts a sample of the window. */
static void recording_count(struct worker *worker, const struct sample *sample) {
	const struct run_hooks *hooks = worker->shared->hooks;
	if (hooks) hooks->sample(hooks->user, sample);
	if (fault_on(FAULT_DROP_SAMPLE) && worker->index == 0 && ++worker->samples == 10) return;
	tally_record(worker->tally, worker->totals, sample, &worker->plan->groups, recording_stage(worker, sample->due));
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

void recording_finish(struct worker *worker, struct conn *conn, const struct http_end *end, nsec done) {
	struct sample sample;
	recording_make(conn, end, done, &sample);
	if (sample.reason == REASON_NONE) {
		if (!status_set_has(&worker->plan->expected, sample.status)) sample.reason = REASON_STATUS;
		recording_complete(worker, done);
	}
	if (!conn->flight.counted) return;
	recording_count(worker, &sample);
	if (conn->net.stamp > 0 && end->reason == REASON_NONE) recording_split(worker, &sample, conn->net.stamp);
	if (worker->truth >= 0 && end->reason == REASON_NONE && sample.retry == 0)
		hist_record(&worker->totals->own_error, done - sample.ready - sample.connect - sample.tls - worker->truth, 1);
}

void recording_open(struct worker *worker, struct conn *conn, nsec now) {
	struct sample sample;
	struct http_end end = {.reason = REASON_OPEN};
	if (conn->state == CONN_BUSY) {
		end = h1_ops.cancel(conn_http(conn), 0);
		end.reason = REASON_OPEN;
		if (!end.any_byte && conn->flight.on_wire) worker->tally->lost++;
	}
	recording_make(conn, &end, now, &sample);
	sample.flags |= SAMPLE_OPEN;
	if (conn->flight.counted) recording_count(worker, &sample);
}
