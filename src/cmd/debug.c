#include "cmd/debug.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/units.h"
#include "config/secret.h"

#define SHOWN_MAX ((size_t)4 << 20) /* bytes of text */
#define HEAD_MAX ((size_t)2 << 20)

struct debug {
	struct buf text;
	struct buf head; /* of the request that is being sent, until it is complete */
	bool in_body;    /* its head is shown */
	enum run_trace last;
	bool begun;      /* of a line: its mark stands there */
	uint64_t hidden; /* bytes that did not fit */
	bool has_sample;
	struct sample sample;
};

struct debug *debug_new(void) {
	struct debug *debug = mem_zeroed(1, sizeof(*debug));
	buf_init(&debug->text, SHOWN_MAX);
	buf_init(&debug->head, HEAD_MAX);
	debug->last = TRACE_OPENED;
	return debug;
}

void debug_free(struct debug *debug) {
	if (!debug) return;
	buf_fini(&debug->text);
	buf_fini(&debug->head);
	free(debug);
}

static void debug_end_line(struct debug *debug) {
	if (debug->begun) buf_add_text(&debug->text, "\n");
	debug->begun = false;
}

static void debug_add_byte(struct debug *debug, unsigned char byte) {
	static const char *const names[] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r", ['\\'] = "\\\\"};
	char one[8] = {(char)byte};
	const char *shown = one;
	if (byte < LENGTH(names) && names[byte])
		shown = names[byte];
	else if (byte < ' ' || byte > '~')
		snprintf(one, sizeof(one), "\\x%02x", byte);
	buf_add_text(&debug->text, shown);
}

static void debug_add_bytes(struct debug *debug, const char *mark, struct slice bytes) {
	for (size_t i = 0; i < bytes.size; i++) {
		if (debug->text.size > SHOWN_MAX - 64) {
			debug->hidden += bytes.size - i;
			return;
		}
		if (!debug->begun) buf_add_text(&debug->text, mark);
		debug->begun = true;
		debug_add_byte(debug, (unsigned char)bytes.at[i]);
		if (bytes.at[i] == '\n') debug_end_line(debug);
	}
}

/* Shows complete lines, a head or a frame in words; what names a secret loses its value. */
static void debug_add_lines(struct debug *debug, const char *mark, struct slice head, struct slice end) {
	struct arena arena;
	arena_init(&arena);
	while (head.size > 0) {
		struct slice line = slice_cut(head, '\n', &head), name, value;
		if (line.size > 0 && line.at[line.size - 1] == '\r') line.size--;
		name = slice_cut(line, ':', &value);
		const char *shown = arena_copy(&arena, line);
		if (value.at && secret_is_header(slice_trim(name))) shown = secret_show_header(shown, NULL, &arena);
		debug_add_bytes(debug, mark, slice_of(shown));
		debug_add_bytes(debug, mark, end);
		debug_end_line(debug);
	}
	arena_fini(&arena);
}

/* Bytes of a request, or of CONNECT: its head is kept until it is whole, for secrets in it are not to be shown. */
static void debug_add_sent(struct debug *debug, struct slice bytes) {
	if (debug->in_body) {
		debug_add_bytes(debug, "> ", bytes);
		return;
	}
	buf_add(&debug->head, bytes);
	const char *end = memmem(debug->head.at, debug->head.size, "\r\n\r\n", 4);
	if (!end) return;
	size_t size = (size_t)(end + 4 - debug->head.at);
	debug_add_lines(debug, "> ", (struct slice){debug->head.at, size}, SLICE("\r\n"));
	debug->in_body = true;
	debug_add_bytes(debug, "> ", (struct slice){debug->head.at + size, debug->head.size - size});
}

static void debug_on_trace(void *user, enum run_trace what, struct slice bytes, nsec at) {
	struct debug *debug = user;
	(void)at;
	bool sent = what == TRACE_SENT || what == TRACE_PROXY_SENT;
	if (what != debug->last) {
		debug_end_line(debug);
		if (what == TRACE_OPENED || debug->in_body) debug->head.size = 0; /* else bytes came while only a part of the head was out */
		debug->in_body = false;
		if (what == TRACE_PROXY_SENT) buf_add_text(&debug->text, "* asking the proxy for a tunnel\n");
	}
	debug->last = what;
	if (what == TRACE_OPENED)
		buf_add_format(&debug->text, "* connected to %.*s\n", (int)bytes.size, bytes.at);
	else if (what == TRACE_SHAKEN)
		buf_add_format(&debug->text, "* TLS: %.*s\n", (int)bytes.size, bytes.at);
	else if (what == TRACE_FRAME_SENT || what == TRACE_FRAME_RECEIVED)
		debug_add_lines(debug, what == TRACE_FRAME_SENT ? "> " : "< ", bytes, SLICE(""));
	else if (sent)
		debug_add_sent(debug, bytes);
	else
		debug_add_bytes(debug, "< ", bytes);
}

static void debug_on_sample(void *user, const struct sample *sample) {
	struct debug *debug = user;
	debug->sample = *sample;
	debug->has_sample = true;
}

void debug_hook(struct debug *debug, struct run_hooks *ret) {
	*ret = (struct run_hooks){.sample = debug_on_sample, .trace = debug_on_trace, .user = debug};
}

static void debug_write_times(const struct sample *sample, struct buf *into) {
	nsec parts[PART_COUNT];
	char text[32];
	sample_parts(sample, parts);
	buf_add_text(into, "\nWhere the time went\n");
	for (enum part part = 0; part < PART_COUNT; part++)
		buf_add_format(into, "  %-10s %10s\n", part_name(part), units_format_duration(parts[part], text, sizeof(text)));
	buf_add_format(into, "  %-10s %10s\n", "in all", units_format_duration(sample_response(sample), text, sizeof(text)));
}

void debug_write(struct debug *debug, struct buf *into) {
	const struct sample *sample = &debug->sample;
	debug_end_line(debug);
	buf_add(into, (struct slice){buf_text(&debug->text), debug->text.size});
	if (debug->hidden > 0) buf_add_format(into, "* %llu more bytes are not shown\n", (unsigned long long)debug->hidden);
	if (!debug->has_sample) return;
	if (sample->reason == REASON_NONE)
		buf_add_format(into, "* ok: status %u, %llu bytes of body\n", sample->status, (unsigned long long)sample->bytes);
	else
		buf_add_format(into, "* not ok: %s\n", reason_words(sample->reason));
	debug_write_times(sample, into);
}
