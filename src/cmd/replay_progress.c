#include "cmd/replay_progress.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST (500 * MSEC)
#define EVERY (200 * MSEC)
#define TEXT_MAX 48 /* bytes of the line, its end included */

void replay_progress_begin(struct replay_progress *progress, const struct replay_input *input, unsigned passes) {
	struct stat there;
	*progress = (struct replay_progress){.on = isatty(STDERR_FILENO), .files = input->count, .passes = passes, .next = clock_now() + FIRST};
	for (unsigned i = 0; i < input->count; i++)
		if (stat(input->paths[i], &there) == 0 && S_ISREG(there.st_mode)) progress->total += (uint64_t)there.st_size * passes;
}

/* Writes a line over the one that stands there; an empty one takes it away. */
static void progress_draw(struct replay_progress *progress, const char *text) {
	char line[2 * TEXT_MAX];
	int size = snprintf(line, sizeof(line), "\r%*s\r%s", TEXT_MAX - 1, "", text);
	if (write(STDERR_FILENO, line, (size_t)size) < 0) progress->on = false; /* nobody is left to tell */
	progress->drawn = *text;
}

void replay_progress_add(struct replay_progress *progress, unsigned file, size_t bytes) {
	char text[TEXT_MAX];
	progress->done += bytes;
	if (!progress->on) return;
	nsec now = clock_now();
	if (now < progress->next) return;
	progress->next = now + EVERY;
	int size = progress->files == 1 ? snprintf(text, sizeof(text), "reading the file")
					: snprintf(text, sizeof(text), "reading %u of %u files", file + 1, progress->files);
	uint64_t percent = progress->total > 0 ? (uint64_t)((double)progress->done * 100 / (double)progress->total) : 0;
	if (percent > 100) percent = 100; /* a file grows while its run goes on */
	if (progress->total > 0) snprintf(text + size, sizeof(text) - (size_t)size, ", %u %%", (unsigned)percent);
	progress_draw(progress, text);
}

void replay_progress_end(struct replay_progress *progress) {
	if (progress->drawn) progress_draw(progress, "");
	progress->on = progress->drawn = false;
}
