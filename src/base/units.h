/* Numbers with units, read from and written for people.
 * In: text. Out: plain numbers in base units (ns, bytes, per second). Owns nothing; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

/* Reads "A-B", whole seconds, both ends inclusive: [*ret_from, *ret_to) is from A to B + 1 seconds. False, nothing changed: it is none, or A > B. */
bool units_parse_range(struct slice text, nsec *ret_from, nsec *ret_to);

/* Reads a duration: digits, at most one fraction, then ns, us, ms, s, m or h; no unit means seconds ("250ms", "1.5s", "30").
 * Outer blanks are trimmed. 0 is a duration here. Returns false, *ret untouched, on anything else or over 100 years. */
bool units_parse_duration(struct slice text, nsec *ret);

/* Reads the bound of a span of time: min (0) or max (NSEC_NEVER) in any case, or a duration. False, *ret untouched: it is none. */
bool units_parse_bound(struct slice text, nsec *ret);

/* Reads TIME/PERIOD of a stall, such as 200ms/1s: both over 0, TIME shorter than PERIOD. False, outputs untouched, on anything else. */
bool units_parse_stall(struct slice text, nsec *ret_length, nsec *ret_period);

/* Reads an unsigned decimal number, an optional leading '+', nothing else. False on anything else or over 2^64-1. */
bool units_parse_count(struct slice text, uint64_t *ret);

/* Reads a decimal number, fraction and exponent allowed, finite and not negative. False on anything else. */
bool units_parse_real(struct slice text, double *ret);

/* Writes a duration for people with three significant digits ("417 ns", "12.3 us", "1.20 ms", "30.0 s", "2 m 5 s") into `text`
 * of `size` bytes (32 is enough), and returns `text`. NSEC_NEVER is written as "never". */
const char *units_format_duration(nsec time, char *text, unsigned size);

/* Writes a byte count for people ("12.3 MB", decimal steps of 1000); as above. */
const char *units_format_bytes(uint64_t bytes, char *text, unsigned size);

/* Writes a duration as an option value that units_parse_duration reads back exactly ("10s", "100ms", "1500us"); as above. */
const char *units_format_span(nsec time, char *text, unsigned size);
