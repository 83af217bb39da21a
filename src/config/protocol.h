/* The protocols that --http2, --alpn and --http-version name.
 * In: names, settings. Out: names as TLS offers them (RFC 7301 section 6): "h2", "http/1.1". Any thread. */
#pragma once

#include "base/arena.h"
#include "base/settings.h"
#include "base/str.h"

/* Returns the name on the wire of a protocol in one of its spellings (h2, http2, http/2; http/1.1, http1.1, http1, http/1; any case, blanks around it);
 * NULL: it is none of ours. Constant. */
const char *protocol_name(struct slice name);

/* Returns whether only later versions will speak it: h3 and its other names. */
bool protocol_is_later(struct slice name);

/* Returns whether a list of names on the wire has this one. */
bool protocol_is_among(const struct text_list *list, const char *name);

/* Returns whether the settings ask for HTTP/2, perhaps beside HTTP/1.1. */
bool protocol_wants_h2(const struct settings *settings);

/* Makes tls.alpn what is offered in the handshake, in this order, each name once: h2 and http/1.1 for --http2 alone, h2 for --http-version 2. For settings that
 * config/check.h let pass. */
void protocol_settle(struct settings *settings, struct arena *arena);
