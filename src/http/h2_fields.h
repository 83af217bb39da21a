/* What http/h2_head.h hides: for http/h2*.c only. */
#pragma once

#include <nghttp2/nghttp2.h>

struct h2_head {
	size_t count;
	nghttp2_nv fields[];
};
