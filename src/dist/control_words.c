#include "dist/control_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

static const char *state_words(enum controller_state state) {
	switch (state) {
	case CONTROLLER_IDLE: return "idle";
	case CONTROLLER_WAIT: return "waiting";
	case CONTROLLER_DISTRIBUTE: return "preparing";
	case CONTROLLER_STARTING: return "starting";
	case CONTROLLER_RUNNING: return "running";
	case CONTROLLER_OVER: break;
	}
	return "over";
}

static double ms_of(nsec time) {
	return (double)time / (double)MSEC;
}

static void put_agent(struct json *list, const struct controller_agent *agent, nsec now) {
	struct json *object = json_put_object(list, NULL);
	json_put_text(object, "id", agent->id);
	json_put_text(object, "hostname", agent->host);
	json_put_int(object, "weight", agent->weight);
	json_put_int(object, "cpus", agent->cpus);
	json_put_text(object, "state", agent->state);
	if (agent->last_seen > 0)
		json_put_int(object, "last_seen_ms", now > agent->last_seen ? (now - agent->last_seen) / MSEC : 0);
	else
		json_put_null(object, "last_seen_ms");
	json_put_real(object, "cpu_percent", agent->cpu);
	json_put_int(object, "in_flight", agent->in_flight);
	json_put_real(object, "clock_offset_ms", ms_of(agent->offset));
}

static void put_agents(struct json *root, const struct controller_agent *agents, size_t count, nsec now) {
	struct json *list = json_put_array(root, "agents");
	for (size_t i = 0; i < count; i++) put_agent(list, &agents[i], now);
}

/* Returns the tree as text, and frees it. */
static char *finish(struct json *root) {
	char *text = json_format_line(root);
	json_free(root);
	return text;
}

/* Puts a member that is JSON already behind the others of an object. */
static char *append_member(char *object, const char *key, const char *value) {
	size_t size = strlen(object), room = size + strlen(key) + strlen(value) + 8;
	object = mem_resize(object, room);
	snprintf(object + size - 1, room - size + 1, ",\"%s\":%s}", key, value); /* over the last brace */
	return object;
}

char *control_words_status(const struct control_status *status, nsec now) {
	struct json *root = json_new_object();
	json_put_text(root, "state", state_words(status->state));
	json_put_text(root, "run_id", status->run_id);
	if (status->elapsed >= 0)
		json_put_int(root, "elapsed_ms", status->elapsed / MSEC);
	else
		json_put_null(root, "elapsed_ms");
	json_put_int(root, "agents_expected", (int64_t)status->expected);
	json_put_int(root, "agents_reported", (int64_t)status->reported);
	put_agents(root, status->agents, status->agent_count, now);
	return append_member(finish(root), "last_summary", status->summary ? status->summary : "null");
}

char *control_words_agents(const struct controller_agent *agents, size_t count, nsec now) {
	struct json *root = json_new_object();
	put_agents(root, agents, count, now);
	return finish(root);
}

char *control_words_done(const char *status, const char *run_id) {
	struct json *root = json_new_object();
	json_put_text(root, "status", status);
	json_put_text(root, "run_id", run_id);
	return finish(root);
}

char *control_words_error(const char *words) {
	struct json *root = json_new_object();
	json_put_text(root, "error", words);
	return finish(root);
}
