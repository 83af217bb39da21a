/* Decodes the body of a response as its Content-Encoding says, to count what it comes to and to see that it is whole.
 * In: pieces of the encoded body. Out: counts. A decoder is heap memory of its own, meant to be used again and again (body_begin); one thread.
 * Sources: RFC 9110 section 8.4, RFC 1950, 1951, 1952, RFC 7932, RFC 8878. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/outcome.h"
#include "base/str.h"

/* The Accept-Encoding that asks for everything this build can decode: gzip, deflate, and br and zstd where the libraries were there. */
extern const char body_accept[];

struct body;

/* Makes a decoder; allocates nothing more before the first body of a kind: then about 40 KiB for gzip and deflate, the window for br (16 MiB at
 * most) and zstd (8 MiB at most). Cannot fail. */
struct body *body_new(void);

/* NULL is fine. */
void body_free(struct body *body);

/* Begins a body. `encoding` is the value of Content-Encoding: empty or "identity" passes bytes through; "gzip", "x-gzip", "deflate" (zlib, or raw as
 * some servers send it), "br", "zstd", and up to 4 of them in a row with commas between (decoded from the last to the first). An encoding that is
 * not known makes body_feed fail with REASON_ENCODING. */
void body_begin(struct body *body, struct slice encoding);

/* The decoded bytes of the present body go to `take`, piece by piece, too. Until the next body_begin. */
void body_tell(struct body *body, void (*take)(void *user, struct slice bytes), void *user);

/* Decodes a piece. REASON_NONE, REASON_ENCODING (broken, unknown, or bytes after its end), or REASON_BOMB (more than BODY_DECODED_MAX, or more than
 * BODY_RATIO_MAX times what came once it is over 16 MiB, in any step of a row; never of what passes through); after a failure nothing more is
 * decoded and the same reason comes again. Uses up to 64 KiB of stack. */
enum reason body_feed(struct body *body, struct slice bytes);
#define BODY_DECODED_MAX ((uint64_t)4 << 30)
#define BODY_RATIO_MAX 2000

/* The body is over: REASON_ENCODING if the encoded data is not complete (a body of 0 bytes is fine). */
enum reason body_end(struct body *body);

/* Returns the decoded bytes of the present body so far. */
uint64_t body_decoded(const struct body *body);
