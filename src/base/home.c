#include "base/home.h"

#include <stdlib.h>
#include <string.h>

const char *home_path(const char *path, const char *name, struct arena *arena) {
	const char *home = getenv("HOME");
	bool known = home && *home;
	if (!path) return known ? arena_format(arena, "%s/.strest/%s", home, name) : arena_format(arena, ".strest/%s", name);
	return known && strncmp(path, "~/", 2) == 0 ? arena_format(arena, "%s%s", home, path + 1) : path;
}
