#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/service_unit.h"

static char *unit_of(const struct service_unit *unit) {
	struct buf text;
	buf_init(&text, 1 << 20);
	service_unit_write(unit, &text);
	return buf_take(&text);
}

/* Returns whether a whole line of the text is this one. */
static bool has_line(const char *text, const char *line) {
	size_t size = strlen(line);
	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[size] == '\n') return true;
	return false;
}

static void assert_lines(const char *text, const char *const *lines) {
	for (; *lines; lines++)
		if (!has_line(text, *lines)) fail_msg("no line '%s' in:\n%s", *lines, text);
}

static void a_service_is_what_the_specification_says(void **state) {
	static const char *const lines[] = {"[Unit]", "Description=strest agent", "After=network-online.target", "Wants=network-online.target",
		"[Service]", "Type=simple", "ExecStart=/usr/local/bin/strest --agent-join 10.0.0.5:9009", "Restart=on-failure", "RestartSec=2",
		"KillSignal=SIGINT", "TimeoutStopSec=30", "DynamicUser=yes", "StateDirectory=strest", "NoNewPrivileges=yes", "ProtectSystem=strict",
		"ProtectHome=read-only", "LimitNOFILE=1048576", "CapabilityBoundingSet=", "[Install]", "WantedBy=multi-user.target", NULL};
	const struct service_word words[] = {{"--agent-join", NULL}, {"10.0.0.5:9009", NULL}};
	const struct service_unit unit = {.program = "/usr/local/bin/strest", .word_count = 2, .words = words};
	char *text = unit_of(&unit);
	(void)state;
	assert_lines(text, lines);
	assert_true(service_unit_is_ours(slice_of(text)));
	assert_null(strstr(text, "EnvironmentFile"));
	assert_null(strstr(text, "LoadCredential"));
	assert_null(strstr(text, "AmbientCapabilities"));
	free(text);
}

static void a_controller_has_its_variables_credentials_and_low_port(void **state) {
	static const char *const lines[] = {"Description=strest controller", "ExecStart=/opt/a --fleet-key=%d/fleet-key",
		"EnvironmentFile=/etc/strest/c.env", "LoadCredential=fleet-key:/srv/100%% mine/key.pem", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
		"AmbientCapabilities=CAP_NET_BIND_SERVICE", NULL};
	const struct service_word words[] = {{"--fleet-key=", "fleet-key"}};
	const struct service_credential credentials[] = {{"fleet-key", "/srv/100% mine/key.pem"}};
	const struct service_unit unit = {.controls = true,
		.program = "/opt/a",
		.word_count = 1,
		.words = words,
		.credential_count = 1,
		.credentials = credentials,
		.env_path = "/etc/strest/c.env",
		.low_port = true};
	char *text = unit_of(&unit);
	(void)state;
	assert_lines(text, lines);
	free(text);
}

/* systemd.syntax(7), "Quoting"; systemd.unit(5), "%%"; systemd.service(5), "$$". */
static const struct {
	const char *program, *word, *line;
} quoted[] = {
	{"/a", "plain-word_1.2:3/4@5,6+7=8", "ExecStart=/a plain-word_1.2:3/4@5,6+7=8"},
	{"/a", "", "ExecStart=/a \"\""},
	{"/a", "two words", "ExecStart=/a \"two words\""},
	{"/a", "say \"yes\"", "ExecStart=/a \"say \\\"yes\\\"\""},
	{"/a", "it's", "ExecStart=/a \"it's\""},
	{"/a", "C:\\new", "ExecStart=/a \"C:\\\\new\""},
	{"/a", "50%", "ExecStart=/a 50%%"},
	{"/a", "${HOME}$x", "ExecStart=/a $${HOME}$$x"},
	{"/a", ";", "ExecStart=/a \";\""},
	{"/a", "a\tb\nc\r", "ExecStart=/a \"a\\x09b\\x0ac\\x0d\""},
	{"/a", "\xc3\xa4", "ExecStart=/a \xc3\xa4"},
	{"/my bin/50%$x", "y", "ExecStart=\"/my bin/50%%$x\" y"},
};

static void words_are_quoted_as_systemd_reads_them(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(quoted); i++) {
		const struct service_word word = {quoted[i].word, NULL};
		const struct service_unit unit = {.program = quoted[i].program, .word_count = 1, .words = &word};
		char *text = unit_of(&unit);
		if (!has_line(text, quoted[i].line)) fail_msg("no line '%s' in:\n%s", quoted[i].line, text);
		free(text);
	}
}

/* systemd.exec(5), EnvironmentFile=: what is escaped between double quotes. */
static void variables_are_quoted_as_systemd_reads_them(void **state) {
	const struct service_variable variables[] = {{"STREST_AUTH_TOKEN", "a \"b\" $c `d` \\e %f 'g' #h"}, {"B", ""}};
	struct buf text;
	(void)state;
	buf_init(&text, 1 << 16);
	service_unit_write_env(2, variables, &text);
	assert_true(has_line(buf_text(&text), "STREST_AUTH_TOKEN=\"a \\\"b\\\" \\$c \\`d\\` \\\\e %f 'g' #h\""));
	assert_true(has_line(buf_text(&text), "B=\"\""));
	assert_true(service_unit_is_ours(slice_of(buf_text(&text))));
	buf_fini(&text);
}

static void what_others_wrote_is_not_ours(void **state) {
	(void)state;
	assert_false(service_unit_is_ours(SLICE("")));
	assert_false(service_unit_is_ours(SLICE("[Unit]\nDescription=strest agent\n")));
	assert_false(service_unit_is_ours(SLICE("\n# Written by strest --install-service\n")));
	assert_false(service_unit_is_ours(SLICE("# Written by strest")));
}

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *given, *name; /* NULL: refused */
} names[] = {
	{"strest-agent", "strest-agent"},
	{"strest-agent.service", "strest-agent"},
	{" \tstrest ", "strest"},
	{"a.service.service", "a.service"},
	{"A:b_c.d@e-1", "A:b_c.d@e-1"},
	{HUNDRED HUNDRED, HUNDRED HUNDRED},
	{HUNDRED HUNDRED ".service", HUNDRED HUNDRED},
	{HUNDRED HUNDRED "0", NULL},
	{"", NULL},
	{"  ", NULL},
	{".service", NULL},
	{"../x", NULL},
	{"a/b", NULL},
	{"..", NULL},
	{".hidden", NULL},
	{"-x", NULL},
	{"a b", NULL},
	{"a\nb", NULL},
	{"a%b", NULL},
	{"a\\b", NULL},
	{"\xc3\xa4", NULL},
};

static void a_name_is_one_that_systemd_takes(void **state) {
	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		struct slice name;
		bool good = service_unit_name(slice_of(names[i].given), &name);
		if (good != !!names[i].name || (good && !slice_equal(name, slice_of(names[i].name)))) fail_msg("'%s'", names[i].given);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_what_the_specification_says),
		cmocka_unit_test(a_controller_has_its_variables_credentials_and_low_port),
		cmocka_unit_test(words_are_quoted_as_systemd_reads_them),
		cmocka_unit_test(variables_are_quoted_as_systemd_reads_them),
		cmocka_unit_test(what_others_wrote_is_not_ours),
		cmocka_unit_test(a_name_is_one_that_systemd_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
