#include "config/merge.h"

#include <stdlib.h>

static bool is_commanded(const struct settings *settings, const struct origins *origins, struct slice flag) {
	const struct option_row *row = option_by_name(flag, COMMAND_RUN);
	return origins->rows[option_index(row)].kind == ORIGIN_COMMAND && !value_is_off(row, settings);
}

/* Returns whether the command line gave something that makes the file's value of this row pointless. */
static bool is_displaced(const struct option_row *row, const struct settings *settings, const struct origins *origins) {
	const char *words = row->conflicts;
	bool load = strcmp(row->flag, "rate") == 0 || strcmp(row->flag, "stages") == 0;
	if (load && (is_commanded(settings, origins, SLICE("rate")) || is_commanded(settings, origins, SLICE("stages")))) return true;
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		if (is_commanded(settings, origins, word)) return true;
	}
	return false;
}

void merge_file(const struct file *file, struct settings *settings, struct origins *origins) {
	origins->path = file->origins.path;
	origins->syntax = file->origins.syntax;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		if (file->origins.rows[i].kind != ORIGIN_FILE || origins->rows[i].kind == ORIGIN_COMMAND || is_displaced(row, settings, origins))
			continue;
		value_copy(row, settings, &file->settings);
		origins->rows[i] = file->origins.rows[i];
	}
}

void merge_environment(enum option_command command, struct settings *settings, struct origins *origins) {
	static const char variable[] = "NO_COLOR";
	const struct option_row *row = option_by_name(SLICE("no-color"), command);
	const char *value = getenv(variable);
	struct origin *origin = row ? &origins->rows[option_index(row)] : NULL;
	if (!row || !value || !*value || origin->kind != ORIGIN_PRESET) return;
	settings->out.no_color = true;
	*origin = (struct origin){.kind = ORIGIN_ENVIRONMENT, .name = variable};
}
