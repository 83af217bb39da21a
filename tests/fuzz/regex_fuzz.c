/* Any pattern on any text: a match lies inside the text, and the same one is found again; the rest comes to an end.
 * Input: the pattern, a newline, the text. */
#include "base/regex.h"
#include "fuzz.h"

#define PATTERN_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct regex_scratch *scratch; /* lives as long as the fuzzer, as that of a worker does */
	struct slice text, pattern = slice_cut((struct slice){(const char *)data, size}, '\n', &text);
	char words[40];
	size_t offset = SIZE_MAX;
	if (!scratch) scratch = regex_scratch_new();
	if (pattern.size > PATTERN_MAX) return 0;
	struct regex *regex = regex_compile(pattern, &offset, words, sizeof(words));
	if (!regex) {
		assert(offset <= pattern.size && *words && strnlen(words, sizeof(words)) < sizeof(words));
		return 0;
	}
	struct slice first = SLICE("untouched"), again = first;
	enum regex_result result = regex_find(regex, text, scratch, &first);
	assert(regex_find(regex, text, scratch, &again) == result);
	assert(first.at == again.at && first.size == again.size);
	if (result != REGEX_FOUND)
		assert(slice_equal(first, SLICE("untouched")));
	else if (!first.at)
		assert(first.size == 0 && regex_groups(regex));
	else if (!text.at)
		assert(first.size == 0);
	else
		assert(first.at >= text.at && first.at + first.size <= text.at + text.size);
	regex_free(regex);
	return 0;
}
