/* The figures as texts that other programs read.
 * In: figures of a run and what it is called. Out: text in a buffer. Pure functions; any thread. */
#pragma once

#include "base/buf.h"
#include "out/figures.h"

/* What the run is called. Texts outlive whoever writes. */
struct sink_run {
	const char *version, *id, *target;
	size_t label_count;
	const char *const *labels; /* base/label.h */
};

struct sink_figures {
	struct sink_run run;
	struct figures figures;
	struct figures_script script;             /* names outlive whoever writes */
	size_t agents_expected, agents_reporting; /* of a fleet, on its controller; 0 expected: one machine */
	bool open_loop;
	double asked_per_s; /* open loop: what the schedule asks for at the moment; of a run that has ended the mean of its window. With scenarios iterations */
};

struct sink {
	const char *name; /* "prometheus" */
	void (*write)(const struct sink_figures *figures, struct buf *into);
};

/* A textfile: the compatible metrics bare, all others with the labels of the run. */
extern const struct sink sink_prometheus;
extern const struct sink sink_otel;
extern const struct sink sink_influx;

/* As sink_prometheus writes, for a scrape: every sample bears the labels of the run. Text format 0.0.4 of Prometheus. */
void sink_prometheus_scrape(const struct sink_figures *figures, struct buf *into);
