/* The bytes of a keyboard as keys: characters in UTF-8, and the escape sequences of arrows and the like, in whatever pieces they come.
 * In: bytes, and the news that none came for a while. Out: keys. Constant memory; one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Keys that are no characters; they lie beyond Unicode. */
enum press { PRESS_NONE = 0, PRESS_LEFT = 0x110000, PRESS_RIGHT, PRESS_UP, PRESS_DOWN, PRESS_HOME, PRESS_END, PRESS_PAGE_UP, PRESS_PAGE_DOWN };

#define KEY_ESCAPE 27

/* What has come of a key so far; zeroed: nothing. */
struct keys {
	enum { KEYS_GROUND, KEYS_UTF8, KEYS_ESCAPE, KEYS_BRACKET, KEYS_LETTER } state;
	uint32_t code; /* of a character in pieces */
	unsigned left; /* bytes of it that are still to come */
	unsigned first;
	bool counted; /* the first number of a sequence, and whether it is over */
};

/* Takes a byte and returns the key that it ends: a character or an enum press. PRESS_NONE: more belongs to it, or it is none that we know: sequences
 * (ECMA-48, 5.4) are read to their end, so that nothing of them is taken for a character; Escape and a character at once (Alt) are no key either. */
int keys_take(struct keys *keys, unsigned char byte);

/* Says that nothing came for so long that a sequence would be over: an Escape that stands alone is a key then. */
int keys_rest(struct keys *keys);

/* Returns whether something has begun that is not over. */
bool keys_wait(const struct keys *keys);
