/* Reading JSON: text to a tree with the place of every key and value. One of the two ways to yajl; the other is json_find.h.
 * In: bytes. Out: a tree (base/tree.h). Any thread. Source: RFC 8259. */
#pragma once

#include "base/tree.h"

/* Reads one JSON value. Refuses with one fault: what RFC 8259 refuses, bytes that are not UTF-8, integers over 64 bits, a key twice in one object,
 * text after the value, depth over TREE_DEPTH_MAX. A byte order mark at the start is skipped. */
bool json_read(struct slice text, struct arena *arena, struct tree **ret, struct tree_fault *fault);
