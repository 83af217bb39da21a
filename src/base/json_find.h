/* One value of a JSON text, by a JSON pointer (RFC 6901).
 * In: pointers, texts. Out: the value as a slice. A pointer is const once compiled, any thread; what a search needs belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/tree.h"

struct json_pointer; /* opaque, in the arena */

/* Compiles "/items/0/id"; "" is the whole text. NULL: it is none (it begins with something else than '/', or has a '~' that is not ~0 or ~1). */
const struct json_pointer *json_pointer_compile(struct slice text, struct arena *arena);

struct json_search; /* opaque: memory of a search */
struct json_search *json_search_new(void);
void json_search_free(struct json_search *search); /* NULL is fine */

struct json_found {
	enum tree_kind kind; /* never TREE_OTHER */
	struct slice text;   /* TREE_TEXT: decoded; else as it stands in the text. Valid until the next search, and as long as the text */
};

enum json_result { JSON_FOUND, JSON_NOT_FOUND, JSON_BAD }; /* BAD: the text is not JSON, up to where it was read */

/* Finds the value. Reading stops behind it: what follows is not looked at. Of a key that stands twice the first one counts. Depth is limited to
 * TREE_DEPTH_MAX (deeper: JSON_BAD). A byte order mark at the start is skipped. A key or text with half a character ("\ud834") on the way is JSON_BAD.
 * No allocation once the search has grown, which it does up to 1 MiB; only texts with escapes that are longer than that take more. */
enum json_result json_find(const struct json_pointer *pointer, struct slice text, struct json_search *search, struct json_found *ret);
