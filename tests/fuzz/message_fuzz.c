/* Any bytes as a message between controller and agents, of the kind that the first byte says: what is read can be written, and read again it is the same;
 * what is refused has one sentence. */
#include "dist/message.h"
#include "fuzz.h"

static void check(const struct message *message, struct arena *arena) {
	struct buf once, twice;
	struct message back;
	struct err err;
	buf_init(&once, 2 * LINK_MESSAGE_MAX);
	buf_init(&twice, 2 * LINK_MESSAGE_MAX);
	assert(message_write(message, &once, &err));
	assert(message_read(message->kind, (struct slice){once.at, once.size}, arena, &back, &err));
	assert(message_write(&back, &twice, &err));
	assert(once.size == twice.size && memcmp(once.at, twice.at, once.size) == 0);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 1) return 0;
	struct slice body = {(const char *)data + 1, size - 1};
	struct message message;
	struct err err = {0};
	struct arena arena;
	arena_init(&arena);
	if (message_read((enum link_kind)(data[0] % (LINK_KIND_COUNT + 1)), body, &arena, &message, &err)) {
		bool foreign = (message.kind == LINK_HELLO && message.hello.protocol != MESSAGE_PROTOCOL) ||
			       (message.kind == LINK_WELCOME && message.welcome.protocol != MESSAGE_PROTOCOL);
		if (!foreign) check(&message, &arena);
	} else {
		assert(err.code == ERR_FAILED && err.text[0] && !strpbrk(err.text, "\r\n"));
	}
	arena_fini(&arena);
	return 0;
}
