#include "cmd/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/home.h"
#include "base/log.h"
#include "chart/chart.h"

/* What is being done in one folder. */
struct cleanup {
	bool deletes;
	nsec before; /* CLOCK_REALTIME: what was changed later is kept */
	struct arena *arena;
	size_t found, failed;
};

static bool is_ours(const char *name, mode_t mode) {
	if (S_ISREG(mode)) return fnmatch("metrics-*.log", name, 0) == 0;
	return S_ISDIR(mode) && strncmp(name, "run-", 4) == 0;
}

static bool is_chart(const char *name, mode_t mode) {
	if (!S_ISREG(mode)) return S_ISDIR(mode) && strncmp(name, "run-", 4) == 0;
	for (size_t i = 0; chart_file(i); i++)
		if (strcmp(name, chart_file(i)) == 0) return true;
	return false;
}

/* Returns whether the process that writes a log, whose number stands in its name, is alive. */
static bool is_in_use(const char *name) {
	long pid = strncmp(name, "metrics-", 8) == 0 ? strtol(name + 8, NULL, 10) : 0;
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static int remove_one(const char *path, const struct stat *there, int kind, struct FTW *walk) {
	(void)there;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* Deletes a file, or a folder with all that is in it. */
static bool delete (const char *path, mode_t mode) {
	return (S_ISDIR(mode) ? nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) : unlink(path)) == 0;
}

static void visit(struct cleanup *cleanup, const char *folder, const char *name, mode_t mode) {
	const char *path = arena_format(cleanup->arena, "%s/%s", folder, name);
	if (!cleanup->deletes) {
		printf("Would remove %s\n", path);
	} else if (delete (path, mode)) {
		printf("Removed %s\n", path);
	} else {
		log_write(LOG_ERROR, "cannot delete '%s': %s", path, strerror(errno));
		cleanup->failed++;
		return;
	}
	cleanup->found++;
}

static void walk_folder(struct cleanup *cleanup, const char *folder, DIR *entries, bool charts) {
	for (struct dirent *entry; (entry = readdir(entries));) {
		struct stat there;
		if (fstatat(dirfd(entries), entry->d_name, &there, AT_SYMLINK_NOFOLLOW) != 0) continue;
		if (!(charts ? is_chart(entry->d_name, there.st_mode) : is_ours(entry->d_name, there.st_mode))) continue;
		if ((nsec)there.st_mtim.tv_sec * SEC + there.st_mtim.tv_nsec > cleanup->before) continue;
		if (is_in_use(entry->d_name)) {
			printf("Kept %s/%s: its run goes on\n", folder, entry->d_name);
			continue;
		}
		visit(cleanup, folder, entry->d_name, there.st_mode);
	}
}

/* Returns whether the folder could be read, or is not there. */
static bool clean_folder(struct cleanup *cleanup, const char *folder, bool charts) {
	DIR *entries = opendir(folder);
	size_t before = cleanup->found + cleanup->failed;
	if (!entries && errno == ENOENT) {
		printf("There is no %s.\n", folder);
		return true;
	}
	if (!entries) {
		log_write(LOG_ERROR, "%s: cannot read the folder '%s': %s", charts ? "--charts-path" : "--tmp-path", folder, strerror(errno));
		return false;
	}
	walk_folder(cleanup, folder, entries, charts);
	closedir(entries);
	if (cleanup->found + cleanup->failed == before) printf("Nothing to remove in %s.\n", folder);
	return true;
}

int cleanup_run(const struct settings *settings, struct arena *arena) {
	const struct cleanup_settings *asked = &settings->cleanup;
	struct cleanup cleanup = {.deletes = asked->force && !asked->dry_run, .arena = arena};
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	cleanup.before = (nsec)now.tv_sec * SEC + now.tv_nsec - asked->older_than;
	if (!asked->force && !asked->dry_run) printf("Nothing is removed without --force.\n");
	bool good = clean_folder(&cleanup, home_path(settings->out.tmp_path, "tmp", arena), false);
	if (asked->with_charts) good = clean_folder(&cleanup, home_path(settings->out.charts_path, "charts", arena), true) && good;
	if (cleanup.found > 0) printf("%s %zu item(s).\n", cleanup.deletes ? "Removed" : "Would remove", cleanup.found);
	return good && cleanup.failed == 0 ? 0 : 1;
}
