/* Header fields as HPACK writes them without a table: literal, not put into it, as they are (RFC 7541 sections 6.2.2, 6.2.3 and 5.2). Such a field can stand before or
 * behind a block that was packed with a table, and changes nothing for it.
 * In: names, values. Out: bytes. Any thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* Returns whether the value of a field says who somebody is: such a field is never put into a table, on the way neither (section 7.1.3). */
bool hpack_is_secret(struct slice name);

/* Returns, in the arena, how the field begins: what kind of field it is, and its name (in any case; it is written in small letters). */
struct slice hpack_begin(struct slice name, struct arena *arena);

/* Appends a field that begins so. */
void hpack_write(struct slice begin, struct slice value, struct buf *into);

/* Reads the next field that hpack_write wrote off `rest`, for people. False: there is none. */
bool hpack_read(struct slice *rest, struct slice *ret_name, struct slice *ret_value);
