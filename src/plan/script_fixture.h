/* For unit tests: a script from the text of a config file.
 * In: TOML. Out: `script` with its route, or what is wrong with it. Included by one *_test.c each. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/file.h"
#include "plan/script.h"

#define AGENT "User-Agent: strest-loadtest/" STREST_VERSION "\r\n"
#define ACCEPT "Accept: */*\r\n"
#define SHOP "base_url = \"http://shop/a/b?c\"\n"

static struct arena arena;
static struct file file;
static struct route route;
static struct findings findings;
static struct script *script;
static struct protocols protocols;

static inline int set_up(void **state) {
	(void)state;
	arena_init(&arena);
	script = NULL;
	protocols = (struct protocols){0};
	return 0;
}

static inline int tear_down(void **state) {
	(void)state;
	script_free(script);
	arena_fini(&arena);
	return 0;
}

/* Reads the text into file.settings. */
static inline void read_settings(const char *text) {
	file_read_text("a.toml", slice_of(text), &arena, &file);
	if (file.findings.faults) fail_msg("%s\n%s", text, file_sentence(&file, findings_first_fault(&file.findings)));
	file.settings.load.seed = 7;
}

/* Builds `script` from file.settings. */
static inline bool build_settings(void) {
	struct err err;
	script_free(script);
	script = NULL;
	findings = (struct findings){.arena = &arena};
	if (!route_open(&file.settings, ROUTE_ORIGINS_MAX, &arena, &route, &err)) fail_msg("%s", err.text);
	bool good = script_build(&(struct script_inputs){&file.settings, &route, protocols, NULL, &findings}, &arena, &script);
	assert_int_equal(good, findings.faults == 0);
	if (!good) script = NULL;
	findings_sort(&findings);
	return good;
}

static inline void build(const char *text) {
	read_settings(text);
	if (!build_settings()) fail_msg("%s\n%s", text, findings.first->text);
}

/* The text makes just this fault, "line:column: sentence". */
static inline void assert_fault(const char *text, const char *expected) {
	char said[2000];
	read_settings(text);
	if (build_settings()) fail_msg("nothing is wrong with\n%s", text);
	const struct finding *first = findings.first;
	snprintf(said, sizeof(said), "%u:%u: %s", first->at.line, first->at.column, first->text);
	assert_string_equal(said, expected);
	assert_int_equal(findings.faults, 1);
}

static inline void assert_slice(struct slice slice, const char *expected) {
	if (!slice_equal(slice, slice_of(expected))) fail_msg("'%.*s', not '%s'", (int)slice.size, slice.at, expected);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
