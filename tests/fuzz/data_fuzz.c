/* Any text as a data file of both forms: what is accepted has names and whole rows of readable cells without 0, and as CSV it says the same once more when it is
 * written with all cells in quotes; what is not is named by a line of the file. */
#include "base/buf.h"
#include "fuzz.h"
#include "plan/data.h"
#include "base/variable.h"

static void write_row(const struct slice *cells, size_t count, struct buf *into) {
	for (size_t i = 0; i < count; i++) {
		buf_add_text(into, i ? ",\"" : "\"");
		for (size_t j = 0; j < cells[i].size; j++) {
			if (cells[i].at[j] == '"') buf_add_text(into, "\"");
			buf_add(into, (struct slice){cells[i].at + j, 1});
		}
		buf_add_text(into, "\"");
	}
	buf_add_text(into, "\r\n");
}

static void check_again(const struct data *data, struct arena *arena) {
	struct buf text;
	const struct data_file file = {.path = {.text = "again.csv"}};
	struct data again;
	struct err err;
	buf_init(&text, (size_t)1 << 30);
	write_row(data->columns, data->column_count, &text);
	for (uint64_t row = 0; row < data->row_count; row++) write_row(data->cells + row * data->column_count, data->column_count, &text);
	assert(data_parse(&file, (struct slice){text.at, text.size}, arena, &again, &err));
	assert(again.column_count == data->column_count && again.row_count == data->row_count);
	for (size_t i = 0; i < data->column_count; i++) assert(slice_equal(again.columns[i], data->columns[i]));
	for (size_t i = 0; i < data->row_count * data->column_count; i++) assert(slice_equal(again.cells[i], data->cells[i]));
	buf_fini(&text);
}

static void check(const struct data *data, size_t size) {
	assert(data->column_count >= 1 && data->column_count <= DATA_COLUMNS_MAX && data->row_count >= 1 && data->row_count <= size);
	for (size_t i = 0; i < data->column_count; i++) {
		assert(variable_is_name(data->columns[i]));
		for (size_t j = 0; j < i; j++) assert(!slice_equal(data->columns[i], data->columns[j]));
	}
	for (uint64_t row = 0; row < data->row_count; row++)
		for (size_t i = 0; i < data->column_count; i++) {
			struct slice cell = data_cell(data, row, i);
			assert(cell.at && cell.size <= size && !memchr(cell.at, 0, cell.size));
		}
	for (uint64_t n = 0; n < 10; n++) assert(data_row(data, size, n) < data->row_count);
}

static void check_fault(const struct err *err, const char *path, struct slice text) {
	size_t size = strlen("data: ") + strlen(path);
	assert(err->code == ERR_FAILED && !strpbrk(err->text, "\r\n") && strlen(err->text) + 1 < sizeof(err->text));
	assert(strncmp(err->text, "data: ", 6) == 0 && strncmp(err->text + 6, path, size - 6) == 0);
	assert(err->text[size] == ':' || err->text[size] == ' ');
	if (err->text[size] == ' ') return;
	unsigned long line = strtoul(err->text + size + 1, NULL, 10), lines = 1;
	for (size_t i = 0; i < text.size; i++) lines += text.at[i] == '\n';
	assert(line >= 1 && line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
	struct slice rest = {(const char *)bytes, size};
	unsigned flags = fuzz_byte(&rest);
	struct data_column_type type = {{.text = "id"}, (enum data_type)(flags >> 1 & 3)};
	struct data_file file = {
		.path = {.text = "list.csv"}, .order = flags & 8 ? DATA_RANDOM : DATA_SEQUENTIAL, .type_count = flags >> 4 & 1, .types = &type};
	char *text = malloc(rest.size ? rest.size : 1); /* just as large, so that the sanitizer sees what lies behind it */
	assert(text);
	memcpy(text, rest.at, rest.size);
	struct arena arena;
	struct data data;
	struct err err = {0};
	arena_init(&arena);
	if (data_parse(&file, (struct slice){text, rest.size}, &arena, &data, &err)) {
		check(&data, rest.size);
		check_again(&data, &arena);
	} else {
		check_fault(&err, file.path.text, (struct slice){text, rest.size});
	}
	arena_fini(&arena);
	free(text);
	return 0;
}
