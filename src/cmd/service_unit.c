#include "cmd/service_unit.h"

#include <ctype.h>

#define NAME_MAX_BYTES 200

/* What does not depend on the service. The user is one for all services of strest: systemd gives the folder to the user of whichever starts.
 * No SystemCallFilter: it would lie on the path of each request. */
static const char fixed[] = "Restart=on-failure\n"
			    "RestartSec=2\n"
			    "KillSignal=SIGINT\n"
			    "TimeoutStopSec=30\n"
			    "LimitNOFILE=1048576\n"
			    "\n"
			    "DynamicUser=yes\n"
			    "User=strest\n"
			    "StateDirectory=strest\n"
			    "WorkingDirectory=%S/strest\n"
			    "Environment=HOME=%S/strest\n"
			    "UMask=0077\n"
			    "\n"
			    "NoNewPrivileges=yes\n"
			    "ProtectSystem=strict\n"
			    "ProtectHome=read-only\n"
			    "PrivateTmp=yes\n"
			    "PrivateDevices=yes\n"
			    "ProtectClock=yes\n"
			    "ProtectControlGroups=yes\n"
			    "ProtectHostname=yes\n"
			    "ProtectKernelLogs=yes\n"
			    "ProtectKernelModules=yes\n"
			    "ProtectKernelTunables=yes\n"
			    "ProtectProc=invisible\n"
			    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n"
			    "RestrictNamespaces=yes\n"
			    "RestrictRealtime=yes\n"
			    "RestrictSUIDSGID=yes\n"
			    "LockPersonality=yes\n"
			    "SystemCallArchitectures=native\n";

/* Adds a text with '%' doubled: systemd puts something else in the place of "%h". */
static void add_plain(struct buf *into, const char *text) {
	for (; *text; text++) {
		if (*text == '%') buf_add_text(into, "%");
		buf_add(into, (struct slice){text, 1});
	}
}

/* Adds one character of a word between quotes, or of one that needs none. */
static void add_character(struct buf *into, char c, bool doubles_dollar) {
	if (c == '%' || (c == '$' && doubles_dollar)) {
		buf_add_format(into, "%c%c", c, c);
	} else if (c == '"' || c == '\\') {
		buf_add_format(into, "\\%c", c);
	} else if (iscntrl((unsigned char)c)) {
		buf_add_format(into, "\\x%02x", (unsigned char)c);
	} else {
		buf_add(into, (struct slice){&c, 1});
	}
}

static bool wants_quotes(const char *text) {
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c) || strchr(" \"'\\;", *c)) return true;
	return !*text;
}

/* Adds a word of a command line. Of the program a '$' stands for itself: systemd looks for no variable in its path. */
static void add_word(struct buf *into, const struct service_word *word, bool doubles_dollar) {
	bool quoted = wants_quotes(word->text) && (*word->text || !word->credential);
	if (quoted) buf_add_text(into, "\"");
	for (const char *c = word->text; *c; c++) add_character(into, *c, doubles_dollar);
	if (word->credential) buf_add_format(into, "%%d/%s", word->credential);
	if (quoted) buf_add_text(into, "\"");
}

void service_unit_write(const struct service_unit *unit, struct buf *into) {
	const struct service_word program = {unit->program, NULL};
	const char *capabilities = unit->low_port ? "CAP_NET_BIND_SERVICE" : "";
	buf_add_format(into,
		SERVICE_MARKER "; strest --uninstall-service removes it\n"
			       "[Unit]\nDescription=strest %s\nAfter=network-online.target\nWants=network-online.target\n"
			       "StartLimitIntervalSec=0\n\n[Service]\nType=simple\nExecStart=",
		unit->controls ? "controller" : "agent");
	add_word(into, &program, false);
	for (size_t i = 0; i < unit->word_count; i++) {
		buf_add_text(into, " ");
		add_word(into, &unit->words[i], true);
	}
	buf_add_text(into, "\n");
	if (unit->env_path) buf_add_format(into, "EnvironmentFile=%s\n", unit->env_path);
	for (size_t i = 0; i < unit->credential_count; i++) {
		buf_add_format(into, "LoadCredential=%s:", unit->credentials[i].id);
		add_plain(into, unit->credentials[i].path);
		buf_add_text(into, "\n");
	}
	buf_add_text(into, fixed);
	buf_add_format(into, "CapabilityBoundingSet=%s\n", capabilities);
	if (unit->low_port) buf_add_format(into, "AmbientCapabilities=%s\n", capabilities);
	buf_add_text(into, "\n[Install]\nWantedBy=multi-user.target\n");
}

void service_unit_write_env(size_t count, const struct service_variable *variables, struct buf *into) {
	buf_add_text(into, SERVICE_MARKER "; read by systemd\n");
	for (size_t i = 0; i < count; i++) {
		buf_add_format(into, "%s=\"", variables[i].name);
		for (const char *c = variables[i].value; *c; c++) {
			if (strchr("\"\\`$", *c)) buf_add_text(into, "\\");
			buf_add(into, (struct slice){c, 1});
		}
		buf_add_text(into, "\"\n");
	}
}

bool service_unit_is_ours(struct slice text) {
	struct slice marker = SLICE(SERVICE_MARKER);
	return text.size >= marker.size && memcmp(text.at, marker.at, marker.size) == 0;
}

bool service_unit_name(struct slice given, struct slice *ret) {
	static const char tail[] = ".service";
	const size_t tail_size = sizeof(tail) - 1;
	struct slice name = slice_trim(given);
	if (name.size >= tail_size && memcmp(name.at + name.size - tail_size, tail, tail_size) == 0) name.size -= tail_size;
	if (name.size == 0 || name.size > NAME_MAX_BYTES || *name.at == '.' || *name.at == '-') return false;
	for (size_t i = 0; i < name.size; i++) {
		unsigned char c = (unsigned char)name.at[i];
		if (c >= 0x80 || (!isalnum(c) && !strchr(":_.@-", c))) return false;
	}
	*ret = name;
	return true;
}
