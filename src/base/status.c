#include "base/status.h"

#include <stdio.h>

/* Reads one item: "200", "2xx", "200-204". */
static bool status_parse_item(struct slice item, unsigned *ret_from, unsigned *ret_to) {
	if (item.size == 3 && (item.at[1] | 32) == 'x' && (item.at[2] | 32) == 'x' && item.at[0] >= '1' && item.at[0] <= '5') {
		*ret_from = (unsigned)(item.at[0] - '0') * 100;
		*ret_to = *ret_from + 99;
		return true;
	}
	unsigned code[2] = {0, 0}, parts = 0;
	struct slice rest = item;
	while (rest.at && parts < 2) {
		struct slice text = slice_cut(rest, '-', &rest);
		if (text.size != 3) return false;
		for (size_t i = 0; i < 3; i++) {
			if (text.at[i] < '0' || text.at[i] > '9') return false;
			code[parts] = code[parts] * 10 + (unsigned)(text.at[i] - '0');
		}
		parts++;
	}
	*ret_from = code[0];
	*ret_to = parts == 2 ? code[1] : code[0];
	return rest.at == NULL && parts > 0 && *ret_from >= 100 && *ret_to <= 599 && *ret_from <= *ret_to;
}

bool status_set_parse(struct slice text, struct status_set *ret) {
	struct status_set set = {0};
	struct slice rest = text;
	do {
		unsigned from, to;
		if (!status_parse_item(slice_trim(slice_cut(rest, ',', &rest)), &from, &to)) return false;
		for (unsigned code = from; code <= to; code++) set.bits[code / 64] |= 1ull << (code % 64);
	} while (rest.at);
	*ret = set;
	return true;
}

const char *status_set_format(const struct status_set *set, char *text, unsigned size) {
	size_t used = 0;
	if (size > 0) text[0] = 0;
	for (unsigned code = 100; code < 600; code++) {
		if (!status_set_has(set, code)) continue;
		unsigned last = code;
		while (status_set_has(set, last + 1)) last++;
		const char *comma = used > 0 ? "," : "";
		int more;
		if (last == code)
			more = snprintf(text + used, size - used, "%s%u", comma, code);
		else if (code % 100 == 0 && last == code + 99)
			more = snprintf(text + used, size - used, "%s%uxx", comma, code / 100);
		else
			more = snprintf(text + used, size - used, "%s%u-%u", comma, code, last);
		if (more < 0 || used + (size_t)more >= size) break; /* cut where the caller's text ends */
		used += (size_t)more;
		code = last;
	}
	return text;
}
