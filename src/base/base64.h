/* Base64 with padding (RFC 4648 section 4).
 * In: bytes. Out: text. Owns nothing; any thread. */
#pragma once

#include "base/buf.h"

/* Appends the bytes in base64. */
void base64_add(struct buf *into, struct slice bytes);
