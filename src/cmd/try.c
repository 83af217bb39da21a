#include "cmd/try.h"

#include <stdio.h>

#include "base/units.h"
#include "config/secret.h"
#include "plan/user.h"

#define BODY_SHOWN 4096 /* bytes */

/* Prints a text line by line behind a mark; what a terminal would act on is shown as \xNN. */
static void try_print(const char *mark, struct slice text) {
	while (text.size > 0) {
		struct slice line = slice_cut(text, '\n', &text);
		if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
		fputs(mark, stdout);
		for (size_t i = 0; i < line.size; i++) {
			unsigned char c = (unsigned char)line.at[i];
			if ((c < ' ' && c != '\t') || c == 0x7f)
				printf("\\x%02x", c);
			else
				putchar(c);
		}
		putchar('\n');
	}
}

/* A head; what names a secret loses its value. */
static void try_print_head(const char *mark, struct slice head) {
	struct arena arena;
	arena_init(&arena);
	while (head.size > 0) {
		struct slice line = slice_cut(head, '\n', &head), value, name = slice_cut(line, ':', &value);
		if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
		bool is_secret = value.at && secret_is_header(slice_trim(name));
		const char *shown = is_secret ? secret_show_header(arena_copy(&arena, line), NULL, &arena) : arena_copy(&arena, line);
		try_print(mark, *shown ? slice_of(shown) : SLICE("\n"));
	}
	arena_fini(&arena);
}

static void try_print_body(const char *mark, struct slice body) {
	struct slice shown = {body.at, body.size < BODY_SHOWN ? body.size : BODY_SHOWN};
	try_print(mark, shown);
	if (shown.size < body.size) printf("%s... %zu bytes more\n", mark, body.size - shown.size);
}

/* What the step carries on. */
static void try_print_values(const struct user *user) {
	for (size_t i = 0; i < user->step->extract_count; i++) {
		const struct script_extract *extract = &user->step->extracts[i];
		struct slice value = user->values[extract->slot];
		printf("* %s = ", extract->variable);
		try_print("", value.size > 0 ? value : SLICE("\n"));
	}
}

static void try_on_exchange(void *user, const struct run_exchange *exchange) {
	struct try *try = user;
	const struct user *actor = exchange->user;
	const struct sample *sample = exchange->sample;
	const struct http_request *request = exchange->request;
	bool is_last = actor->step->number == actor->scenario->step_count;
	char time[32];
	printf("* %s: step %u of %zu, %s\n", actor->scenario->name, actor->step->number, actor->scenario->step_count, actor->step->name);
	if (sample->reason != REASON_REQUEST) {
		try_print_head("> ", request->head);
		try_print_body("> ", request->body);
	}
	try_print_head("< ", (struct slice){buf_text(&actor->answer_head), actor->answer_head.size});
	try_print_body("< ", (struct slice){buf_text(&actor->answer), actor->answer.size});
	units_format_duration(sample_response(sample), time, sizeof(time));
	if (sample->reason == REASON_NONE) {
		try_print_values(actor);
		printf("* ok: status %u after %s\n\n", sample->status, time);
	} else {
		is_last |= actor->scenario->is_restarting;
		try->has_failed = true;
		if (sample->status > 0) printf("* status %u\n", sample->status);
		printf("* not ok after %s: %s\n\n", time, reason_words((enum reason)sample->reason));
	}
	try->completed += is_last;
	fflush(stdout);
}

void try_hook(struct try *try, struct run_hooks *ret) {
	*ret = (struct run_hooks){.exchange = try_on_exchange, .user = try};
}
