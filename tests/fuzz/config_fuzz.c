/* Any text as a config file (the first byte chooses JSON or TOML): what is wrong is said in order, and the settings, printed, read back as themselves. */
#include "config/audit.h"
#include "config/print.h"
#include "fuzz.h"

/* Cuts the comment off every line: where values come from differs, they do not. */
static const char *values_of(const char *page, struct arena *arena) {
	char *text = arena_copy(arena, slice_of(page)), *to = text;
	for (const char *line = page; *line;) {
		const char *end = strchr(line, '\n'), *cut = end;
		for (const char *c = line; c < end; c++) {
			if (end - c >= 4 && memcmp(c, "  # ", 4) == 0) cut = c;
		}
		memcpy(to, line, (size_t)(cut - line));
		to += cut - line;
		*to++ = '\n';
		line = end + 1;
	}
	*to = 0;
	return text;
}

static void check_findings(const struct file *file) {
	const struct finding *last = NULL;
	size_t count = 0;
	for (const struct finding *finding = file->findings.first; finding; finding = finding->next) {
		assert(finding->text[0] && !strpbrk(finding->text, "\r\n"));
		assert(finding->at.line >= 1 && finding->at.column >= 1);
		if (last) assert(last->at.line < finding->at.line || (last->at.line == finding->at.line && last->at.column <= finding->at.column));
		last = finding;
		count++;
	}
	assert(count == file->findings.kept && count <= file->findings.faults + file->findings.warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct file file, again;
	struct slice text = {(const char *)data, size};
	struct arena arena;
	struct err err = {0};
	setenv("A", "1", 1);
	arena_init(&arena);
	file_read_text(fuzz_byte(&text) & 1 ? "a.json" : "a.toml", text, &arena, &file);
	check_findings(&file);
	assert(file_check(&file, &err) == (file.findings.faults == 0));
	if (!file.findings.faults) {
		const char *page = print_config(&file.settings, &file.origins, &arena);
		file_read_text("b.toml", slice_of(page), &arena, &again);
		assert(again.findings.faults + again.findings.warnings == 0);
		assert(strcmp(values_of(page, &arena), values_of(print_config(&again.settings, &again.origins, &arena), &arena)) == 0);
	}
	const char *audit = audit_write(&file);
	assert(*audit);
	check_findings(&file);
	arena_fini(&arena);
	return 0;
}
