#include "out/fleet_json.h"

#include "out/series_json.h"

static void put_count(struct json *parent, const char *key, uint64_t count) {
	json_put_int(parent, key, count < INT64_MAX ? (int64_t)count : INT64_MAX);
}

static void put_texts(struct json *parent, const char *key, size_t count, const char *const *texts) {
	struct json *array = json_put_array(parent, key);
	for (size_t i = 0; i < count; i++) json_put_text(array, NULL, texts[i]);
}

static void put_pair(struct json *parent, const char *key, const struct quantile pair[2]) {
	struct json *object = json_put_object(parent, key);
	series_json_put_quantile(object, "p50", &pair[FLEET_P50]);
	series_json_put_quantile(object, "p99", &pair[FLEET_P99]);
}

static void put_figures(struct json *parent, const struct fleet_agent *agent) {
	if (!agent->has_figures) {
		json_put_null(parent, "figures");
		return;
	}
	struct json *object = json_put_object(parent, "figures");
	put_count(object, "planned", agent->planned);
	put_count(object, "ok", agent->ok);
	put_count(object, "failed", agent->failed);
	put_count(object, "open", agent->open);
	put_count(object, "unsent", agent->unsent);
	json_put_real(object, "throughput_per_s", agent->throughput_per_s);
	put_pair(object, "response_ns", agent->response);
	put_pair(object, "late_ns", agent->late);
	json_put_text(object, "limited_by", agent->verdict.count > 0 ? cause_name(agent->verdict.at[0].cause) : "none");
	struct json *causes = json_put_array(object, "causes");
	for (size_t i = 0; i < agent->verdict.count; i++) {
		struct json *cause = json_put_object(causes, NULL);
		json_put_text(cause, "name", cause_name(agent->verdict.at[i].cause));
		json_put_text(cause, "text", agent->verdict.at[i].text);
	}
}

void fleet_json_put_agent(struct json *object, const struct fleet_agent *agent) {
	json_put_text(object, "id", agent->id);
	json_put_text(object, "hostname", agent->hostname);
	put_count(object, "weight", agent->weight);
	json_put_text(object, "state", fleet_state_name(agent->state));
	json_put_bool(object, "early", agent->early);
	json_put_text(object, "reason", agent->words);
	if (agent->state == FLEET_LOST)
		json_put_int(object, "last_heard_ns", agent->last_heard);
	else
		json_put_null(object, "last_heard_ns");
	json_put_int(object, "clock_offset_ns", agent->clock_offset);
	json_put_int(object, "started_late_ns", agent->started_late);
	put_texts(object, "errors", agent->error_count, agent->errors);
	put_figures(object, agent);
}

void fleet_json_put(struct json *parent, const struct fleet_report *fleet) {
	if (!fleet) {
		json_put_null(parent, "fleet");
		return;
	}
	struct json *object = json_put_object(parent, "fleet");
	put_count(object, "expected", fleet->expected);
	put_count(object, "reported", fleet->reported);
	json_put_bool(object, "partial", fleet->reported < fleet->expected);
	json_put_int(object, "start_spread_ns", fleet->spread);
	json_put_int(object, "clock_doubt_ns", fleet->clock_doubt);
	put_texts(object, "errors", fleet->error_count, fleet->errors);
	struct json *agents = json_put_array(object, "agents");
	for (size_t i = 0; i < fleet->count; i++) fleet_json_put_agent(json_put_object(agents, NULL), &fleet->at[i]);
}
