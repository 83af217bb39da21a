/* User and password as the header fields Authorization and Proxy-Authorization carry them.
 * In: "user:password". Out: the value of such a field. Any thread. Sources: RFC 7617 section 2, RFC 4648 section 4. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* Appends "Basic " and the user and password ("user:password", bytes as they are) in base64. */
void basic_write(struct buf *into, struct slice userinfo);
