/* The lists of what travels of a tally, a cell and the facts of a run: one table each, by which they are written, added and subtracted.
 * In: the structs, or bytes from another machine. Out: bytes, or sums. The caller owns everything; one thread. A new member belongs into its table in
 * parcel_members.c, where the compiler misses it. */
#pragma once

#include "record/parcel.h"
#include "record/parcel_bytes.h"

struct parcel_table;
extern const struct parcel_table parcel_tally_members;
extern const struct parcel_table parcel_cell_books;   /* a cell in which all of these are 0 is an empty one to record/tally.h */
extern const struct parcel_table parcel_cell_members; /* its other numbers */

/* Append the members of a struct. */
void parcel_put_members(struct parcel_out *out, const struct parcel_table *table, const void *from);
void parcel_put_facts(struct parcel_out *out, const struct parcel_facts *facts);

/* Add the members that come next to those of `into`; NULL: they are only checked. */
void parcel_add_members(struct parcel_in *in, const struct parcel_table *table, void *into);
void parcel_add_facts(struct parcel_in *in, struct parcel_sum *into);

/* Adds what `new` has more than `old`; NULL: it is only checked. Refuses `new` if it has less somewhere.
 * Returns whether something has changed. */
bool parcel_subtract_members(struct parcel_in *old, struct parcel_in *new, const struct parcel_table *table, void *into);

/* A list of which only what is not 0 travels. */
void parcel_put_list(struct parcel_out *out, const uint64_t *list, size_t size);
void parcel_add_list(struct parcel_in *in, uint64_t *into, size_t size);
