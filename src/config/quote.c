#include "config/quote.h"

#define SHOWN 64 /* bytes of the text at most */

const char *quote_text(struct quote *quote, struct slice text) {
	size_t size = text.size, used = 0;

	if (size > SHOWN) {
		size = SHOWN;
		while (size > SHOWN - 4 && ((unsigned char)text.at[size] & 0xc0) == 0x80) size--;
	}
	quote->text[used++] = '\'';
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text.at[i];
		quote->text[used++] = c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	if (size < text.size) {
		memcpy(quote->text + used, "...", 3);
		used += 3;
	}
	quote->text[used++] = '\'';
	quote->text[used] = 0;
	return quote->text;
}
