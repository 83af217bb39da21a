#include "chart/footer.h"

#include <time.h>

#include "base/units.h"
#include "chart/scale.h"

#define BETWEEN "  |  "

static void put_start(const struct run_info *run, struct buf *into) {
	time_t seconds = (time_t)(run->start_unix_ns / SEC);
	struct tm local;
	char text[64];
	localtime_r(&seconds, &local);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local);
	buf_add_format(into, BETWEEN "%s", text);
}

static void put_load(const struct run_info *run, struct buf *into) {
	char text[32];
	if (!run->open_loop)
		buf_add_text(into, "closed loop");
	else
		buf_add_format(into, "open loop, %s%s/s%s", scale_format_count(run->asked_per_s, text, sizeof(text)),
			run->scenario_count > 0 ? " iterations" : "", run->poisson ? " (Poisson)" : "");
	buf_add_format(into, BETWEEN "%u thread%s" BETWEEN "%llu task%s at most", run->threads, run->threads == 1 ? "" : "s",
		(unsigned long long)run->max_tasks, run->max_tasks == 1 ? "" : "s");
}

static void put_facts(const struct run_info *run, struct buf *into) {
	char text[32];
	if (run->unknown)
		buf_add_text(into, "replayed from its requests alone");
	else
		put_load(run, into);
	if (run->warmup > 0) buf_add_format(into, BETWEEN "warm-up %s", units_format_span(run->warmup, text, sizeof(text)));
	if (run->part_from > 0) buf_add_format(into, BETWEEN "from %s on", units_format_span(run->part_from, text, sizeof(text)));
	buf_add_format(into, BETWEEN "strest %s", run->version);
	if (run->id[0]) buf_add_format(into, BETWEEN "run %s", run->id);
}

void footer_write(const struct run_info *run, unsigned line, struct buf *into) {
	if (line == 0) {
		buf_add_text(into, run->target);
		if (run->start_unix_ns > 0) put_start(run, into);
		for (size_t i = 0; i < run->label_count; i++) buf_add_format(into, "%s%s", i == 0 ? BETWEEN : ", ", run->labels[i]);
	} else {
		put_facts(run, into);
	}
}
