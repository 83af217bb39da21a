#include "plan/script_step.h"

#include <stdarg.h>
#include <stdio.h>

#include "config/header.h"
#include "http/h2_head.h"
#include "http/hpack.h"
#include "plan/fields.h"
#include "plan/script_answer.h"
#include "plan/script_target.h"
#include "plan/words.h"

#define TARGET_END "/ HTTP/1.1" /* how the request line of a head ends that is laid out to be cut */
#define SENTENCE_BYTES 1024

size_t making_find_slot(const struct script_making *making, size_t first, struct slice name) {
	size_t i = first;
	while (i < making->slot_count && !slice_equal(making->slots[i].name, name)) i++;
	return i;
}

const char *making_path(const struct script_making *making, const char *key) {
	const char *name = making->scenario->name.text;
	return arena_format(making->arena, "%s%s.%s", name ? "scenarios." : "scenario", name ? name : "", key);
}

const char *step_path(const struct step_making *making, const char *key) {
	return arena_format(making->script->arena, "%s, step %zu, %s", making_path(making->script, "steps"), making->index + 1, key);
}

bool step_fault(struct step_making *making, const struct step_text *text, const char *format, ...) {
	struct findings *findings = making->script->inputs->findings;
	char words[SENTENCE_BYTES], sentence[2 * SENTENCE_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	snprintf(sentence, sizeof(sentence), "%s: %s", text->path, words);
	making->good = false;
	for (const struct finding *other = findings->first; other; other = other->next)
		if (other->at.line == text->at.line && other->at.column == text->at.column && strcmp(other->text, sentence) == 0) return false;
	return findings_add(findings, text->at, "%s", sentence);
}

static bool vars_have(const struct scenario_vars *vars, struct slice name) {
	for (size_t i = 0; i < vars->count; i++)
		if (slice_equal(slice_of(vars->at[i].name.text), name)) return true;
	return false;
}

/* What the names in the step's templates stand for: slots that have a value by then, the step's variables, the scenario's. */
static void step_make_scope(struct step_making *making) {
	const struct script_making *script = making->script;
	const struct scenario_vars *lists[] = {&making->from->vars, &script->scenario->vars};
	struct slice *slots = arena_array(script->arena, script->slot_count, sizeof(*slots));
	struct template_constant *constants = arena_array(script->arena, lists[0]->count + lists[1]->count, sizeof(*constants));
	size_t count = 0;
	for (size_t i = 0; i < script->slot_count; i++) {
		bool is_seen = i < script->data_slots || (i >= script->own_slots && script->slots[i].from_step <= making->index);
		if (is_seen && !vars_have(lists[0], script->slots[i].name))
			slots[i] = script->slots[i].name; /* else without a name: nobody asks for it */
	}
	for (size_t i = 0; i < LENGTH(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			constants[count++] = (struct template_constant){slice_of(lists[i]->at[j].name.text), slice_of(lists[i]->at[j].value.text)};
	making->scope = (struct template_scope){script->slot_count, slots, count, constants};
}

/* A variable that a later step extracts is the likely reason why a name stands for nothing. */
static const char *step_explain(const struct step_making *making, const struct template_fault *fault) {
	const struct script_making *script = making->script;
	for (size_t i = script->own_slots; i < script->slot_count; i++) {
		struct slice name = script->slots[i].name;
		if (script->slots[i].from_step <= making->index || fault->text[0] != '\'' || strncmp(fault->text + 1, name.at, name.size) != 0)
			continue;
		if (fault->text[name.size + 1] != '\'') continue;
		return arena_format(script->arena, "'%.*s' has no value before step %zu has extracted it; give it one in vars", (int)name.size,
			name.at, script->slots[i].from_step);
	}
	return fault->text;
}

const struct template *step_compile(struct step_making *making, const struct step_text *text, enum template_place place, const char *bytes) {
	struct template_fault fault;
	const struct template *template = template_compile(slice_of(bytes), &making->scope, place, making->script->arena, &fault);
	if (!template) step_fault(making, text, "%s", step_explain(making, &fault));
	return template;
}

/* The fields of a step, before they are parted into those that are the same always and the others. */
struct step_headers {
	size_t count;
	struct step_text *at;
};

/* Returns the name of a field as written. */
static struct slice header_name(const char *text) {
	struct slice value;
	return fields_split(text, &value);
}

/* Gathers the fields: those of the run or the scenario, but for those that the step says itself, and the step's. */
static struct step_headers step_gather_headers(const struct step_making *making) {
	const struct script_making *script = making->script;
	const struct text_list *run = &script->inputs->settings->http.headers;
	const struct placed_list *own = &making->from->headers, *scenario = &script->scenario->headers;
	bool is_runs = !script->scenario->has_headers;
	size_t count = is_runs ? run->count : scenario->count;
	struct step_headers headers = {.at = arena_array(script->arena, count + own->count, sizeof(*headers.at))};
	for (size_t i = 0; i < count; i++) {
		struct step_text one = {.text = is_runs ? run->at[i] : scenario->at[i].text, .path = "--headers"};
		bool is_said = false;
		for (size_t j = 0; j < own->count; j++) is_said = is_said || slice_equal_nocase(header_name(one.text), header_name(own->at[j].text));
		if (is_said) continue;
		if (!is_runs) {
			one.at = scenario->at[i].at;
			one.path = making_path(script, arena_format(script->arena, "headers, item %zu", i + 1));
		}
		headers.at[headers.count++] = one;
	}
	for (size_t i = 0; i < own->count; i++)
		headers.at[headers.count++] = (struct step_text){
			own->at[i].text, own->at[i].at, step_path(making, arena_format(script->arena, "headers, item %zu", i + 1))};
	return headers;
}

/* Checks what config/ could not, for want of the name or the rest of the settings. */
static bool check_header(struct step_making *making, const struct step_text *header, struct slice name) {
	if (!header_name_valid(name))
		return step_fault(making, header, "the name of a field is a word that is the same always; write e.g. \"X-User: {{user}}\"");
	if (slice_equal_nocase(name, SLICE("Content-Length")) || slice_equal_nocase(name, SLICE("Transfer-Encoding")))
		return step_fault(making, header, "'%.*s' follows from the body; leave it out", (int)name.size, name.at);
	if (slice_equal_nocase(name, SLICE("User-Agent")) && !making->script->inputs->settings->http.authorized)
		return step_fault(making, header,
			"another User-Agent needs permission to test this target; if you have it, add authorized = true, or --authorized");
	return true;
}

/* Returns how HPACK begins the field; empty: it does not go over HTTP/2. The host is :authority there (RFC 9113 section 8.3.1). */
static struct slice pack_name(struct slice name, struct arena *arena) {
	if (slice_equal_nocase(name, SLICE("Host"))) return hpack_begin(SLICE(":authority"), arena);
	return h2_head_takes(name) ? hpack_begin(name, arena) : SLICE("");
}

/* Reads one field. Returns "Name: value" if it is the same always, else "Name:", and the rest is *ret; NULL with a fault. */
static const char *step_read_header(struct step_making *making, const struct step_text *header, struct script_field *ret) {
	struct arena *arena = making->script->arena;
	struct slice value, name = fields_split(header->text, &value), all;
	const struct template *made = step_compile(making, header, TEMPLATE_FIELD, arena_copy(arena, name));
	if (!made) return NULL;
	if (!template_is_constant(made, &name)) name = SLICE("");
	if (!check_header(making, header, name)) return NULL;
	if (slice_equal_nocase(name, SLICE("Cookie"))) making->to->is_cookie_own = true;
	made = step_compile(making, header, TEMPLATE_FIELD, arena_copy(arena, value));
	if (!made) return NULL;
	if (template_is_constant(made, &all)) return arena_format(arena, "%.*s: %.*s", (int)name.size, name.at, (int)all.size, all.at);
	*ret = (struct script_field){.name = slice_of(arena_format(arena, "%.*s: ", (int)name.size, name.at)),
		.packed = pack_name(name, arena),
		.is_host = slice_equal_nocase(name, SLICE("Host")),
		.value = made};
	return arena_format(arena, "%.*s:", (int)name.size, name.at);
}

/* Returns whether --proxy-header says a field instead, to a proxy that gets whole requests. */
static bool is_taken(const struct step_making *making, const char *header) {
	const struct script_inputs *inputs = making->script->inputs;
	bool is_forward = inputs->route->origins[making->to->like.origin].way == WAY_FORWARD;
	return is_forward && fields_have(&inputs->settings->net.proxy_headers, header_name(header));
}

/* Takes the fields that differ out of the words: they are the last ones, as their texts are. */
static void words_take_out(struct source_words *words, size_t count, const bool *differs) {
	size_t first = words->count - count, kept = first;
	for (size_t i = 0; i < count; i++)
		if (!differs[i]) words->fields[kept++] = words->fields[first + i];
	words->count = kept;
}

/* Makes the words of the step: settings of its own, as far as they are the same always. A field that differs stands in the list as well, so that ours of the same
 * name stay away, and is taken out of the words afterwards. */
static const struct source_words *step_make_words(struct step_making *making, bool has_body) {
	const struct script_making *script = making->script;
	const struct settings *settings = script->inputs->settings;
	const char *type = script->inputs->plain ? script->inputs->plain->content_type : NULL;
	struct script_step *step = making->to;
	struct step_headers headers = step_gather_headers(making);
	struct http_settings http = settings->http;
	struct script_field *fields = arena_array(script->arena, headers.count, sizeof(*fields));
	bool *differs = arena_array(script->arena, headers.count, sizeof(*differs));
	http.headers = (struct text_list){0, arena_array(script->arena, headers.count, sizeof(char *))};
	for (size_t i = 0; i < headers.count; i++) {
		struct script_field field = {.value = NULL};
		const char *text = step_read_header(making, &headers.at[i], &field);
		if (!text) continue;
		differs[http.headers.count] = field.value != NULL;
		if (field.value && !is_taken(making, text)) fields[step->field_count++] = field;
		http.headers.at[http.headers.count++] = text;
	}
	step->fields = fields;
	bool is_scenario = !script->script->is_plain; /* its fields go before --accept and --content-type */
	if (is_scenario && fields_have(&http.headers, SLICE("Accept"))) http.accept = NULL;
	if (is_scenario && fields_have(&http.headers, SLICE("Content-Type"))) http.content_type = NULL;
	http.data = has_body ? "" : NULL;
	if (is_scenario) http.data_file = http.data_lines = NULL;
	struct source_words *words = arena_alloc(script->arena, sizeof(*words));
	*words = *words_build(&http, &settings->net, type, script->arena);
	words_take_out(words, http.headers.count, differs);
	return words;
}

/* Finds the body: the step's, else the scenario's, else the run's. */
static void step_make_body(struct step_making *making, struct slice *ret_constant) {
	const struct script_making *script = making->script;
	const struct placed *own = &making->from->data, *scenario = &script->scenario->data;
	struct step_text data = {.text = script->inputs->settings->http.data, .path = "--data"};
	struct script_step *step = making->to;
	if (script->inputs->plain && script->inputs->plain->requests[0].body.at) {
		step->bodies = script->inputs->plain->requests;
		step->body_count = script->inputs->plain->count;
		step->has_body = true;
		return;
	}
	if (scenario->text) data = (struct step_text){scenario->text, scenario->at, making_path(script, "data")};
	if (own->text) data = (struct step_text){own->text, own->at, step_path(making, "data")};
	if (!data.text) return;
	step->has_body = true;
	step->body = step_compile(making, &data, TEMPLATE_BODY, data.text);
	if (step->body && template_is_constant(step->body, ret_constant)) step->body = NULL;
}

/* A head that is put together for each request must fit into its buffer. */
static void check_head(struct step_making *making, size_t size) {
	const struct step_text at = {.at = making->from->at, .path = making->script->script->is_plain ? "--headers" : step_path(making, "headers")};
	bool is_laid_out = making->to->is_constant && making->script->scenario->no_cookies;
	size_t most = is_laid_out ? FIELDS_MAX : SCRIPT_HEAD_MAX;
	if (size > most) step_fault(making, &at, "the request head is larger than %zu KiB; leave something out", most >> 10);
}

/* Lays the head out as far as it is the same always, and cuts it where the rest goes. */
static void step_lay_out(struct step_making *making, struct slice body) {
	const struct script_making *script = making->script;
	struct script_step *step = making->to;
	const struct route *route = script->inputs->route;
	struct arena *arena = script->arena;
	struct url open = *step->base;
	open.target = "/";
	struct words_head head = {
		.method = (enum method)step->like.method, .url = &open, .route = route, .origin = step->like.origin, .describes_body = true};
	head.credentials = words_basic(step->words->has_credentials ? NULL : open.userinfo, arena);
	struct slice cut = words_lay_out(step->words, &head, arena);
	const char *line_end = memmem(cut.at, cut.size, "\r\n", 2);
	const struct origin *origin = &route->origins[step->like.origin];
	size_t opening = (size_t)(line_end - cut.at) - (sizeof(TARGET_END) - 1);
	size_t ending = 2 + (origin->way == WAY_FORWARD ? route_proxy_fields(route, origin).size : 0);
	step->opening = (struct slice){cut.at, opening};
	step->fixed = (struct slice){cut.at + opening + 1, cut.size - ending - opening - 1};
	step->ending = (struct slice){cut.at + cut.size - ending, ending};
	bool may_h2 = protocols_may_h2(&script->inputs->protocols, open.tls);
	if (!step->target) head.url = step->base;
	if (may_h2 && step->target) step->h2 = h2_head_make_open(cut, open.tls, arena);
	if (may_h2 && !step->target) step->h2 = h2_head_make(words_lay_out(step->words, &head, arena), open.tls, arena);
	step->is_constant = !step->target && step->field_count == 0 && !step->body && !step->bodies;
	check_head(making, cut.size + strlen(step->base->target));
	step->like.body = body;
	step->like.body_bytes = body.size;
	if (!step->is_constant) return;
	head.has_body = step->has_body;
	head.body_bytes = body.size;
	step->like.head = words_lay_out(step->words, &head, arena);
	if (may_h2) step->like.h2 = h2_head_make(step->like.head, open.tls, arena);
}

bool script_step_make(const struct script_making *script, size_t index, struct script_step *ret) {
	const struct scenario_step *from = &script->scenario->steps[index];
	const struct settings *settings = script->inputs->settings;
	struct step_making making = {.script = script, .from = from, .index = index, .to = ret, .good = true};
	struct slice body = {NULL, 0};
	int method = from->method >= 0 ? from->method : script->scenario->method >= 0 ? script->scenario->method : settings->http.method;
	*ret = (struct script_step){
		.name = from->name.text, .number = (unsigned)index + 1, .think_time = from->think_time, .time_limit = from->time_limit};
	words_set_method(&ret->like, (enum method)method);
	ret->like.row = (uint32_t)script->script->step_count;
	ret->like.expected = from->has_status ? &from->status : &settings->http.status;
	step_make_scope(&making);
	script_target_make(&making);
	step_make_body(&making, &body);
	ret->words = step_make_words(&making, ret->has_body);
	ret->has_body = ret->has_body || words_expects_body((enum method)method);
	if (making.good) step_lay_out(&making, body);
	script_answer_make(&making);
	return making.good;
}

void script_step_free(const struct script_step *step) {
	for (size_t i = 0; i < step->assert_count; i++) regex_free((struct regex *)(uintptr_t)step->asserts[i].regex);
	for (size_t i = 0; i < step->extract_count; i++) regex_free((struct regex *)(uintptr_t)step->extracts[i].regex);
}
