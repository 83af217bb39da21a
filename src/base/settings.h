/* The effective settings: one plain struct per section, made from the rows of config/options.def.
 * In: nothing. Out: types. Only config/ writes them; afterwards they are const and shared by all threads.
 * Texts and lists live as long as the arena given to the parser. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/scenario.h"
#include "base/stage.h"
#include "base/status.h"

/* A TLS version as it stands in the protocol (0x0301 ... 0x0304); 0: not given. */
enum tls_version { TLS_VERSION_ANY = 0, TLS_VERSION_1_0 = 0x0301, TLS_VERSION_1_1, TLS_VERSION_1_2, TLS_VERSION_1_3 };

struct text_list {
	size_t count;
	const char **at;
};

/* Values of the options that are a choice, in the order of their row. */
enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS };
enum rate_unit { RATE_UNIT_REQUESTS, RATE_UNIT_ITERATIONS };
enum arrival { ARRIVAL_EVEN, ARRIVAL_POISSON };
enum spin { SPIN_AUTO, SPIN_ON, SPIN_OFF };
enum kernel_stamps { KERNEL_STAMPS_SAMPLE, KERNEL_STAMPS_ALL, KERNEL_STAMPS_OFF };
enum retry_stale { RETRY_STALE_NEVER, RETRY_STALE_IDEMPOTENT };
enum output_format { OUTPUT_BY_NAME, OUTPUT_JSON, OUTPUT_JSONL, OUTPUT_CSV, OUTPUT_TEXT, OUTPUT_QUIET };
enum snapshot_format { SNAPSHOT_JSON, SNAPSHOT_JSONL, SNAPSHOT_NDJSON, SNAPSHOT_CSV };
enum controller_mode { CONTROLLER_AUTO, CONTROLLER_MANUAL };
enum on_agent_loss { ON_LOSS_CONTINUE, ON_LOSS_REDISTRIBUTE, ON_LOSS_ABORT };
enum connection_pick { CONNECTION_PICK_LRU, CONNECTION_PICK_MRU };

#define SETTING_BOOL(field) bool field;
#define SETTING_COUNT(field) uint64_t field;
#define SETTING_REAL(field) double field;
#define SETTING_TEXT(field) const char *field; /* NULL: not given */
#define SETTING_LIST(field) struct text_list field;
#define SETTING_TIME(field) nsec field;
#define SETTING_CHOICE(field) int field;
#define SETTING_STATUS(field) struct status_set field;
#define SETTING_STAGES(field) struct stage_list field;
#define SETTING_TLS(field) int field; /* enum tls_version */

/* Each section keeps its own rows of the table and drops the others. */
#define SETTING_KEEP(field, kind) SETTING_##kind(field)
#define SETTING_DROP(field, kind)
#define OPTION(section, field, kind, ...) SECTION_##section(field, kind)
#define SECTION_load SETTING_DROP
#define SECTION_http SETTING_DROP
#define SECTION_net SETTING_DROP
#define SECTION_tls SETTING_DROP
#define SECTION_out SETTING_DROP
#define SECTION_file SETTING_DROP
#define SECTION_target SETTING_DROP
#define SECTION_cleanup SETTING_DROP
#define SECTION_fleet SETTING_DROP

#undef SECTION_load
#define SECTION_load SETTING_KEEP
struct load_settings {
#include "config/options.def"
};
#undef SECTION_load
#define SECTION_load SETTING_DROP

#undef SECTION_http
#define SECTION_http SETTING_KEEP
struct http_settings {
#include "config/options.def"
};
#undef SECTION_http
#define SECTION_http SETTING_DROP

#undef SECTION_net
#define SECTION_net SETTING_KEEP
struct net_settings {
#include "config/options.def"
};
#undef SECTION_net
#define SECTION_net SETTING_DROP

#undef SECTION_tls
#define SECTION_tls SETTING_KEEP
struct tls_settings {
#include "config/options.def"
};
#undef SECTION_tls
#define SECTION_tls SETTING_DROP

#undef SECTION_out
#define SECTION_out SETTING_KEEP
struct out_settings {
#include "config/options.def"
};
#undef SECTION_out
#define SECTION_out SETTING_DROP

#undef SECTION_file
#define SECTION_file SETTING_KEEP
struct file_settings {
#include "config/options.def"
};
#undef SECTION_file
#define SECTION_file SETTING_DROP

#undef SECTION_target
#define SECTION_target SETTING_KEEP
struct target_settings {
#include "config/options.def"
};
#undef SECTION_target
#define SECTION_target SETTING_DROP

#undef SECTION_fleet
#define SECTION_fleet SETTING_KEEP
struct fleet_settings {
#include "config/options.def"
};
#undef SECTION_fleet
#define SECTION_fleet SETTING_DROP

#undef SECTION_cleanup
#define SECTION_cleanup SETTING_KEEP
struct cleanup_settings {
#include "config/options.def"
};
#undef SECTION_cleanup
#define SECTION_cleanup SETTING_DROP

#undef SECTION_load
#undef SECTION_http
#undef SECTION_net
#undef SECTION_tls
#undef SECTION_out
#undef SECTION_file
#undef SECTION_target
#undef SECTION_cleanup
#undef SECTION_fleet
#undef OPTION

/* The proxies that the environment names. NULL: not set, or empty. */
struct proxy_environment {
	const char *http, *https, *all; /* HTTP_PROXY (not in a CGI program: REQUEST_METHOD), HTTPS_PROXY, ALL_PROXY; lower case goes first */
	const char *none;               /* NO_PROXY */
};

struct settings {
	struct load_settings load;
	struct http_settings http;
	struct net_settings net;
	struct proxy_environment proxies; /* what the environment says; counts only without --proxy and --no-proxy */
	struct tls_settings tls;
	struct out_settings out;
	struct file_settings file;
	struct target_settings target;
	struct cleanup_settings cleanup;
	struct fleet_settings fleet;
	struct scenario_set scenarios; /* of the file; count 0: none */
};
