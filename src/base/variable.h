/* The names of variables: those of vars, extract and the columns of data files, which stand between {{ and }}.
 * In: texts. Out: whether they are one. Any thread. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Returns whether a text is one: letters, digits, '_', '-' and '.', not beginning with a digit. ASCII. */
static inline bool variable_is_name(struct slice text) {
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];
		bool is_letter = (unsigned)((c | 0x20) - 'a') < 26, is_digit = (unsigned)(c - '0') < 10;
		if (!is_letter && c != '_' && (i == 0 || !is_digit) && c != '-' && c != '.') return false;
	}
	return text.size > 0;
}
