/* The rows of a data file, CSV or JSONL, one for each iteration.
 * In: a file that the user names. Out: cells by row and column. Everything lives in the given arena (the file is mapped); const afterwards, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/scenario.h"
#include "base/str.h"

#define DATA_ROWS_MAX 10000000
#define DATA_COLUMNS_MAX 256
#define DATA_NO_ROW UINT64_MAX

struct data {
	const struct data_file *file;
	size_t column_count;
	const struct slice *columns; /* their names: the first line of a CSV file, the keys of the first line of a JSONL file */
	uint64_t row_count;          /* >= 1 */
	const struct slice *cells;   /* row_count * column_count, row by row; unquoted, decoded; any bytes but 0. May be views of the file */
	uint64_t stream;             /* of the draws of DATA_RANDOM: follows from the path as written, so two files are drawn apart */
};

/* Reads a file. CSV: RFC 4180 (quotes, doubled quotes, line ends within quotes; CRLF or LF; the last line end may lack; a byte order mark is skipped), the first line
 * names the columns; blanks belong to their cell; an empty line is a fault, also where there is one column (an empty cell alone is ""). JSONL: one object a line
 * (of 16 MiB at most), all with the same keys in any order; values are texts, numbers, truth values (as JSON writes them; whole numbers of up to 64 bits) or null (an
 * empty text). Types: a whole number, number or truth
 * value is written as in JSON (RFC 8259), so that it may stand in a JSON body. Relative paths are relative to the folder of the process.
 * ERR_FAILED, "data: users.csv:7: ..." (of JSON that is none ":7:12:", the column in characters) with what to write: a file that cannot be read, has another
 * ending, is empty, has no row; a row with too few or too many cells; a name that is empty, stands twice, or is no name of a variable (base/variable.h) or built in (plan/template.h);
 * a cell that is not of its column's type, or has a 0 byte; a type for a column that is not there. The file stays mapped until the program ends (base/mapped.h). */
bool data_load(const struct data_file *file, struct arena *arena, struct data *ret, struct err *err);

/* The same from the text: JSONL if the path ends in .jsonl, else CSV. For data_load and the fuzzer. The text must live as long as *ret. */
bool data_parse(const struct data_file *file, struct slice text, struct arena *arena, struct data *ret, struct err *err);

/* Returns the row of iteration n (from 0) by the order of the file; DATA_NO_ROW: they are used up (unique). */
uint64_t data_row(const struct data *data, uint64_t seed, uint64_t n);

static inline struct slice data_cell(const struct data *data, uint64_t row, size_t column) {
	return data->cells[row * data->column_count + column];
}
