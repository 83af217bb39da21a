#include "config/fleet_rules.h"

#include "base/host_port.h"

/* Options that mean a controller, an agent. */
static const char of_controller[] =
	"controller-mode|control-listen|control-auth-token|control-auth-token-file|min-agents|agent-wait-timeout-ms|agent-heartbeat-timeout-ms|"
	"stream-summaries|stream-interval-ms|on-agent-loss";
static const char of_agent[] = "agent-id|agent-weight|agent-standby|agent-reconnect-ms|agent-heartbeat-interval-ms";
static const char of_both[] = "auth-token|auth-token-file|fleet-cert|fleet-key|fleet-ca|insecure-fleet";

/* What needs each single request, which stays on the agents, or is about the machine that sends. */
static const char not_of_controller[] = "export-csv|db-url|keep-tmp|tmp-path|log-shards|metrics-range|metrics-max|debug|truth|bind";

/* Returns the first of the words "a|b" that the command line gave. */
static struct slice first_commanded(const struct rule *r, const char *words) {
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		const struct option_row *row = option_by_name(word, COMMAND_RUN);
		if (r->check->origins->rows[option_index(row)].kind == ORIGIN_COMMAND && !value_is_off(row, r->settings)) return word;
	}
	return (struct slice){NULL, 0};
}

static const char *flag_of(const struct rule *r, struct slice word) {
	return arena_copy(r->check->arena, word);
}

bool fleet_rules_aims(const struct settings *settings) {
	const struct fleet_settings *fleet = &settings->fleet;
	bool waits = fleet->controller_listen && fleet->controller_mode == CONTROLLER_MANUAL;
	return !fleet->agent_join && !waits && !fleet->uninstall_service;
}

bool fleet_rules_role(const struct rule *r) {
	const struct fleet_settings *fleet = &r->settings->fleet;
	bool controls = fleet->controller_listen, joins = fleet->agent_join;
	struct slice word = {NULL, 0};
	if (controls && joins)
		return RULE_BROKEN("agent-join", "%s and %s: one process is a controller or an agent; leave one out, or set distributed.role",
			rule_name(r, "controller-listen"), rule_name(r, "agent-join"));
	if ((controls || joins) && r->settings->out.replay)
		return RULE_BROKEN("replay", "--replay shows a run again, and a controller or agent makes one; leave one out");
	if (!controls) word = first_commanded(r, of_controller);
	if (word.size) return RULE_BROKEN(flag_of(r, word), "--%s is for controllers; add --controller-listen ADDRESS:PORT", flag_of(r, word));
	if (!joins) word = first_commanded(r, of_agent);
	if (word.size) return RULE_BROKEN(flag_of(r, word), "--%s is for agents; add --agent-join HOST:PORT", flag_of(r, word));
	if (!joins && !controls) word = first_commanded(r, of_both);
	if (word.size)
		return RULE_BROKEN(flag_of(r, word),
			"--%s is for controllers and agents; add --controller-listen ADDRESS:PORT or --agent-join HOST:PORT", flag_of(r, word));
	return true;
}

bool fleet_rules_control(const struct rule *r) {
	const struct fleet_settings *fleet = &r->settings->fleet;
	if (!fleet->controller_listen || fleet->controller_mode != CONTROLLER_MANUAL || fleet->control_listen || fleet->uninstall_service)
		return true;
	return RULE_BROKEN("controller-mode", "%s manual needs an address where it is told to start; add %s", rule_name(r, "controller-mode"),
		rule_show(r, "controller-mode", "control-listen", "127.0.0.1:9010"));
}

/* Returns whether only this machine can reach an address to listen at. */
static bool is_local(const char *address) {
	struct host_port parts;
	if (!host_port_parse(slice_of(address), &parts)) return true; /* refused elsewhere */
	struct slice host = parts.host;
	return host.size == 0 || slice_equal_nocase(host, SLICE("localhost")) || slice_equal(host, SLICE("::1")) ||
	       (host.size > 4 && memcmp(host.at, "127.", 4) == 0);
}

static bool check_twice(const struct rule *r, const char *flag, const char *other) {
	if (!rule_is_given(r, flag) || !rule_is_given(r, other)) return true;
	return RULE_BROKEN(flag, "%s and %s give the same token; leave one out", rule_name(r, flag), rule_name(r, other));
}

bool fleet_rules_safe(const struct rule *r) {
	const struct fleet_settings *fleet = &r->settings->fleet;
	bool listens = fleet->controller_listen, has_token = fleet->auth_token || fleet->auth_token_file;
	bool manual = listens && fleet->controller_mode == CONTROLLER_MANUAL && fleet->control_listen;
	if (!check_twice(r, "auth-token", "auth-token-file") || !check_twice(r, "control-auth-token", "control-auth-token-file")) return false;
	if (fleet->auth_token && !*fleet->auth_token) return RULE_BROKEN("auth-token", "%s is empty; write a token", rule_name(r, "auth-token"));
	if (fleet->control_auth_token && !*fleet->control_auth_token)
		return RULE_BROKEN("control-auth-token", "%s is empty; write a token", rule_name(r, "control-auth-token"));
	if (fleet->insecure_fleet || fleet->uninstall_service) return true;
	if (listens && !has_token && !fleet->fleet_ca && !is_local(fleet->controller_listen))
		return RULE_BROKEN("controller-listen",
			"%s %s lets anybody in the network join; add --auth-token-file FILE, or --fleet-ca FILE with --fleet-cert, or "
			"--insecure-fleet",
			rule_name(r, "controller-listen"), fleet->controller_listen);
	if (manual && !is_local(fleet->control_listen))
		return RULE_BROKEN("control-listen",
			"%s %s would take its token over the network in clear text; listen at 127.0.0.1 (and forward the port), or add "
			"--insecure-fleet",
			rule_name(r, "control-listen"), fleet->control_listen);
	return true;
}

bool fleet_rules_outputs(const struct rule *r) {
	const char *words = not_of_controller;
	if (!r->settings->fleet.controller_listen) return true;
	for (struct slice word = option_next_word(&words); word.size; word = option_next_word(&words)) {
		const char *flag = flag_of(r, word);
		if (rule_is_given(r, flag) && !value_is_off(rule_row(r, flag), r->settings))
			return RULE_BROKEN(flag,
				"%s is about single requests or the machine that sends them, and a controller has neither; leave it out%s",
				rule_name(r, flag),
				strncmp(flag, "export", 6) == 0 || strcmp(flag, "db-url") == 0 ? ", or write --export-json FILE" : "");
	}
	return true;
}

bool fleet_rules_service(const struct rule *r) {
	const struct fleet_settings *fleet = &r->settings->fleet;
	bool has_role = fleet->controller_listen || fleet->agent_join;
	if (fleet->install_service && fleet->uninstall_service)
		return RULE_BROKEN("install-service", "--install-service and --uninstall-service exclude each other; give one of them");
	if (fleet->install_service && !has_role)
		return RULE_BROKEN("install-service",
			"--install-service installs a controller or an agent; add --controller-listen ADDRESS:PORT or --agent-join HOST:PORT");
	if (fleet->service_name && !fleet->install_service && !fleet->uninstall_service)
		return RULE_BROKEN("service-name", "--service-name names a service; add --install-service or --uninstall-service");
	return true;
}
