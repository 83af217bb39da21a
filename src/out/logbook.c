#include "out/logbook.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mailbox.h"

#define TEXT_BYTES ((size_t)256 << 10) /* written at once when full */
#define FLUSH_EVERY (500 * MSEC)       /* what lies there is written at the latest */
#define BLOCKS_MAX 4096                /* of all ports together: 118 MB */
#define PAUSE (10 * MSEC)              /* between two looks at empty ports */

/* One file and its thread. */
struct shard {
	struct logbook *book;
	unsigned index;
	int file;
	pthread_t thread;
	bool running;
	char *text;
	size_t size;                        /* of the text that is not written yet */
	uint64_t pending, pending_in_range; /* records in it */
	bool begun;
	nsec flushed;
	struct logbook_totals totals;
};

struct logbook {
	struct logbook_setup setup;
	struct arena arena;
	const char **paths;
	struct shard *shards;
	struct logport *ports;
	struct mailbox first; /* the first line, for all */
	_Atomic bool stop;
	_Atomic(const struct err *) fault; /* the first one; it does not change any more */
	bool fault_told;
};

/* The text goes to the file; a failure is noted once, and from then on records are lost. */
static void shard_flush(struct shard *shard) {
	size_t done = 0;
	while (done < shard->size && !shard->totals.fault.text[0]) {
		ssize_t more = write(shard->file, shard->text + done, shard->size - done);
		if (more >= 0) {
			done += (size_t)more;
		} else if (errno != EINTR) {
			err_set_sys(&shard->totals.fault, ERR_FAILED, errno, "cannot write '%s'", shard->book->paths[shard->index]);
			const struct err *none = NULL;
			atomic_compare_exchange_strong(&shard->book->fault, &none, &shard->totals.fault);
		}
	}
	bool whole = !shard->totals.fault.text[0];
	shard->totals.written += whole ? shard->pending : 0;
	shard->totals.in_range += whole ? shard->pending_in_range : 0;
	shard->totals.lost += whole ? 0 : shard->pending;
	shard->pending = shard->pending_in_range = 0;
	shard->size = 0;
	shard->flushed = clock_now();
}

static void shard_write_text(struct shard *shard, const char *text) {
	for (size_t left = strlen(text); left > 0;) {
		if (shard->size == TEXT_BYTES) shard_flush(shard);
		size_t part = left < TEXT_BYTES - shard->size ? left : TEXT_BYTES - shard->size;
		memcpy(shard->text + shard->size, text, part);
		shard->size += part;
		text += part;
		left -= part;
	}
}

static void shard_write_block(struct shard *shard, const struct logblock *block, nsec zero) {
	const struct logbook_setup *setup = &shard->book->setup;
	for (uint32_t i = 0; i < block->count; i++) {
		if (shard->size + RUNLOG_LINE_MAX > TEXT_BYTES) shard_flush(shard);
		nsec due = block->at[i].sample.due - zero;
		shard->size += runlog_format(&block->at[i], zero, shard->text + shard->size);
		shard->pending++;
		shard->pending_in_range += due >= setup->range_from && due < setup->range_to;
	}
}

/* Takes all that the workers have given to this shard. Returns whether there was anything. */
static bool shard_collect(struct shard *shard) {
	const struct logbook_setup *setup = &shard->book->setup;
	bool any = false;
	for (unsigned worker = 0; worker < setup->workers; worker++) {
		struct logport *port = &shard->book->ports[worker * setup->shards + shard->index];
		for (const struct logblock *block; (block = logport_take(port)); logport_return(port)) {
			shard_write_block(shard, block, port->zero);
			any = true;
		}
	}
	return any;
}

static void *shard_run(void *given) {
	struct shard *shard = given;
	prctl(PR_SET_NAME, "log");
	for (bool stop = false; !stop;) {
		stop = atomic_load(&shard->book->stop); /* before the last look */
		const char *first = atomic_load_explicit(&shard->book->first.item, memory_order_acquire);
		bool any = false;
		if (first || stop) {
			if (first && !shard->begun) shard_write_text(shard, first);
			shard->begun = true;
			any = shard_collect(shard);
		}
		if (shard->size > 0 && (stop || clock_now() - shard->flushed >= FLUSH_EVERY)) shard_flush(shard);
		if (!any && !stop) nanosleep(&(struct timespec){0, PAUSE}, NULL);
	}
	return NULL;
}

/* Makes a folder with its parents; ours, so that nobody else reads what was sent. */
static bool folder_make(char *path, struct err *err) {
	for (char *at = path + 1; *path; at++) {
		char kept = *at;
		if (kept != '/' && kept != 0) continue;
		*at = 0;
		int made = mkdir(path, 0700);
		int fault = errno;
		*at = kept;
		if (made != 0 && fault != EEXIST) return err_set_sys(err, ERR_FAILED, fault, "cannot make the folder '%s'", path);
		if (kept == 0) break;
	}
	return true;
}

static bool logbook_open_shard(struct logbook *book, unsigned index, int64_t unix_ms, struct err *err) {
	struct shard *shard = &book->shards[index];
	*shard = (struct shard){.book = book, .index = index, .flushed = clock_now()};
	book->paths[index] = arena_format(&book->arena, "%s/metrics-%ld-%lld-%u.log", book->setup.folder, (long)getpid(), (long long)unix_ms, index);
	shard->file = open(book->paths[index], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (shard->file < 0) return err_set_sys(err, ERR_FAILED, errno, "cannot make '%s'", book->paths[index]);
	shard->text = mem_zeroed(TEXT_BYTES, 1);
	int fault = pthread_create(&shard->thread, NULL, shard_run, shard);
	if (fault != 0) return err_set_sys(err, ERR_FAILED, fault, "cannot start a thread");
	shard->running = true;
	return true;
}

bool logbook_open(const struct logbook_setup *setup, struct logbook **ret, struct err *err) {
	struct logbook *book = mem_zeroed(1, sizeof(*book));
	struct timespec wall;
	unsigned blocks = LOGPORT_BLOCKS;
	clock_gettime(CLOCK_REALTIME, &wall);
	book->setup = *setup;
	arena_init(&book->arena);
	book->setup.folder = arena_format(&book->arena, "%s", setup->folder);
	book->paths = arena_array(&book->arena, setup->shards, sizeof(*book->paths));
	book->shards = mem_zeroed(setup->shards, sizeof(*book->shards));
	for (unsigned i = 0; i < setup->shards; i++) book->shards[i].file = -1;
	while (blocks > 4 && (blocks * setup->shards > LOGPORT_BLOCKS || blocks * setup->shards * setup->workers > BLOCKS_MAX)) blocks /= 2;
	book->ports = mem_zeroed((size_t)setup->workers * setup->shards, sizeof(*book->ports));
	for (size_t i = 0; i < (size_t)setup->workers * setup->shards; i++) logport_open(&book->ports[i], blocks);
	char *folder = arena_format(&book->arena, "%s", setup->folder);
	bool ok = folder_make(folder, err);
	for (unsigned i = 0; ok && i < setup->shards; i++) ok = logbook_open_shard(book, i, (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / MSEC, err);
	if (!ok) {
		struct err unused;
		logbook_end(book, NULL);
		logbook_remove(book, &unused);
		logbook_close(book);
		return false;
	}
	*ret = book;
	return true;
}

struct logport *logbook_ports(const struct logbook *book) {
	return book->ports;
}

const char *const *logbook_paths(const struct logbook *book) {
	return book->paths;
}

void logbook_begin(struct logbook *book, const char *line) {
	mailbox_swap(&book->first, arena_format(&book->arena, "%s", line));
}

const struct err *logbook_fault(struct logbook *book) {
	const struct err *fault = atomic_load(&book->fault);
	if (!fault || book->fault_told) return NULL;
	book->fault_told = true;
	return fault;
}

void logbook_drain(struct logbook *book, struct logbook_totals *ret) {
	*ret = (struct logbook_totals){0};
	atomic_store(&book->stop, true);
	for (unsigned i = 0; i < book->setup.shards; i++) {
		struct shard *shard = &book->shards[i];
		if (shard->running) pthread_join(shard->thread, NULL);
		shard->running = false;
		ret->written += shard->totals.written;
		ret->in_range += shard->totals.in_range;
		ret->lost += shard->totals.lost;
		if (!ret->fault.text[0]) ret->fault = shard->totals.fault;
	}
	for (size_t i = 0; i < (size_t)book->setup.workers * book->setup.shards; i++) ret->shed += atomic_load(&book->ports[i].shed);
}

void logbook_end(struct logbook *book, const char *line) {
	struct logbook_totals unused;
	logbook_drain(book, &unused);
	for (unsigned i = 0; i < book->setup.shards; i++) {
		struct shard *shard = &book->shards[i];
		if (line && shard->file >= 0 && shard->text) {
			shard_write_text(shard, line);
			shard_flush(shard);
		}
		if (shard->file >= 0) close(shard->file);
		shard->file = -1;
	}
}

bool logbook_remove(struct logbook *book, struct err *err) {
	bool ok = true;
	for (unsigned i = 0; i < book->setup.shards && book->paths[i]; i++)
		if (unlink(book->paths[i]) != 0 && errno != ENOENT && ok)
			ok = err_set_sys(err, ERR_FAILED, errno, "cannot delete '%s'", book->paths[i]);
	if (rmdir(book->setup.folder) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT && errno != EBUSY && ok)
		ok = err_set_sys(err, ERR_FAILED, errno, "cannot delete the empty folder '%s'", book->setup.folder);
	return ok;
}

void logbook_close(struct logbook *book) {
	if (!book) return;
	for (unsigned i = 0; i < book->setup.shards; i++) free(book->shards[i].text);
	for (size_t i = 0; i < (size_t)book->setup.workers * book->setup.shards; i++) logport_close(&book->ports[i]);
	free(book->ports);
	free(book->shards);
	arena_fini(&book->arena);
	free(book);
}
