#include "dist/control_head.h"

#include <llhttp.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/tree.h"

#define EMPTY_LINES 4 /* bytes: one empty line before a request is let through (RFC 9112 section 2.2) */

/* Bytes of the head, from its begin. */
struct span {
	size_t at, size;
};

struct control_head_reader {
	llhttp_t parser;
	size_t fed;        /* bytes that the parser has seen */
	const char *begin; /* of all bytes, during a call */
	struct span target, name, value;
	struct span authorization;
	struct control_head head; /* all but the slices */
	const char *fault;        /* that the parser does not see; NULL: none */
	char why[96];
};

/* Makes a span longer by a piece that follows it. */
static void extend(struct control_head_reader *reader, struct span *span, const char *at, size_t size) {
	if (span->size == 0) span->at = (size_t)(at - reader->begin);
	span->size += size;
}

static int take_url(llhttp_t *parser, const char *at, size_t size) {
	struct control_head_reader *reader = parser->data;
	extend(reader, &reader->target, at, size);
	return 0;
}

static int take_name(llhttp_t *parser, const char *at, size_t size) {
	struct control_head_reader *reader = parser->data;
	extend(reader, &reader->name, at, size);
	return 0;
}

/* The parser lets folded lines through (RFC 9112 section 5.2: to be refused); their parts do not lie side by side. */
static int take_value(llhttp_t *parser, const char *at, size_t size) {
	struct control_head_reader *reader = parser->data;
	if (reader->value.size > 0 && reader->begin + reader->value.at + reader->value.size != at) {
		reader->fault = "a field is folded";
		return HPE_USER;
	}
	extend(reader, &reader->value, at, size);
	return 0;
}

static struct slice view(const struct control_head_reader *reader, struct span span) {
	return (struct slice){span.size ? reader->begin + span.at : "", span.size};
}

static int end_field(llhttp_t *parser) {
	struct control_head_reader *reader = parser->data;
	struct control_head *head = &reader->head;
	struct slice name = view(reader, reader->name), value = slice_trim(view(reader, reader->value));
	if (name.size == 0) {
		reader->fault = "a field has no name";
		return HPE_USER;
	}
	if (slice_equal_nocase(name, SLICE("authorization"))) {
		head->authorizations++;
		reader->authorization = reader->value;
	}
	if (slice_equal_nocase(name, SLICE("origin"))) head->has_origin = true;
	if (slice_equal_nocase(name, SLICE("transfer-encoding"))) head->has_coding = true;
	if (slice_equal_nocase(name, SLICE("content-length"))) head->has_length = true;
	if (slice_equal_nocase(name, SLICE("expect")) && slice_equal_nocase(value, SLICE("100-continue"))) head->expects = true;
	reader->name = reader->value = (struct span){0, 0};
	return 0;
}

static int pause_parser(llhttp_t *parser) {
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = take_url,
	.on_header_field = take_name,
	.on_header_value = take_value,
	.on_header_value_complete = end_field,
	.on_headers_complete = pause_parser,
};

struct control_head_reader *control_head_new(void) {
	struct control_head_reader *reader = mem_zeroed(1, sizeof(*reader));
	llhttp_init(&reader->parser, HTTP_REQUEST, &settings);
	reader->parser.data = reader;
	return reader;
}

void control_head_free(struct control_head_reader *reader) {
	free(reader);
}

static enum control_head_result refuse(const char **ret_why, const char *why) {
	*ret_why = why;
	return CONTROL_HEAD_BAD;
}

/* In the parser's words; their first letter is a small one here. */
static enum control_head_result refuse_as_parser(struct control_head_reader *reader, const char **ret_why) {
	const char *reason = llhttp_get_error_reason(&reader->parser);
	size_t size = 0;
	if (reader->fault) return refuse(ret_why, reader->fault);
	for (; reason && reason[size] && size + 1 < sizeof(reader->why); size++) reader->why[size] = reason[size];
	reader->why[size] = 0;
	if (reader->why[0] >= 'A' && reader->why[0] <= 'Z') reader->why[0] = (char)(reader->why[0] + ('a' - 'A'));
	return refuse(ret_why, size ? reader->why : "it cannot be read");
}

/* Returns whether there are only ends of lines where a request should be. */
static bool is_empty(struct slice bytes) {
	if (bytes.size < EMPTY_LINES) return false;
	for (size_t i = 0; i < EMPTY_LINES; i++)
		if (bytes.at[i] != '\r' && bytes.at[i] != '\n') return false;
	return true;
}

/* The parser has come to the end of the head. */
static enum control_head_result complete(struct control_head_reader *reader, struct slice bytes, struct control_head *ret, const char **ret_why) {
	const llhttp_t *parser = &reader->parser;
	struct control_head *head = &reader->head;
	head->size = (size_t)(llhttp_get_error_pos(parser) - bytes.at);
	head->length = head->has_length ? parser->content_length : 0;
	head->method = slice_of(llhttp_method_name(parser->method));
	head->target = view(reader, reader->target);
	head->authorization = slice_trim(view(reader, reader->authorization));
	if (parser->http_major != 1) return refuse(ret_why, "its version is not HTTP/1.1");
	if (tree_find_bad_utf8((struct slice){bytes.at, head->size}) < head->size) return refuse(ret_why, "it is not UTF-8");
	*ret = *head;
	return CONTROL_HEAD_COMPLETE;
}

enum control_head_result control_head_read(struct control_head_reader *reader, struct slice bytes, struct control_head *ret, const char **ret_why) {
	size_t fed = reader->fed;
	if (bytes.size <= fed) return CONTROL_HEAD_MORE;
	if (is_empty(bytes)) return refuse(ret_why, "it is empty");
	reader->begin = bytes.at;
	reader->fed = bytes.size;
	llhttp_errno_t result = llhttp_execute(&reader->parser, bytes.at + fed, bytes.size - fed);
	if (result == HPE_OK) return CONTROL_HEAD_MORE;
	return result == HPE_PAUSED ? complete(reader, bytes, ret, ret_why) : refuse_as_parser(reader, ret_why);
}
