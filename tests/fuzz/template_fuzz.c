/* Any text as a template in each place: what compiles renders the same twice, keeps to the cap, and lets no value break its place; what does not names the {{. */
#include "fuzz.h"
#include "plan/template.h"

static const struct slice slots[] = {SLICE("token"), SLICE("users.name")};
static const struct template_constant constants[] = {
	{SLICE("shop"), SLICE("a b|")}, {SLICE("raw"), SLICE("{{seq}}")}, {SLICE("lines"), SLICE("x\r\ny")}};
static const struct template_scope scope = {LENGTH(slots), slots, LENGTH(constants), constants};

/* Returns how many bytes of a kind that values must not bring into a place are in a text. */
static size_t count_bad(enum template_place place, struct slice text) {
	size_t count = 0;
	for (size_t i = 0; i < text.size && place != TEMPLATE_BODY; i++) {
		char byte = text.at[i];
		count += byte == '\r' || byte == '\n' || !byte ||
			 (place == TEMPLATE_TARGET && (byte < ' ' || byte == ' ' || byte == 0x7f || byte == '|'));
	}
	return count;
}

static void check_constant(const struct template *template, struct slice text, struct slice rendered) {
	struct slice constant;
	assert(template_constant_head(template).size <= rendered.size || rendered.size == 0);
	if (!template_is_constant(template, &constant)) {
		assert(template_is_in(text));
		return;
	}
	assert(slice_equal(constant, rendered) && template_constant_head(template).size == constant.size);
	if (!template_is_in(text)) assert(slice_equal(constant, text));
}

static void check(const struct template *template, enum template_place place, struct slice text, const struct template_moment *moment) {
	struct buf small, large, again;
	buf_init(&small, 64);
	buf_init(&large, 1 << 24);
	buf_init(&again, 1 << 24);
	buf_add_text(&small, "before");
	bool fits = template_render(template, moment, &small), good = template_render(template, moment, &large);
	assert(template_render(template, moment, &again) == good && !large.full);
	assert(!fits || (good && small.size == large.size + 6));
	assert(fits || !good || large.size + 6 > 64);
	assert(fits || small.size == 6);
	assert(small.size <= 64 && strncmp(buf_text(&small), "before", 6) == 0 && small.at[small.size] == 0);
	struct slice rendered = {buf_text(&large), large.size};
	if (good) {
		assert(slice_equal(rendered, (struct slice){buf_text(&again), again.size}));
		assert(!fits || memcmp(small.at + 6, rendered.at, rendered.size) == 0);
		assert(count_bad(place, rendered) <= count_bad(place, text));
		check_constant(template, text, rendered);
	} else {
		assert(place == TEMPLATE_FIELD && large.size == 0);
		assert(template_has_slot(template, 0) || template_has_slot(template, 1));
	}
	buf_fini(&small);
	buf_fini(&large);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const enum template_place places[] = {TEMPLATE_TARGET, TEMPLATE_FIELD, TEMPLATE_BODY};
	struct slice rest = {(const char *)data, size};
	size_t first = fuzz_byte(&rest) % 32;
	if (first > rest.size) first = rest.size;
	struct slice values[] = {{rest.at, first}, SLICE("ann")}, text = {rest.at + first, rest.size - first};
	const struct template_moment moment = {
		.seed = size, .seq = first, .iter = 2, .worker = 3, .step = 1, .unix_ms = (int64_t)size - 100, .values = values};
	struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < LENGTH(places); i++) {
		struct template_fault fault = {.offset = SIZE_MAX};
		const struct template *template = template_compile(text, &scope, places[i], &arena, &fault);
		if (template) {
			check(template, places[i], text, &moment);
			continue;
		}
		assert(fault.offset + 4 <= text.size && memcmp(text.at + fault.offset, "{{", 2) == 0 && template_is_in(text));
		assert(fault.text[0] && strlen(fault.text) + 1 < sizeof(fault.text) && !strpbrk(fault.text, "\r\n"));
	}
	arena_fini(&arena);
	return 0;
}
