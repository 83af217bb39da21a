/* A config file: found, read, and everything that is wrong with it.
 * In: a path, or the folder one stands in. Out: settings with their origins, and findings. Everything lives in the given arena; main thread. */
#pragma once

#include "base/err.h"
#include "config/findings.h"
#include "config/origin.h"

#define FILE_SIZE_MAX ((size_t)4 << 20) /* bytes; larger files are refused */

struct file {
	struct settings settings; /* presets, and what the file says over them */
	struct origins origins;
	struct findings findings; /* sorted */
};

/* Returns the file that is read when none is named: strest.toml, else strest.json, of this folder; NULL: there is neither. */
const char *file_default(void);

/* Reads a file; its name ends in .toml or .json. ERR_FAILED: it cannot be read at all. What is wrong inside it are findings. */
bool file_read(const char *path, struct arena *arena, struct file *ret, struct err *err);

/* Reads a text as the file `path` would be read. */
void file_read_text(const char *path, struct slice text, struct arena *arena, struct file *ret);

/* Fails with the first fault, how many more there are and how to see them; true if there is none. ERR_FAILED. */
bool file_check(const struct file *file, struct err *err);

/* Returns a finding as people read it: "strest.toml:12:8: load.rate: ...". Lives in the findings' arena. */
const char *file_sentence(const struct file *file, const struct finding *finding);
