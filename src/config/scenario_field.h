/* The values that the tables of scenarios and of data files are made of: each with its name for people, its place and its faults.
 * In: a table of a file. Out: plain values and findings. Texts live in the arena of the keys; main thread (environment). */
#pragma once

#include "base/scenario.h"
#include "config/keys.h"

/* A table that is being read. */
struct scenario_field {
	struct keys *keys;
	struct settings *scratch; /* where a row of the option table puts its value */
	const struct tree *table;
	const char *path;   /* of the table: "scenario", "scenario.steps, step 2" */
	const char *prefix; /* what the names of its keys begin with: "scenario.", "scenario.steps, step 2, " */
};

/* Returns "scenario.base_url", "scenario.steps, step 2, url". */
const char *scenario_field_path(const struct scenario_field *f, const char *key);

/* Says of each key that is not one of "a|b" that it is unknown. */
void scenario_field_check_keys(const struct scenario_field *f, const char *words);

/* Returns the value of the key if it is a table, NULL with a fault if it is another; NULL: it is not there. `advice`: "write ...". */
const struct tree *scenario_field_table(const struct scenario_field *f, const char *key, const char *advice);

/* The fault that both keys of the table stand there, at the later of them. Returns false. */
bool scenario_field_refuse_both(const struct scenario_field *f, const struct tree *a, const struct tree *b);

/* Returns `key = literal` in the syntax of the file, the key between quotes if it needs them. */
const char *scenario_field_show(const struct keys *keys, const char *key, const char *literal);

/* Reads a text, with its variables put in. False with a fault: it is another kind, or a variable is not set. */
bool scenario_field_take_text(struct keys *keys, const struct tree *node, const char *path, struct placed *ret);

/* Each reads the value of a key; *ret is untouched if the key is not there or at fault. They return whether there is a good value. */
bool scenario_field_text(const struct scenario_field *f, const char *key, struct placed *ret);
bool scenario_field_filled_text(const struct scenario_field *f, const char *key, struct placed *ret); /* not empty */
bool scenario_field_url(const struct scenario_field *f, const char *key, bool templates, struct placed *ret);
bool scenario_field_path_of_url(const struct scenario_field *f, const char *key, struct placed *ret);
bool scenario_field_method(const struct scenario_field *f, int *ret);
bool scenario_field_choice(const struct scenario_field *f, const char *key, const char *choices, int *ret); /* the first one is an example */
bool scenario_field_truth(const struct scenario_field *f, const char *key, bool *ret);
bool scenario_field_count(const struct scenario_field *f, const char *key, uint64_t max, uint64_t *ret); /* from 1 */
bool scenario_field_time(const struct scenario_field *f, const char *key, nsec *ret);                    /* over 0, at most a day */
bool scenario_field_status(const struct scenario_field *f, const char *key, struct status_set *ret);
bool scenario_field_headers(const struct scenario_field *f, struct placed_list *ret); /* "headers"; what of a name or value with {{ can be checked */
bool scenario_field_vars(const struct scenario_field *f, struct scenario_vars *ret);  /* "vars" */

/* Reads the name of a variable, which is the node's key. False with a fault. */
bool scenario_field_name(struct keys *keys, const struct tree *node, const char *path, struct placed *ret);
