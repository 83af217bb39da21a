#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "plan/machine.h"

static void there_are_as_many_cpus_as_the_mask_has(void **state) {
	(void)state;
	cpu_set_t all, one;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_true(machine_cpus() >= 1);
	assert_int_equal(machine_cpus(), CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (size_t cpu = 0; CPU_COUNT(&one) == 0 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(machine_cpus(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* A limit once lowered is raised to what is wanted, up to the hard limit at least, and never lowered. */
static void the_limit_of_files_is_raised(void **state) {
	(void)state;
	struct rlimit old, low, now;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(old.rlim_max >= 128);
	low = old;
	low.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(machine_raise_files(10), 64); /* enough already */
	assert_int_equal(machine_raise_files(100), 100);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 100);
	uint64_t most = machine_raise_files(old.rlim_max);
	assert_int_equal(most, old.rlim_max);
	assert_true(machine_raise_files(UINT64_MAX) >= most); /* beyond it the system may refuse */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_true(now.rlim_cur >= most);
	setrlimit(RLIMIT_NOFILE, &old);
}

static void asking_for_a_quota_is_repeatable(void **state) {
	(void)state;
	bool quota = machine_has_quota();
	for (int i = 0; i < 10; i++) assert_int_equal(machine_has_quota(), quota);
}

/* The second number is read by another way: awk's eighth field behind "cpu". */
static void steal_is_what_proc_says(void **state) {
	(void)state;
	struct machine_strain before, after;
	double ticks = -1;
	machine_read_strain(&before);
	FILE *other = popen("awk '/^cpu / { print $9 }' /proc/stat", "r");
	assert_non_null(other);
	assert_int_equal(fscanf(other, "%lf", &ticks), 1);
	pclose(other);
	machine_read_strain(&after);
	assert_true(before.steal_known);
	double steal = ticks * 1e9 / (double)sysconf(_SC_CLK_TCK);
	assert_true(steal >= (double)before.steal - 1 && steal <= (double)after.steal + 1);
}

/* The second group was held back for 5 s long ago and not since; the first one for 1 s, in between. */
static void strain_is_the_largest_difference_of_a_group(void **state) {
	(void)state;
	struct machine_strain from = {.groups = 2, .group = {{2 * SEC, 10}, {5 * SEC, 50}}, .steal_known = true, .steal = SEC};
	struct machine_strain to = {.groups = 2, .group = {{3 * SEC, 14}, {5 * SEC, 50}}, .steal_known = true, .steal = 3 * SEC};
	struct strain strain = {.no_port = 3};
	machine_add_strain(&from, &to, &strain);
	assert_true(strain.throttled_known && strain.steal_known);
	assert_int_equal(strain.throttled, SEC);
	assert_int_equal(strain.throttled_times, 4);
	assert_int_equal(strain.steal, 2 * SEC);
	assert_int_equal(strain.no_port, 3);
	assert_int_equal(strain.cpus, machine_cpus());
	to.groups = 1; /* it was moved: nothing can be said */
	machine_add_strain(&from, &to, &strain);
	assert_false(strain.throttled_known);
	assert_int_equal(strain.throttled, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_as_many_cpus_as_the_mask_has),
		cmocka_unit_test(the_limit_of_files_is_raised),
		cmocka_unit_test(steal_is_what_proc_says),
		cmocka_unit_test(strain_is_the_largest_difference_of_a_group),
		cmocka_unit_test(asking_for_a_quota_is_repeatable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
