/* Texts with {{name}} in them: compiled once, rendered for each request.
 * In: texts, and what their names stand for. Out: bytes. Const once compiled, any thread; they live in the given arena, rendering takes no memory but that of
 * a buffer that grows. Every draw is f(seed, seq, the text, its place in the text), so the same request has the same bytes whatever the number of threads, and two
 * texts do not draw the same.
 *
 * {{ name }}: blanks around the name do not matter. Names, the first that fits: the built-in ones, values that are known only in the run (slots), constants.
 * An unclosed {{ is text; {{{{ stands for {{ ; of three { the first is text, so {"id":{{seq}}} works; values are not looked at again. Built in:
 *   seq            number of the request, from 0, unique in the run
 *   step           index of the step in its scenario, from 1
 *   iter           number of the iteration, from 0, unique in the run
 *   worker         number of the user, from 0
 *   timestamp_ms, timestamp_s   Unix time when the request is made ready
 *   uuid           a UUID of version 4 (RFC 9562)
 *   random(a,b)    a whole number from a to b, both inclusive, |a| and |b| below 2^62, a <= b
 *   env(NAME)      the environment variable, read when the text is compiled; one that is not set is a fault */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* What a text becomes a part of: decides what a value that is put in may hold. The text itself is the writer's own matter. */
enum template_place {
	TEMPLATE_TARGET, /* path and query of a URL: blanks, controls, '"', '#', '<', '>', '\\', '^', '`', '{', '|', '}' and bytes over 0x7e of a value become %XX */
	TEMPLATE_FIELD, /* a header field: a value with CR, LF or 0 makes rendering fail */
	TEMPLATE_BODY,  /* anything goes */
};

struct template_constant {
	struct slice name, value;
};

/* What names stand for. */
struct template_scope {
	size_t slot_count;
	const struct slice *slots; /* names of the values that are known only in the run: slot i is slots[i] */
	size_t constant_count;
	const struct template_constant *constants; /* the first one of a name holds */
};

/* Why a text is no template. */
struct template_fault {
	size_t offset;  /* bytes, where the {{ begins */
	char text[240]; /* "'usr' is no variable; did you mean 'user'?" */
};

struct template; /* opaque; const */

/* Compiles a text; neither it nor the scope is needed afterwards. NULL with a fault: a name that nothing stands for (with the nearest one that does), a wrong
 * argument, a variable of the environment that is not set, a constant that cannot stand in this place. `random` and `env` without parentheses may be names of
 * variables. Main thread (getenv). */
const struct template *template_compile(
	struct slice text, const struct template_scope *scope, enum template_place place, struct arena *arena, struct template_fault *fault);

/* Returns whether it gives the same bytes always; they are *ret (lives with the template). */
bool template_is_constant(const struct template *template, struct slice *ret);

/* Returns whether a text has a {{ that template_compile would take for one, or a {{{{: whether it is a template at all. If not, it renders as it stands. */
bool template_is_in(struct slice text);

/* Returns whether a name is built in: nothing else can be called so and be got at. */
bool template_is_built_in(struct slice name);

/* Returns whether slot i stands in it. */
bool template_has_slot(const struct template *template, size_t slot);

/* Returns the bytes at its beginning that are the same always. */
struct slice template_constant_head(const struct template *template);

/* Returns the template without the first `size` bytes, which are of that head. */
const struct template *template_skip(const struct template *template, size_t size, struct arena *arena);

/* What differs from request to request. */
struct template_moment {
	uint64_t seed, seq, iter, worker;
	unsigned step;
	int64_t unix_ms;
	const struct slice *values; /* of the slots */
};

/* Appends the bytes to `into`. False, nothing added: they do not fit under its cap (`into` is `full` then), or a value cannot stand in this place. No allocation
 * once `into` has grown. */
bool template_render(const struct template *template, const struct template_moment *moment, struct buf *into);
