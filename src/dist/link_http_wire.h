/* What both ends of dist/link_http.h agree upon.
 * In and out: constants, the five bytes before a frame. */
#pragma once

#include <stdint.h>

#include "dist/link.h"

#define WIRE_JOIN "/v1/join"
#define WIRE_COMMANDS "/v1/commands"
#define WIRE_MESSAGE "/v1/message"
#define WIRE_HEALTH "/healthz"

#define WIRE_MARK "Strest-Link" /* in each answer of a controller; its value is the version of all this */
#define WIRE_VERSION "1"
#define WIRE_SESSION "Strest-Session"
#define WIRE_KIND "Strest-Kind"

#define WIRE_USER "agent"
#define WIRE_REALM "strest"

#define WIRE_SESSION_MAX 64 /* bytes of a session id with its 0 */
#define WIRE_WORDS_MAX 480  /* bytes of words for people with their 0 */

/* Frames that are no messages. */
#define WIRE_OPEN 254    /* the first one of a command stream, empty */
#define WIRE_DROPPED 255 /* the last one; its body says why */

#define WIRE_HEAD 5 /* bytes: length, kind */

static inline void wire_head(unsigned char *into, size_t size, unsigned kind) {
	for (unsigned i = 0; i < 4; i++) into[i] = (unsigned char)(size >> (24 - 8 * i));
	into[4] = (unsigned char)kind;
}
