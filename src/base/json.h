/* Writing JSON: a tree that is built, printed and freed. The one way to jansson.
 * In: keys and values. Out: text. Trees own their children. Out of memory ends the program; one thread a tree. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct json; /* an object or an array */

struct json *json_new_object(void);

/* Frees a tree that was not put into another one. NULL is fine. */
void json_free(struct json *tree);

/* Adds an empty object or array under `key` and returns it; `parent` owns it. In an array `key` is NULL: it is appended. */
struct json *json_put_object(struct json *parent, const char *key);
struct json *json_put_array(struct json *parent, const char *key);

/* Adds a value under `key` (NULL in an array). A NULL text and a real that is not finite are written as null.
 * Text that is not UTF-8 is written with its odd bytes replaced by '?'. */
void json_put_int(struct json *parent, const char *key, int64_t value);
void json_put_real(struct json *parent, const char *key, double value);
void json_put_text(struct json *parent, const char *key, const char *value);
void json_put_bool(struct json *parent, const char *key, bool value);
void json_put_null(struct json *parent, const char *key);

/* Returns the tree as text, indented by two blanks, keys in insertion order, reals with at most 12 digits; free() it. */
char *json_format(const struct json *tree);

/* The same in one line, without blanks. */
char *json_format_line(const struct json *tree);
