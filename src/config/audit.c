#include "config/audit.h"

#include "config/check.h"

#define AUDIT_CAP ((size_t)4 << 20)

static void add_rules(struct file *file) {
	const struct check check = {&file->settings, &file->origins, COMMAND_RUN, file->findings.arena};
	for (unsigned i = 0; i < check_count(); i++) {
		struct check_fault fault = {0};
		if (!check_rule(&check, i, &fault)) findings_add(&file->findings, fault.at, "%s", fault.err.text);
	}
	findings_sort(&file->findings);
}

const char *audit_write(struct file *file) {
	const struct findings *findings = &file->findings;
	const char *path = file->origins.path, *text;
	struct buf buf;
	add_rules(file);
	buf_init(&buf, AUDIT_CAP);
	for (const struct finding *finding = findings->first; finding; finding = finding->next) {
		buf_add_format(
			&buf, "%s:%u:%u: %s%s\n", path, finding->at.line, finding->at.column, finding->warning ? "warning: " : "", finding->text);
	}
	if (findings->kept < findings->faults + findings->warnings)
		buf_add_format(&buf, "%s: and %zu more\n", path, findings->faults + findings->warnings - findings->kept);
	if (!findings->faults && findings->warnings)
		buf_add_format(&buf, "%s: good, with %zu key%s left out\n", path, findings->warnings, findings->warnings == 1 ? "" : "s");
	else if (!findings->faults)
		buf_add_format(&buf, "%s: good\n", path);
	text = arena_copy(findings->arena, slice_of(buf_text(&buf)));
	buf_fini(&buf);
	return text;
}
