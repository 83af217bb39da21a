#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* A struct json is a json_t seen from outside. */
static json_t *json_inner(const struct json *tree) {
	union {
		const struct json *outer;
		json_t *inner;
	} view = {.outer = tree};
	return view.inner;
}

static void *json_checked(void *made) {
	if (!made) mem_fail();
	return made;
}

static void json_put(struct json *parent, const char *key, json_t *value) {
	json_t *into = json_inner(parent);
	json_checked(value);
	int failed = json_is_array(into) ? json_array_append_new(into, value) : json_object_set_new(into, key, value);
	if (failed) json_checked(NULL);
}

struct json *json_new_object(void) {
	return json_checked(json_object());
}

void json_free(struct json *tree) {
	json_decref(json_inner(tree));
}

struct json *json_put_object(struct json *parent, const char *key) {
	json_t *made = json_object();
	json_put(parent, key, made);
	return (struct json *)(void *)made;
}

struct json *json_put_array(struct json *parent, const char *key) {
	json_t *made = json_array();
	json_put(parent, key, made);
	return (struct json *)(void *)made;
}

void json_put_int(struct json *parent, const char *key, int64_t value) {
	json_put(parent, key, json_integer(value));
}

void json_put_real(struct json *parent, const char *key, double value) {
	json_put(parent, key, isfinite(value) ? json_real(value) : json_null());
}

void json_put_text(struct json *parent, const char *key, const char *value) {
	if (!value) {
		json_put(parent, key, json_null());
		return;
	}
	json_t *text = json_string(value); /* refuses what is not UTF-8 */
	if (!text) {
		size_t size = strlen(value);
		char *plain = mem_alloc(size + 1);
		for (size_t i = 0; i <= size; i++) plain[i] = value[i] & (char)0x80 ? '?' : value[i];
		text = json_string(plain);
		free(plain);
	}
	json_put(parent, key, text);
}

void json_put_bool(struct json *parent, const char *key, bool value) {
	json_put(parent, key, json_boolean(value));
}

void json_put_null(struct json *parent, const char *key) {
	json_put(parent, key, json_null());
}

char *json_format(const struct json *tree) {
	return json_checked(json_dumps(json_inner(tree), JSON_INDENT(2) | JSON_REAL_PRECISION(12)));
}

char *json_format_line(const struct json *tree) {
	return json_checked(json_dumps(json_inner(tree), JSON_COMPACT | JSON_REAL_PRECISION(12)));
}
