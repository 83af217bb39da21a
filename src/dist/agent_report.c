#include <stdio.h>

#include "dist/agent_inner.h"

void report_begin(struct agent *a) {
	a->part_next = 0;
	a->mark = 0;
	a->resend_at = NSEC_NEVER;
	report_go_on(a);
}

/* Parts go out some at a time, with a beat behind them: its answer says that they have arrived. */
void report_go_on(struct agent *a) {
	int64_t end = a->part_next + AGENT_PARTS_AHEAD;
	if (a->part_next == a->parts) { /* all are there, but TAKEN is not */
		a->resend_at = a->now + AGENT_RESEND;
		return;
	}
	for (; a->part_next < a->parts && a->part_next < end; a->part_next++) {
		struct message_report part = a->report;
		size_t from = (size_t)a->part_next * MESSAGE_PART_MAX, left = a->report.bytes.size - from;
		part.part = a->part_next;
		part.bytes = (struct slice){a->report.bytes.at + from, left < MESSAGE_PART_MAX ? left : MESSAGE_PART_MAX};
		if (a->part_next > 0) part.errors.count = 0;
		agent_send(a, &(struct message){LINK_REPORT, .report = part});
	}
	wire_beat(a);
	a->mark = a->beats;
}

void report_done(struct agent *a, int status) {
	agent_say(
		a, status ? LOG_WARN : LOG_INFO, "run %s: %s", a->config.run_id, status ? "its report is given up" : "the controller has the report");
	if (a->leaving || !a->rules.standby) agent_leave(a, status, a->leaving ? "interrupted" : "its run is over");
	agent_forget(a);
}

/* Copies the sentences into the run's arena, as many as a message takes. */
static struct message_texts copy_errors(struct agent *a, const struct message_texts *errors) {
	size_t count = errors->count < MESSAGE_TEXTS_MAX ? errors->count : MESSAGE_TEXTS_MAX;
	const char **copies = arena_array(&a->arena, count, sizeof(*copies));
	for (size_t i = 0; i < count; i++) copies[i] = arena_copy(&a->arena, slice_of(errors->at[i]));
	return (struct message_texts){copies, count};
}

void agent_finished(struct agent *a, const struct agent_finished *finished, nsec now) {
	a->now = now;
	if (a->left || (a->phase != PHASE_DELAY && a->phase != PHASE_RUN)) return;
	if (a->discard) {
		agent_forget(a);
		wire_retry(a);
		return;
	}
	size_t size = finished->bytes.size;
	const char *const too_long[] = {"the report is longer than 64 MiB, its numbers are missing"};
	bool fits = size <= MESSAGE_PARTS_MAX * MESSAGE_PART_MAX;
	if (!fits) size = 0;
	a->report.run_id = a->config.run_id;
	a->report.early = finished->early || a->early[0];
	a->report.reason = a->early[0] ? a->early : arena_copy(&a->arena, slice_of(finished->reason));
	a->report.started_late_ns += finished->started_late > 0 ? finished->started_late : 0;
	a->report.errors = copy_errors(a, fits ? &finished->errors : &(struct message_texts){too_long, 1});
	a->report.bytes = (struct slice){arena_copy(&a->arena, (struct slice){finished->bytes.at, size}), size};
	a->parts = a->report.parts = size ? (int64_t)((size + MESSAGE_PART_MAX - 1) / MESSAGE_PART_MAX) : 1;
	a->phase = PHASE_REPORT;
	a->offer_until = now + AGENT_OFFER_TIME;
	a->report_until = now + AGENT_REPORT_TIME;
	if (a->wire == WIRE_JOINED) report_begin(a);
}

void report_tick(struct agent *a) {
	if (a->phase != PHASE_REPORT) return;
	if (a->wire == WIRE_JOINED) a->offer_until = a->now + AGENT_OFFER_TIME;
	if (a->now < a->offer_until && a->now < a->report_until) {
		if (a->wire == WIRE_JOINED && a->now >= a->resend_at) report_begin(a);
		return;
	}
	report_done(a, 1);
	if (!a->left) wire_lost(a, "it did not take the report"); /* a new connection begins without the old run */
}
