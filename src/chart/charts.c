#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chart/draw.h"

#define THREADS 4
#define FILE_MAX ((size_t)32 << 20)

/* All charts of a run; threads take the next one each. */
struct charts {
	const struct chart_data *data;
	const char *folder;
	atomic_size_t next, written;
	struct err err[CHART_COUNT]; /* of each chart; code ERR_NONE: it was written */
};

/* Makes a folder with its parents. */
static bool folder_make(const char *folder, struct err *err) {
	struct stat found;
	struct arena arena;
	arena_init(&arena);
	char *path = arena_copy(&arena, slice_of(folder));
	int fault = 0;
	for (char *end = path + 1; path[0] && fault == 0; end++) {
		if (*end != '/' && *end != 0) continue;
		char kept = *end;
		*end = 0;
		if (mkdir(path, 0755) != 0 && errno != EEXIST) fault = errno;
		*end = kept;
		if (kept == 0) break;
	}
	arena_fini(&arena);
	if (fault == 0 && stat(folder, &found) != 0) fault = errno;
	if (fault == 0 && !S_ISDIR(found.st_mode)) fault = ENOTDIR;
	return fault == 0 || err_set_sys(err, ERR_FAILED, fault, "cannot make the folder '%s'", folder);
}

static int bytes_write(int fd, const struct buf *bytes) {
	for (size_t done = 0; done < bytes->size;) {
		ssize_t more = write(fd, bytes->at + done, bytes->size - done);
		if (more < 0 && errno == EINTR) continue;
		if (more < 0) return errno;
		done += (size_t)more;
	}
	return 0;
}

/* Writes a file beside its place and moves it there: a reader sees the old one or the whole new one, and so do runs that end at the same time. */
static bool file_write(const char *folder, const char *name, const struct buf *bytes, struct err *err) {
	struct arena arena;
	arena_init(&arena);
	const char *path = arena_format(&arena, "%s/%s", folder, name), *draft = arena_format(&arena, "%s.%ld.tmp", path, (long)getpid());
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int fault = fd < 0 ? errno : bytes_write(fd, bytes);
	if (fd >= 0 && close(fd) != 0 && fault == 0) fault = errno;
	if (fault == 0 && rename(draft, path) != 0) fault = errno;
	if (fault != 0 && fd >= 0) unlink(draft);
	if (fault != 0) err_set_sys(err, ERR_FAILED, fault, "cannot write '%s'", path);
	arena_fini(&arena);
	return fault == 0;
}

static void chart_write(struct charts *charts, size_t number) {
	const struct chart *chart = &chart_table[number];
	struct err *err = &charts->err[number];
	struct buf bytes;
	buf_init(&bytes, FILE_MAX);
	if (draw_chart(chart, charts->data, &bytes, err) && file_write(charts->folder, chart->file, &bytes, err))
		atomic_fetch_add(&charts->written, 1);
	buf_fini(&bytes);
}

static void *charts_work(void *user) {
	struct charts *charts = user;
	for (;;) {
		size_t number = atomic_fetch_add(&charts->next, 1);
		if (number >= CHART_COUNT) break;
		chart_write(charts, number);
	}
	draw_end();
	return NULL;
}

/* Draws with all threads that there are; this one helps. */
static void charts_draw(struct charts *charts) {
	pthread_t threads[THREADS - 1];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = 0;
	while (count < THREADS - 1 && (long)count + 1 < processors && pthread_create(&threads[count], NULL, charts_work, charts) == 0) count++;
	charts_work(charts);
	for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

bool charts_write(const struct report *report, const char *folder, size_t *ret_written, struct err *err) {
	struct arena arena;
	struct chart_data data;
	struct charts charts = {.data = &data, .folder = folder};
	bool good = true;
	arena_init(&arena);
	*ret_written = 0;
	if (data_read(report, &arena, &data)) {
		good = folder_make(folder, err);
		if (good) charts_draw(&charts);
		*ret_written = atomic_load(&charts.written);
		for (size_t i = 0; i < CHART_COUNT && good; i++) {
			good = charts.err[i].code == ERR_NONE;
			if (!good) *err = charts.err[i];
		}
	}
	arena_fini(&arena);
	return good;
}
