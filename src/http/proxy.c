#include "http/proxy.h"

#include <assert.h>
#include <stdint.h>

#include <llhttp.h>

#include "http/http.h"

struct proxy {
	uint32_t head_bytes; /* of all heads so far */
	uint16_t status;     /* of the final answer; 0: none yet */
	uint8_t state;
	uint8_t reason;
	bool begun; /* the parser is in the middle of a head */
	llhttp_t parser;
};

_Static_assert(sizeof(struct proxy) <= PROXY_STATE_BYTES, "PROXY_STATE_BYTES is too small");

/* An answer to CONNECT has no framing: llhttp, which knows Content-Length and its like by the state that the name led to, is made to take every
 * field for one that means nothing (RFC 9110 section 9.3.6: they must be ignored). */
static int forget_name(llhttp_t *parser) {
	parser->header_state = 0;
	return 0;
}

static int pause_parser(llhttp_t *parser) {
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_header_field_complete = forget_name, .on_headers_complete = pause_parser};

static void answer_fail(struct proxy *proxy, enum reason reason) {
	proxy->state = PROXY_FAILED;
	proxy->reason = (uint8_t)reason;
}

/* Acts on a complete head. llhttp lets HTTP/2.0 and statuses below 100 pass. */
static void answer_take(struct proxy *proxy) {
	const llhttp_t *parser = &proxy->parser;
	unsigned status = parser->status_code;
	proxy->begun = false;
	if (parser->http_major != 1 || parser->http_minor > 1 || status < 100) {
		answer_fail(proxy, REASON_PROXY_MALFORMED);
		return;
	}
	if (status < 200 && status != 101) return;
	proxy->status = (uint16_t)status;
	if (status >= 200 && status < 300)
		proxy->state = PROXY_OPEN;
	else
		answer_fail(proxy, status == 407 ? REASON_PROXY_AUTH : REASON_PROXY_REFUSED);
}

/* Reads (more of) one head from the front of `bytes`; returns how much of it. */
static size_t answer_read(struct proxy *proxy, struct slice bytes) {
	if (!proxy->begun) {
		llhttp_init(&proxy->parser, HTTP_RESPONSE, &settings);
		proxy->begun = true;
		if (*bytes.at != 'H') bytes.size = 0; /* llhttp would skip empty lines */
	}
	if (bytes.size > HTTP_HEAD_MAX - proxy->head_bytes) bytes.size = HTTP_HEAD_MAX - proxy->head_bytes;
	llhttp_errno_t result = bytes.size ? llhttp_execute(&proxy->parser, bytes.at, bytes.size) : HPE_USER;
	if (result == HPE_PAUSED) {
		bytes.size = (size_t)(llhttp_get_error_pos(&proxy->parser) - bytes.at);
		answer_take(proxy);
	} else if (result != HPE_OK) {
		answer_fail(proxy, REASON_PROXY_MALFORMED);
	}
	proxy->head_bytes += (uint32_t)bytes.size;
	return bytes.size;
}

void proxy_begin(struct proxy *proxy) {
	*proxy = (struct proxy){.state = PROXY_WAITS};
}

enum proxy_state proxy_feed(struct proxy *proxy, struct slice bytes, size_t *ret_used) {
	assert(proxy->state == PROXY_WAITS);
	size_t used = 0;
	while (proxy->state == PROXY_WAITS && used < bytes.size) used += answer_read(proxy, (struct slice){bytes.at + used, bytes.size - used});
	*ret_used = proxy->state == PROXY_OPEN ? used : bytes.size;
	return proxy->state;
}

enum reason proxy_reason(const struct proxy *proxy) {
	return proxy->reason;
}

unsigned proxy_status(const struct proxy *proxy) {
	return proxy->status;
}
