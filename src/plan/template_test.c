#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena_fixture.h"
#include "plan/template.h"

static const struct slice slots[] = {SLICE("token"), SLICE("users.name"), SLICE("seq"), SLICE("twice")};
static const struct template_constant constants[] = {
	{SLICE("shop"), SLICE("a b")},
	{SLICE("twice"), SLICE("never")},
	{SLICE("shop"), SLICE("never")},
	{SLICE("env"), SLICE("staging")},
	{SLICE("raw"), SLICE("{{seq}}")},
	{SLICE("empty"), SLICE("")},
	{SLICE("-x"), SLICE("minus")},
	{SLICE("lines"), SLICE("a\r\nb")},
};
static const struct template_scope scope = {LENGTH(slots), slots, LENGTH(constants), constants};
static const struct slice values[] = {SLICE("T 1"), SLICE("J\xc3\xbcrg"), SLICE("never"), SLICE("{{seq}}")};
static const struct template_moment now = {.seed = 7, .seq = 1234567, .iter = 98, .worker = 3, .step = 2, .unix_ms = 1764201234567, .values = values};

static const struct template *compile(struct slice text, enum template_place place) {
	struct template_fault fault;
	const struct template *template = template_compile(text, &scope, place, &arena, &fault);
	if (!template) fail_msg("%.*s: %zu: %s", (int)text.size, text.at, fault.offset, fault.text);
	return template;
}

/* Returns the text of a template at a moment, in the arena. */
static const char *render_at(const struct template *template, const struct template_moment *moment) {
	struct buf into;
	buf_init(&into, 100000);
	assert_true(template_render(template, moment, &into));
	const char *text = arena_copy(&arena, (struct slice){buf_text(&into), into.size});
	assert_int_equal(strlen(text), into.size);
	buf_fini(&into);
	return text;
}

static const char *render(const char *text, enum template_place place) {
	return render_at(compile(slice_of(text), place), &now);
}

static void names_are_replaced_by_what_they_stand_for(void **state) {
	(void)state;
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", ""},
		{"plain", "plain"},
		{"{{seq}}", "1234567"},
		{"a{{ step }}b{{\titer }}c{{worker}}", "a2b98c3"},
		{"{{timestamp_ms}} {{timestamp_s}}", "1764201234567 1764201234"},
		{"{{token}}/{{users.name}}", "T 1/J\xc3\xbcrg"},
		{"{{shop}}{{empty}}{{-x}}", "a bminus"},
		{"{{twice}}", "{{seq}}"}, /* a slot goes before a constant; a value is not looked at again */
		{"{{raw}}", "{{seq}}"},
		{"{{env}}", "staging"},
		{"{{random(5,5)}}{{ random( -7 , -7 ) }}{{random (0,0)}}", "5-70"},
		{"{{random(4611686018427387903,4611686018427387903)}}", "4611686018427387903"},
		{"{{random(-4611686018427387903,-4611686018427387903)}}", "-4611686018427387903"},
		{"{{env(TEMPLATE_TEST)}}{{ env( TEMPLATE_EMPTY ) }}", "from env {{seq}}"},
	};
	setenv("TEMPLATE_TEST", "from env {{seq}}", 1);
	setenv("TEMPLATE_EMPTY", "", 1);
	for (size_t i = 0; i < LENGTH(rows); i++) assert_string_equal(render(rows[i].text, TEMPLATE_BODY), rows[i].expected);
}

static void braces_that_open_nothing_are_text(void **state) {
	(void)state;
	static const struct {
		const char *text, *expected;
		bool is_in;
	} rows[] = {
		{"{\"id\":{{seq}}}", "{\"id\":1234567}", true},
		{"{{{seq}}}", "{1234567}", true},
		{"{\"a\":{\"b\":{{seq}}}}", "{\"a\":{\"b\":1234567}}", true},
		{"{{{{", "{{", true},
		{"{{{{seq}}", "{{seq}}", true},
		{"{{{{seq}}}}", "{{seq}}}}", true},
		{"{{{{{seq}}", "{{{seq}}", true},
		{"{{{{{{seq}}", "{{1234567", true},
		{"{{{{{{{seq}}", "{{{1234567", true},
		{"{{{{{{{{", "{{{{", true},
		{"{{seq}} {{", "1234567 {{", true},
		{"{{seq", "{{seq", false},
		{"{{seq}", "{{seq}", false},
		{"{{a {{b", "{{a {{b", false},
		{"{{", "{{", false},
		{"{{{", "{{{", false},
		{"{{{ {{{{ {", "{{{ {{ {", true},
		{"}}{", "}}{", false},
		{"{ {seq} }", "{ {seq} }", false},
		{"}} {{seq}}", "}} 1234567", true},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_string_equal(render(rows[i].text, TEMPLATE_BODY), rows[i].expected);
		assert_int_equal(template_is_in(slice_of(rows[i].text)), rows[i].is_in);
	}
	assert_false(template_is_in(SLICE("")));
	assert_true(template_is_in(SLICE("{{nobody}}"))); /* a fault when it is compiled */
	assert_false(template_is_in((struct slice){"{{seq}}", 6}));
}

static void what_has_no_parentheses_is_built_in(void **state) {
	(void)state;
	static const char *const built_in[] = {"seq", "step", "iter", "worker", "timestamp_ms", "timestamp_s", "uuid"};
	static const char *const others[] = {"random", "env", "Seq", "seq2", "", "token"}; /* {{random}} and {{env}} may be variables */
	for (size_t i = 0; i < LENGTH(built_in); i++) assert_true(template_is_built_in(slice_of(built_in[i])));
	for (size_t i = 0; i < LENGTH(others); i++) assert_false(template_is_built_in(slice_of(others[i])));
}

static void texts_without_changing_names_are_constant(void **state) {
	(void)state;
	static const struct {
		const char *text;
		bool is_constant;
		size_t prefix;
	} rows[] = {
		{"", true, 0},
		{"/a/{{shop}}/{{empty}}{{env}}{{{{x", true, 19},
		{"{{empty}}", true, 0},
		{"/a/{{shop}}/{{seq}}/b", false, 9},
		{"{{seq}}/b", false, 0},
		{"{{empty}}{{uuid}}", false, 0},
		{"{{random(1,1)}}", false, 0},
	};
	struct slice text;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct template *template = compile(slice_of(rows[i].text), TEMPLATE_TARGET);
		assert_int_equal(template_is_constant(template, &text), rows[i].is_constant);
		assert_int_equal(template_constant_head(template).size, rows[i].prefix);
	}
	const struct template *template = compile(slice_of(rows[1].text), TEMPLATE_TARGET);
	assert_true(template_is_constant(template, &text));
	assert_true(slice_equal(text, SLICE("/a/a%20b/staging{{x")));
	assert_string_equal(render_at(template, &now), "/a/a%20b/staging{{x");
}

static void slots_that_stand_in_a_text_are_known(void **state) {
	(void)state;
	const struct template *template = compile(SLICE("{{token}}{{shop}}{{twice}}{{seq}}"), TEMPLATE_BODY);
	assert_true(template_has_slot(template, 0));
	assert_false(template_has_slot(template, 1));
	assert_false(template_has_slot(template, 2)); /* {{seq}} is the built-in one */
	assert_true(template_has_slot(template, 3));
	assert_false(template_has_slot(template, 99));
}

static void the_text_does_not_have_to_live(void **state) {
	(void)state;
	char text[] = "ab{{seq}}cd{{token}}";
	const struct template *template = compile(slice_of(text), TEMPLATE_BODY);
	memset(text, '#', sizeof(text));
	assert_string_equal(render_at(template, &now), "ab1234567cdT 1");
}

/* RFC 3986 section 2: what is no character of a URL is encoded, with capital digits (section 2.1). What has a meaning in it stays. */
static void values_in_a_target_are_encoded(void **state) {
	(void)state;
	static const struct {
		const char *value, *expected;
	} rows[] = {
		{"", ""},
		{"abcXYZ019-._~", "abcXYZ019-._~"},
		{"a b\tc", "a%20b%09c"},
		{"\"#<>\\^`{|}", "%22%23%3C%3E%5C%5E%60%7B%7C%7D"},
		{"!$%&'()*+,-./:;=?@[]_~", "!$%&'()*+,-./:;=?@[]_~"},
		{"\r\n\x01\x1f\x7f\x80\xff", "%0D%0A%01%1F%7F%80%FF"},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx \xc3\xbcy",
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx%20%C3%BCy"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct slice value = slice_of(rows[i].value);
		struct template_moment moment = {.values = &value};
		const struct template *template = compile(SLICE(" {{token}}|"), TEMPLATE_TARGET); /* the text is the writer's */
		assert_string_equal(render_at(template, &moment), arena_format(&arena, " %s|", rows[i].expected));
		struct template_constant constant = {SLICE("c"), value};
		struct template_scope own = {.constant_count = 1, .constants = &constant};
		struct template_fault fault;
		template = template_compile(SLICE("{{c}}"), &own, TEMPLATE_TARGET, &arena, &fault);
		assert_non_null(template);
		assert_string_equal(render_at(template, &moment), rows[i].expected);
	}
	struct slice zero = {"a\0b", 3};
	assert_string_equal(render_at(compile(SLICE("{{token}}"), TEMPLATE_TARGET), &(struct template_moment){.values = &zero}), "a%00b");
	setenv("TEMPLATE_TEST", "a b", 1);
	assert_string_equal(render("{{env(TEMPLATE_TEST)}}", TEMPLATE_TARGET), "a%20b");
}

/* RFC 9110 section 5.5: CR, LF and NUL are dangerous in a field's value. */
static void a_field_takes_no_value_with_a_line_end_or_0(void **state) {
	(void)state;
	static const struct slice bad[] = {SLICE("\r"), SLICE("\n"), SLICE("\0"), SLICE("abc\r\nX: y"), SLICE("abc\0")};
	static const struct slice good[] = {SLICE(""), SLICE("a\tb"), SLICE("\xc3\xbc \x7f\x01")};
	const struct template *field = compile(SLICE("A: {{token}}\r\n"), TEMPLATE_FIELD), *body = compile(SLICE("A: {{token}}\r\n"), TEMPLATE_BODY);
	struct buf into;
	buf_init(&into, 1000);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct template_moment moment = {.values = &bad[i]};
		into.size = 0;
		buf_add_text(&into, "before");
		assert_false(template_render(field, &moment, &into));
		assert_string_equal(buf_text(&into), "before");
		assert_int_equal(into.size, 6);
		assert_false(into.full);
		assert_true(template_render(body, &moment, &into));
		assert_int_equal(into.size, 6 + 5 + bad[i].size);
	}
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct template_moment moment = {.values = &good[i]};
		into.size = 0;
		assert_true(template_render(field, &moment, &into));
		assert_int_equal(into.size, 5 + good[i].size);
	}
	buf_fini(&into);
}

static void a_text_that_does_not_fit_leaves_the_buffer_as_it_was(void **state) {
	(void)state;
	static const char *const texts[] = {"12345678", "{{users.name}}678", "{{seq}}8", "123{{token}}45", "12345{{random(-10,-10)}}", "1{{seq}}"};
	static const enum template_place places[] = {TEMPLATE_TARGET, TEMPLATE_FIELD, TEMPLATE_BODY};
	for (size_t i = 0; i < LENGTH(texts); i++)
		for (size_t place = 0; place < LENGTH(places); place++) {
			const struct template *template = compile(slice_of(texts[i]), places[place]);
			size_t size = strlen(render_at(template, &now));
			for (size_t cap = 2; cap <= size + 3; cap++) {
				struct buf into;
				buf_init(&into, cap);
				buf_add_text(&into, "ab");
				assert_int_equal(template_render(template, &now, &into), cap >= size + 2);
				assert_int_equal(into.full, cap < size + 2);
				assert_int_equal(into.size, cap >= size + 2 ? size + 2 : 2);
				assert_int_equal(strlen(buf_text(&into)), into.size);
				assert_memory_equal(buf_text(&into), "ab", 2);
				buf_fini(&into);
			}
		}
	struct buf nothing;
	buf_init(&nothing, 0);
	assert_false(template_render(compile(SLICE("a"), TEMPLATE_BODY), &now, &nothing));
	assert_true(template_render(compile(SLICE(""), TEMPLATE_BODY), &now, &nothing));
	assert_int_equal(nothing.size, 0);
	buf_fini(&nothing);
}

static void numbers_reach_to_their_ends(void **state) {
	(void)state;
	static const struct template_moment most = {
		.seq = UINT64_MAX, .iter = UINT64_MAX - 1, .worker = 10000000000000000000u, .step = UINT32_MAX, .unix_ms = INT64_MAX};
	static const struct {
		int64_t ms;
		const char *expected;
	} times[] = {{0, "0 0"}, {999, "999 0"}, {1000, "1000 1"}, {-1, "-1 -1"}, {-1000, "-1000 -1"}, {-1001, "-1001 -2"},
		{INT64_MIN, "-9223372036854775808 -9223372036854776"}};
	assert_string_equal(render_at(compile(SLICE("{{seq}} {{iter}} {{worker}} {{step}} {{timestamp_ms}}"), TEMPLATE_BODY), &most),
		"18446744073709551615 18446744073709551614 10000000000000000000 4294967295 9223372036854775807");
	for (size_t i = 0; i < LENGTH(times); i++)
		assert_string_equal(render_at(compile(SLICE("{{timestamp_ms}} {{timestamp_s}}"), TEMPLATE_BODY),
					    &(struct template_moment){.unix_ms = times[i].ms}),
			times[i].expected);
}

/* RFC 9562 section 5.4: version 4 in the 13th digit, variant 10 in binary in the 17th: 8, 9, a or b. */
static void a_uuid_is_one_of_version_4(void **state) {
	(void)state;
	static const char form[] = "xxxxxxxx-xxxx-4xxx-Vxxx-xxxxxxxxxxxx";
	const struct template *template = compile(SLICE("{{uuid}}"), TEMPLATE_FIELD);
	struct template_moment moment = now;
	unsigned seen[36] = {0}; /* which digits were seen at each place */
	for (moment.seq = 0; moment.seq < 2000; moment.seq++) {
		const char *text = render_at(template, &moment);
		assert_int_equal(strlen(text), 36);
		for (size_t i = 0; i < 36; i++) {
			if (form[i] == 'V')
				assert_non_null(strchr("89ab", text[i]));
			else if (form[i] != 'x')
				assert_int_equal(text[i], form[i]);
			else
				assert_true(isdigit((unsigned char)text[i]) || (text[i] >= 'a' && text[i] <= 'f'));
			if (text[i] != '-') seen[i] |= 1u << (text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
		}
	}
	for (size_t i = 0; i < 36; i++) assert_int_equal(seen[i], form[i] == 'x' ? 0xffff : form[i] == 'V' ? 0x0f00 : form[i] == '4' ? 0x10 : 0);
}

static void draws_follow_from_seed_request_and_place(void **state) {
	(void)state;
	static const struct template_moment others[] = {
		{.seed = 7, .seq = 100, .step = 1, .iter = 5, .worker = 6, .unix_ms = 7}, /* the same */
		{.seed = 8, .seq = 100, .step = 1},
		{.seed = 7, .seq = 101, .step = 1},
		{.seed = 7, .seq = 100, .step = 2},
	};
	static const char *const texts[] = {"{{uuid}}", "{{random(0,1000000000000)}}"};
	for (size_t i = 0; i < LENGTH(texts); i++) {
		const struct template *one = compile(slice_of(texts[i]), TEMPLATE_BODY), *again = compile(slice_of(texts[i]), TEMPLATE_BODY);
		const char *first = render_at(one, &(struct template_moment){.seed = 7, .seq = 100, .step = 1});
		for (size_t j = 0; j < LENGTH(others); j++) {
			assert_int_equal(strcmp(first, render_at(one, &others[j])) == 0, j == 0);
			assert_string_equal(render_at(one, &others[j]), render_at(again, &others[j]));
		}
		/* Another text, and another place in the same one. */
		const char *twice = render_at(compile(slice_of(arena_format(&arena, "%s %s", texts[i], texts[i])), TEMPLATE_BODY),
			&(struct template_moment){.seed = 7, .seq = 100, .step = 1});
		const char *blank = strchr(twice, ' ');
		assert_string_not_equal(arena_copy(&arena, (struct slice){twice, (size_t)(blank - twice)}), blank + 1);
		assert_string_not_equal(first, blank + 1);
		assert_string_not_equal(render_at(compile(slice_of(texts[i]), TEMPLATE_FIELD), &others[0]), first);
	}
}

static int compare_texts(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void uuids_do_not_come_twice(void **state) {
	(void)state;
	enum { COUNT = 20000 };
	static const char *texts[COUNT];
	const struct template *template = compile(SLICE("{{uuid}}"), TEMPLATE_BODY);
	for (size_t i = 0; i < COUNT; i++) texts[i] = render_at(template, &(struct template_moment){.seed = i % 4, .seq = i / 4, .step = 1});
	qsort(texts, COUNT, sizeof(*texts), compare_texts);
	for (size_t i = 1; i < COUNT; i++) assert_string_not_equal(texts[i - 1], texts[i]);
}

/* Of 60,000 throws of a die 10,000 are expected of each side, with a standard deviation of sqrt(60000 * 1/6 * 5/6) = 91: 450 are five of them. */
static void random_numbers_are_spread_evenly(void **state) {
	(void)state;
	size_t sides[7] = {0}, pairs[6][6] = {{0}};
	int last = 1;
	const struct template *template = compile(SLICE("{{random(1,6)}}"), TEMPLATE_BODY);
	for (uint64_t seq = 0; seq < 60000; seq++) {
		const char *text = render_at(template, &(struct template_moment){.seed = 42, .seq = seq, .step = 1});
		assert_true(text[0] >= '1' && text[0] <= '6' && !text[1]);
		sides[text[0] - '0']++;
		pairs[last - 1][text[0] - '1']++;
		last = text[0] - '0';
	}
	for (size_t side = 1; side <= 6; side++) assert_in_range(sides[side], 9550, 10450);
	/* Of each pair that follows on each other 1,667, standard deviation 40. */
	for (size_t i = 0; i < 36; i++) assert_in_range(pairs[i / 6][i % 6], 1467, 1867);
}

static void random_numbers_stay_within_their_bounds(void **state) {
	(void)state;
	static const struct {
		const char *text;
		long long from, to;
	} rows[] = {
		{"{{random(-3,3)}}", -3, 3},
		{"{{random(0,1)}}", 0, 1},
		{"{{random(-4611686018427387903,4611686018427387903)}}", -4611686018427387903, 4611686018427387903},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct template *template = compile(slice_of(rows[i].text), TEMPLATE_TARGET);
		bool low = false, high = false;
		for (uint64_t seq = 0; seq < 1000; seq++) {
			long long number = atoll(render_at(template, &(struct template_moment){.seq = seq}));
			assert_true(number >= rows[i].from && number <= rows[i].to);
			low = low || number <= rows[i].from / 2 - (rows[i].from == -3);
			high = high || number > rows[i].to / 2;
		}
		assert_true(low && high);
	}
}

#define NO_NAME "write e.g. {{seq}}, or {{{{ for a plain {{"
#define KINDS                                                                                                                                        \
	"is no variable; write a built-in one (seq, step, iter, worker, timestamp_ms, timestamp_s, uuid, random(a,b), env(NAME)), or one of vars, "  \
	"extract or data"
#define NEEDS_TWO "needs two whole numbers; write e.g. {{random(1,100)}}"
#define NEEDS_NAME "needs the name of an environment variable; write e.g. {{env(TOKEN)}}"
#define TOO_LARGE "has a number that is too large; write numbers below 2^62"

static void faults_say_where_and_what_to_write(void **state) {
	(void)state;
	static const struct {
		const char *text;
		size_t offset;
		const char *expected;
	} rows[] = {
		{"{{}}", 0, "'{{}}' has no name in it; " NO_NAME},
		{"ab{{ \t}}", 2, "'{{}}' has no name in it; " NO_NAME},
		{"{{\"a\":1}}", 0, "'\"a\":1' is no name; " NO_NAME},
		{"{{{a b}}", 1, "'a b' is no name; " NO_NAME},
		{"{{seq}}{{1st}}", 7, "'1st' is no name; " NO_NAME},
		{"{{a\nb}}", 0, "'a?b' is no name; " NO_NAME},
		{"{{x{{seq}}", 0, "'x{{seq' is no name; " NO_NAME},
		{"{{(1,2)}}", 0, "'(1,2)' is no name; " NO_NAME},
		{"{{random(1,2}}", 0, "'random(1,2' is no name; " NO_NAME},
		{"{{a)}}", 0, "'a)' is no name; " NO_NAME},
		{"{{toke}}", 0, "'toke' is no variable; did you mean 'token'?"},
		{"{{users.nmae}}", 0, "'users.nmae' is no variable; did you mean 'users.name'?"},
		{"{{shpo}}", 0, "'shpo' is no variable; did you mean 'shop'?"},
		{"{{sek}}", 0, "'sek' is no variable; did you mean 'seq'?"},
		{"{{timestamp}}", 0, "'timestamp' is no variable; did you mean 'timestamp_s'?"},
		{"{{randm(1,2)}}", 0, "'randm' is no variable; did you mean 'random(a,b)'?"},
		{"{{environ}}", 0, "'environ' " KINDS},
		{"{{evn(X)}}", 0, "'evn' is no variable; did you mean 'env(NAME)'?"},
		{"{{quantity}}", 0, "'quantity' " KINDS},
		{"{{abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz}}", 0,
			"'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl...' " KINDS},
		{"{{random}}", 0, "'random' " NEEDS_TWO},
		{"{{random()}}", 0, "'random()' " NEEDS_TWO},
		{"{{random(5)}}", 0, "'random(5)' " NEEDS_TWO},
		{"{{random(5,)}}", 0, "'random(5,)' " NEEDS_TWO},
		{"{{random(1,2,3)}}", 0, "'random(1,2,3)' " NEEDS_TWO},
		{"{{random(1.5,2)}}", 0, "'random(1.5,2)' " NEEDS_TWO},
		{"{{random(a,b)}}", 0, "'random(a,b)' " NEEDS_TWO},
		{"{{random(-,1)}}", 0, "'random(-,1)' " NEEDS_TWO},
		{"{{random(9,1)}}", 0, "'random(9,1)' has the greater number first; write random(1,9)"},
		{"{{random(-1,-2)}}", 0, "'random(-1,-2)' has the greater number first; write random(-2,-1)"},
		{"{{random(0,4611686018427387904)}}", 0, "'random(0,4611686018427387904)' " TOO_LARGE},
		{"{{random(-4611686018427387904,0)}}", 0, "'random(-4611686018427387904,0)' " TOO_LARGE},
		{"{{random(0,99999999999999999999999)}}", 0, "'random(0,99999999999999999999999)' " TOO_LARGE},
		{"{{env()}}", 0, "'env()' " NEEDS_NAME},
		{"{{env(a-b)}}", 0, "'env(a-b)' " NEEDS_NAME},
		{"{{env(1A)}}", 0, "'env(1A)' " NEEDS_NAME},
		{"{{env(TEMPLATE_UNSET)}}", 0, "the environment variable 'TEMPLATE_UNSET' is not set; set it, or write its value here"},
		{"{{uuid()}}", 0, "'uuid' takes nothing in parentheses; leave them out"},
		{"{{token(1)}}", 0, "'token' takes nothing in parentheses; leave them out"},
		{"{{shop()}}", 0, "'shop' takes nothing in parentheses; leave them out"},
		{"X: {{lines}}", 3, "the value of 'lines' has a line end or a 0 byte, which no header field can hold; take it out"},
		{"X: {{env(TEMPLATE_TEST)}}", 3,
			"the value of 'env(TEMPLATE_TEST)' has a line end or a 0 byte, which no header field can hold; take it out"},
	};
	struct template_fault fault;
	unsetenv("TEMPLATE_UNSET");
	setenv("TEMPLATE_TEST", "a\nb", 1);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_null(template_compile(slice_of(rows[i].text), &scope, TEMPLATE_FIELD, &arena, &fault));
		assert_string_equal(fault.text, rows[i].expected);
		assert_int_equal(fault.offset, rows[i].offset);
	}
	assert_string_equal(render("{{lines}}", TEMPLATE_BODY), "a\r\nb");
	assert_string_equal(render("{{lines}}", TEMPLATE_TARGET), "a%0D%0Ab");
}

static void without_a_variable_called_env_its_argument_is_missed(void **state) {
	(void)state;
	static const struct template_scope none = {0};
	struct template_fault fault;
	assert_null(template_compile(SLICE("{{env}}"), &none, TEMPLATE_BODY, &arena, &fault));
	assert_string_equal(fault.text, "'env' " NEEDS_NAME);
	assert_non_null(template_compile(SLICE("{{seq}}"), &none, TEMPLATE_BODY, &arena, &fault));
}

static void rendering_takes_no_memory_once_the_buffer_has_grown(void **state) {
	(void)state;
	const struct template *template = compile(SLICE("{{users.name}} {{uuid}} {{iter}}"), TEMPLATE_TARGET);
	struct template_moment moment = now;
	struct buf into;
	buf_init(&into, 4096);
	assert_true(template_render(template, &moment, &into));
	const char *at = into.at;
	size_t room = into.room;
	for (moment.seq = 0; moment.seq < 1000; moment.seq++) {
		into.size = 0;
		assert_true(template_render(template, &moment, &into));
	}
	assert_ptr_equal(into.at, at);
	assert_int_equal(into.room, room);
	buf_fini(&into);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(names_are_replaced_by_what_they_stand_for),
		CASE(braces_that_open_nothing_are_text),
		CASE(what_has_no_parentheses_is_built_in),
		CASE(texts_without_changing_names_are_constant),
		CASE(slots_that_stand_in_a_text_are_known),
		CASE(the_text_does_not_have_to_live),
		CASE(values_in_a_target_are_encoded),
		CASE(a_field_takes_no_value_with_a_line_end_or_0),
		CASE(a_text_that_does_not_fit_leaves_the_buffer_as_it_was),
		CASE(numbers_reach_to_their_ends),
		CASE(a_uuid_is_one_of_version_4),
		CASE(draws_follow_from_seed_request_and_place),
		CASE(uuids_do_not_come_twice),
		CASE(random_numbers_are_spread_evenly),
		CASE(random_numbers_stay_within_their_bounds),
		CASE(faults_say_where_and_what_to_write),
		CASE(without_a_variable_called_env_its_argument_is_missed),
		CASE(rendering_takes_no_memory_once_the_buffer_has_grown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
