#include "base/label.h"

#include <string.h>

/* Names that strest gives to labels of its own. */
static const struct slice taken[] = {SLICE("run_id"), SLICE("target"), SLICE("status_class"), SLICE("le"), SLICE("quantile"), SLICE("stat"),
	SLICE("version"), SLICE("job"), SLICE("instance")};

static bool name_is_valid(struct slice name) {
	for (size_t i = 0; i < name.size; i++) {
		char c = name.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_', digit = c >= '0' && c <= '9';
		if (!letter && !(digit && i > 0)) return false;
	}
	return name.size > 0;
}

static bool value_is_valid(struct slice value) {
	for (size_t i = 0; i < value.size; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f) return false;
	return true;
}

const char *label_fault(struct slice text) {
	struct slice value, name = slice_cut(text, '=', &value);
	if (!value.at) return "has no '=' between name and value";
	if (name.size == 0) return "has an empty name";
	if (name.size > LABEL_NAME_MAX) return "has a name of over 64 characters";
	if (!name_is_valid(name)) return "has a name that is not made of letters, digits and '_'";
	if (name.size >= 2 && memcmp(name.at, "__", 2) == 0) return "has a name that begins with '__'";
	for (size_t i = 0; i < LENGTH(taken); i++)
		if (slice_equal(name, taken[i])) return "has a name that strest uses itself";
	return value_is_valid(value) ? NULL : "has a control character in its value";
}

bool label_parse(struct slice text, struct label *ret) {
	if (label_fault(text)) return false;
	ret->name = slice_cut(text, '=', &ret->value);
	return true;
}
