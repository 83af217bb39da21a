/* Any text as a config file with scenarios: what is read becomes a script or faults, and a user who goes through each scenario sends heads of just the lines that
 * they should have, whatever the answers say.
 * Input: a byte (1: JSON, else TOML; 2: HTTP/2; 4: redirects), the text, and answers: each begins behind a line "----", its body behind an empty line. */
#include "config/file.h"
#include "fuzz.h"
#include "http/hpack.h"
#include "plan/script.h"
#include "plan/user.h"

#define LINE "\n----\n"
#define JSON 1
#define HTTP2 2
#define REDIRECTS 4

static struct slice rest_from(struct slice text, const char *at) {
	return (struct slice){at, (size_t)(text.at + text.size - at)};
}

/* Cuts at the first `mark`; without one everything is returned, and the rest is empty. */
static struct slice cut(struct slice text, struct slice mark, struct slice *rest) {
	const char *at = text.size ? memmem(text.at, text.size, mark.at, mark.size) : NULL;
	*rest = at ? rest_from(text, at + mark.size) : (struct slice){"", 0};
	return at ? (struct slice){text.at, (size_t)(at - text.at)} : text;
}

/* Returns how many line ends a text has; all of them are CR LF. */
static size_t count_lines(struct slice text) {
	size_t count = 0;
	for (size_t i = 0; i < text.size; i++) {
		assert(text.at[i]);
		if (text.at[i] == '\n') assert(i > 0 && text.at[i - 1] == '\r');
		if (text.at[i] == '\r') assert(i + 1 < text.size && text.at[i + 1] == '\n');
		count += text.at[i] == '\n';
	}
	return count;
}

static void check_h2(const struct http_request *request) {
	const struct slice parts[] = {request->h2_before, request->h2_after};
	for (size_t i = 0; i < LENGTH(parts); i++) {
		struct slice rest = parts[i], name, value;
		while (rest.size > 0) assert(hpack_read(&rest, &name, &value) && name.size > 0 && value.size <= SCRIPT_HEAD_MAX);
	}
}

static void check_request(const struct user *user, const struct http_request *request) {
	static const char name[] = "\r\nContent-Length: ";
	const struct script_step *step = user->step;
	struct slice head = request->head;
	size_t lines = count_lines(step->fixed) + step->field_count + (user->cookie.size > 0) + step->has_body + count_lines(step->ending);
	assert(count_lines(head) == lines);
	assert(memmem(head.at, head.size, "\r\n\r\n", 4) == head.at + head.size - 4);
	const char *length = memmem(head.at, head.size, name, sizeof(name) - 1);
	assert(step->has_body == (length != NULL));
	assert(request->body_bytes == request->body.size);
	if (length) assert(strtoull(length + sizeof(name) - 1, NULL, 10) == request->body_bytes);
	assert(user->url->target[0] == '/' && slice_equal(user->where, slice_of(user->url->target)));
	if (request->h2) check_h2(request);
}

/* Makes the request of the present step twice. False: it is impossible. */
static bool make_request(struct user *user, struct arena *arena) {
	const struct http_request *request = user_request(user, 1764201234567);
	if (!request) return false;
	check_request(user, request);
	struct slice head = {arena_copy(arena, request->head), request->head.size};
	request = user_request(user, 1764201234567);
	assert(request && slice_equal(request->head, head));
	return true;
}

static void answer(struct user *user, struct slice text, unsigned flags) {
	struct slice body, head = cut(text, SLICE("\n\n"), &body);
	if (flags & REDIRECTS) {
		user_see_head(user, head, user->url, true);
		count_lines(user_hop_fields(user, user->url, text.size % 2, text.size % 3));
	}
	user_see_head(user, head, user->url, false);
	user_see_body(user, (struct slice){body.at, body.size / 2});
	user_see_body(user, (struct slice){body.at + body.size / 2, body.size - body.size / 2});
	enum reason reason = user_judge(user, (nsec)text.size);
	assert(reason == REASON_NONE || reason_outcome(reason) == OUTCOME_ASSERT);
	assert(user_judge(user, (nsec)text.size) == reason);
}

/* Goes through each scenario once. */
static void walk(const struct script *script, struct slice answers, unsigned flags, struct arena *arena) {
	struct user_tools tools;
	user_tools_open(&tools);
	struct user *user = user_new(script, &tools, 3);
	for (uint64_t n = 0; n < script->scenario_count; n++) {
		struct slice rest = answers;
		user_begin(user, n, 0);
		bool goes_on = true;
		while (goes_on) {
			struct slice one = cut(rest, SLICE(LINE), &rest);
			bool good = make_request(user, arena);
			if (good) answer(user, one, flags);
			goes_on = user_go_on(user, !good);
		}
	}
	user_free(user);
	user_tools_close(&tools);
}

static void check_findings(const struct findings *findings) {
	for (const struct finding *finding = findings->first; finding; finding = finding->next)
		assert(finding->text[0] && !strpbrk(finding->text, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct file file;
	struct slice input = {(const char *)data, size}, answers;
	unsigned flags = fuzz_byte(&input);
	struct slice text = cut(input, SLICE(LINE), &answers);
	struct settings *settings = &file.settings;
	struct script *script = NULL;
	struct route route;
	struct arena arena;
	struct err err;
	setenv("A", "1", 1);
	arena_init(&arena);
	file_read_text(flags & JSON ? "a.json" : "a.toml", text, &arena, &file);
	settings->scenarios.data_count = 0; /* no files are read */
	settings->load.seed = size;
	if (!file.findings.faults && script_is_wanted(settings) && route_open(settings, ROUTE_ORIGINS_MAX, &arena, &route, &err)) {
		struct findings findings = {.arena = &arena};
		struct script_inputs inputs = {
			.settings = settings, .route = &route, .protocols = {.clear_h2 = flags & HTTP2}, .findings = &findings};
		bool good = script_build(&inputs, &arena, &script);
		assert(good == (findings.faults == 0));
		check_findings(&findings);
		if (good) {
			script_try(script);
			walk(script, answers, flags, &arena);
			script_free(script);
		}
	}
	arena_fini(&arena);
	return 0;
}
