#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena_fixture.h"
#include "base/buf.h"
#include "plan/data.h"

static const struct data_file file = {.path = {.text = "users.csv"}}, jsonl_file = {.path = {.text = "users.jsonl"}};

static struct data parse(struct slice text, bool is_jsonl) {
	struct data data;
	struct err err = {0};
	if (!data_parse(is_jsonl ? &jsonl_file : &file, text, &arena, &data, &err)) fail_msg("%.*s: %s", (int)text.size, text.at, err.text);
	return data;
}

/* Returns names and cells as "a|b\n1|2\n". */
static const char *shown(const struct data *data) {
	struct buf text;
	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < data->column_count; i++) {
		if (i) buf_add_text(&text, "|");
		buf_add(&text, data->columns[i]);
	}
	buf_add_text(&text, "\n");
	for (uint64_t row = 0; row < data->row_count; row++) {
		for (size_t i = 0; i < data->column_count; i++) {
			if (i) buf_add_text(&text, "|");
			buf_add(&text, data_cell(data, row, i));
		}
		buf_add_text(&text, "\n");
	}
	const char *copy = arena_copy(&arena, (struct slice){buf_text(&text), text.size});
	buf_fini(&text);
	return copy;
}

/* The examples of RFC 4180 section 2, with a line of names before those that have none, and further ones. */
static void csv_is_read_by_rfc_4180(void **state) {
	(void)state;
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"a,b,c\r\naaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", "a|b|c\naaa|bbb|ccc\nzzz|yyy|xxx\n"},                               /* rule 1 */
		{"a,b,c\r\naaa,bbb,ccc\r\nzzz,yyy,xxx", "a|b|c\naaa|bbb|ccc\nzzz|yyy|xxx\n"},                                   /* rule 2 */
		{"field_name,field_name2,field_name3\r\naaa,bbb,ccc\r\n", "field_name|field_name2|field_name3\naaa|bbb|ccc\n"}, /* rule 3 */
		{"a,b,c\r\n\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx", "a|b|c\naaa|bbb|ccc\nzzz|yyy|xxx\n"},                       /* rule 5 */
		{"a,b,c\r\n\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx", "a|b|c\naaa|b\r\nbb|ccc\nzzz|yyy|xxx\n"},               /* rule 6 */
		{"a,b,c\r\n\"aaa\",\"b\"\"bb\",\"ccc\"", "a|b|c\naaa|b\"bb|ccc\n"},                                             /* rule 7 */
		{"a,b\n1,2\n", "a|b\n1|2\n"},
		{"a,b\n1,2\r\n3,4\n", "a|b\n1|2\n3|4\n"},
		{"\xef\xbb\xbf"
		 "a,b\n1,2",
			"a|b\n1|2\n"},
		{"\xef\xbb\xbf\"a\",b\n1,2", "a|b\n1|2\n"},
		{"a,b,c\n,,\n\"\",\"\",\"\"\n1,,", "a|b|c\n||\n||\n1||\n"},
		{"a,b\n x , y \n", "a|b\n x | y \n"}, /* rule 4: blanks are part of a field */
		{"a\n\"\"\n", "a\n\n"},
		{"a\n\"\"", "a\n\n"},
		{"a\n\"\"\"\"\n\"\"\"\"\"\"\n\"\"\"x\"\"\"", "a\n\"\n\"\"\n\"x\"\n"},
		{"a,b\n\"1,2\",\",\"\n", "a|b\n1,2|,\n"},
		{"a,b\n\"\n\n\",\"\r\"\n", "a|b\n\n\n|\r\n"},
		{"a\n\xff\xfe\n\xc3\xbc\n\x01\n", "a\n\xff\xfe\n\xc3\xbc\n\x01\n"}, /* bytes, whatever they are */
		{"a\n'x'\n", "a\n'x'\n"},
		{"user.id,_x,-y\n1,2,3\n", "user.id|_x|-y\n1|2|3\n"},
		{"\"a\",\"b\"\r\n1,2", "a|b\n1|2\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct data data = parse(slice_of(rows[i].text), false);
		assert_string_equal(shown(&data), rows[i].expected);
		assert_ptr_equal(data.file, &file);
	}
}

static void jsonl_is_one_object_a_line(void **state) {
	(void)state;
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"{\"a\":\"x\",\"b\":\"y\"}\n{\"b\":\"2\",\"a\":\"1\"}\n", "a|b\nx|y\n1|2\n"},
		{"{\"a\": 1, \"b\": true}\r\n{\"a\": 2, \"b\": false}", "a|b\n1|true\n2|false\n"},
		{" \t{ \"a\" : -1.50e+3 , \"b\" : null } \n{\"b\":-0,\"a\":0.10}", "a|b\n-1.50e+3|\n0.10|-0\n"},
		{"\xef\xbb\xbf{\"a\":1}", "a\n1\n"},
		{"{\"a\":\"\"}\n{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "a\n\n\"\\/\b\f\n\r\t\n"},
		{"{\"a\":\"\\u00fc\\ud83d\\ude00\"}", "a\n\xc3\xbc\xf0\x9f\x98\x80\n"},
		{"{\"a\":\"\xc3\xbc\xf0\x9f\x98\x80\",\"b\":\"\xc3\xbc\",\"c\":12,\"d\":\"\\\\\\\\\",\"e\":\"z\"}",
			"a|b|c|d|e\n\xc3\xbc\xf0\x9f\x98\x80|\xc3\xbc|12|\\\\|z\n"},
		{"{\"\\u0061\":\"\\\\\"}", "a\n\\\n"},
		{"{\"a\":\"{}[],:\",\"b\":9223372036854775807}", "a|b\n{}[],:|9223372036854775807\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct data data = parse(slice_of(rows[i].text), true);
		assert_string_equal(shown(&data), rows[i].expected);
	}
}

static void cells_that_read_as_they_stand_are_views_of_the_file(void **state) {
	(void)state;
	static const char csv[] = "a,b,c\n1,\"x\",\"y\"\"\"\n", jsonl[] = "{\"a\":1,\"b\":\"x\",\"c\":\"y\\n\"}\n";
	static const struct {
		struct slice text;
		size_t b; /* where the second cell stands */
	} rows[] = {{SLICE(csv), 9}, {SLICE(jsonl), 12}};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct data data = parse(rows[i].text, i == 1);
		const char *from = rows[i].text.at, *end = from + rows[i].text.size;
		assert_ptr_equal(data_cell(&data, 0, 1).at, from + rows[i].b);
		assert_true(data_cell(&data, 0, 0).at > from && data_cell(&data, 0, 0).at < end);
		const char *copied = data_cell(&data, 0, 2).at;
		assert_true(copied < from || copied >= end);
	}
}

#define NAME_RULE " is no name of a column; write letters, digits, '_', '-' and '.', not beginning with a digit"
#define ZERO "a 0 byte, which no cell can hold; save the file as UTF-8, or take it out"
#define WITHIN "a quote within a cell; put the whole cell into quotes, without blanks before them, and write \"\" for a quote in it"
#define BEHIND "more of a cell behind its closing quote; write \"\" for a quote in a cell"
#define LONE_CR "a CR that is no line end; end lines with LF or CRLF, or put the cell into quotes"
#define KINDS "; write a text, a number, a truth value or null"
#define NO_OBJECT "no JSON object; write e.g. {\"name\": \"ann\", \"age\": 42}, one a line"

static void what_is_wrong_is_named_by_its_line(void **state) {
	(void)state;
	static const struct {
		bool is_jsonl;
		struct slice text;
		const char *expected;
	} rows[] = {
		{false, SLICE(""), " is empty; write a line with the names of the columns, then the rows"},
		{false, SLICE("\xef\xbb\xbf"), " is empty; write a line with the names of the columns, then the rows"},
		{true, SLICE(""), " is empty; write one JSON object a line"},
		{false, SLICE("a,b\n"), " has no row; write one or more below the names"},
		{false, SLICE("a,b"), " has no row; write one or more below the names"},
		{false, SLICE("\na\n1"), ":1: the line is empty; write the names of the columns"},
		{false, SLICE("\r\na\n1"), ":1: the line is empty; write the names of the columns"},
		{false, SLICE("a,b\n1,2\n3\n"), ":3: 1 cell, but 2 columns; write one for each name in the first line"},
		{false, SLICE("a,b\n1,2\n\"3\n\n\",4,\n"), ":3: 3 cells, but 2 columns; write one for each name in the first line"},
		{false, SLICE("a\n1\n2,3"), ":3: 2 cells, but 1 column; write one for each name in the first line"},
		{false, SLICE("a,b\n1,2\n\n"), ":3: the line is empty; take it out"},
		{false, SLICE("a\n\n1\n"), ":2: the line is empty; take it out"},
		{false, SLICE("a\n1\n\r\n"), ":3: the line is empty; take it out"},
		{false, SLICE("a,,c\n1,2,3"), ":1: the name of column 2 is empty; write one"},
		{false, SLICE("a,\n1,2"), ":1: the name of column 2 is empty; write one"},
		{false, SLICE("a,b,a\n1,2,3"), ":1: column 'a' stands there twice; rename one of them"},
		{false, SLICE("a b\n1"), ":1: 'a b'" NAME_RULE},
		{false, SLICE("a, b\n1,2"), ":1: ' b'" NAME_RULE},
		{false, SLICE("1a\n1"), ":1: '1a'" NAME_RULE},
		{false, SLICE("\"a\nb\"\n1"), ":1: 'a?b'" NAME_RULE},
		{false, SLICE("a;b\n1;2"), ":1: 'a;b'" NAME_RULE},
		{false,
			SLICE("\xff\xfe"
			      "a\0\n\0"),
			":1: " ZERO},
		{false, SLICE("a\n1\n\"x\n\0\""), ":4: " ZERO},
		{false, SLICE("a\n1\nx\0"), ":3: " ZERO},
		{false, SLICE("a\nx\"y\n"), ":2: " WITHIN},
		{false, SLICE("a,b\n1, \"x\"\n"), ":2: " WITHIN},
		{false, SLICE("a,b\n\"1\" ,2\n"), ":2: " BEHIND},
		{false, SLICE("a\n\"1\n2\"x\n"), ":3: " BEHIND},
		{false, SLICE("a\n1\n\"x\n\ny"), ":3: a quote that is not closed; write one at the end of the cell"},
		{false, SLICE("a\n\""), ":2: a quote that is not closed; write one at the end of the cell"},
		{false, SLICE("a\n\"\"\""), ":2: a quote that is not closed; write one at the end of the cell"},
		{false, SLICE("a\n1\r2\n"), ":2: " LONE_CR},
		{false, SLICE("a\r1\r2"), ":1: " LONE_CR},
		{false, SLICE("a\n1\r"), ":2: " LONE_CR},
		{true, SLICE("{\"a\":1}\n\n{\"a\":1}"), ":2: the line is empty; take it out"},
		{true, SLICE("{\"a\":1}\n \t\r\n"), ":2: the line is empty; take it out"},
		{true, SLICE("[1]"), ":1: " NO_OBJECT},
		{true, SLICE("{\"a\":1}\n\xef\xbb\xbf{\"a\":1}"), ":2: " NO_OBJECT},
		{true, SLICE("a,b\n1,2"), ":1: " NO_OBJECT},
		{true, SLICE("{}"), ":1: an object without keys; write e.g. {\"name\": \"ann\"}"},
		{true, SLICE("{\"a\":1}\n{}"), ":2: no key 'a', which the first line has; write it, with null for an empty text"},
		{true, SLICE("{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":1,\"a\":2}"),
			":2: no key 'b', which the first line has; write it, with null for an empty text"},
		{true, SLICE("{\"a\":1}\n{\"a\":1,\"b\":2}"), ":2: the first line has no key 'b'; write it in all lines or in none"},
		{true, SLICE("{\"a\":1}\n{\"b\":2}"), ":2: the first line has no key 'b'; write it in all lines or in none"},
		{true, SLICE("{\"a\":[]}"), ":1: 'a' is an array" KINDS},
		{true, SLICE("{\"a\":1}\n{\"a\":{\"b\":1}}"), ":2: 'a' is an object" KINDS},
		{true, SLICE("{\"a\":1}\n{\"a\":\"x\\u0000\"}"), ":2: " ZERO},
		{true, SLICE("{\"a b\":1}"), ":1: 'a b'" NAME_RULE},
		{true, SLICE("{\"\":1}"), ":1: the name of column 1 is empty; write one"},
		{true, SLICE("{\"a\":1}\n{\"a\":1,\"a\":2}"), ":2:8: 'a' is there twice; keep one of them"},
		{true, SLICE("{\"a\":1}\n{\"a\":18446744073709551616}"), ":2:6: the whole number does not fit into 64 bits"},
		{true, SLICE("{\"a\":1}\n{\"a\":\"\xff\"}"), ":2:7: bytes that are not UTF-8"},
		{true, SLICE("{\"a\":1}\n{\"a\":1"), ":2:7: the text ends too early"},
	};
	struct data data;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err err = {0};
		if (data_parse(rows[i].is_jsonl ? &jsonl_file : &file, rows[i].text, &arena, &data, &err))
			fail_msg("%s: it was taken", rows[i].expected);
		assert_string_equal(err.text, arena_format(&arena, "data: users.%s%s", rows[i].is_jsonl ? "jsonl" : "csv", rows[i].expected));
		assert_int_equal(err.code, ERR_FAILED);
	}
}

/* RFC 8259 section 6 has numbers, section 3 truth values. */
static void cells_are_of_the_types_of_their_columns(void **state) {
	(void)state;
	static const struct {
		enum data_type type;
		const char *good[10], *bad[14];
	} rows[] = {
		{DATA_TEXT, {"x", "1", "\"\""}, {0}},
		{DATA_INTEGER, {"0", "-1", "-0", "42", "99999999999999999999999999"},
			{"\"\"", "007", "+1", "1.0", "1e3", "-", "x", "1x", " 1", "1 ", "--1", "0x1"}},
		{DATA_NUMBER, {"0", "-1", "0.5", "-0.0", "1e3", "1E+3", "1.25e-7", "10"},
			{"\"\"", "00", ".5", "1.", "1.e3", "1e", "1e+", "+1", "nan", "inf", "0x1", "-.5", "1 "}},
		{DATA_BOOLEAN, {"true", "false"}, {"\"\"", "True", "1", "0", "yes", "truex", "tru"}},
	};
	static const char *const words[] = {[DATA_INTEGER] = "a whole number; write it as JSON does, e.g. 42 or -1",
		[DATA_NUMBER] = "a number; write it as JSON does, e.g. 42 or 0.5",
		[DATA_BOOLEAN] = "a truth value; write true or false"};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct data_column_type type = {{.text = "b"}, rows[i].type};
		struct data_file typed = {.path = {.text = "x.csv"}, .type_count = 1, .types = &type};
		struct data data;
		struct err err;
		for (size_t j = 0; j < LENGTH(rows[i].good) && rows[i].good[j]; j++)
			assert_true(data_parse(&typed, slice_of(arena_format(&arena, "a,b,c\nx,%s,y\n", rows[i].good[j])), &arena, &data, &err));
		for (size_t j = 0; j < LENGTH(rows[i].bad) && rows[i].bad[j]; j++) {
			const char *bad = rows[i].bad[j];
			assert_false(data_parse(&typed, slice_of(arena_format(&arena, "a,b,c\nx,%s,y\n", bad)), &arena, &data, &err));
			assert_string_equal(err.text, arena_format(&arena, "data: x.csv:2: '%s' in column 'b' is not %s",
							      strcmp(bad, "\"\"") ? bad : "", words[rows[i].type]));
		}
	}
}

static void types_hold_in_jsonl_too(void **state) {
	(void)state;
	static const struct data_column_type types[] = {{{.text = "on"}, DATA_BOOLEAN}, {{.text = "id"}, DATA_INTEGER}};
	static const struct data_file typed = {.path = {.text = "x.jsonl"}, .type_count = 2, .types = types};
	struct data data;
	struct err err;
	assert_true(data_parse(&typed, SLICE("{\"id\":1,\"on\":true}\n{\"on\":\"false\",\"id\":\"2\"}"), &arena, &data, &err));
	assert_false(data_parse(&typed, SLICE("{\"id\":1,\"on\":true}\n{\"id\":null,\"on\":false}"), &arena, &data, &err));
	assert_string_equal(err.text, "data: x.jsonl:2: '' in column 'id' is not a whole number; write it as JSON does, e.g. 42 or -1");
	assert_false(data_parse(&typed, SLICE("{\"id\":1,\"n\":true}"), &arena, &data, &err));
	assert_string_equal(err.text, "data: x.jsonl:1: no column 'on', for which there is a type; did you mean 'n'?");
	assert_false(data_parse(&typed, SLICE("{\"id\":1,\"active\":true}"), &arena, &data, &err));
	assert_string_equal(err.text, "data: x.jsonl:1: no column 'on', for which there is a type; take the type out");
}

static void columns_and_rows_have_limits(void **state) {
	(void)state;
	struct buf text;
	struct data data;
	struct err err;
	buf_init(&text, (size_t)1 << 30);
	for (unsigned i = 0; i < DATA_COLUMNS_MAX; i++) buf_add_format(&text, "%sc%u", i ? "," : "", i);
	const char *names = arena_copy(&arena, slice_of(buf_text(&text)));
	buf_add_text(&text, "\n");
	for (unsigned i = 0; i < DATA_COLUMNS_MAX; i++) buf_add_format(&text, "%s%u", i ? "," : "", i);
	assert_true(data_parse(&file, slice_of(buf_text(&text)), &arena, &data, &err));
	assert_int_equal(data.column_count, 256);
	assert_int_equal(data.row_count, 1);
	assert_true(slice_equal(data_cell(&data, 0, 255), SLICE("255")));
	assert_false(data_parse(&file, slice_of(arena_format(&arena, "%s,x\n", names)), &arena, &data, &err));
	assert_string_equal(err.text, "data: users.csv:1: more than 256 columns; take out those that are not used");
	text.size = 0;
	buf_add_text(&text, "a\n");
	for (unsigned i = 0; i < DATA_ROWS_MAX; i++) buf_add(&text, SLICE("1\n"));
	assert_true(data_parse(&file, slice_of(buf_text(&text)), &arena, &data, &err));
	assert_int_equal(data.row_count, DATA_ROWS_MAX);
	buf_add(&text, SLICE("1"));
	assert_false(data_parse(&file, slice_of(buf_text(&text)), &arena, &data, &err));
	assert_string_equal(err.text, "data: users.csv has more than 10000000 rows; take a part of it");
	/* Line ends that make no rows take no memory: 256 columns of that many rows would be 40 GB. */
	text.size = 0;
	buf_add_format(&text, "%s\n", names);
	for (unsigned i = 0; i < DATA_ROWS_MAX; i++) buf_add(&text, SLICE("\n"));
	assert_false(data_parse(&file, slice_of(buf_text(&text)), &arena, &data, &err));
	assert_string_equal(err.text, "data: users.csv:2: the line is empty; take it out");
	buf_fini(&text);
}

static void a_line_of_jsonl_has_a_limit(void **state) {
	(void)state;
	struct buf text;
	struct data data;
	struct err err;
	buf_init(&text, (size_t)1 << 25);
	buf_add_text(&text, "{\"a\":1}\n{\"a\":\"");
	while (text.size < ((size_t)1 << 24) + 100) buf_add_text(&text, "0123456789");
	buf_add_text(&text, "\"}\n");
	assert_false(data_parse(&jsonl_file, slice_of(buf_text(&text)), &arena, &data, &err));
	assert_string_equal(err.text, "data: users.jsonl:2: the line is longer than 16 MiB; write a shorter one");
	buf_fini(&text);
}

static void rows_are_taken_in_the_order_of_the_file(void **state) {
	(void)state;
	struct data_file ordered = file;
	struct data data;
	struct err err;
	assert_true(data_parse(&ordered, SLICE("a\n1\n2\n3\n"), &arena, &data, &err));
	ordered.order = DATA_SEQUENTIAL;
	for (uint64_t n = 0; n < 10; n++) assert_int_equal(data_row(&data, 5, n), n % 3);
	assert_int_equal(data_row(&data, 5, UINT64_MAX), UINT64_MAX % 3);
	ordered.order = DATA_UNIQUE;
	for (uint64_t n = 0; n < 3; n++) assert_int_equal(data_row(&data, 5, n), n);
	assert_true(data_row(&data, 5, 3) == DATA_NO_ROW);
	assert_true(data_row(&data, 5, UINT64_MAX) == DATA_NO_ROW);
}

/* Of 60,000 draws 10,000 are expected of each of 6 rows, with a standard deviation of 91. */
static void random_rows_follow_from_seed_and_iteration(void **state) {
	(void)state;
	struct data_file one = {.path = {.text = "one.csv"}, .order = DATA_RANDOM}, two = {.path = {.text = "two.csv"}, .order = DATA_RANDOM};
	struct data data, other;
	struct err err;
	size_t rows[6] = {0}, seeds = 0, files = 0;
	assert_true(data_parse(&one, SLICE("a\n1\n2\n3\n4\n5\n6"), &arena, &data, &err));
	assert_true(data_parse(&two, SLICE("a\n1\n2\n3\n4\n5\n6"), &arena, &other, &err));
	for (uint64_t n = 0; n < 60000; n++) {
		uint64_t row = data_row(&data, 1, n);
		assert_true(row < 6);
		rows[row]++;
		assert_int_equal(row, data_row(&data, 1, n));
		seeds += row == data_row(&data, 2, n);
		files += row == data_row(&other, 1, n);
	}
	for (size_t i = 0; i < 6; i++) assert_in_range(rows[i], 9550, 10450);
	assert_in_range(seeds, 9550, 10450);
	assert_in_range(files, 9550, 10450);
}

static void put(const char *path, const char *text) {
	FILE *to = fopen(path, "w");
	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static void files_are_read_by_their_ending(void **state) {
	(void)state;
	char folder[] = "/tmp/data_test.XXXXXX";
	assert_non_null(mkdtemp(folder));
	const char *csv = arena_format(&arena, "%s/a.CSV", folder), *jsonl = arena_format(&arena, "%s/a.jsonl", folder);
	struct data_file from = {.path = {.text = csv}};
	struct data data;
	struct err err;
	assert_false(data_load(&from, &arena, &data, &err));
	assert_string_equal(err.text, arena_format(&arena, "data: cannot open '%s': No such file or directory", csv));
	put(csv, "");
	assert_false(data_load(&from, &arena, &data, &err));
	assert_string_equal(err.text, arena_format(&arena, "data: %s is empty; write a line with the names of the columns, then the rows", csv));
	put(csv, "a,b\n1,2\n");
	put(jsonl, "{\"a\":1,\"b\":2}");
	assert_true(data_load(&from, &arena, &data, &err));
	assert_string_equal(shown(&data), "a|b\n1|2\n");
	from.path.text = jsonl;
	assert_true(data_load(&from, &arena, &data, &err));
	assert_string_equal(shown(&data), "a|b\n1|2\n");
	from.path.text = "users.json";
	assert_false(data_load(&from, &arena, &data, &err));
	assert_string_equal(err.text, "data: 'users.json' ends neither in .csv nor in .jsonl; give it the ending of what it holds");
	unlink(csv);
	assert_int_equal(mkdir(csv, 0700), 0);
	from.path.text = csv;
	assert_false(data_load(&from, &arena, &data, &err));
	assert_string_equal(err.text, arena_format(&arena, "data: '%s' is not a regular file", csv));
	rmdir(csv);
	unlink(jsonl);
	rmdir(folder);
}

/* More than one block of the arena, and more lines of JSON than are kept at once. */
static void many_rows_are_read(void **state) {
	(void)state;
	struct buf csv, jsonl;
	buf_init(&csv, 1 << 20);
	buf_init(&jsonl, 1 << 20);
	buf_add_text(&csv, "id,name\n");
	for (unsigned i = 0; i < 5000; i++) {
		buf_add_format(&csv, "%u,\"user \"\"%u\"\"\"\n", i, i);
		buf_add_format(&jsonl, "{\"id\":%u,\"name\":\"user \\\"%u\\\"\"}\n", i, i);
	}
	const struct data both[] = {parse((struct slice){csv.at, csv.size}, false), parse((struct slice){jsonl.at, jsonl.size}, true)};
	for (size_t form = 0; form < LENGTH(both); form++) {
		assert_int_equal(both[form].row_count, 5000);
		for (unsigned i = 0; i < 5000; i++) {
			assert_true(slice_equal(data_cell(&both[form], i, 0), slice_of(arena_format(&arena, "%u", i))));
			assert_true(slice_equal(data_cell(&both[form], i, 1), slice_of(arena_format(&arena, "user \"%u\"", i))));
		}
	}
	buf_fini(&csv);
	buf_fini(&jsonl);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(csv_is_read_by_rfc_4180),
		CASE(jsonl_is_one_object_a_line),
		CASE(cells_that_read_as_they_stand_are_views_of_the_file),
		CASE(what_is_wrong_is_named_by_its_line),
		CASE(cells_are_of_the_types_of_their_columns),
		CASE(types_hold_in_jsonl_too),
		CASE(columns_and_rows_have_limits),
		CASE(a_line_of_jsonl_has_a_limit),
		CASE(rows_are_taken_in_the_order_of_the_file),
		CASE(random_rows_follow_from_seed_and_iteration),
		CASE(files_are_read_by_their_ending),
		CASE(many_rows_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
