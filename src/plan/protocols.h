/* Which HTTP a run speaks, from --http2, --alpn and --http-version.
 * In: the settings. Out: plain values. */
#pragma once

#include <stdbool.h>

#include "base/settings.h"

/* Over TLS. */
enum tls_http {
	TLS_HTTP_1,    /* HTTP/1.1, whatever is negotiated */
	TLS_HTTP_2,    /* HTTP/2; a server that does not choose it in ALPN is a failed handshake (REASON_TLS_ALPN) */
	TLS_HTTP_BEST, /* what ALPN says; without an answer HTTP/1.1 */
};

struct protocols {
	bool clear_h2; /* http:// URLs are spoken to in HTTP/2, by prior knowledge (RFC 9113 section 3.3) */
	enum tls_http tls;
};

/* Takes them from settings that config/check.c let pass: http:// gets HTTP/2 with --http2, with an ALPN list of h2 alone and with --http-version 2; a list of
 * both negotiates over TLS only. */
struct protocols protocols_of(const struct settings *settings);

/* Returns whether an origin (`tls`: https) may be spoken to in HTTP/2. */
static inline bool protocols_may_h2(const struct protocols *protocols, bool tls) {
	return tls ? protocols->tls != TLS_HTTP_1 : protocols->clear_h2;
}

/* Returns whether an origin is spoken to in HTTP/2 and nothing else. */
static inline bool protocols_must_h2(const struct protocols *protocols, bool tls) {
	return tls ? protocols->tls == TLS_HTTP_2 : protocols->clear_h2;
}

/* Returns whether a run may speak HTTP/2 at all: requests need their h2 head then. */
static inline bool protocols_have_h2(const struct protocols *protocols) {
	return protocols->clear_h2 || protocols->tls != TLS_HTTP_1;
}
