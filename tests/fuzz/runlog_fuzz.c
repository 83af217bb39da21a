/* Any bytes as lines of a run log: what is taken for a record is written as a line that is read as the same record. */
#include "fuzz.h"
#include "record/runlog.h"

static void check(struct slice line) {
	struct logged record, again;
	struct compatible first, second;
	char text[2][RUNLOG_LINE_MAX];
	if (!runlog_parse(line, &record)) return;
	const struct sample *sample = &record.sample;
	assert(sample->due >= 0 && sample->due <= sample->ready && sample->ready <= sample->sent && sample->sent <= sample->written);
	assert(sample->written <= sample->first && sample->first <= sample->done && sample->reason < REASON_COUNT);
	size_t size = runlog_format(&record, 0, text[0]);
	assert(size > 0 && size <= RUNLOG_LINE_MAX && text[0][size - 1] == '\n');
	assert(runlog_parse((struct slice){text[0], size - 1}, &again));
	runlog_translate(&record, &first);
	runlog_translate(&again, &second);
	assert(first.elapsed_ms == second.elapsed_ms && first.latency_ms == second.latency_ms);
	assert(first.timed_out == second.timed_out && first.transport_error == second.transport_error && !(first.timed_out && first.transport_error));
	size_t more = runlog_format(&again, 0, text[1]);
	assert(more == size && memcmp(text[0], text[1], size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *copy = malloc(size ? size : 1); /* of exactly its size */
	assert(copy);
	memcpy(copy, data, size);
	struct slice rest = {copy, size};
	while (rest.at) check(slice_cut(rest, '\n', &rest));
	free(copy);
	return 0;
}
