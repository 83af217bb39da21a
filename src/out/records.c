#include "out/records.h"

/* The walk over the log. */
struct records_walk {
	struct record_output *outputs;
	unsigned count;
	const struct records_run *run;
};

static void output_fail(struct record_output *output) {
	struct err unused;
	output->open = false;
	output->ops->close(output->state, false, &unused);
}

static bool output_wants(const struct record_output *output, const struct records_run *run, const struct logged *record) {
	if (!output->open) return false;
	if (!output->ops->bounded) return true;
	return output->given < run->max && record->sample.due >= run->range_from && record->sample.due < run->range_to;
}

static bool each_record(void *user, const struct logged *record) {
	struct records_walk *walk = user;
	bool any = false;
	for (unsigned i = 0; i < walk->count; i++) {
		struct record_output *output = &walk->outputs[i];
		bool done = output->ops->bounded && (output->given == walk->run->max || record->sample.due >= walk->run->range_to);
		if (output->open && !done) any = true;
		if (!output_wants(output, walk->run, record)) continue;
		output->given++;
		if (!output->ops->add(output->state, record, &output->fault)) output_fail(output);
	}
	return any;
}

bool records_write(struct record_output *outputs, unsigned count, const struct records_run *run, const struct log_sort *log) {
	struct records_walk walk = {outputs, count, run};
	struct log_sort_totals totals;
	struct err err = {0};
	bool all = true;
	for (unsigned i = 0; i < count; i++) {
		outputs[i].fault = (struct err){0};
		outputs[i].open = outputs[i].ops->open(outputs[i].path, run, &outputs[i].state, &outputs[i].fault);
	}
	bool read = log_sort_walk(log, each_record, &walk, &totals, &err);
	for (unsigned i = 0; i < count; i++) {
		struct record_output *output = &outputs[i];
		if (output->open && !read) output->fault = err;
		if (output->open) output->ops->close(output->state, read, &output->fault);
		output->open = false;
		if (output->fault.text[0]) all = false;
	}
	return all;
}
