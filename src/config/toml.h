/* Reading TOML 1.0: text to a tree with the place of every key and value. The one way to toml++ (toml.cc, C++ behind a C header).
 * In: bytes. Out: a tree (base/tree.h). Any thread. No exception leaves it. */
#pragma once

#include "base/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a document; the root is a TREE_TABLE, tables in the order of the text. Refuses with one fault: what TOML refuses (a key twice included),
 * depth over TREE_DEPTH_MAX. */
bool toml_read(struct slice text, struct arena *arena, struct tree **ret, struct tree_fault *fault);

#ifdef __cplusplus
}
#endif
