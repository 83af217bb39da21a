/* What the control plane says of a controller and its agents, as JSON.
 * In: plain values. Out: texts of one line (the summary is put in as it is). Pure; any thread. Contract: docs/control.yaml. */
#pragma once

#include "dist/controller.h"

struct control_status {
	enum controller_state state;
	const char *run_id;                    /* NULL: no run */
	nsec elapsed;                          /* since the start of the run; < 0: it has not started, or there is none */
	size_t expected;                       /* agents of the run in progress, or of the last one */
	size_t reported;                       /* of those */
	const struct controller_agent *agents; /* that are connected */
	size_t agent_count;
	const char *summary; /* of the last run: a JSON object as text; NULL: there was none */
};

/* Return the body of GET /status and of GET /agents; `now` is link_clock(). free() them. */
char *control_words_status(const struct control_status *status, nsec now);
char *control_words_agents(const struct controller_agent *agents, size_t count, nsec now);

/* Return {"status":"started","run_id":"..."} (of a POST /start or /stop; run_id NULL: null) and {"error":"..."}. free() them. */
char *control_words_done(const char *status, const char *run_id);
char *control_words_error(const char *words);
