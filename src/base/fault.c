#include "base/fault.h"

#ifdef STREST_FAULTS
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const fault_names[] = {
	[FAULT_DROP_SAMPLE] = "drop_sample", [FAULT_LATE_TIMER] = "late_timer", [FAULT_CRASH] = "crash", [FAULT_FAST_SERIES] = "fast_series"};
static pthread_once_t fault_once = PTHREAD_ONCE_INIT;
static const char *fault_wanted;

static void fault_read(void) {
	fault_wanted = getenv("STREST_FAULT");
}

bool fault_on(enum fault fault) {
	pthread_once(&fault_once, fault_read);
	return fault_wanted && strcmp(fault_wanted, fault_names[fault]) == 0;
}
#endif
