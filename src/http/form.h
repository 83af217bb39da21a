/* The body of a form: multipart/form-data (RFC 7578) from --form NAME=VALUE and NAME=@FILE.
 * In: the option's texts. Out: pieces of a body, files mapped and not copied. Everything lives in the given arena; const afterwards. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/str.h"

struct form {
	const char *content_type; /* "multipart/form-data; boundary=..." */
	size_t count;             /* of pieces, >= 1; none is empty */
	struct slice *pieces;
	uint64_t bytes; /* of all pieces */
};

/* One field as it was written, taken apart: copies in the arena. */
struct form_field {
	const char *name;
	const char *value;    /* NULL: a file */
	const char *file;     /* NULL: a value */
	const char *type;     /* ;type=, or NULL */
	const char *filename; /* ;filename=, or NULL */
};

/* Reads NAME=VALUE or NAME=@FILE, each with ;type=TYPE and (file) ;filename=NAME behind it. Only these two words are taken off the end, a type with
 * its parameters (";type=text/plain;charset=utf-8"); other ';' belong to the value. ERR_FAILED without the option's name: no '=', an empty name,
 * control characters in the name, a type that is none (RFC 9110 section 8.3.1), an empty file name, a word said twice, a zero byte. Opens no file.
 * Used by config/ to check, by form_build to build, and by the fuzzer. */
bool form_parse(struct slice text, struct arena *arena, struct form_field *ret, struct err *err);

/* Builds the body. The boundary is a function of the seed and occurs in no piece of text (in files it cannot be looked for; 128 bits make it certain
 * enough). Names and file names are quoted as browsers do (HTML, "multipart form data": %22, %0D, %0A); without ;filename= a file has the last part
 * of its path. A file's type is application/octet-stream unless said; a value has none. ERR_FAILED with "--form: ..." : a field as above, a file that
 * cannot be opened or is not a regular one, values of more than 64 MiB. */
bool form_build(const struct text_list *fields, uint64_t seed, struct arena *arena, struct form *ret, struct err *err);
