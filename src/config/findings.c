#include "config/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 512 /* of a sentence, bytes */

static void add(struct findings *findings, struct tree_place at, bool warning, const char *text) {
	struct finding *finding;
	char *copy;
	findings->faults += !warning;
	findings->warnings += warning;
	if (findings->kept == FINDINGS_MAX) return;
	copy = arena_copy(findings->arena, slice_of(text));
	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
	}
	finding = arena_alloc(findings->arena, sizeof(*finding));
	*finding = (struct finding){at, warning, copy, findings->first}; /* last first, until they are sorted */
	findings->first = finding;
	findings->kept++;
}

bool findings_add(struct findings *findings, struct tree_place at, const char *format, ...) {
	char text[TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add(findings, at, false, text);
	return false;
}

bool findings_warn(struct findings *findings, struct tree_place at, const char *format, ...) {
	char text[TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add(findings, at, true, text);
	return false;
}

static bool is_after(struct tree_place a, struct tree_place b) {
	return a.line != b.line ? a.line > b.line : a.column > b.column;
}

/* An insertion sort: at most FINDINGS_MAX, nearly sorted. */
void findings_sort(struct findings *findings) {
	struct finding *sorted = NULL, *next;
	for (struct finding *finding = findings->first; finding; finding = next) {
		struct finding **to = &sorted;
		next = finding->next;
		while (*to && is_after(finding->at, (*to)->at)) to = &(*to)->next;
		finding->next = *to; /* before its equals: they were added later */
		*to = finding;
	}
	findings->first = sorted;
}

const struct finding *findings_first_fault(const struct findings *findings) {
	for (const struct finding *finding = findings->first; finding; finding = finding->next) {
		if (!finding->warning) return finding;
	}
	return NULL;
}
