#include "cmd/fleet_controller.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/fleet_access.h"
#include "cmd/fleet_control.h"
#include "cmd/fleet_order.h"
#include "dist/link_http.h"

#define START_AFTER (3 * SEC) /* from "all are ready" to the start */
#define TURN_MS 20

struct desk {
	const struct cli *cli;
	struct link *link;
	struct controller *controller;
	struct fleet_control *control; /* NULL: auto */
	nsec wait;                     /* for agents */
	struct fleet_order *order;     /* the run that is prepared or going on; NULL: none */
	int signals;
	int status;
};

/* ---- what the machine asks for ---- */

static bool desk_send(void *user, uint64_t peer, enum link_kind kind, struct slice body) {
	struct desk *desk = user;
	return link_send(desk->link, peer, kind, body);
}

static void desk_drop(void *user, uint64_t peer, const char *words) {
	struct desk *desk = user;
	link_drop(desk->link, peer, words);
}

static void desk_say(void *user, enum log_level level, const char *text) {
	(void)user;
	log_write(level, "%s", text);
}

static bool desk_prepare(void *user, struct controller_run *ret, struct err *err) {
	struct desk *desk = user;
	const struct cli *cli = desk->control ? fleet_control_prepare(desk->control, err) : desk->cli;
	if (!desk->order && cli) desk->order = fleet_order_new(cli, err);
	if (!desk->order) return false;
	fleet_order_describe(desk->order, ret);
	return true;
}

static bool desk_began(void *user, const struct controller_began *began, struct err *err) {
	struct desk *desk = user;
	if (!fleet_order_begin(desk->order, began, desk->signals, err)) return false;
	if (desk->control) fleet_control_began(desk->control, began);
	return true;
}

static void desk_snapshot(void *user, size_t index, const struct message_snapshot *snapshot) {
	struct desk *desk = user;
	struct err err;
	if (!fleet_order_snapshot(desk->order, index, snapshot, &err)) log_warn("a snapshot of agent %zu is not taken: %s", index + 1, err.text);
}

static void desk_report(void *user, size_t index, const struct controller_report *report) {
	struct desk *desk = user;
	struct err err;
	if (!fleet_order_report(desk->order, index, report, &err)) fleet_order_error(desk->order, err.text);
	if (desk->control) fleet_control_reported(desk->control);
}

static void desk_lost(void *user, size_t index, const char *why) {
	struct desk *desk = user;
	fleet_order_lose(desk->order, index, why);
}

static void desk_error(void *user, const char *words) {
	struct desk *desk = user;
	if (desk->order) fleet_order_error(desk->order, words);
}

static void desk_answer(void *user, enum controller_answer answer, const char *words) {
	struct desk *desk = user;
	if (!desk->control) return;
	fleet_control_answer(desk->control, answer, words);
	if (answer != CONTROLLER_STARTED && !desk->order) fleet_control_over(desk->control, NULL);
}

static void desk_over(void *user, const struct controller_outcome *outcome) {
	struct desk *desk = user;
	desk->status = ERR_FAILED;
	if (outcome->end == CONTROLLER_DONE)
		desk->status = fleet_order_conclude(desk->order, outcome);
	else
		fleet_order_fail(desk->order, *outcome->words ? outcome->words : "stopped before the start");
	if (desk->control) {
		fleet_control_over(desk->control, desk->order && outcome->end == CONTROLLER_DONE ? fleet_order_result(desk->order) : NULL);
		desk->status = 0; /* whether a run was good stands in its answer and its outputs; this process goes on */
	}
	fleet_order_free(desk->order);
	desk->order = NULL;
}

/* ---- turns ---- */

static void desk_on_signals(struct desk *desk) {
	while (watch_next_signal(desk->signals) != 0) {
		if (desk->order && fleet_order_show(desk->order)) show_stopping(fleet_order_show(desk->order));
		controller_interrupt(desk->controller, link_clock());
	}
}

static void desk_on_view(struct desk *desk) {
	enum view_wish wish = desk->order ? fleet_order_turn(desk->order) : VIEW_NOTHING;
	if (wish == VIEW_QUIT || wish == VIEW_FORCE) controller_interrupt(desk->controller, link_clock());
}

static void desk_turn(struct desk *desk) {
	struct link_event event;
	struct link_http_refusals refusals;
	while (link_next(desk->link, &event)) controller_event(desk->controller, &event, link_clock());
	if (link_http_refused(desk->link, &refusals)) log_warn("turned away: %s", refusals.words);
	fleet_control_turn(desk->control, desk->controller, desk->wait);
	controller_tick(desk->controller, link_clock());
	if (desk->order && fleet_order_is_missed(desk->order)) controller_stop(desk->controller, link_clock());
	desk_on_view(desk);
}

static void desk_wait(struct desk *desk) {
	const struct show *show = desk->order ? fleet_order_show(desk->order) : NULL;
	struct pollfd polled[] = {{.fd = desk->signals, .events = POLLIN}, {.fd = link_descriptor(desk->link), .events = POLLIN},
		{.fd = show_descriptor(show), .events = POLLIN}, {.fd = fleet_control_descriptor(desk->control), .events = POLLIN}};
	poll(polled, LENGTH(polled), TURN_MS);
	desk_on_signals(desk);
}

static void fill_rules(const struct fleet_settings *fleet, struct controller_rules *ret) {
	static const enum controller_loss losses[] = {CONTROLLER_CONTINUE, CONTROLLER_REDISTRIBUTE, CONTROLLER_ABORT};
	*ret = (struct controller_rules){
		.manual = fleet->controller_mode == CONTROLLER_MANUAL,
		.min_agents = (unsigned)fleet->min_agents,
		.wait = (nsec)fleet->agent_wait_timeout_ms * MSEC,
		.start_after = START_AFTER,
		.heartbeat_timeout = (nsec)fleet->agent_heartbeat_timeout_ms * MSEC,
		.stream_interval = fleet->stream_summaries ? (nsec)fleet->stream_interval_ms * MSEC : 0,
		.on_loss = losses[fleet->on_agent_loss],
		.program = STREST_VERSION,
	};
}

static int desk_fail(struct desk *desk, const struct err *err) {
	log_write(LOG_ERROR, "%s", err->text);
	fleet_order_free(desk->order);
	return (int)err->code;
}

static void desk_announce(const struct desk *desk, const struct link_http_setup *setup) {
	const struct fleet_settings *fleet = &desk->cli->settings.fleet;
	log_info("controller: agents join at %s; waiting for %llu", link_address(desk->link), (unsigned long long)fleet->min_agents);
	if (!setup->cert && setup->token) log_info("without TLS agents cannot know whether this is their controller (--fleet-cert)");
	if (fleet->insecure_fleet && !setup->token && !setup->ca) log_warn("anybody who reaches %s can join", link_address(desk->link));
}

int fleet_controller_main(const struct cli *cli, struct arena *arena) {
	static const struct controller_ops ops = {
		desk_send, desk_drop, desk_say, desk_prepare, desk_began, desk_snapshot, desk_report, desk_lost, desk_error, desk_answer, desk_over};
	struct desk desk = {.cli = cli};
	struct link_http_setup setup;
	struct controller_rules rules;
	const char *token;
	struct err err;
	fill_rules(&cli->settings.fleet, &rules);
	if (!fleet_access_link(&cli->settings.fleet, arena, &setup, &err)) return desk_fail(&desk, &err);
	if (!rules.manual && !(desk.order = fleet_order_new(cli, &err))) return desk_fail(&desk, &err);
	desk.signals = watch_catch_signals();
	watch_release_stops(desk.signals);
	if (!link_http_listen(&setup, &desk.link, &err)) {
		err_add(&err, "--controller-listen");
		return desk_fail(&desk, &err);
	}
	desk_announce(&desk, &setup);
	if (rules.manual &&
		(!fleet_access_control(&cli->settings.fleet, arena, &token, &err) || !fleet_control_open(cli, token, &desk.control, &err))) {
		link_close(desk.link);
		return desk_fail(&desk, &err);
	}
	desk.wait = rules.wait;
	desk.controller = controller_new(&rules, &ops, &desk, link_clock());
	while (controller_state(desk.controller) != CONTROLLER_OVER) {
		desk_wait(&desk);
		desk_turn(&desk);
	}
	link_close(desk.link);
	controller_free(desk.controller);
	fleet_order_free(desk.order);
	fleet_control_close(desk.control);
	close(desk.signals);
	return desk.status;
}
