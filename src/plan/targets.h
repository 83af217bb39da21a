/* What the requests of a run ask for: --url, or each line of --urls-from-file.
 * In: the settings, a file or standard input. Out: methods and URLs, in order. Everything lives in the given arena; const afterwards. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "http/url.h"

#define TARGETS_MAX 1000000 /* lines of a list */

struct target_item {
	enum method method;
	bool plain; /* the line names no method: it has that of --method, and the body of --data and its like */
	struct url url;
	uint32_t row; /* index into rows: lines that say the same share one */
};

struct targets {
	size_t count; /* >= 1; request k asks for item k % count */
	struct target_item *at;
	bool listed;       /* --urls-from-file was given */
	const char *name;  /* for people: the URL, or "3 URLs from urls.txt", "3 URLs from standard input" */
	size_t row_count;  /* listed: different lines; else 0 */
	const char **rows; /* "GET http://localhost:3000/a", without user and password; in the order of their first line */
};

/* Reads --url or the list. A line of it is URL or METHOD URL (blanks or tabs between; the method in any case); LF or CRLF, the last one may lack it.
 * ERR_FAILED: --url missing or bad ("--url: ..."); a list that cannot be read, is empty, is over 1 GiB or over TARGETS_MAX lines; a line that is empty or
 * bad: "--urls-from-file: urls.txt:3: ..." with what to write. "-" is standard input, read to its end. */
bool targets_read(const struct http_settings *http, struct arena *arena, struct targets *ret, struct err *err);

/* The same from the list's text; --urls-from-file is for sentences. For targets_read and the fuzzer. */
bool targets_parse(const struct http_settings *http, struct slice text, struct arena *arena, struct targets *ret, struct err *err);
