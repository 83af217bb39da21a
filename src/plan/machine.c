#include "plan/machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

unsigned machine_cpus(void) {
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
	int count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

/* Looks at a file of a cgroup; returns whether that is enough. */
typedef bool machine_visit(const char *path, void *user);

/* Visits `name` in a group and in each one above it; `group` is changed on the way. */
static bool machine_climb(const char *mount, char *group, const char *name, machine_visit *visit, void *user) {
	char path[1024];
	for (;;) {
		snprintf(path, sizeof(path), "%s%s/%s", mount, strcmp(group, "/") == 0 ? "" : group, name);
		if (visit(path, user)) return true;
		char *slash = strrchr(group, '/');
		if (!slash || group[1] == 0) return false;
		slash[slash == group ? 1 : 0] = 0;
	}
}

/* Visits a file of the process's cgroups that rule the processor, upwards: `name` in the tree of version 2, `old_name` in that of version 1.
 * Source: cgroups(7), /proc/PID/cgroup. */
static bool machine_walk_cgroups(const char *name, const char *old_name, machine_visit *visit, void *user) {
	char line[512];
	bool enough = false;
	FILE *file = fopen("/proc/self/cgroup", "re");
	if (!file) return false;
	while (!enough && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group) continue;
		*group++ = 0;
		group[strcspn(group, "\n")] = 0;
		controllers++;
		if (!*controllers) enough = machine_climb("/sys/fs/cgroup", group, name, visit, user);
		if (strcmp(controllers, "cpu") == 0 || strncmp(controllers, "cpu,", 4) == 0 || strstr(controllers, ",cpu"))
			enough = machine_climb("/sys/fs/cgroup/cpu", group, old_name, visit, user);
	}
	fclose(file);
	return enough;
}

/* Returns whether a cpu.max or cpu.cfs_quota_us names a limit: neither "max" nor -1. */
static bool machine_file_limits(const char *path, void *unused) {
	char line[64];
	FILE *file = fopen(path, "re");
	(void)unused;
	if (!file) return false;
	bool limits = fgets(line, sizeof(line), file) && strncmp(line, "max", 3) != 0 && line[0] != '-';
	fclose(file);
	return limits;
}

bool machine_has_quota(void) {
	return machine_walk_cgroups("cpu.max", "cpu.cfs_quota_us", machine_file_limits, NULL);
}

/* Notes the counts of a cpu.stat. */
static bool machine_read_throttling(const char *path, void *user) {
	struct machine_strain *strain = user;
	struct machine_group group = {0};
	unsigned long long times, time;
	char line[128];
	FILE *file = strain->groups < MACHINE_GROUPS ? fopen(path, "re") : NULL;
	if (!file) return false;
	bool tells = false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "nr_throttled %llu", &times) == 1) tells = true, group.times = times;
		if (sscanf(line, "throttled_usec %llu", &time) == 1) group.throttled = (nsec)time * USEC; /* version 2 */
		if (sscanf(line, "throttled_time %llu", &time) == 1) group.throttled = (nsec)time;        /* version 1 */
	}
	fclose(file);
	if (tells) strain->group[strain->groups++] = group;
	return false;
}

/* Source: proc(5), /proc/stat: the eighth number behind "cpu", in clock ticks. */
static void machine_read_steal(struct machine_strain *strain) {
	unsigned long long steal = 0;
	FILE *file = fopen("/proc/stat", "re");
	if (!file) return;
	strain->steal_known = fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1;
	fclose(file);
	strain->steal = (nsec)steal * (SEC / sysconf(_SC_CLK_TCK));
}

void machine_read_strain(struct machine_strain *ret) {
	*ret = (struct machine_strain){0};
	machine_walk_cgroups("cpu.stat", "cpu.stat", machine_read_throttling, ret);
	machine_read_steal(ret);
}

void machine_add_strain(const struct machine_strain *from, const struct machine_strain *to, struct strain *ret) {
	ret->cpus = machine_cpus();
	ret->throttled_known = from->groups > 0 && from->groups == to->groups;
	ret->throttled = 0;
	ret->throttled_times = 0;
	for (size_t i = 0; ret->throttled_known && i < to->groups; i++) {
		nsec throttled = to->group[i].throttled - from->group[i].throttled;
		uint64_t times = to->group[i].times - from->group[i].times;
		if (throttled > ret->throttled) ret->throttled = throttled;
		if (times > ret->throttled_times) ret->throttled_times = times;
	}
	ret->steal_known = from->steal_known && to->steal_known;
	ret->steal = to->steal - from->steal;
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
