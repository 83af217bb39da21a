/* The settings in force: the command line over the file over the environment over the presets.
 * In: what the command line gave, with origins. Out: the same structs, filled up. Texts and lists are shared with the file; main thread. */
#pragma once

#include "config/file.h"

/* Takes what the file gives and the command line does not. A rate or stages of the command line stand for all of the file's load, a member of a
 * conflicting group for the file's other one, a header Authorization for its basic_auth and bearer, --http-version, --http2 and --alpn for those of the file
 * that ask for something else. Scenarios and data files are the file's alone. */
void merge_file(const struct file *file, struct settings *settings, struct origins *origins);

/* Takes NO_COLOR, if it is not empty and nobody gave the option; of a run, the proxies and the tokens of a fleet. */
void merge_environment(enum option_command command, struct settings *settings, struct origins *origins);

/* Sets what follows from other options where nobody gave it: a form is posted. */
void merge_implied(struct settings *settings, struct origins *origins);
