#include "out/log_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

#define READ_BYTES ((size_t)256 << 10)

/* The place of a record in memory, with what it is sorted by. */
struct sort_key {
	nsec due;
	uint32_t at;
};

/* A sorted run in the file. */
struct sorted_run {
	uint64_t first, count; /* records from the beginning of the file */
};

/* A run being merged. */
struct source_run {
	struct logged *buffer;
	uint32_t used, filled;
	uint64_t next, end; /* records of the file that are not in the buffer yet */
};

struct log_sorter {
	const char *folder;
	struct err *err;
	struct logged *records; /* of the run being filled */
	struct sort_key *keys, *spare;
	uint32_t count, run_records;
	int file; /* -1: everything fits the memory so far */
	uint64_t written;
	struct sorted_run runs[LOG_SORT_FAN];
	unsigned run_count;
	struct logged *pending; /* of the run being written */
	uint32_t pending_count;
};

static bool sorter_fail(struct log_sorter *s, const char *what, const char *path) {
	return err_set_sys(s->err, ERR_FAILED, errno, "cannot %s '%s'", what, path);
}

/* Merges the sorted parts [from, middle) and [middle, to). */
static void merge_keys(const struct sort_key *in, struct sort_key *out, uint32_t from, uint32_t middle, uint32_t to) {
	uint32_t a = from, b = middle;
	for (uint32_t i = from; i < to; i++) out[i] = a < middle && (b >= to || in[a].due <= in[b].due) ? in[a++] : in[b++];
}

/* Stable, bottom up. The result lies in `keys`. */
static void sorter_sort(struct log_sorter *s) {
	for (uint32_t i = 0; i < s->count; i++) s->keys[i] = (struct sort_key){s->records[i].sample.due, i};
	for (uint32_t width = 1; width < s->count; width *= 2) {
		for (uint32_t from = 0; from < s->count; from += 2 * width) {
			uint32_t middle = from + width < s->count ? from + width : s->count;
			uint32_t to = middle + width < s->count ? middle + width : s->count;
			merge_keys(s->keys, s->spare, from, middle, to);
		}
		struct sort_key *sorted = s->spare;
		s->spare = s->keys;
		s->keys = sorted;
	}
}

static bool sorter_flush(struct log_sorter *s) {
	const char *at = (const char *)s->pending;
	size_t left = s->pending_count * sizeof(*s->pending);
	while (left > 0) {
		ssize_t more = write(s->file, at, left);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0) return sorter_fail(s, "sort in", s->folder);
		at += more;
		left -= (size_t)more;
	}
	s->written += s->pending_count;
	s->pending_count = 0;
	return true;
}

static bool sorter_put(struct log_sorter *s, const struct logged *record) {
	s->pending[s->pending_count++] = *record;
	return s->pending_count < LOG_SORT_BUFFER || sorter_flush(s);
}

static bool source_fill(struct log_sorter *s, struct source_run *source) {
	uint64_t left = source->end - source->next;
	size_t want = (size_t)(left < LOG_SORT_BUFFER ? left : LOG_SORT_BUFFER) * sizeof(*source->buffer), have = 0;
	while (have < want) {
		ssize_t more = pread(s->file, (char *)source->buffer + have, want - have, (off_t)(source->next * sizeof(*source->buffer) + have));
		if (more < 0 && errno == EINTR) continue;
		if (more <= 0) return sorter_fail(s, "sort in", s->folder);
		have += (size_t)more;
	}
	source->filled = (uint32_t)(want / sizeof(*source->buffer));
	source->used = 0;
	source->next += source->filled;
	return true;
}

/* A heap of runs by the due time of their next record, then by their number. */
struct heap {
	unsigned count;
	unsigned at[LOG_SORT_FAN];
	struct source_run sources[LOG_SORT_FAN];
};

static bool heap_before(const struct heap *heap, unsigned a, unsigned b) {
	nsec due_a = heap->sources[a].buffer[heap->sources[a].used].sample.due, due_b = heap->sources[b].buffer[heap->sources[b].used].sample.due;
	return due_a < due_b || (due_a == due_b && a < b);
}

static void heap_sink(struct heap *heap, unsigned i) {
	for (;;) {
		unsigned least = i;
		for (unsigned child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++)
			if (heap_before(heap, heap->at[child], heap->at[least])) least = child;
		if (least == i) return;
		unsigned moved = heap->at[i];
		heap->at[i] = heap->at[least];
		heap->at[least] = moved;
		i = least;
	}
}

static bool heap_walk(struct log_sorter *s, struct heap *heap, log_sort_each *each, void *user) {
	for (unsigned i = heap->count; i-- > 0;) heap_sink(heap, i);
	while (heap->count > 0) {
		struct source_run *source = &heap->sources[heap->at[0]];
		if (!each(user, &source->buffer[source->used])) return true;
		source->used++;
		if (source->used == source->filled) {
			if (source->next < source->end) {
				if (!source_fill(s, source)) return false;
			} else {
				heap->at[0] = heap->at[--heap->count];
			}
		}
		heap_sink(heap, 0);
	}
	return true;
}

/* Calls `each` for the records of all runs, in order. */
static bool sorter_merge(struct log_sorter *s, log_sort_each *each, void *user) {
	struct heap *heap = mem_zeroed(1, sizeof(*heap));
	struct logged *buffers = mem_zeroed((size_t)s->run_count * LOG_SORT_BUFFER, sizeof(*buffers));
	bool ok = true;
	heap->count = s->run_count;
	for (unsigned i = 0; ok && i < s->run_count; i++) {
		heap->at[i] = i;
		heap->sources[i] = (struct source_run){
			.buffer = buffers + (size_t)i * LOG_SORT_BUFFER, .next = s->runs[i].first, .end = s->runs[i].first + s->runs[i].count};
		ok = source_fill(s, &heap->sources[i]);
	}
	ok = ok && heap_walk(s, heap, each, user);
	free(buffers);
	free(heap);
	return ok;
}

/* A record of a merge that becomes a run again. */
struct rewriting {
	struct log_sorter *sorter;
	bool ok;
};

static bool rewrite_each(void *user, const struct logged *record) {
	struct rewriting *rewriting = user;
	rewriting->ok = sorter_put(rewriting->sorter, record);
	return rewriting->ok;
}

/* There are as many runs as can be merged at once: they become one. */
static bool sorter_collapse(struct log_sorter *s) {
	struct rewriting rewriting = {s, true};
	uint64_t first = s->written;
	if (!sorter_merge(s, rewrite_each, &rewriting) || !rewriting.ok || !sorter_flush(s)) return false;
	s->runs[0] = (struct sorted_run){first, s->written - first};
	s->run_count = 1;
	return true;
}

/* The records in memory become a run in the file. */
static bool sorter_spill(struct log_sorter *s) {
	if (s->file < 0) s->file = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->file < 0) return sorter_fail(s, "make a file in", s->folder);
	if (!s->pending) s->pending = mem_zeroed(LOG_SORT_BUFFER, sizeof(*s->pending));
	if (s->run_count == LOG_SORT_FAN && !sorter_collapse(s)) return false;
	sorter_sort(s);
	uint64_t first = s->written;
	for (uint32_t i = 0; i < s->count; i++)
		if (!sorter_put(s, &s->records[s->keys[i].at])) return false;
	if (!sorter_flush(s)) return false;
	s->runs[s->run_count++] = (struct sorted_run){first, s->written - first};
	s->count = 0;
	return true;
}

struct log_sorter *log_sorter_new(const char *folder, uint32_t run_records, struct err *err) {
	struct log_sorter *s = mem_zeroed(1, sizeof(*s));
	s->folder = folder;
	s->err = err;
	s->file = -1;
	s->run_records = run_records > 0 ? run_records : LOG_SORT_RUN;
	s->records = mem_zeroed(s->run_records, sizeof(*s->records));
	s->keys = mem_zeroed(s->run_records, sizeof(*s->keys));
	s->spare = mem_zeroed(s->run_records, sizeof(*s->spare));
	return s;
}

void log_sorter_free(struct log_sorter *s) {
	if (!s) return;
	if (s->file >= 0) close(s->file);
	free(s->records);
	free(s->keys);
	free(s->spare);
	free(s->pending);
	free(s);
}

bool log_sorter_add(struct log_sorter *s, const struct logged *record) {
	s->records[s->count++] = *record;
	return s->count < s->run_records || sorter_spill(s);
}

/* All of them are in memory. */
static void sorter_walk_memory(struct log_sorter *s, log_sort_each *each, void *user) {
	sorter_sort(s);
	for (uint32_t i = 0; i < s->count; i++)
		if (!each(user, &s->records[s->keys[i].at])) return;
}

bool log_sorter_walk(struct log_sorter *s, log_sort_each *each, void *user) {
	if (s->file >= 0) return (s->count == 0 || sorter_spill(s)) && sorter_merge(s, each, user);
	sorter_walk_memory(s, each, user);
	return true;
}

/* ---- the files of a log ---- */

static bool add_line(struct log_sorter *s, struct slice line, struct log_sort_totals *totals) {
	struct logged record;
	if (line.size == 0 || line.at[0] == '#') return true;
	if (!runlog_parse(line, &record)) {
		totals->skipped += !(line.size > 10 && memcmp(line.at, "elapsed_ms", 10) == 0);
		return true;
	}
	totals->records++;
	return log_sorter_add(s, &record);
}

static bool read_file(struct log_sorter *s, const char *path, char *text, struct log_sort_totals *totals) {
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	bool ok = file >= 0 || sorter_fail(s, "read", path);
	while (ok) {
		ssize_t more = read(file, text + have, READ_BYTES - have);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0) ok = sorter_fail(s, "read", path);
		if (more <= 0) break;
		have += (size_t)more;
		const char *from = text, *end = text + have;
		for (const char *lf; ok && (lf = memchr(from, '\n', (size_t)(end - from))); from = lf + 1)
			ok = add_line(s, (struct slice){from, (size_t)(lf - from)}, totals);
		have = (size_t)(end - from);
		memmove(text, from, have);
		if (have == READ_BYTES) break; /* a line longer than the buffer is none of a log */
	}
	totals->skipped += have > 0;
	if (file >= 0) close(file);
	return ok;
}

bool log_sort_walk(const struct log_sort *input, log_sort_each *each, void *user, struct log_sort_totals *ret, struct err *err) {
	struct log_sorter *s = log_sorter_new(input->folder, input->run_records, err);
	struct log_sort_totals totals = {0};
	char *text = mem_alloc(READ_BYTES);
	bool ok = true;
	for (unsigned i = 0; ok && i < input->count; i++) ok = read_file(s, input->paths[i], text, &totals);
	ok = ok && log_sorter_walk(s, each, user);
	if (ok) *ret = totals;
	free(text);
	log_sorter_free(s);
	return ok;
}
