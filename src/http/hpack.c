#include "http/hpack.h"

#include <stdint.h>

#define PLAIN 0x00 /* literal, not put into the table */
#define NEVER 0x10 /* ... nor by anybody on the way */
#define INTEGER_BYTES 10

/* Writes an integer behind the bits of `first`, with a prefix of so many bits (section 5.1). Returns how many bytes it took. */
static size_t write_integer(char *at, unsigned char first, unsigned prefix, size_t value) {
	size_t most = ((size_t)1 << prefix) - 1, size = 0;
	if (value < most) {
		at[0] = (char)(first | value);
		return 1;
	}
	at[size++] = (char)(first | most);
	for (value -= most; value >= 128; value >>= 7) at[size++] = (char)(value | 0x80);
	at[size++] = (char)value;
	return size;
}

bool hpack_is_secret(struct slice name) {
	return slice_equal_nocase(name, SLICE("authorization")) || slice_equal_nocase(name, SLICE("cookie")) ||
	       slice_equal_nocase(name, SLICE("proxy-authorization"));
}

struct slice hpack_begin(struct slice name, struct arena *arena) {
	char *bytes = arena_alloc(arena, 1 + INTEGER_BYTES + name.size);
	bytes[0] = hpack_is_secret(name) ? NEVER : PLAIN;
	size_t size = 1 + write_integer(bytes + 1, 0, 7, name.size);
	for (size_t i = 0; i < name.size; i++) {
		char c = name.at[i];
		bytes[size++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (struct slice){bytes, size};
}

void hpack_write(struct slice begin, struct slice value, struct buf *into) {
	char size[INTEGER_BYTES];
	buf_add(into, begin);
	buf_add(into, (struct slice){size, write_integer(size, 0, 7, value.size)});
	buf_add(into, value);
}

/* Reads a string that is not Huffman coded. */
static bool read_string(struct slice *rest, struct slice *ret) {
	size_t value, used = 1;
	if (rest->size == 0) return false;
	value = (unsigned char)rest->at[0] & 0x7f;
	if (value == 0x7f) {
		unsigned char byte = 0x80;
		for (unsigned shift = 0; byte & 0x80 && used < rest->size && shift < 28; shift += 7) {
			byte = (unsigned char)rest->at[used++];
			value += (size_t)(byte & 0x7f) << shift;
		}
	}
	if (value > rest->size - used) return false;
	*ret = (struct slice){rest->at + used, value};
	*rest = (struct slice){rest->at + used + value, rest->size - used - value};
	return true;
}

bool hpack_read(struct slice *rest, struct slice *ret_name, struct slice *ret_value) {
	if (rest->size == 0) return false;
	*rest = (struct slice){rest->at + 1, rest->size - 1};
	return read_string(rest, ret_name) && read_string(rest, ret_value);
}
