#include "out/series_json.h"

static void put_count(struct json *parent, const char *key, uint64_t count) {
	json_put_int(parent, key, count < INT64_MAX ? (int64_t)count : INT64_MAX);
}

void series_json_put_quantile(struct json *object, const char *key, const struct quantile *at) {
	if (at->few)
		json_put_null(object, key);
	else if (at->value == NSEC_NEVER)
		json_put_text(object, key, "never");
	else
		json_put_int(object, key, at->value);
}

void series_json_put_slot(struct json *object, const struct series_slot *slot) {
	struct distribution times;
	struct histlet all = slot->response_ok;
	histlet_merge(&all, &slot->response_other);
	distribution_from_histlet(&all, 0, &times);
	json_put_int(object, "start_ns", slot->start);
	put_count(object, "sent", slot->counts.sent);
	put_count(object, "done", slot->counts.done);
	put_count(object, "ok", slot->counts.ok);
	put_count(object, "failed", slot->counts.failed);
	put_count(object, "open", slot->counts.open);
	series_json_put_quantile(object, "p50_ns", &times.at[0]);
	series_json_put_quantile(object, "p90_ns", &times.at[2]);
	series_json_put_quantile(object, "p99_ns", &times.at[4]);
	json_put_int(object, "max_ns", times.max);
}

static void put_slot(void *user, const struct series_slot *slot) {
	series_json_put_slot(json_put_object(user, NULL), slot);
}

void series_json_put(struct json *parent, const struct series *series) {
	struct json *object = json_put_object(parent, "series");
	json_put_int(object, "width_ns", series ? series_width(series) : 0);
	struct json *slots = json_put_array(object, "slots");
	if (series) series_walk(series, put_slot, slots);
}
