#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <pcre2.h>
#include <stdlib.h>

#include "base/arena.h"

/* Of each place where a match may begin. Without JIT a step is a way that is tried; with it only some of them are counted. */
#define STEPS_MAX 1000000
#define DEPTH_MAX 10000                /* ways not yet given up at one time; without JIT */
#define HEAP_KIB_MAX 4096              /* without JIT: what these take */
#define STACK_START ((size_t)32 << 10) /* with JIT: what it takes in place of them, in bytes */
#define STACK_MAX ((size_t)1024 << 10)

struct regex {
	pcre2_code *code;
	unsigned groups;
};

struct regex_scratch {
	pcre2_match_data *data; /* keeps what a match without JIT takes from the heap */
	pcre2_match_context *limits;
	pcre2_jit_stack *stack; /* NULL: this system has no JIT */
};

/* A place is given for no bytes, too. */
static PCRE2_SPTR bytes_of(struct slice text) {
	return (PCRE2_SPTR)(text.at ? text.at : "");
}

struct regex *regex_compile(struct slice pattern, size_t *ret_offset, char *text, size_t size) {
	int error;
	PCRE2_SIZE offset;
	/* NEVER_UTF: "(*UTF)" would make texts that are not UTF-8 an error. */
	pcre2_code *code = pcre2_compile(bytes_of(pattern), pattern.size, PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &error, &offset, NULL);
	if (!code) {
		*ret_offset = offset;
		if (size) pcre2_get_error_message(error, (PCRE2_UCHAR *)text, size);
		return NULL;
	}
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* if it cannot, the pattern is interpreted */
	struct regex *regex = mem_alloc(sizeof(*regex));
	uint32_t groups = 0;
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	*regex = (struct regex){code, groups};
	return regex;
}

void regex_free(struct regex *regex) {
	if (!regex) return;
	pcre2_code_free(regex->code);
	free(regex);
}

unsigned regex_groups(const struct regex *regex) {
	return regex->groups;
}

struct regex_scratch *regex_scratch_new(void) {
	struct regex_scratch *scratch = mem_alloc(sizeof(*scratch));
	scratch->data = pcre2_match_data_create(2, NULL); /* the match and group 1 */
	scratch->limits = pcre2_match_context_create(NULL);
	if (!scratch->data || !scratch->limits) mem_fail();
	pcre2_set_match_limit(scratch->limits, STEPS_MAX);
	pcre2_set_depth_limit(scratch->limits, DEPTH_MAX);
	pcre2_set_heap_limit(scratch->limits, HEAP_KIB_MAX);
	scratch->stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, NULL);
	if (scratch->stack) pcre2_jit_stack_assign(scratch->limits, NULL, scratch->stack);
	return scratch;
}

void regex_scratch_free(struct regex_scratch *scratch) {
	if (!scratch) return;
	pcre2_jit_stack_free(scratch->stack);
	pcre2_match_context_free(scratch->limits);
	pcre2_match_data_free(scratch->data);
	free(scratch);
}

enum regex_result regex_find(const struct regex *regex, struct slice text, struct regex_scratch *scratch, struct slice *ret) {
	int count = pcre2_match(regex->code, bytes_of(text), text.size, 0, 0, scratch->data, scratch->limits); /* by JIT where there is one */
	if (count == PCRE2_ERROR_NOMATCH) return REGEX_NOT_FOUND;
	if (count == PCRE2_ERROR_NOMEMORY) mem_fail();
	if (count < 0) return REGEX_LIMIT; /* a limit, or a recursion without an end */
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(scratch->data);
	bool has_group = count != 1; /* 0: more groups than there is room for */
	if (regex->groups) {
		*ret = (struct slice){NULL, 0};
		if (!has_group || at[2] == PCRE2_UNSET) return REGEX_FOUND;
		at += 2;
	}
	*ret = (struct slice){(const char *)bytes_of(text) + at[0], at[1] > at[0] ? at[1] - at[0] : 0};
	return REGEX_FOUND;
}
