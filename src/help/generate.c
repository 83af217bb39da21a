/* A program of the build: writes what is generated from the option table into a folder: docs/reference.md, docs/strest.1, completions/.
 *   strest-docs FOLDER */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "help/help.h"

/* Writes one file; returns false, having said why, when that fails. */
static bool generate_file(const char *path, const char *text) {
	FILE *file = fopen(path, "w");
	bool written = file && fputs(text, file) >= 0;
	if (file && fclose(file) != 0) written = false;
	if (!written) fprintf(stderr, "strest-docs: %s: %s\n", path, strerror(errno));
	return written;
}

static bool generate_folder(const char *path) {
	if (mkdir(path, 0777) == 0 || errno == EEXIST) return true;
	fprintf(stderr, "strest-docs: %s: %s\n", path, strerror(errno));
	return false;
}

static bool generate_all(const char *folder, struct arena *arena) {
	static const char *const names[] = {[SHELL_BASH] = "strest.bash", [SHELL_ZSH] = "_strest", [SHELL_FISH] = "strest.fish"};
	if (!generate_folder(folder) || !generate_folder(arena_format(arena, "%s/docs", folder)) ||
		!generate_folder(arena_format(arena, "%s/completions", folder)))
		return false;
	bool good = generate_file(arena_format(arena, "%s/docs/reference.md", folder), reference_page(arena));
	good &= generate_file(arena_format(arena, "%s/docs/strest.1", folder), man_page(arena));
	for (int shell = 0; shell < SHELL_COUNT; shell++)
		good &= generate_file(arena_format(arena, "%s/completions/%s", folder, names[shell]), completion_script((enum shell)shell, arena));
	return good;
}

int main(int argc, char **argv) {
	struct arena arena;
	if (argc != 2) {
		fputs("usage: strest-docs FOLDER\n", stderr);
		return 2;
	}
	arena_init(&arena);
	bool good = generate_all(argv[1], &arena);
	arena_fini(&arena);
	return good ? 0 : 1;
}
