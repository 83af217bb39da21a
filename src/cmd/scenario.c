#include "cmd/scenario.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/load.h"
#include "cmd/try.h"
#include "config/secret.h"

/* Says the first fault as an error. */
static bool scenario_refuse(const struct findings *findings, const char *path, struct err *err) {
	const struct finding *first = findings_first_fault(findings);
	if (first->at.line == 0) return err_set(err, ERR_FAILED, "%s", first->text);
	return err_set(err, ERR_FAILED, "%s:%u:%u: %s", path, first->at.line, first->at.column, first->text);
}

/* What is asked for by name: a URL as it was written, or where the steps go. */
static void scenario_name_targets(const struct settings *settings, const struct route *route, struct arena *arena, struct scenario_loaded *ret) {
	const struct origin *first = &route->origins[0];
	const char *name = arena_format(arena, "%s://%s", first->tls ? "https" : "http", first->authority);
	if (route->origin_count > 1) name = arena_format(arena, "%s and %zu more", name, route->origin_count - 1);
	if (ret->script->is_plain) name = secret_show_url(settings->http.url, NULL, arena);
	struct target_item *item = arena_alloc(arena, sizeof(*item));
	*item = (struct target_item){.method = (enum method)settings->http.method, .plain = true, .url = *ret->script->scenarios[0].steps[0].base};
	ret->targets = (struct targets){.count = 1, .at = item, .name = name};
}

bool scenario_load(const struct settings *settings, struct route *route, struct arena *arena, struct scenario_loaded *ret, struct err *err) {
	const struct http_settings *http = &settings->http;
	struct findings findings = {.arena = arena};
	struct source bodies;
	struct source_inputs words = {
		.http = http, .net = &settings->net, .seed = settings->load.seed, .route = route, .protocols = protocols_of(settings)};
	bool has_bodies = settings->scenarios.count == 0 && (http->data_file || http->data_lines || http->form.count > 0);
	struct script_inputs inputs = {settings, route, words.protocols, has_bodies ? &bodies : NULL, &findings};
	if (has_bodies && !source_read_bodies(&words, arena, &bodies, err)) return false;
	if (!script_build(&inputs, arena, &ret->script)) {
		ret->script = NULL;
		findings_sort(&findings);
		return scenario_refuse(&findings, settings->scenarios.path, err);
	}
	scenario_name_targets(settings, route, arena, ret);
	source_of_script(ret->script, &ret->targets, words.protocols, &ret->source);
	return true;
}

static void scenario_print_faults(const struct findings *findings, const char *path) {
	for (const struct finding *finding = findings->first; finding; finding = finding->next) {
		if (finding->at.line == 0)
			printf("%s: %s%s\n", path, finding->warning ? "warning: " : "", finding->text);
		else
			printf("%s:%u:%u: %s%s\n", path, finding->at.line, finding->at.column, finding->warning ? "warning: " : "", finding->text);
	}
}

static void scenario_print(const struct script *script, const char *path) {
	printf("%s: good\n", path);
	for (size_t i = 0; i < script->scenario_count; i++) {
		const struct script_scenario *scenario = &script->scenarios[i];
		uint64_t weight = scenario->until - (i > 0 ? scenario[-1].until : 0);
		printf("%s: %zu step%s", scenario->name, scenario->step_count, scenario->step_count == 1 ? "" : "s");
		if (script->scenario_count > 1) printf(", %.3g %% of the iterations", (double)weight * 100 / (double)script->weight);
		printf("\n");
		for (size_t j = 0; j < scenario->step_count; j++) {
			const struct script_step *step = &scenario->steps[j];
			printf("  %u. %s: %s %s://%s%s\n", step->number, step->name, method_name((enum method)step->like.method), step->base->scheme,
				step->base->authority, step->target ? " (the path differs)" : step->base->target);
		}
	}
}

int scenario_check(const struct cli *cli, struct arena *arena) {
	const struct settings *settings = &cli->settings;
	const char *path = settings->scenarios.path;
	struct findings findings = {.arena = arena};
	struct script_inputs inputs = {.settings = settings, .protocols = protocols_of(settings), .findings = &findings};
	struct route route;
	struct script *script = NULL;
	struct err err;
	if (settings->scenarios.count == 0) {
		printf("%s: no scenario in it; write [[scenario.steps]] with a method and a path\n", cli->config_file);
		return EXIT_FAILURE;
	}
	if (!route_open(settings, ROUTE_ORIGINS_MAX, arena, &route, &err)) {
		log_write(LOG_ERROR, "%s", err.text);
		return (int)err.code;
	}
	inputs.route = &route;
	bool good = script_build(&inputs, arena, &script);
	findings_sort(&findings);
	scenario_print_faults(&findings, path);
	if (!good) return EXIT_FAILURE;
	scenario_print(script, path);
	script_free(script);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns how long it may take to go once through `count` scenarios. */
static nsec scenario_longest(const struct settings *settings, size_t count) {
	nsec longest = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < settings->scenarios.at[i].step_count; j++)
			longest += settings->scenarios.at[i].steps[j].think_time + settings->http.timeout + SEC;
	return longest;
}

int scenario_try(const struct cli *cli, struct arena *arena) {
	struct cli *one = arena_alloc(arena, sizeof(*one));
	struct load_settings *load = &one->settings.load;
	struct try try = {0};
	if (cli->settings.scenarios.count == 0) {
		log_write(LOG_ERROR, "%s: no scenario in it; write [[scenario.steps]] with a method and a path", cli->config_file);
		return EXIT_FAILURE;
	}
	size_t count = cli->settings.scenarios.is_single ? 1 : cli->settings.scenarios.count;
	*one = *cli;
	load->duration = scenario_longest(&cli->settings, count);
	load->rate = 0;
	load->stages.count = 0;
	load->warmup = 0;
	load->requests = 0;
	load->max_tasks = load->threads = load->spawn_rate = 1;
	one->settings.out = (struct out_settings){.no_charts = true, .no_color = cli->settings.out.no_color, .verbose = cli->settings.out.verbose};
	int status = load_try(one, &try, arena);
	if (status != EXIT_SUCCESS) return status;
	if (try.completed < count) log_write(LOG_ERROR, "not all steps were tried");
	return try.has_failed || try.completed < count ? EXIT_FAILURE : EXIT_SUCCESS;
}
