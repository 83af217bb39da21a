#include "record/sample.h"

static const char *const part_names[PART_COUNT] = {
	[PART_BLOCKED] = "blocked",
	[PART_LATE] = "late",
	[PART_DNS] = "dns",
	[PART_CONNECT] = "connect",
	[PART_TLS] = "tls",
	[PART_WRITE] = "write",
	[PART_WAIT] = "wait",
	[PART_TRANSFER] = "transfer",
	[PART_RETRY] = "retry",
};

const char *part_name(enum part part) {
	return part_names[part];
}
