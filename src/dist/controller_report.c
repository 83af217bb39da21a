#include <stdio.h>
#include <stdlib.h>

#include "dist/controller_inner.h"

void report_forget(struct controller *c, struct seat *seat) {
	struct assembly *a = seat->assembly;
	if (!a) return;
	for (size_t i = 0; i < a->parts; i++) free((char *)(uintptr_t)a->part[i].at);
	c->parts_bytes -= a->bytes;
	arena_fini(&a->arena);
	free(a);
	seat->assembly = NULL;
}

static void send_taken(struct controller *c, const struct member *member) {
	controller_send(c, member->peer, &(struct message){LINK_TAKEN, .order = {.run_id = c->run_id}});
}

/* A report of no run that is in progress: of the last one once more, too late, or of a run of which this controller knows nothing. */
static void take_foreign(struct controller *c, struct member *member, const struct message_report *report) {
	bool last = strcmp(report->run_id, c->run_id) == 0;
	member->busy[0] = 0;
	if (last && member->seat && member->seat->state == SEAT_REPORTED) {
		send_taken(c, member);
		return;
	}
	controller_warn(c, "agent '%s': its report of run '%s' is ignored: %s", member->id, report->run_id,
		last ? "it came too late" : "that is another run");
	struct message_order fault = {.run_id = report->run_id, .words = "the run is over; the report came too late"};
	controller_send(c, member->peer, &(struct message){LINK_FAULT, .order = fault});
}

/* The report is here, all of it. */
static void complete(struct controller *c, struct seat *seat, const struct message_report *head, struct slice bytes) {
	struct controller_report report = {bytes, head->early, head->reason, head->started_late_ns, head->errors};
	seat->state = SEAT_REPORTED;
	seat->early = head->early;
	seat->started_late = head->started_late_ns;
	for (size_t i = 0; i < report.errors.count; i++) controller_error(c, "agent '%s': %s", seat->id, report.errors.at[i]);
	c->ops.report(c->user, (size_t)(seat - c->seats), &report);
	send_taken(c, seat->member);
	if (!seat->early || c->stopping || seat->replaced) return;
	controller_say(c, LOG_WARN, "agent '%s' ended early: %s", seat->id, report.reason);
	c->uneven = true;
	c->abort_due = c->rules.on_loss == CONTROLLER_ABORT;
	if (c->abort_due && !c->ended[0]) snprintf(c->ended, sizeof(c->ended), "agent '%s' ended early", seat->id);
}

static void copy_head(struct assembly *a, const struct message_report *report) {
	const char **errors = arena_array(&a->arena, report->errors.count, sizeof(*errors));
	for (size_t i = 0; i < report->errors.count; i++) errors[i] = arena_copy(&a->arena, slice_of(report->errors.at[i]));
	a->head = *report;
	a->head.reason = arena_copy(&a->arena, slice_of(report->reason));
	a->head.errors = (struct message_texts){errors, report->errors.count};
}

/* Joins the parts. */
static void join(struct controller *c, struct seat *seat) {
	struct assembly *a = seat->assembly;
	char *whole = mem_alloc(a->bytes);
	size_t size = 0;
	for (size_t i = 0; i < a->parts; i++) {
		memcpy(whole + size, a->part[i].at, a->part[i].size);
		size += a->part[i].size;
	}
	complete(c, seat, &a->head, (struct slice){whole, size});
	free(whole);
	report_forget(c, seat);
}

static void take_part(struct controller *c, struct seat *seat, const struct message_report *report) {
	if (seat->assembly && seat->assembly->parts != (size_t)report->parts) report_forget(c, seat); /* cut in another way: from the beginning */
	struct assembly *a = seat->assembly;
	if (a && a->part[report->part].at) return;
	if (c->parts_bytes + report->bytes.size > CONTROLLER_PARTS_ROOM) { /* it is sent again, when others are complete */
		controller_warn(c, "agent '%s': no room for a part of its report now", seat->id);
		report_forget(c, seat);
		return;
	}
	if (!a) {
		a = seat->assembly = mem_zeroed(1, sizeof(*a));
		a->parts = (size_t)report->parts;
		arena_init(&a->arena);
	}
	char *copy = mem_alloc(report->bytes.size);
	if (report->bytes.size > 0) memcpy(copy, report->bytes.at, report->bytes.size);
	a->part[report->part] = (struct slice){copy, report->bytes.size};
	a->bytes += report->bytes.size;
	c->parts_bytes += report->bytes.size;
	if (report->part == 0) copy_head(a, report);
	if (++a->here == a->parts) join(c, seat);
}

void report_take(struct controller *c, struct member *member, const struct message_report *report) {
	struct seat *seat = member->seat;
	bool begun = c->state == CONTROLLER_STARTING || c->state == CONTROLLER_RUNNING;
	if (!begun || !seat || strcmp(report->run_id, c->run_id) != 0)
		take_foreign(c, member, report);
	else if (seat->state == SEAT_REPORTED)
		send_taken(c, member);
	else if (report->parts == 1)
		complete(c, seat, report, report->bytes);
	else
		take_part(c, seat, report);
}

void report_snapshot(struct controller *c, struct member *member, const struct message_snapshot *snapshot) {
	struct seat *seat = member->seat;
	bool begun = c->state == CONTROLLER_STARTING || c->state == CONTROLLER_RUNNING;
	if (!begun || !seat || strcmp(snapshot->run_id, c->run_id) != 0) {
		controller_warn(c, "agent '%s': a snapshot of another run is ignored", member->id);
		return;
	}
	if (seat->state != SEAT_RUNNING || snapshot->seq <= seat->seq) return; /* an older one */
	seat->seq = snapshot->seq;
	c->ops.snapshot(c->user, (size_t)(seat - c->seats), snapshot);
}
