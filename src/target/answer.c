#include "target/answer.h"

#include <assert.h>
#include <stdio.h>

#include "target/truth.h"

/* The IANA registry of HTTP status codes (RFC 9110 section 15, 6585, 7538, 8297). */
static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{102, "Processing"},
	{103, "Early Hints"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{203, "Non-Authoritative Information"},
	{204, "No Content"},
	{205, "Reset Content"},
	{206, "Partial Content"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{425, "Too Early"},
	{426, "Upgrade Required"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *answer_phrase(unsigned status) {
	for (size_t i = 0; i < LENGTH(phrases); i++)
		if (phrases[i].status == status) return phrases[i].phrase;
	return "Status";
}

void answer_fit_method(struct answer *answer) {
	if (!answer->is_head || answer->framing == ANSWER_BARE) return;
	answer->body = SLICE("");
	if (answer->framing != ANSWER_OPEN) answer->stream.form = STREAM_NONE;
}

static int format_framing(const struct answer *answer, char *out, size_t room) {
	switch (answer->framing) {
	case ANSWER_SIZED: return snprintf(out, room, "Content-Length: %llu\r\n\r\n", (unsigned long long)answer->body_bytes);
	case ANSWER_CHUNKED: return snprintf(out, room, "Transfer-Encoding: chunked\r\nTrailer: X-Bytes\r\n\r\n");
	case ANSWER_OPEN: return snprintf(out, room, "Content-Length: %llu\r\nX-Big: ", (unsigned long long)answer->body_bytes);
	case ANSWER_UNTIL_CLOSE:
	case ANSWER_NO_BODY:
	case ANSWER_BARE: break;
	}
	return snprintf(out, room, "\r\n");
}

size_t answer_format_head(const struct answer *answer, char *out, size_t *ret_truth) {
	int size = snprintf(out, ANSWER_HEAD_MAX, "HTTP/1.1 %u %s\r\n" TRUTH_NAME, answer->status, answer_phrase(answer->status));
	*ret_truth = (size_t)size;
	struct slice type = answer_type(answer);
	bool keeps = answer->keep_alive && answer->end == ANSWER_KEEP;
	size += snprintf(out + size, ANSWER_HEAD_MAX - (size_t)size, "%s\r\nServer: strest-target\r\nContent-Type: %.*s\r\n%.*sConnection: %s\r\n",
		TRUTH_BLANK, (int)type.size, type.at, (int)answer->fields.size, answer->fields.at ? answer->fields.at : "",
		keeps ? "keep-alive" : "close");
	size += format_framing(answer, out + size, ANSWER_HEAD_MAX - (size_t)size);
	assert(size < ANSWER_HEAD_MAX);
	return (size_t)size;
}
