#include "out/junit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "stats/judge.h"

#define JUNIT_MAX ((size_t)16 << 20)
#define JUNIT_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite"
#define JUNIT_TAIL "  </testsuite>\n</testsuites>\n"

/* Returns the length of the UTF-8 character at the front (RFC 3629), 0 if there is none that XML 1.0 allows (section 2.2). */
static size_t character_size(const char *text) {
	const unsigned char *at = (const unsigned char *)text;
	if (at[0] < 0x80) return at[0] >= 0x20 || at[0] == '\t' || at[0] == '\n' || at[0] == '\r';
	size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
	for (size_t i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80) return 0;
	unsigned long code = at[0] & (0xffu >> (size + 1));
	for (size_t i = 1; i < size; i++) code = code << 6 | (at[i] & 0x3f);
	bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
	bool outside = code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || code == 0xfffe || code == 0xffff;
	return overlong || outside ? 0 : size;
}

/* Writes a text as the value of an attribute. White space that a reader would turn into blanks goes as a reference. */
static void put_escaped(struct buf *into, const char *text) {
	while (*text) {
		size_t size = character_size(text);
		switch (*text) {
		case '&': buf_add_text(into, "&amp;"); break;
		case '<': buf_add_text(into, "&lt;"); break;
		case '>': buf_add_text(into, "&gt;"); break;
		case '"': buf_add_text(into, "&quot;"); break;
		case '\t':
		case '\n':
		case '\r': buf_add_format(into, "&#%d;", *text); break;
		default:
			if (size > 0)
				buf_add(into, (struct slice){text, size});
			else
				buf_add_text(into, "?");
		}
		text += size > 0 ? size : 1;
	}
}

static void put_attribute(struct buf *into, const char *name, const char *text) {
	buf_add_format(into, " %s=\"", name);
	put_escaped(into, text);
	buf_add_text(into, "\"");
}

static void put_case_begin(struct buf *into, const char *class, const char *name) {
	buf_add_text(into, "    <testcase");
	put_attribute(into, "classname", class);
	put_attribute(into, "name", name);
	buf_add_text(into, " time=\"0\"");
}

static void put_case_end(struct buf *into, const char *fault, const char *type, const char *message) {
	buf_add_format(into, ">\n      <%s type=\"%s\"", fault, type);
	put_attribute(into, "message", message);
	buf_add_text(into, "/>\n    </testcase>\n");
}

/* One test; `failure` NULL: it passed. */
static void put_case(struct buf *into, const char *class, const char *name, const char *failure) {
	put_case_begin(into, class, name);
	if (failure)
		put_case_end(into, "failure", "missed", failure);
	else
		buf_add_text(into, "/>\n");
}

static void put_threshold(struct buf *into, const struct judged *judged) {
	char value[32], failure[160];
	const char *few = judged->few ? " (few samples)" : "";
	if (judged->unknown)
		snprintf(failure, sizeof(failure), "there was nothing to compare");
	else
		snprintf(failure, sizeof(failure), "was %s%s", judge_format(judged->threshold, judged->value, value, sizeof(value)), few);
	put_case(into, "strest.thresholds", judged->threshold->text, judged->passed ? NULL : failure);
}

static void put_verdict(struct buf *into, const struct verdict *verdict) {
	struct buf causes;
	buf_init(&causes, JUNIT_MAX);
	for (size_t i = 0; i < verdict->count; i++) buf_add_format(&causes, "%s%s", i > 0 ? "\n" : "limited by ", verdict->at[i].text);
	put_case(into, "strest", "verdict", verdict->count > 0 ? buf_text(&causes) : NULL);
	buf_fini(&causes);
}

/* Says into `text` why a report is no result; returns whether it is none. */
static bool report_is_void(const struct report *report, char *text, unsigned size) {
	if (report->ok + report->failed + report->open == 0) {
		snprintf(text, size, "nothing was measured: no request of the window ended");
	} else if (report->attempts <= report->lost) {
		snprintf(text, size, "nothing was measured: no response at all");
	} else if (!report->iterations_balanced) {
		const struct iterations_report *all = &report->iterations;
		snprintf(text, size, "the books of iterations do not balance: planned %llu, but ok %llu + failed %llu + open %llu + unsent %llu",
			(unsigned long long)all->planned, (unsigned long long)all->ok, (unsigned long long)all->failed, (unsigned long long)all->open,
			(unsigned long long)all->unsent);
	} else if (!report->balanced) {
		snprintf(text, size, "the books do not balance: planned %llu, but ok %llu + failed %llu + open %llu + unsent %llu",
			(unsigned long long)report->planned, (unsigned long long)report->ok, (unsigned long long)report->failed,
			(unsigned long long)report->open, (unsigned long long)report->unsent);
	} else {
		return false;
	}
	return true;
}

static void put_suite(struct buf *into, const struct report *report, bool strict) {
	unsigned failures = strict && report->verdict.count > 0;
	for (size_t i = 0; i < report->threshold_count; i++) failures += !report->thresholds[i].passed;
	char why[200];
	bool is_void = report_is_void(report, why, sizeof(why));
	time_t seconds = (time_t)(report->run.start_unix_ns / SEC);
	struct tm utc;
	char start[32];
	gmtime_r(&seconds, &utc);
	strftime(start, sizeof(start), "%Y-%m-%dT%H:%M:%S", &utc);
	buf_add_text(into, JUNIT_HEAD);
	struct buf name;
	buf_init(&name, JUNIT_MAX);
	if (report->run.scenario_count > 0) /* its steps have methods of their own */
		buf_add_format(&name, "strest %s", report->run.target);
	else
		buf_add_format(&name, "strest %s %s", report->run.method, report->run.target);
	put_attribute(into, "name", buf_text(&name));
	buf_fini(&name);
	buf_add_format(into, " tests=\"%zu\" failures=\"%u\" errors=\"%u\" skipped=\"0\" time=\"%.3f\" timestamp=\"%s\">\n",
		report->threshold_count + strict + is_void, failures, is_void, (double)report->window / (double)SEC, start);
	for (size_t i = 0; i < report->threshold_count; i++) put_threshold(into, &report->thresholds[i]);
	if (strict) put_verdict(into, &report->verdict);
	if (is_void) {
		put_case_begin(into, "strest", "measured");
		put_case_end(into, "error", "void", why);
	}
	buf_add_text(into, JUNIT_TAIL);
}

/* Writes everything and closes; errno of the first failure, 0: none. */
static int write_all(int file, const struct buf *text) {
	int fault = 0;
	for (size_t done = 0; done < text->size && fault == 0;) {
		ssize_t more = write(file, text->at + done, text->size - done);
		if (more >= 0)
			done += (size_t)more;
		else if (errno != EINTR)
			fault = errno;
	}
	if (close(file) != 0 && fault == 0) fault = errno;
	return fault;
}

/* Writes to what is no plain file (a link, a pipe, a device): it cannot be replaced. */
static int write_through(const char *path, const struct buf *text) {
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return file < 0 ? errno : write_all(file, text);
}

static int write_and_rename(const char *path, const struct buf *text) {
	struct arena arena;
	arena_init(&arena);
	char *temporary = arena_format(&arena, "%s.XXXXXX", path);
	int file = mkostemp(temporary, O_CLOEXEC);
	int fault = file < 0 ? errno : 0;
	if (file >= 0) {
		mode_t mask = umask(0);
		umask(mask);
		if (fchmod(file, 0666 & ~mask) != 0) fault = errno;
		int written = write_all(file, text);
		if (fault == 0) fault = written;
		if (fault == 0 && rename(temporary, path) != 0) fault = errno;
		if (fault != 0) unlink(temporary);
	}
	arena_fini(&arena);
	return fault;
}

static bool write_file(const char *path, const struct buf *text, struct err *err) {
	struct stat there;
	bool replace = lstat(path, &there) != 0 || S_ISREG(there.st_mode);
	int fault = replace ? write_and_rename(path, text) : write_through(path, text);
	return fault == 0 || err_set_sys(err, ERR_FAILED, fault, "cannot write '%s'", path);
}

bool junit_begin(const char *path, struct err *err) {
	struct stat there;
	struct buf text;
	if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode))
		return true; /* a pipe or a device takes one report only */
	buf_init(&text, JUNIT_MAX);
	buf_add_text(&text, JUNIT_HEAD " name=\"strest\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n");
	put_case_begin(&text, "strest", "measured");
	put_case_end(&text, "error", "void", "the run did not come to its end");
	buf_add_text(&text, JUNIT_TAIL);
	bool written = write_file(path, &text, err);
	buf_fini(&text);
	return written;
}

bool junit_write(const struct report *report, bool strict, const char *path, struct err *err) {
	struct buf text;
	buf_init(&text, JUNIT_MAX);
	put_suite(&text, report, strict);
	bool written = write_file(path, &text, err);
	buf_fini(&text);
	return written;
}
