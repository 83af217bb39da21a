#include "plan/script_target.h"

#define HOST_DIFFERS "the host cannot differ from request to request; write e.g. http://localhost:3000/{{id}}"

/* Encodes what cannot stand in a URL, but for what lies between {{ and }}, and leaves the fragment away (RFC 3986 sections 2.1 and 3.5). Braces are taken as
 * plan/template.h says. */
static const char *target_encode(const char *text, struct arena *arena) {
	static const char digits[] = "0123456789ABCDEF";
	const char *rest = arena_copy(arena, slice_trim(slice_of(text))), *end;
	char *encoded = arena_alloc(arena, strlen(rest) * 3 + 1), *at = encoded;
	for (; *rest && *rest != '#'; rest++) {
		unsigned char byte = (unsigned char)*rest;
		size_t braces = strspn(rest, "{");
		if (braces >= 4) {
			at = mempcpy(at, "%7B%7B", 6);
			rest += 3;
		} else if (braces == 2 && (end = strstr(rest, "}}"))) {
			at = mempcpy(at, rest, (size_t)(end + 2 - rest));
			rest = end + 1;
		} else if (byte <= ' ' || byte > '~' || strchr("\"<>\\^`|{}", byte)) {
			*at++ = '%';
			*at++ = digits[byte >> 4];
			*at++ = digits[byte & 15];
		} else {
			*at++ = (char)byte;
		}
	}
	return encoded;
}

/* Returns whether a reference begins with a scheme and "//". */
static bool is_absolute(struct slice text) {
	const char *sign = memmem(text.at, text.size, "://", 3);
	return sign && sign > text.at && sign + 1 == memchr(text.at, '/', text.size) && !memchr(text.at, '?', (size_t)(sign - text.at));
}

/* Returns the part of a template's constant beginning that is a reference by itself: what stands before its query, else up to the last '/'. */
static struct slice cut_reference(struct slice begin) {
	const char *end = memchr(begin.at, '?', begin.size);
	if (!end && (end = memrchr(begin.at, '/', begin.size))) end++;
	return (struct slice){begin.at, end ? (size_t)(end - begin.at) : 0};
}

static bool ends_before_host(struct slice text) {
	return text.size >= 2 && memcmp(text.at + text.size - 2, "//", 2) == 0 && (text.size == 2 || text.at[text.size - 3] == ':');
}

/* Reads a reference that is the same always. `base` NULL: it must be absolute. NULL with a fault. */
static const struct url *read_reference(struct step_making *making, const struct step_text *text, const struct url *base, struct slice reference) {
	struct arena *arena = making->script->arena;
	struct url *url = arena_alloc(arena, sizeof(*url));
	struct err err;
	if (base && !is_absolute(reference)) {
		if (url_join(base, reference, arena, url)) return url;
		step_fault(making, text, "the text leads to no http:// or https:// URL; write e.g. /items");
		return NULL;
	}
	if (url_parse_shown(arena_copy(arena, reference), url_mask(text->text, arena), arena, url, &err)) return url;
	step_fault(making, text, "%s", err.text);
	return NULL;
}

/* Resolves a URL or a reference (RFC 3986 section 5.2) as far as it is the same always. */
static void resolve(struct step_making *making, const struct step_text *text, const struct url *base) {
	struct arena *arena = making->script->arena;
	struct script_step *step = making->to;
	const struct template *template = step_compile(making, text, TEMPLATE_TARGET, target_encode(text->text, arena));
	struct slice all, begin, reference;
	if (!template) return;
	if (template_is_constant(template, &all)) {
		step->base = read_reference(making, text, base, all);
		return;
	}
	begin = template_constant_head(template);
	reference = cut_reference(begin);
	step->target = template_skip(template, reference.size, arena);
	step->is_reference = begin.size == 0;
	if ((reference.size == 0 && !base) || ends_before_host(reference)) {
		step_fault(making, text, HOST_DIFFERS);
		return;
	}
	/* What begins with its query keeps the path of the base URL, anything else goes into its folder. */
	if (reference.size == 0 && (begin.size == 0 || *begin.at != '?')) reference = SLICE(".");
	step->base = read_reference(making, text, base, reference);
	if (step->base) step->folder = arena_copy(arena, (struct slice){step->base->target, strcspn(step->base->target, "?")});
	if (step->is_reference) step->base = base;
}

/* Returns the URL that paths are joined with. NULL with a fault. */
static const struct url *read_base(struct step_making *making) {
	const struct script_making *script = making->script;
	const struct placed *own = &script->scenario->base_url;
	const struct step_text run = {.text = script->inputs->settings->http.url, .path = "--url"};
	const struct step_text text = own->text ? (struct step_text){own->text, own->at, making_path(script, "base_url")} : run;
	if (text.text) return read_reference(making, &text, NULL, slice_of(text.text));
	step_fault(making, &(struct step_text){.at = making->from->at, .path = step_path(making, "path")},
		"there is no base_url, and no --url; write one of them");
	return NULL;
}

void script_target_make(struct step_making *making) {
	const struct script_making *script = making->script;
	const struct placed *url = &making->from->url, *path = &making->from->path;
	struct script_step *step = making->to;
	struct step_text text = {url->text, url->at, step_path(making, "url")};
	if (script->script->is_plain) text = (struct step_text){.text = script->inputs->settings->http.url, .path = "--url"};
	if (text.text) {
		resolve(making, &text, NULL);
	} else {
		const struct url *base = read_base(making);
		text = (struct step_text){path->text, path->at, step_path(making, "path")};
		if (base && text.text)
			resolve(making, &text, base);
		else
			step->base = base;
	}
	if (!step->base) return;
	step->is_address = url_host_is_address(step->base);
	if (!route_add(script->inputs->route, step->base, &step->like.origin))
		step_fault(making, &text, "the steps go to too many different hosts and ports; write at most %d of them", ROUTE_ORIGINS_MAX);
}
