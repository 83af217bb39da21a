/* The name of a run: a random UUID, which every output carries.
 * In: the kernel's random bytes. Out: text. Any thread. */
#pragma once

#define RUN_ID_SIZE 37 /* bytes, with the final 0 */

/* Makes one: RFC 9562, version 4. Cannot fail. */
void run_id_make(char ret[RUN_ID_SIZE]);
