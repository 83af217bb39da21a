#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json_read.h"
#include "config/keys.h"
#include "config/toml.h"

#define PIECE 65536 /* bytes that are read at once */

const char *file_default(void) {
	static const char *const names[] = {"strest.toml", "strest.json"};
	for (size_t i = 0; i < LENGTH(names); i++) {
		if (access(names[i], F_OK) == 0) return names[i];
	}
	return NULL;
}

static bool ends(const char *path, const char *with) {
	size_t size = strlen(path), tail = strlen(with);
	return size > tail && strcmp(path + size - tail, with) == 0;
}

/* Returns the path without control characters. */
static const char *show_path(const char *path, struct arena *arena) {
	char *shown = arena_copy(arena, slice_of(path));
	for (char *c = shown; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
	}
	return shown;
}

/* Reads all of an open file into the buffer; errno tells why not. EFBIG: it is too large. */
static bool read_all(int descriptor, struct buf *buf) {
	static char piece[PIECE];
	for (;;) {
		ssize_t size = read(descriptor, piece, sizeof(piece));
		if (size < 0 && errno == EINTR) continue;
		if (size <= 0) return size == 0;
		if (buf_add(buf, (struct slice){piece, (size_t)size})) continue;
		errno = EFBIG;
		return false;
	}
}

void file_read_text(const char *path, struct slice text, struct arena *arena, struct file *ret) {
	bool json = ends(path, ".json");
	struct tree_fault fault;
	struct tree *root;
	*ret = (struct file){.findings.arena = arena, .origins = {.path = show_path(path, arena), .syntax = json ? VALUE_JSON : VALUE_TOML}};
	value_preset(arena, &ret->settings);
	if (json ? json_read(text, arena, &root, &fault) : toml_read(text, arena, &root, &fault))
		keys_read(&(struct keys){arena, &ret->settings, &ret->origins, &ret->findings, root});
	else
		findings_add(&ret->findings, fault.at, "%s", fault.text);
	findings_sort(&ret->findings);
}

bool file_read(const char *path, struct arena *arena, struct file *ret, struct err *err) {
	const char *shown = show_path(path, arena);
	struct buf buf;
	if (!ends(path, ".toml") && !ends(path, ".json"))
		return err_set(err, ERR_FAILED, "cannot read '%s': the name of a config file ends in .toml or .json", shown);
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot read '%s'", shown);
	buf_init(&buf, FILE_SIZE_MAX);
	bool good = read_all(descriptor, &buf);
	int sys = errno;
	close(descriptor);
	if (good)
		file_read_text(path, (struct slice){buf_text(&buf), buf.size}, arena, ret);
	else
		err_set_sys(err, ERR_FAILED, sys, "cannot read '%s'", shown);
	buf_fini(&buf);
	return good;
}

const char *file_sentence(const struct file *file, const struct finding *finding) {
	return arena_format(file->findings.arena, "%s:%u:%u: %s", file->origins.path, finding->at.line, finding->at.column, finding->text);
}

bool file_check(const struct file *file, struct err *err) {
	const struct finding *first = findings_first_fault(&file->findings);
	if (!file->findings.faults) return true;
	if (file->findings.faults == 1) return err_set(err, ERR_FAILED, "%s", file_sentence(file, first));
	return err_set(err, ERR_FAILED, "%.360s (and %zu more: strest config check %s)", file_sentence(file, first), file->findings.faults - 1,
		file->origins.path);
}
