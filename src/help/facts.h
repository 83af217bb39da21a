/* What all texts about strest say beside the options: groups, commands, exit codes, environment, examples, the config file.
 * Out: constant tables, the only place where these facts stand. In texts, `...` marks what is typed as it is. Any thread. */
#pragma once

#include "config/option.h"

struct fact_command {
	enum option_command options; /* whose options it takes; 0: none */
	const char *usage, *words;
};

struct fact_code {
	int code;
	unsigned commands; /* bits of enum option_command */
	const char *words;
};

struct fact_variable {
	const char *name, *words;
};

struct fact_example {
	enum option_command command;
	const char *line, *words;
	bool brief; /* in the short help */
};

/* A key of the config file that is no option's. */
struct fact_key {
	const char *key, *value, *words;
};

#define FACT_COMMANDS 6
#define FACT_CODES 11
#define FACT_VARIABLES 9
#define FACT_EXAMPLES 14
#define FACT_KEYS 34
#define FACT_NOTES 3
#define FACT_NOTES_BRIEF 1 /* the first ones stand in the short help too */
#define FACT_PARAGRAPHS 6

extern const struct fact_command fact_commands[FACT_COMMANDS];
extern const struct fact_code fact_codes[FACT_CODES];
extern const struct fact_variable fact_variables[FACT_VARIABLES];
extern const struct fact_example fact_examples[FACT_EXAMPLES];
extern const struct fact_key fact_keys[FACT_KEYS];
extern const char *const fact_groups[GROUP_COUNT];              /* headings */
extern const char *const fact_notes[FACT_NOTES];                /* how values are written */
extern const char *const fact_file_paragraphs[FACT_PARAGRAPHS]; /* about the config file */
extern const char fact_file_example[];                          /* TOML; lines, the last one ended */
extern const char fact_summary[];                               /* what strest is, in a few words */
extern const char fact_description[];                           /* ... in a few sentences */
extern const char fact_code_order[];                            /* which exit code wins */
