/* For the tests of the summary: a run made up by hand, and what must, or must not, stand in its text.
 * In: a report_sample, text. Out: failures of the test that asks. One thread. Included by *_test.c behind cmocka.h, whose fail_msg the macros use. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "out/report_sample.h"
#include "out/summary.h"

static inline int summary_setup(void **state) {
	*state = mem_zeroed(1, sizeof(struct report_sample));
	return 0;
}

static inline int summary_teardown(void **state) {
	report_sample_fini(*state);
	free(*state);
	return 0;
}

/* Returns the block for people, until the next call. */
static inline const char *block(struct report_sample *sample) {
	buf_fini(&sample->text);
	summary_write_block(report_sample_build(sample), &sample->text);
	return buf_text(&sample->text);
}

#define assert_has(text, part)                                                                                                                       \
	do {                                                                                                                                         \
		const char *whole_ = (text);                                                                                                         \
		if (!strstr(whole_, part)) fail_msg("'%s' is not in:\n%s", part, whole_);                                                            \
	} while (0)

#define assert_lacks(text, part)                                                                                                                     \
	do {                                                                                                                                         \
		const char *whole_ = (text);                                                                                                         \
		if (strstr(whole_, part)) fail_msg("'%s' is in:\n%s", part, whole_);                                                                 \
	} while (0)

/* Nor may a line end with a blank. */
#define assert_no_line_over_100_columns(text)                                                                                                        \
	do {                                                                                                                                         \
		for (const char *line_ = (text); *line_;) {                                                                                          \
			size_t size_ = strcspn(line_, "\n");                                                                                         \
			if (size_ > 100) fail_msg("%zu columns: %.*s", size_, (int)size_, line_);                                                    \
			if (size_ > 0 && line_[size_ - 1] == ' ') fail_msg("blank at the end: '%.*s'", (int)size_, line_);                           \
			line_ += size_ + (line_[size_] == '\n');                                                                                     \
		}                                                                                                                                    \
	} while (0)
