#include "base/str.h"

#define DISTANCE_MAX 64

bool slice_equal(struct slice a, struct slice b) {
	return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static char str_lower(char c) {
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_equal_nocase(struct slice a, struct slice b) {
	if (a.size != b.size) return false;
	for (size_t i = 0; i < a.size; i++)
		if (str_lower(a.at[i]) != str_lower(b.at[i])) return false;
	return true;
}

struct slice slice_trim(struct slice text) {
	while (text.size > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
		text.at++;
		text.size--;
	}
	while (text.size > 0 && (text.at[text.size - 1] == ' ' || text.at[text.size - 1] == '\t')) text.size--;
	return text;
}

struct slice slice_cut(struct slice text, char separator, struct slice *rest) {
	const char *found = text.size > 0 ? memchr(text.at, separator, text.size) : NULL;
	if (!found) {
		*rest = (struct slice){NULL, 0};
		return text;
	}
	size_t size = (size_t)(found - text.at);
	*rest = (struct slice){found + 1, text.size - size - 1};
	return (struct slice){text.at, size};
}

static unsigned str_least(unsigned a, unsigned b, unsigned c) {
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

unsigned str_distance(const char *a, const char *b, unsigned limit) {
	size_t rows = strlen(a), columns = strlen(b);
	if (rows > DISTANCE_MAX || columns > DISTANCE_MAX) return limit + 1;
	unsigned line[3][DISTANCE_MAX + 1]; /* the line before last, the last, this one */
	for (size_t j = 0; j <= columns; j++) line[1][j] = (unsigned)j;
	for (size_t i = 1; i <= rows; i++) {
		line[2][0] = (unsigned)i;
		for (size_t j = 1; j <= columns; j++) {
			unsigned cost = a[i - 1] != b[j - 1];
			unsigned best = str_least(line[1][j] + 1, line[2][j - 1] + 1, line[1][j - 1] + cost);
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && line[0][j - 2] + 1 < best) best = line[0][j - 2] + 1;
			line[2][j] = best;
		}
		memcpy(line[0], line[1], sizeof(line[0]));
		memcpy(line[1], line[2], sizeof(line[1]));
	}
	return line[1][columns] < limit + 1 ? line[1][columns] : limit + 1;
}
