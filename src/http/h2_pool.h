/* Memory for libnghttp2: blocks of a few sizes that are used again, so that a request allocates nothing.
 * In: sizes. Out: blocks. One thread; what is idle is bounded. */
#pragma once

#include <nghttp2/nghttp2.h>

#define H2_POOL_CLASSES 7               /* 64, 128 ... 4,096 bytes; larger ones come from malloc */
#define H2_POOL_IDLE ((size_t)32 << 20) /* bytes kept at most that nobody uses */

struct h2_pool {
	nghttp2_mem mem; /* points to the pool: it must not move */
	void *free[H2_POOL_CLASSES];
	size_t idle; /* bytes */
};

void h2_pool_init(struct h2_pool *pool);

/* All blocks were given back. */
void h2_pool_fini(struct h2_pool *pool);
