/* How long a connection of the link may be without a sign of the other kernel.
 * In: a socket, a time. Out: its options. Any thread. */
#pragma once

#include "base/clock.h"

/* A host that vanishes is noticed: probes while nothing is sent, a limit for what is. 0: the kernel's defaults. */
void silence_set(int fd, nsec limit);
