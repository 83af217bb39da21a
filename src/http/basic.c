#include "http/basic.h"

#include "base/base64.h"

void basic_write(struct buf *into, struct slice userinfo) {
	buf_add_text(into, "Basic ");
	base64_add(into, userinfo);
}
