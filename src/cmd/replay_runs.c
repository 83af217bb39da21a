#include "cmd/replay_runs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record/runlog.h"

#define HEAD_BYTES ((size_t)1 << 20)
#define TAIL_BYTES ((size_t)1 << 20)
#define ID_LEAST 4 /* characters of an id */

/* A file before it is known to which run it belongs. */
struct log_file {
	long pid;
	long long unix_ms;
	unsigned shard;
	const char *path;
};

static int log_file_compare(const void *left, const void *right) {
	const struct log_file *a = left, *b = right;
	if (a->unix_ms != b->unix_ms) return a->unix_ms > b->unix_ms ? -1 : 1;
	if (a->pid != b->pid) return a->pid > b->pid ? -1 : 1;
	return a->shard < b->shard ? -1 : a->shard > b->shard;
}

/* Reads what stands in the name of a log. False: it is none, or no file. */
static bool log_file_read(struct log_file *ret, const char *name, DIR *folder) {
	char same[NAME_MAX + 1];
	struct stat there;
	if (sscanf(name, "metrics-%ld-%lld-%u.log", &ret->pid, &ret->unix_ms, &ret->shard) != 3 || ret->pid < 0 || ret->unix_ms < 0) return false;
	snprintf(same, sizeof(same), "metrics-%ld-%lld-%u.log", ret->pid, ret->unix_ms, ret->shard);
	return strcmp(name, same) == 0 && fstatat(dirfd(folder), name, &there, 0) == 0 && S_ISREG(there.st_mode);
}

static size_t read_folder(const char *folder, DIR *entries, struct arena *arena, struct log_file **ret) {
	struct log_file *files = NULL;
	size_t count = 0, room = 0;
	for (struct dirent *entry; count <= REPLAY_FILES_MAX && (entry = readdir(entries));) {
		struct log_file file;
		if (!log_file_read(&file, entry->d_name, entries)) continue;
		if (count == room) files = mem_resize(files, (room = 2 * room + 16) * sizeof(*files));
		file.path = arena_format(arena, "%s/%s", folder, entry->d_name);
		files[count++] = file;
	}
	if (count > 0) qsort(files, count, sizeof(*files), log_file_compare);
	*ret = files;
	return count;
}

/* Files of one run lie side by side. */
static void group_files(const struct log_file *files, size_t count, struct arena *arena, struct replay_runs *ret) {
	const char **paths = arena_array(arena, count, sizeof(*paths));
	ret->at = arena_array(arena, count, sizeof(*ret->at));
	for (size_t i = 0; i < count; i++) {
		paths[i] = files[i].path;
		if (i == 0 || files[i].pid != files[i - 1].pid || files[i].unix_ms != files[i - 1].unix_ms)
			ret->at[ret->count++] = (struct replay_run){.name = arena_format(arena, "%ld-%lld", files[i].pid, files[i].unix_ms),
				.pid = files[i].pid,
				.unix_ms = files[i].unix_ms,
				.paths = &paths[i]};
		ret->at[ret->count - 1].count++;
	}
}

bool replay_runs_find(const char *folder, struct arena *arena, struct replay_runs *ret, struct err *err) {
	DIR *entries = opendir(folder);
	struct log_file *files;
	*ret = (struct replay_runs){.folder = folder};
	if (!entries) return err_set_sys(err, ERR_FAILED, errno, "cannot read the folder '%s'", folder);
	size_t count = read_folder(folder, entries, arena, &files);
	closedir(entries);
	if (count > REPLAY_FILES_MAX) {
		free(files);
		return err_set(
			err, ERR_FAILED, "'%s' has over %d logs; name one of them, or make room with strest cleanup", folder, REPLAY_FILES_MAX);
	}
	group_files(files, count, arena, ret);
	free(files);
	if (count > 0) return true;
	return err_set(err, ERR_FAILED, "no log of a run in '%s'; a run leaves one with --keep-tmp", folder);
}

/* Returns a part of a file, 0-terminated; free() it. */
static char *read_part(const char *path, bool tail, size_t most, size_t *ret_size) {
	char *text = mem_zeroed(1, most + 1);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = file >= 0 ? lseek(file, 0, SEEK_END) : 0, from = tail && size > (off_t)most ? size - (off_t)most : 0;
	ssize_t have = file >= 0 ? pread(file, text, most, from) : 0;
	if (file >= 0) close(file);
	*ret_size = have > 0 ? (size_t)have : 0;
	text[*ret_size] = 0;
	return text;
}

bool replay_run_head(const struct replay_run *run, struct arena *arena, struct run_head *ret) {
	size_t size, begin = strlen(RUNLOG_HEAD);
	char *text = read_part(run->paths[0], false, HEAD_BYTES, &size);
	struct slice rest, line = slice_cut((struct slice){text, size}, '\n', &rest);
	bool found = line.size > begin && memcmp(text, RUNLOG_HEAD, begin) == 0 &&
		     run_lines_read_head((struct slice){text + begin, line.size - begin}, arena, ret);
	free(text);
	return found;
}

static bool run_has_ended(const struct replay_run *run) {
	bool all = true;
	for (unsigned i = 0; all && i < run->count; i++) {
		size_t size;
		char *text = read_part(run->paths[i], true, TAIL_BYTES, &size);
		all = strstr(text, "\n" RUNLOG_END) && size > 0 && text[size - 1] == '\n';
		free(text);
	}
	return all;
}

/* Returns whether the process that a run's name tells has its log open: the number alone may be another process's by now. */
bool replay_run_goes_on(const struct replay_run *run) {
	char folder[64];
	struct stat log, open;
	bool found = false;
	snprintf(folder, sizeof(folder), "/proc/%ld/fd", run->pid);
	DIR *entries = run->pid > 0 && stat(run->paths[0], &log) == 0 ? opendir(folder) : NULL;
	for (struct dirent *entry; entries && !found && (entry = readdir(entries));)
		found = fstatat(dirfd(entries), entry->d_name, &open, 0) == 0 && open.st_dev == log.st_dev && open.st_ino == log.st_ino;
	if (entries) closedir(entries);
	return found;
}

/* Returns whether a run's id begins so; it is looked up only here. */
static bool run_has_id(const struct replay_run *run, const char *begin) {
	struct arena arena;
	struct run_head head;
	arena_init(&arena);
	bool same = replay_run_head(run, &arena, &head) && strncmp(head.info.id, begin, strlen(begin)) == 0;
	arena_fini(&arena);
	return same;
}

const struct replay_run *replay_runs_choose(const struct replay_runs *runs, const char *word, struct err *err) {
	const struct replay_run *found = NULL;
	char *end;
	if (!word) return &runs->at[0];
	for (size_t i = 0; i < runs->count; i++)
		if (strcmp(runs->at[i].name, word) == 0) return &runs->at[i];
	unsigned long number = strtoul(word, &end, 10);
	if (*word >= '1' && *word <= '9' && !*end && number <= runs->count) return &runs->at[number - 1];
	for (size_t i = 0; i < runs->count && strlen(word) >= ID_LEAST; i++) {
		if (!run_has_id(&runs->at[i], word)) continue;
		if (found) {
			err_set(err, ERR_FAILED, "--run: the ids of several runs in '%s' begin with '%.80s'; write more of it", runs->folder, word);
			return NULL;
		}
		found = &runs->at[i];
	}
	if (!found) err_set(err, ERR_FAILED, "--run: no run '%.80s' in '%s', which has %zu; --run list shows them", word, runs->folder, runs->count);
	return found;
}

void replay_runs_print(const struct replay_runs *runs) {
	printf("%-4s %-20s %-24s %-36s %-10s %s\n", "No.", "Start (UTC)", "Name", "Id", "State", "Target");
	for (size_t i = 0; i < runs->count; i++) {
		const struct replay_run *run = &runs->at[i];
		struct arena arena;
		struct run_head head;
		char start[32];
		time_t seconds = (time_t)(run->unix_ms / 1000);
		struct tm at;
		arena_init(&arena);
		bool known = replay_run_head(run, &arena, &head);
		strftime(start, sizeof(start), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &at) ? &at : &(struct tm){.tm_mday = 1});
		printf("%-4zu %-20s %-24s %-36s %-10s %s\n", i + 1, start, run->name, known ? head.info.id : "-",
			run_has_ended(run)        ? "complete"
			: replay_run_goes_on(run) ? "goes on"
			: known                   ? "cut off"
						  : "-", /* of the original tool, which leaves no mark */
			known ? head.info.target : "-");
		arena_fini(&arena);
	}
}
