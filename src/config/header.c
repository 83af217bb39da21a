#include "config/header.h"

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token(unsigned char c) {
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

bool header_name_valid(struct slice name) {
	for (size_t i = 0; i < name.size; i++) {
		if (!is_token((unsigned char)name.at[i])) return false;
	}
	return name.size > 0;
}

bool header_value_valid(struct slice value) {
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if ((c < ' ' && c != '\t') || c == 0x7f) return false;
	}
	return true;
}

bool header_parse(struct slice text, struct slice *ret_name, struct slice *ret_value) {
	struct slice rest;
	struct slice name = slice_trim(slice_cut(text, ':', &rest));
	struct slice value = slice_trim(rest);

	if (!rest.at || !header_name_valid(name) || !header_value_valid(value)) return false;
	*ret_name = name;
	*ret_value = value;
	return true;
}

bool header_find(const struct text_list *texts, struct slice name, size_t *ret) {
	for (size_t i = 0; i < texts->count; i++) {
		struct slice own, value;
		if (!header_parse(slice_of(texts->at[i]), &own, &value) || !slice_equal_nocase(own, name)) continue;
		*ret = i;
		return true;
	}
	return false;
}
