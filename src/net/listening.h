/* A listening TCP socket, from the words of the user.
 * In: "ADDRESS:PORT". Out: the socket, and where it really is. The caller owns it; one thread. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

#define LISTENING_TEXT 96

struct listening {
	int fd;        /* does not block, closed by exec */
	bool loopback; /* only this machine can reach it */
	char address[LISTENING_TEXT];
};

/* Listens on "ADDRESS:PORT" (base/host_port.h; no address: loopback; port 0: one that is free), on the first address that a name has.
 * ERR_FAILED with `text` in the sentence, nothing open: it is no address (`example` is one), cannot be resolved, is in use, is not ours. */
bool listening_open(const char *text, const char *example, int backlog, struct listening *ret, struct err *err);
