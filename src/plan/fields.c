#include "plan/fields.h"

struct slice fields_split(const char *field, struct slice *ret_value) {
	struct slice name = slice_trim(slice_cut(slice_of(field), ':', ret_value));
	*ret_value = slice_trim(*ret_value);
	return name;
}

bool fields_have(const struct text_list *list, struct slice name) {
	struct slice value;
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal_nocase(fields_split(list->at[i], &value), name)) return true;
	return false;
}

bool fields_describe_body(struct slice name) {
	static const char *const body[] = {"Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Length"};
	for (size_t i = 0; i < LENGTH(body); i++)
		if (slice_equal_nocase(name, slice_of(body[i]))) return true;
	return false;
}

bool fields_check(const struct text_list *list, const char *option, struct err *err) {
	static const char *const ours[] = {"Content-Length", "Transfer-Encoding"};
	size_t bytes = 0;
	for (size_t i = 0; i < LENGTH(ours); i++)
		if (fields_have(list, slice_of(ours[i])))
			return err_set(err, ERR_FAILED, "%s: '%s' follows from the body; leave it out", option, ours[i]);
	for (size_t i = 0; i < list->count; i++) bytes += strlen(list->at[i]);
	return bytes <= FIELDS_MAX || err_set(err, ERR_FAILED, "%s: the header fields come to more than 1 MiB; leave some out", option);
}
