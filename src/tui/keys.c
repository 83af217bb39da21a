#include "tui/keys.h"

#include <stddef.h>

#define NUMBER_MOST 999

static const struct {
	unsigned char final; /* of "ESC [" and, but for '~', of "ESC O" */
	unsigned number;     /* before '~' */
	int press;
} sequences[] = {
	{'A', 0, PRESS_UP},
	{'B', 0, PRESS_DOWN},
	{'C', 0, PRESS_RIGHT},
	{'D', 0, PRESS_LEFT},
	{'H', 0, PRESS_HOME},
	{'F', 0, PRESS_END},
	{'~', 1, PRESS_HOME},
	{'~', 4, PRESS_END},
	{'~', 5, PRESS_PAGE_UP},
	{'~', 6, PRESS_PAGE_DOWN},
	{'~', 7, PRESS_HOME},
	{'~', 8, PRESS_END},
};

static int keys_find(unsigned char final, unsigned number) {
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
		if (sequences[i].final == final && (final != '~' || sequences[i].number == number)) return sequences[i].press;
	}
	return PRESS_NONE;
}

static int keys_begin(struct keys *keys, unsigned char byte) {
	*keys = (struct keys){0};
	if (byte == KEY_ESCAPE) {
		keys->state = KEYS_ESCAPE;
	} else if (byte >= 0xc2 && byte < 0xf5) {
		keys->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
		keys->code = byte & (0x3fu >> keys->left);
		keys->state = KEYS_UTF8;
	} else if (byte < 0x80) {
		return byte;
	}
	return PRESS_NONE;
}

static int keys_take_utf8(struct keys *keys, unsigned char byte) {
	if ((byte & 0xc0) != 0x80) return keys_begin(keys, byte);
	keys->code = keys->code << 6 | (byte & 0x3f);
	if (--keys->left > 0) return PRESS_NONE;
	keys->state = KEYS_GROUND;
	return keys->code < PRESS_LEFT ? (int)keys->code : PRESS_NONE;
}

static int keys_take_escape(struct keys *keys, unsigned char byte) {
	if (byte == KEY_ESCAPE) return KEY_ESCAPE; /* the second one begins something */
	keys->state = byte == '[' ? KEYS_BRACKET : byte == 'O' ? KEYS_LETTER : KEYS_GROUND;
	return PRESS_NONE;
}

static int keys_take_bracket(struct keys *keys, unsigned char byte) {
	if (byte < 0x20 || byte > 0x7e) return keys_begin(keys, byte); /* broken off */
	if (byte >= '0' && byte <= '9' && !keys->counted) {
		keys->first = keys->first * 10 + byte - '0';
		if (keys->first > NUMBER_MOST) keys->first = NUMBER_MOST;
		return PRESS_NONE;
	}
	keys->counted = true;
	if (byte < 0x40) return PRESS_NONE;
	keys->state = byte == '[' ? KEYS_LETTER : KEYS_GROUND; /* "ESC [ [ A" is F1 on the console of Linux */
	return keys_find(byte, keys->first);
}

static int keys_take_letter(struct keys *keys, unsigned char byte) {
	if (byte < 0x20 || byte > 0x7e) return keys_begin(keys, byte);
	bool console = keys->counted;
	keys->state = KEYS_GROUND;
	return console || byte == '~' ? PRESS_NONE : keys_find(byte, 0);
}

int keys_take(struct keys *keys, unsigned char byte) {
	switch (keys->state) {
	case KEYS_UTF8: return keys_take_utf8(keys, byte);
	case KEYS_ESCAPE: return keys_take_escape(keys, byte);
	case KEYS_BRACKET: return keys_take_bracket(keys, byte);
	case KEYS_LETTER: return keys_take_letter(keys, byte);
	default: return keys_begin(keys, byte);
	}
}

int keys_rest(struct keys *keys) {
	int key = keys->state == KEYS_ESCAPE ? KEY_ESCAPE : PRESS_NONE;
	keys->state = KEYS_GROUND;
	return key;
}

bool keys_wait(const struct keys *keys) {
	return keys->state != KEYS_GROUND;
}
