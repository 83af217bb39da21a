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
