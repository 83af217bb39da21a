/* Any bytes as the body of a POST /start: what is refused has one sentence and, if the body is at fault, a place; what is run can be sent to the agents, and they
 * take it; what was stored can be started again. */
#include "cmd/fleet_start.h"
#include "config/travel.h"
#include "fuzz.h"

static const struct cli *controller(void) {
	static const char *const words[] = {"strest", "--url", "http://localhost:3000/", "--rate", "5", NULL};
	static struct arena arena;
	static struct cli cli;
	struct err err;
	if (cli.origins) return &cli;
	arena_init(&arena);
	if (!cli_parse(5, (char **)(uintptr_t)words, &arena, &cli, &err)) abort();
	return &cli;
}

static void check_refusal(const struct err *err) {
	assert(err->code == ERR_FAILED || err->code == ERR_USAGE);
	assert(err->text[0] && !strpbrk(err->text, "\r\n"));
}

static void check_run(const struct fleet_start *start) {
	struct cli got;
	struct err err;
	const char *text;
	assert(travel_write(&start->cli.settings, start->cli.origins, start->arena, &text, &err));
	assert(travel_read(slice_of(text), controller(), start->arena, &got, &err));
	assert(got.settings.scenarios.count == start->cli.settings.scenarios.count);
	assert(got.settings.load.duration == start->cli.settings.load.duration);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct fleet_registry *registry;
	struct arena arena;
	struct err err = {0};
	unsigned status = 0;
	arena_init(&arena);
	assert(fleet_registry_new(controller(), &registry, &err));
	for (int i = 0; i < 2; i++) { /* the second one may replace what the first one has stored */
		struct fleet_start start = {.arena = &arena};
		if (!fleet_start_read(&start, (struct slice){(const char *)data, size}, &err)) {
			check_refusal(&err);
			assert(strncmp(err.text, "the request:", 12) == 0);
		} else if (fleet_start_settle(&start, registry, &status, &err)) {
			assert(start.start_after >= -1 && start.wait >= 0);
			check_run(&start);
		} else {
			check_refusal(&err);
			assert(status == 400 || status == 404);
		}
	}
	free(fleet_registry_list(registry));
	fleet_registry_free(registry);
	arena_fini(&arena);
	return 0;
}
