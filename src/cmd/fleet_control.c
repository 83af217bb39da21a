#include "cmd/fleet_control.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "dist/control_plane.h"
#include "dist/control_words.h"
#include "dist/link.h"

#define ANSWER_SPARE (5 * SEC) /* behind the time that a start waits for agents */
#define METRICS_BYTES 65536

struct fleet_control {
	struct control_plane *plane;
	struct fleet_registry *registry;
	struct fleet_start start;
	struct arena arena; /* of the start */
	bool is_starting;   /* `arena` is in use: a start waits, or its run goes on */
	uint64_t waiting;   /* the request that is to be answered; 0: none */
	unsigned status;    /* of what fleet_control_prepare refused */
	nsec begun;         /* link_clock() of the start of the run; 0: there is none */
	size_t expected, reported;
	char *summary; /* of the last run; NULL: none */
};

bool fleet_control_open(const struct cli *cli, const char *token, struct fleet_control **ret, struct err *err) {
	const struct control_plane_setup setup = {.address = cli->settings.fleet.control_listen, .token = token};
	struct fleet_control *control = mem_zeroed(1, sizeof(*control));
	if (!fleet_registry_new(cli, &control->registry, err) || !control_plane_open(&setup, &control->plane, err)) {
		err_add(err, "--control-listen");
		fleet_control_close(control);
		return false;
	}
	log_info("control plane: http://%s/ (POST /start, POST /stop, GET /status)%s", control_plane_address(control->plane),
		token ? "" : "; anybody on this machine may use it (--control-auth-token-file)");
	*ret = control;
	return true;
}

static void forget_start(struct fleet_control *control) {
	if (control->is_starting) arena_fini(&control->arena);
	control->is_starting = false;
}

void fleet_control_close(struct fleet_control *control) {
	if (!control) return;
	control_plane_close(control->plane);
	forget_start(control);
	fleet_registry_free(control->registry);
	free(control->summary);
	free(control);
}

int fleet_control_descriptor(const struct fleet_control *control) {
	return control ? control_plane_descriptor(control->plane) : -1;
}

/* Answers with a text, and frees it. */
static void answer(struct fleet_control *control, uint64_t id, unsigned status, char *text) {
	control_plane_answer(control->plane, id, status, text);
	free(text);
}

static void on_start(struct fleet_control *control, struct controller *controller, const struct control_request *request, nsec wait) {
	struct err err;
	if (controller_state(controller) != CONTROLLER_IDLE || control->is_starting) {
		control_plane_refuse(control->plane, request->id, 409, "a run is in progress, or a start waits for agents; POST /stop ends it");
		return;
	}
	arena_init(&control->arena);
	control->start = (struct fleet_start){.arena = &control->arena};
	control->is_starting = true;
	if (!fleet_start_read(&control->start, request->body, &err)) {
		control_plane_refuse(control->plane, request->id, 400, err.text);
		forget_start(control);
		return;
	}
	control->waiting = request->id;
	control->status = 400;
	if (control->start.wait > 0) wait = control->start.wait;
	if (wait > 0) control_plane_extend(control->plane, request->id, wait + ANSWER_SPARE);
	controller_start(controller, control->start.start_after, control->start.wait, link_clock());
}

static void on_stop(struct fleet_control *control, struct controller *controller, uint64_t id) {
	const char *now = controller_run_id(controller);
	char run_id[MESSAGE_NAME_MAX + 1] = "";
	if (now) memcpy(run_id, now, strnlen(now, MESSAGE_NAME_MAX)); /* the stop may end the run */
	switch (controller_stop(controller, link_clock())) {
	case CONTROLLER_STOP_IDLE: answer(control, id, 200, control_words_done("idle", NULL)); break;
	case CONTROLLER_STOP_WITHDRAWN: answer(control, id, 200, control_words_done("stopped", *run_id ? run_id : NULL)); break;
	case CONTROLLER_STOPPING: answer(control, id, 200, control_words_done("stopping", run_id)); break;
	}
}

/* Returns the registered agents; free() them. */
static struct controller_agent *list_agents(const struct controller *controller, size_t *ret_count) {
	size_t count = controller_list(controller, NULL, 0);
	struct controller_agent *agents = mem_zeroed(count + 1, sizeof(*agents));
	*ret_count = controller_list(controller, agents, count);
	return agents;
}

static char *write_metrics(const struct fleet_control *control, const struct controller *controller, size_t agents) {
	enum controller_state state = controller_state(controller);
	struct buf text;
	nsec now = link_clock();
	buf_init(&text, METRICS_BYTES);
	buf_add_format(&text, "# HELP strest_agents Agents that are connected.\n# TYPE strest_agents gauge\nstrest_agents %zu\n", agents);
	buf_add_format(&text,
		"# HELP strest_run_in_progress Whether a run goes on.\n# TYPE strest_run_in_progress gauge\nstrest_run_in_progress %d\n",
		state == CONTROLLER_STARTING || state == CONTROLLER_RUNNING);
	buf_add_format(&text,
		"# HELP strest_run_elapsed_seconds Time since the start of the run.\n# TYPE strest_run_elapsed_seconds gauge\n"
		"strest_run_elapsed_seconds %.3f\n",
		control->begun > 0 && now > control->begun ? (double)(now - control->begun) / 1e9 : 0.0);
	buf_add_format(&text,
		"# HELP strest_run_agents Agents of the run in progress or of the last one, by what became of them.\n# TYPE strest_run_agents gauge\n"
		"strest_run_agents{state=\"expected\"} %zu\nstrest_run_agents{state=\"reported\"} %zu\n",
		control->expected, control->reported);
	char *copy = mem_alloc(text.size + 1);
	memcpy(copy, buf_text(&text), text.size + 1);
	buf_fini(&text);
	return copy;
}

static void on_question(struct fleet_control *control, struct controller *controller, const struct control_request *request) {
	size_t count;
	struct controller_agent *agents = list_agents(controller, &count);
	nsec now = link_clock();
	struct control_status status = {
		.state = controller_state(controller),
		.run_id = controller_run_id(controller),
		.elapsed = control->begun > 0 ? now - control->begun : -1,
		.expected = control->expected,
		.reported = control->reported,
		.agents = agents,
		.agent_count = count,
		.summary = control->summary,
	};
	if (request->kind == CONTROL_STATUS) answer(control, request->id, 200, control_words_status(&status, now));
	if (request->kind == CONTROL_AGENTS) answer(control, request->id, 200, control_words_agents(agents, count, now));
	if (request->kind == CONTROL_SCENARIOS) answer(control, request->id, 200, fleet_registry_list(control->registry));
	if (request->kind == CONTROL_METRICS) answer(control, request->id, 200, write_metrics(control, controller, count));
	free(agents);
}

void fleet_control_turn(struct fleet_control *control, struct controller *controller, nsec wait) {
	struct control_request request;
	while (control && control_plane_next(control->plane, &request)) {
		if (request.kind == CONTROL_START)
			on_start(control, controller, &request, wait);
		else if (request.kind == CONTROL_STOP)
			on_stop(control, controller, request.id);
		else
			on_question(control, controller, &request);
	}
}

const struct cli *fleet_control_prepare(struct fleet_control *control, struct err *err) {
	return fleet_start_settle(&control->start, control->registry, &control->status, err) ? &control->start.cli : NULL;
}

void fleet_control_answer(struct fleet_control *control, enum controller_answer given, const char *words) {
	uint64_t id = control->waiting;
	control->waiting = 0;
	if (id == 0) return;
	switch (given) {
	case CONTROLLER_STARTED: answer(control, id, 200, control_words_done("started", words)); return;
	case CONTROLLER_INVALID: control_plane_refuse(control->plane, id, control->status, words); break;
	case CONTROLLER_BUSY:
	case CONTROLLER_TOO_FEW:
	case CONTROLLER_GONE:
	case CONTROLLER_WITHDRAWN: control_plane_refuse(control->plane, id, 409, words); break;
	}
}

void fleet_control_began(struct fleet_control *control, const struct controller_began *began) {
	control->begun = began->at;
	control->expected = began->count;
	control->reported = 0;
}

void fleet_control_reported(struct fleet_control *control) {
	control->reported++;
}

void fleet_control_over(struct fleet_control *control, const char *result) {
	control->begun = 0;
	forget_start(control);
	if (!result) return;
	free(control->summary);
	control->summary = mem_alloc(strlen(result) + 1);
	strcpy(control->summary, result);
}
