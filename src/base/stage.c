#include "base/stage.h"

#include "base/units.h"

bool stage_list_parse(struct slice text, struct stage_list *ret, struct slice *ret_bad) {
	struct stage_list list = {0};
	struct slice rest = text;
	do {
		struct slice item = slice_trim(slice_cut(rest, ',', &rest)), rate;
		struct slice duration = slice_cut(item, '@', &rate);
		struct stage *stage = &list.at[list.count];
		*ret_bad = item;
		if (list.count == STAGE_MAX || !rate.at) return false;
		if (!units_parse_duration(duration, &stage->duration) || stage->duration == 0) return false;
		if (!units_parse_real(slice_trim(rate), &stage->target) || stage->target > 1e7) return false;
		list.count++;
	} while (rest.at);
	*ret = list;
	return true;
}
