#include "out/replay_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "out/replay_object.h"

/* Where a scan of a JSON document is. */
enum place { PLACE_BEFORE, PLACE_LIST, PLACE_RECORD, PLACE_BEHIND };

struct reading {
	const struct replay_input *input;
	const struct replay_reader *reader;
	struct replay_totals *totals;
	unsigned index; /* of the file */
	const char *path;
	uint64_t number; /* of the line, of JSON of the record */
	struct buf held; /* the beginning of a line or record whose end is not read yet */
	bool too_long;
	bool any_line;
	/* JSON only. */
	enum place place;
	unsigned depth;
	bool in_text, escaped;
	struct buf key; /* the last text at depth 1 */
};

static void reading_skip(struct reading *r) {
	if (r->totals->skipped++ > 0) return;
	r->totals->first_skipped = r->number;
	r->totals->skipped_path = r->path;
}

/* A record that ended well and of whose connection nothing is said is none of ours. */
static void reading_give(struct reading *r, struct slice line) {
	struct logged record;
	if (!runlog_parse(line, &record)) {
		reading_skip(r);
		return;
	}
	r->totals->records++;
	r->reader->record(r->reader->user, &record, record.sample.reason == REASON_NONE && record.protocol == LOGGED_NONE);
}

static void reading_give_object(struct reading *r, struct slice text) {
	struct replay_line line;
	switch (replay_object_read(text, &line)) {
	case OBJECT_RECORD: reading_give(r, (struct slice){line.at, line.size}); break;
	case OBJECT_OTHER: break;
	case OBJECT_BAD: reading_skip(r); break;
	}
}

/* ---- lines ---- */

static void reading_take_line(struct reading *r, struct slice line) {
	r->number++;
	if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
	if (line.size == 0) return;
	if (r->input->kind == REPLAY_JSONL) {
		reading_give_object(r, line);
		return;
	}
	bool first = !r->any_line;
	if (line.at[0] == '#') {
		if (r->reader->comment) r->reader->comment(r->reader->user, line);
		return;
	}
	r->any_line = true;
	if (first && line.size >= 10 && memcmp(line.at, "elapsed_ms", 10) == 0) return;
	reading_give(r, line);
}

/* Keeps a part of a line or of a record. */
static void reading_hold(struct reading *r, const char *from, const char *to) {
	if (!r->too_long) r->too_long = !buf_add(&r->held, (struct slice){from, (size_t)(to - from)});
}

static void reading_end_held(struct reading *r, void (*take)(struct reading *r, struct slice text)) {
	if (r->too_long) {
		r->number++;
		reading_skip(r);
	} else {
		take(r, (struct slice){buf_text(&r->held), r->held.size});
	}
	r->held.size = 0;
	r->too_long = false;
}

static void reading_take_lines(struct reading *r, const char *from, const char *end) {
	for (const char *lf; (lf = memchr(from, '\n', (size_t)(end - from))); from = lf + 1) {
		if (r->held.size == 0 && !r->too_long) {
			reading_take_line(r, (struct slice){from, (size_t)(lf - from)});
			continue;
		}
		reading_hold(r, from, lf);
		reading_end_held(r, reading_take_line);
	}
	if (from < end) reading_hold(r, from, end);
}

/* ---- a document of JSON: the objects of the array "records" of its object ---- */

static void reading_take_record(struct reading *r, struct slice text) {
	r->number++;
	reading_give_object(r, text);
}

static void scan_text(struct reading *r, char c) {
	if (r->escaped)
		r->escaped = false;
	else if (c == '\\')
		r->escaped = true;
	else if (c == '"')
		r->in_text = false;
	if (r->in_text && r->depth == 1 && r->place == PLACE_BEFORE)
		buf_add(&r->key, (struct slice){&c, 1}); /* what is longer than its cap is not "records" */
}

static void scan_open(struct reading *r, char c) {
	r->depth++;
	if (r->depth == 2 && c == '[' && r->place == PLACE_BEFORE && strcmp(buf_text(&r->key), "records") == 0) r->place = PLACE_LIST;
	if (r->depth == 3 && c == '{' && r->place == PLACE_LIST) r->place = PLACE_RECORD;
}

/* Returns whether a record ended. */
static bool scan_close(struct reading *r) {
	if (r->depth > 0) r->depth--;
	if (r->place == PLACE_LIST && r->depth == 1) r->place = PLACE_BEHIND;
	if (r->place != PLACE_RECORD || r->depth != 2) return false;
	r->place = PLACE_LIST;
	return true;
}

static void reading_take_json(struct reading *r, const char *from, const char *end) {
	const char *kept = from; /* of a record */
	for (const char *at = from; at < end; at++) {
		char c = *at;
		enum place before = r->place;
		if (r->in_text) {
			scan_text(r, c);
		} else if (c == '"') {
			r->in_text = true;
			if (r->depth == 1) r->key.size = 0;
		} else if (c == '{' || c == '[') {
			scan_open(r, c);
			if (before == PLACE_LIST && r->place == PLACE_RECORD) kept = at;
		} else if ((c == '}' || c == ']') && scan_close(r)) {
			reading_hold(r, kept, at + 1);
			reading_end_held(r, reading_take_record);
		}
	}
	if (r->place == PLACE_RECORD) reading_hold(r, kept, end);
}

/* ---- files ---- */

static void reading_end_file(struct reading *r) {
	bool lines = r->input->kind != REPLAY_JSON;
	uint64_t skipped = r->totals->skipped;
	if (lines && (r->held.size > 0 || r->too_long)) {
		reading_end_held(r, reading_take_line);
		if (r->totals->skipped > skipped) r->totals->cut = true;
	} else if (!lines && (r->place == PLACE_RECORD || r->place == PLACE_LIST || r->in_text || r->depth > 0)) {
		r->number++;
		reading_skip(r);
		r->totals->cut = true;
	}
	r->held.size = r->key.size = 0;
	r->too_long = false;
}

static bool reading_file(struct reading *r, char *text, struct err *err) {
	struct stat there;
	int file = open(r->path, O_RDONLY | O_CLOEXEC);
	if (file < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot read '%s'", r->path);
	bool ok = fstat(file, &there) == 0 && !S_ISDIR(there.st_mode);
	if (!ok) err_set(err, ERR_FAILED, "'%s' is a folder; name a file in it", r->path);
	while (ok) {
		ssize_t more = read(file, text, r->input->chunk > 0 ? r->input->chunk : REPLAY_CHUNK);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0) ok = err_set_sys(err, ERR_FAILED, errno, "cannot read '%s'", r->path);
		if (more <= 0) break;
		if (r->reader->progress) r->reader->progress(r->reader->user, r->index, (size_t)more);
		if (r->input->kind == REPLAY_JSON)
			reading_take_json(r, text, text + more);
		else
			reading_take_lines(r, text, text + more);
	}
	close(file);
	return ok;
}

bool replay_read(const struct replay_input *input, const struct replay_reader *reader, struct replay_totals *ret, struct err *err) {
	char *text = mem_alloc(input->chunk > 0 ? input->chunk : REPLAY_CHUNK);
	bool ok = true;
	*ret = (struct replay_totals){0};
	for (unsigned i = 0; ok && i < input->count; i++) {
		struct reading r = {.input = input, .reader = reader, .totals = ret, .index = i, .path = input->paths[i]};
		buf_init(&r.held, REPLAY_LINE_MAX);
		buf_init(&r.key, 64);
		ok = reading_file(&r, text, err);
		if (ok) reading_end_file(&r);
		buf_fini(&r.held);
		buf_fini(&r.key);
	}
	free(text);
	return ok;
}
