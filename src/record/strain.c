#include "record/strain.h"

void strain_note(struct strain_gaps *gaps, nsec asked, nsec woken) {
	if (woken - asked < STRAIN_PAUSE || gaps->count == STRAIN_GAPS) return;
	gaps->at[gaps->count++] = (struct strain_gap){asked, woken};
}

void strain_intersect(struct strain_gaps *into, const struct strain_gaps *with) {
	struct strain_gaps both = {0};
	for (unsigned i = 0, j = 0; i < into->count && j < with->count;) {
		struct strain_gap a = into->at[i], b = with->at[j];
		strain_note(&both, a.begin > b.begin ? a.begin : b.begin, a.end < b.end ? a.end : b.end);
		if (a.end < b.end)
			i++;
		else
			j++;
	}
	*into = both;
}

void strain_count_pauses(const struct strain_gaps *common, struct strain *ret) {
	ret->pauses = common->count;
	ret->longest_pause = 0;
	for (unsigned i = 0; i < common->count; i++) {
		nsec length = common->at[i].end - common->at[i].begin;
		if (length > ret->longest_pause) ret->longest_pause = length;
	}
}
