/* Scenarios made ready: templates, patterns and pointers compiled, heads laid out as far as they are the same always.
 * In: scenarios of a config file, or --url, --headers and --data with {{ }} in them. Out: steps, const, shared by all threads. plan/user.h walks them. */
#pragma once

#include "base/json_find.h"
#include "base/regex.h"
#include "base/scenario.h"
#include "config/findings.h"
#include "http/http.h"
#include "plan/data.h"
#include "plan/source.h"
#include "plan/template.h"

#define SCRIPT_BODY_MAX ((size_t)4 << 20)   /* bytes of an answer's body that asserts and extractions look at, and of a rendered body */
#define SCRIPT_HEAD_MAX ((size_t)64 << 10)  /* bytes of a rendered head */
#define SCRIPT_VALUE_MAX ((size_t)64 << 10) /* bytes of a value that is carried on */

/* A header field that differs from request to request. */
struct script_field {
	struct slice name;            /* "Authorization: " */
	struct slice packed;          /* the same as HPACK begins a literal field (http/hpack.h); empty: it does not go over HTTP/2 */
	bool is_host;                 /* packed as :authority */
	const struct template *value; /* TEMPLATE_FIELD */
};

struct script_assert {
	enum scenario_assert_kind kind;
	struct slice name;                  /* SCENARIO_HEADER_HAS */
	struct slice value;                 /* SCENARIO_BODY_CONTAINS, SCENARIO_HEADER_HAS, SCENARIO_JSON_IS */
	enum tree_kind value_kind;          /* SCENARIO_JSON_IS */
	double number;                      /* ... of TREE_INT and TREE_REAL */
	const struct json_pointer *pointer; /* SCENARIO_JSON_IS */
	const struct regex *regex;          /* SCENARIO_BODY_REGEX */
};

struct script_extract {
	enum scenario_source from;
	const char *variable;
	size_t slot; /* the variable's */
	struct slice name;
	const struct json_pointer *pointer;
	const struct regex *regex;
};

struct script_step {
	const char *name;         /* "login" */
	unsigned number;          /* in its scenario, from 1 */
	struct http_request like; /* what all its requests have in common; head, body and h2 are of one that can be sent as it is if `is_constant` */
	bool is_constant;         /* nothing in it differs, but perhaps cookies */
	bool is_cookie_own;       /* the step says Cookie itself */
	const struct url *base;   /* scheme and host; its target is the request's if that is the same always */
	bool is_address;          /* the host is an IP address */
	struct slice opening;     /* "GET ", to a proxy "GET http://host" */
	const struct template *target; /* NULL: the same always */
	const char *folder;            /* what it goes behind, "/a/" */
	bool is_reference;             /* it begins with a value, which may have a path or URL in it: then it goes there only if it has none */
	struct slice fixed;            /* " HTTP/1.1" CR LF and the fields that are the same always */
	size_t field_count;
	const struct script_field *fields;
	bool has_body;                     /* Content-Length is sent */
	const struct template *body;       /* NULL: none, or `bodies` */
	const struct http_request *bodies; /* requests of the run whose bodies are taken in turn; NULL: none */
	uint64_t body_count;
	struct slice ending;              /* fields for a proxy, and the blank line */
	const struct h2_head *h2;         /* what is the same always; without :path if that differs. NULL: HTTP/2 is never spoken with it */
	const struct source_words *words; /* for redirects */
	nsec think_time, time_limit;
	bool wants_body, wants_head; /* somebody looks at the answer's */
	size_t assert_count, extract_count;
	const struct script_assert *asserts;
	const struct script_extract *extracts;
};

struct script_scenario {
	const char *name;   /* "buy"; "scenario" for [scenario] */
	uint64_t until;     /* a draw below this one, and not below the one before's, is its */
	uint32_t first_row; /* of its steps among all */
	bool no_cookies, is_restarting;
	size_t step_count;
	const struct script_step *steps;
};

/* A value that is there from the beginning of an iteration on. */
struct script_preset {
	size_t slot;
	struct slice value;      /* of a variable that is extracted later; or: */
	const struct data *data; /* NULL: `value` */
	size_t column;
};

struct script {
	bool is_tried; /* scenario n is that of iteration n, each once, and the users keep all of the answers */
	bool is_plain; /* --url and its like: one step, which nobody wants to see by itself */
	uint64_t seed;
	uint64_t weight; /* of all scenarios */
	size_t scenario_count, step_count;
	const struct script_scenario *scenarios;
	size_t step_most;        /* of one scenario: iteration n has the requests from n * step_most on */
	double step_mean;        /* by weight */
	uint64_t iterations_max; /* the data files have rows for so many; UINT64_MAX: any number */
	size_t slot_count;
	size_t preset_count;
	const struct script_preset *presets;
	bool wants_head, wants_body; /* some step does, or keeps cookies */
	const char *path;            /* of the file, for people */
};

/* Returns whether the settings ask for one: scenarios, or {{ in --url, --headers or --data. */
bool script_is_wanted(const struct settings *settings);

/* What a script is made from. */
struct script_inputs {
	const struct settings *settings;
	struct route *route;
	struct protocols protocols;
	const struct source *plain;
	struct findings *findings;
};

/* Compiles the scenarios (or the templates of the command line) and adds their origins to the route. `plain` is the source of --data-file, --data-lines or --form,
 * whose bodies go with the templates of the command line; NULL with scenarios. Everything that is wrong becomes a fault of `findings`, with its place if it is the
 * file's. False: there is one. The patterns are freed by script_free. */
bool script_build(const struct script_inputs *inputs, struct arena *arena, struct script **ret);
void script_free(struct script *script); /* NULL is fine */

/* Makes it one for trying: see is_tried. */
void script_try(struct script *script);

/* Returns what is run, for people: "a scenario of 2 steps (strest.toml)", "3 scenarios of 9 steps (strest.toml)". */
const char *script_describe(const struct script *script, struct arena *arena);

/* Returns the scenario of iteration n: f(seed, n), by weight. */
const struct script_scenario *script_pick(const struct script *script, uint64_t n);

/* Returns how many iterations from number `first` on have `requests` (>= 1) steps or more together. Takes as long as they are many. */
uint64_t script_iterations(const struct script *script, uint64_t first, uint64_t requests);
