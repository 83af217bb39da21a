#include "cmd/progress_line.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static void hide(void *progress) {
	progress_hide(progress);
}

/* Returns whether stderr can rewrite a line. */
static bool has_terminal(void) {
	const char *terminal = getenv("TERM");
	return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

struct progress *progress_line_start(const struct out_settings *out, const struct plan *plan, bool quiet) {
	struct progress_setup setup = {
		.fd = STDERR_FILENO,
		.terminal = has_terminal() && !out->verbose && !quiet,
		.color = log_color_wanted(out->no_color),
		.open_loop = plan->open_loop,
		.duration = plan->duration,
		.warmup = plan->warmup,
		.requests = plan->requests,
	};
	struct progress *progress = progress_new(&setup);
	log_set_hide(hide, progress);
	return progress;
}

void progress_line_end(struct progress *progress) {
	log_set_hide(NULL, NULL);
	if (progress) progress_free(progress);
}
