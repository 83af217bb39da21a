#include <string.h>

#include "http/http.h"

size_t http_request_read(const struct http_request *request, uint64_t from, char *into, size_t room) {
	size_t size = 0;
	for (unsigned i = 0; i <= request->more_count && size < room; i++) {
		struct slice piece = i ? request->more[i - 1] : request->body;
		size_t skip = from < piece.size ? (size_t)from : piece.size;
		size_t part = piece.size - skip < room - size ? piece.size - skip : room - size;
		from -= skip;
		if (part > 0) memcpy(into + size, piece.at + skip, part);
		size += part;
	}
	return size;
}
