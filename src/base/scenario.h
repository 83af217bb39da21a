/* Scenarios as the user writes them: what config/ reads from `scenario`, `scenarios` and `data`, checked for kind and range, not yet compiled.
 * In: a config file. Out: plain values. Everything lives in the arena of the settings; const afterwards, any thread. What they come to: plan/script.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/tree.h"

#define SCENARIO_STEPS_MAX 256 /* of all scenarios of a file together */
#define SCENARIOS_MAX 64
#define SCENARIO_DATA_MAX 16 /* [[data]] tables */

/* A text with its place in the file, so that what is found wrong later can say where. */
struct placed {
	const char *text; /* 0-terminated; NULL: not given */
	struct tree_place at;
};

/* vars: a name and its value. */
struct scenario_var {
	struct placed name; /* letters, digits, '_', '-' and '.', not beginning with a digit */
	struct placed value;
};

struct scenario_vars {
	size_t count;
	const struct scenario_var *at;
};

struct placed_list {
	size_t count;
	const struct placed *at;
};

/* Where a value that is carried on comes from. */
enum scenario_source {
	SCENARIO_JSON,   /* a JSON pointer into the body (RFC 6901) */
	SCENARIO_HEADER, /* the first field of this name */
	SCENARIO_COOKIE, /* the cookie of this name in the user's jar, after the answer */
	SCENARIO_REGEX,  /* group 1 of the first match in the body, the whole match if there is no group */
};

struct scenario_extract {
	struct placed name; /* the variable, named as in scenario_var */
	enum scenario_source from;
	struct placed what; /* pointer, field name, cookie name, pattern */
};

enum scenario_assert_kind {
	SCENARIO_BODY_CONTAINS, /* `value` stands in the body, byte for byte */
	SCENARIO_BODY_REGEX,    /* `value` matches somewhere in the body */
	SCENARIO_HEADER_HAS,    /* the field `name` is there and contains `value`; letters of the name without case */
	SCENARIO_JSON_IS,       /* the value at the pointer `name` is `value` */
};

struct scenario_assert {
	enum scenario_assert_kind kind;
	struct placed name;
	struct placed value;       /* of SCENARIO_JSON_IS a text: as it reads; a number, truth value or null: as JSON writes it */
	enum tree_kind value_kind; /* SCENARIO_JSON_IS: TREE_TEXT, TREE_INT, TREE_REAL, TREE_BOOL, TREE_NULL */
};

struct scenario_step {
	struct tree_place at;
	struct placed name; /* "step 2" if it was not given (its place is the step's then); unique in its scenario */
	int method;         /* enum method of base/settings.h; -1: the scenario's */
	struct placed url, path;
	struct placed_list headers; /* "Name: value", checked by config/header.h; appended to the scenario's */
	struct placed data;         /* "" is an empty body; text NULL: the scenario's */
	bool has_status;
	struct status_set status; /* assert_status; else the run's */
	nsec time_limit;          /* assert_time, on the response time; 0: none */
	nsec think_time;          /* 0: none */
	struct scenario_vars vars;
	size_t assert_count;
	const struct scenario_assert *asserts;
	size_t extract_count;
	const struct scenario_extract *extracts;
};

struct scenario {
	struct tree_place at;
	struct placed name; /* "login" of [scenarios.login]; text NULL: [scenario] */
	struct placed base_url;
	int method; /* enum method; -1: the run's */
	bool has_headers;
	struct placed_list headers; /* instead of the run's, if has_headers */
	struct placed data;         /* text NULL: the run's */
	struct scenario_vars vars;
	bool no_cookies;     /* cookies = false: none are kept */
	bool is_restarting;  /* on_failure = "restart": a failed step ends the iteration */
	uint64_t weight;     /* share of the iterations, >= 1 */
	struct placed given; /* weight, as written; text NULL: not given */
	size_t step_count;   /* >= 1 */
	const struct scenario_step *steps;
};

/* The order in which iterations take the rows of a data file. */
enum data_order {
	DATA_SEQUENTIAL, /* row n % count for iteration n */
	DATA_RANDOM,     /* f(seed, n) */
	DATA_UNIQUE,     /* row n; the run ends when they are used up */
};

enum data_type { DATA_TEXT, DATA_INTEGER, DATA_NUMBER, DATA_BOOLEAN };

struct data_column_type {
	struct placed column;
	enum data_type type;
};

struct data_file {
	struct tree_place at;
	struct placed path; /* .csv or .jsonl */
	enum data_order order;
	size_t type_count;
	const struct data_column_type *types; /* columns that are not named are texts */
};

/* What a file says of scenarios. */
struct scenario_set {
	bool is_single;      /* [scenario] stands there: it alone is run, the others are only kept for who asks for them by name */
	size_t count;        /* is_single: the first one is [scenario] */
	struct scenario *at; /* count 0: NULL */
	size_t data_count;
	const struct data_file *data;
	const char *path; /* of the file, for sentences */
};
