#include "base/base64.h"

/* Writes 1 to 3 bytes as 4 digits. */
static void group_write(const unsigned char *at, size_t size, char ret[4]) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = (unsigned)at[0] << 16 | (size > 1 ? (unsigned)at[1] << 8 : 0) | (size > 2 ? at[2] : 0);
	ret[0] = digits[bits >> 18];
	ret[1] = digits[bits >> 12 & 63];
	ret[2] = size > 1 ? digits[bits >> 6 & 63] : '=';
	ret[3] = size > 2 ? digits[bits & 63] : '=';
}

void base64_add(struct buf *into, struct slice bytes) {
	for (size_t done = 0; done < bytes.size; done += 3) {
		char group[4];
		group_write((const unsigned char *)bytes.at + done, bytes.size - done, group);
		buf_add(into, (struct slice){group, sizeof(group)});
	}
}

/* Returns the value of a digit, or 64. */
static unsigned digit_value(char c) {
	if (c >= 'A' && c <= 'Z') return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z') return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9') return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_read(struct slice text, char *ret, size_t *ret_size) {
	size_t size = 0, pad = 0;
	if (text.size % 4 != 0) return false;
	while (pad < 2 && pad < text.size && text.at[text.size - 1 - pad] == '=') pad++;
	for (size_t i = 0; i < text.size; i += 4) {
		unsigned bits = 0, bytes = i + 4 < text.size ? 3 : 3 - (unsigned)pad;
		for (unsigned j = 0; j < 4; j++) {
			unsigned value = j <= bytes ? digit_value(text.at[i + j]) : 0;
			if (value == 64) return false;
			bits = bits << 6 | value;
		}
		if (bytes < 3 && bits & ((1u << (24 - 8 * bytes)) - 1)) return false;
		for (unsigned j = 0; j < bytes; j++) ret[size++] = (char)(bits >> (16 - 8 * j));
	}
	*ret_size = size;
	return true;
}
