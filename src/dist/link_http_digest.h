/* HTTP Digest with SHA-256 (RFC 7616), the server's side: qop "auth", user and realm of dist/link_http_wire.h.
 * Our own, because libmicrohttpd 0.9.75 gives the same nonce to everybody who asks within a second, which lets one of them in and takes the others for
 * liars. Here each connection has its own random nonce: what was heard on one is of no use on another, and no request is taken twice.
 * In: the Authorization field, bytes from outside. Out: whether the token is known to who wrote it. The caller owns the struct; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_NONCE 33      /* bytes of a nonce in hex with its 0 */
#define DIGEST_CHALLENGE 200 /* bytes of a challenge with its 0 */

/* Of a connection. */
struct digest {
	char nonce[DIGEST_NONCE]; /* empty: none was given yet */
	uint32_t used;            /* the highest count that was taken; each is taken once, upwards */
};

struct digest_request {
	const char *authorization; /* the field; 0-terminated */
	const char *method, *path;
};

enum digest_result {
	DIGEST_RIGHT,
	DIGEST_WRONG, /* another token, or nonsense */
	DIGEST_STALE, /* the right token, with a nonce of another connection or a count that was used: to be asked again */
};

enum digest_result digest_check(struct digest *digest, const struct digest_request *request, const char *token);

/* Writes the WWW-Authenticate field into `into` (DIGEST_CHALLENGE bytes) with a new nonce; the one before is of no use any more. False: no randomness. */
bool digest_challenge(struct digest *digest, bool stale, char *into);
