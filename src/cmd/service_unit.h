/* The texts of a systemd service: its unit, and the file with the variables that it is started with.
 * In: what the service is. Out: text for systemd 250 and later (systemd.service(5), systemd.exec(5)). Pure; any thread. */
#pragma once

#include "base/buf.h"

#define SERVICE_MARKER "# Written by strest --install-service" /* how both files begin */
#define SERVICE_STATE "/var/lib/strest"                        /* the folder of all services of strest */

/* One word of the service's command line. */
struct service_word {
	const char *text;
	const char *credential; /* its path stands behind `text`; NULL: none */
};

/* A file that systemd, as root, reads for a service whose user may not. */
struct service_credential {
	const char *id; /* letters, digits, '-', '.' */
	const char *path;
};

struct service_unit {
	bool controls;       /* a controller; else an agent */
	const char *program; /* absolute */
	size_t word_count;
	const struct service_word *words;
	size_t credential_count;
	const struct service_credential *credentials;
	const char *env_path; /* of the file with variables; NULL: there is none */
	bool low_port;        /* it listens at a port under 1024 */
};

/* Writes the unit. */
void service_unit_write(const struct service_unit *unit, struct buf *into);

struct service_variable {
	const char *name, *value; /* the value without control characters */
};

/* Writes the file of variables. */
void service_unit_write_env(size_t count, const struct service_variable *variables, struct buf *into);

/* Returns whether a text was written by one of these. */
bool service_unit_is_ours(struct slice text);

/* Returns the service's name in *ret (at `given`): without blanks around it and ".service" behind it. False: it is none, or none for a service. */
bool service_unit_name(struct slice given, struct slice *ret);
