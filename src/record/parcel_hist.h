/* Histograms and digests as bytes, for record/parcel.h: head, then the slots that hold something.
 * In: histograms, or bytes from another machine. Out: bytes, or counts that add up. The caller owns everything; one thread.
 * What is read is checked: slots within the layout, their sum the count, the first and last of them those of min and max, the sum within what they allow. */
#pragma once

#include "record/digest.h"
#include "record/hist.h"
#include "record/parcel_bytes.h"

#define PARCEL_COUNT_MAX (1ull << 53) /* times in one histogram; a thousand of them do not overflow */

void parcel_put_hist(struct parcel_out *out, const struct hist *hist);
void parcel_put_histlet(struct parcel_out *out, const struct histlet *histlet);
void parcel_put_digest(struct parcel_out *out, const struct digest *digest);

/* Add what comes next to `into`, as the merge functions do; NULL: it is only checked. What was not checked before may be added in part. */
void parcel_add_hist(struct parcel_in *in, struct hist *into);
void parcel_add_histlet(struct parcel_in *in, struct histlet *into);
void parcel_add_digest(struct parcel_in *in, struct digest *into);

/* Adds what `new` has more than `old`, of the same sender; NULL: `new` is only checked, as above. Refuses `new` if it has less anywhere.
 * Counts, sum and slots are exact; max is that of `new` if it has grown, else the top of the highest slot that has; min likewise.
 * Returns whether it has more. */
bool parcel_subtract_histlet(struct parcel_in *old, struct parcel_in *new, struct histlet *into);
