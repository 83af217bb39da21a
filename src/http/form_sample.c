/* Writes a form for form_compare_test.py: FIELD...; the value of Content-Type, a line feed, then the body. An error stands on stderr, exit 1. */
#include <stdio.h>

#include "http/form.h"

int main(int argc, char **argv) {
	struct arena arena;
	struct form form;
	struct err err;
	struct text_list fields = {(size_t)(argc - 1), (const char **)argv + 1};
	arena_init(&arena);
	bool good = form_build(&fields, 1, &arena, &form, &err);
	if (good) printf("%s\n", form.content_type);
	for (size_t i = 0; good && i < form.count; i++) fwrite(form.pieces[i].at, 1, form.pieces[i].size, stdout);
	if (!good) fprintf(stderr, "%s\n", err.text);
	arena_fini(&arena);
	return good ? 0 : 1;
}
