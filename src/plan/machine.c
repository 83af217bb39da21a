#include "plan/machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

unsigned machine_cpus(void) {
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
	int count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

/* Returns whether the file of a cgroup's limit says something other than "max". */
static bool machine_file_limits(const char *path) {
	char line[64];
	FILE *file = fopen(path, "re");
	if (!file) return false;
	bool limits = fgets(line, sizeof(line), file) && strncmp(line, "max", 3) != 0;
	fclose(file);
	return limits;
}

bool machine_has_quota(void) {
	char line[512], path[1024];
	FILE *file = fopen("/proc/self/cgroup", "re");
	if (!file) return false;
	char *group = NULL;
	while (!group && fgets(line, sizeof(line), file))
		if (strncmp(line, "0::", 3) == 0) group = line + 3;
	fclose(file);
	if (!group) return false;
	group[strcspn(group, "\n")] = 0;
	for (;;) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", strcmp(group, "/") == 0 ? "" : group);
		if (machine_file_limits(path)) return true;
		char *slash = strrchr(group, '/');
		if (!slash || group[1] == 0) return false;
		slash[slash == group ? 1 : 0] = 0;
	}
}

uint64_t machine_raise_files(uint64_t wanted) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return UINT64_MAX;
	if (limit.rlim_cur < wanted) {
		struct rlimit raised = limit;
		raised.rlim_cur = wanted < raised.rlim_max ? wanted : raised.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
		struct rlimit more = {.rlim_cur = wanted, .rlim_max = wanted}; /* root may go further */
		if (limit.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
	}
	return limit.rlim_cur;
}
