#include "cmd/charts_out.h"

#include <signal.h>
#include <unistd.h>

#include "base/home.h"
#include "base/log.h"
#include "chart/chart.h"

static volatile sig_atomic_t signals_left; /* that may come before the program ends */

static void on_signal(int number) {
	(void)number;
	if (signals_left == 0) _exit(EXIT_INTERRUPTED);
	signals_left--;
}

/* Lets signals through while there is nobody to read them, or keeps them again for those who do. */
static void let_signals(bool through, const struct report *report) {
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (through) {
		signals_left = report->cause == STOP_SIGNAL ? 0 : 1;
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	pthread_sigmask(through ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

bool charts_out(const struct out_settings *out, struct report *report, struct arena *arena) {
	if (out->no_charts || out->debug) return true;
	const char *folder = home_path(out->charts_path, "charts", arena);
	struct err err;
	let_signals(true, report);
	bool good = charts_write(report, folder, &report->run.charts, &err);
	let_signals(false, report);
	if (report->run.charts > 0) log_info("charts: %zu files in %s", report->run.charts, folder);
	if (!good && out->charts_path) log_write(LOG_ERROR, "--charts-path: %s", err.text);
	if (!good && !out->charts_path) log_warn("charts: %s; --charts-path FOLDER draws them elsewhere, --no-charts not at all", err.text);
	return good || !out->charts_path; /* nobody asked for these */
}
