/* The head of a request as HTTP/2 sends it, made once from its HTTP/1.1 text.
 * In: a head ready for HTTP/1.1. Out: fields for libnghttp2, opaque here. Const once made; any thread. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Makes it in the arena (it points into `head`'s bytes where it can, so that must live as long). :method, :scheme (`tls`: https), :authority (from Host, which goes; none without Host;
 * an absolute URL in the request line is cut) and :path first, then the fields in their order with names in lower case, without those that belong to a
 * connection: Connection and what it names, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, and TE unless it is "trailers"
 * (RFC 9113 sections 8.2.2 and 8.3.1). Cannot fail: `head` is one of plan/words.h. */
struct h2_head;
const struct h2_head *h2_head_make(struct slice head, bool tls, struct arena *arena);

/* Returns whether a field goes over HTTP/2 whatever its value is: Host, TE and those of a connection do not. */
bool h2_head_takes(struct slice name);

/* The same as h2_head_make, without :path, which differs from request to request. */
const struct h2_head *h2_head_make_open(struct slice head, bool tls, struct arena *arena);
