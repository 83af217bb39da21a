#include "cmd/fleet_registry.h"

#include <stdlib.h>

#include "base/json.h"
#include "config/quote.h"
#include "config/travel.h"

struct entry {
	char *name, *text;
	size_t steps;
};

struct fleet_registry {
	const struct cli *base;
	size_t count;
	struct entry entries[FLEET_REGISTRY_NAMES];
};

static struct entry *find(const struct fleet_registry *registry, const char *name) {
	for (size_t i = 0; i < registry->count; i++)
		if (strcmp(registry->entries[i].name, name) == 0) return (struct entry *)&registry->entries[i];
	return NULL;
}

const char *fleet_registry_find(const struct fleet_registry *registry, const char *name) {
	const struct entry *entry = find(registry, name);
	return entry ? entry->text : NULL;
}

static struct entry *add(struct fleet_registry *registry, const char *name) {
	struct entry *entry = &registry->entries[registry->count++];
	entry->name = strdup(name);
	if (!entry->name) mem_fail();
	return entry;
}

bool fleet_registry_store(struct fleet_registry *registry, const char *name, const struct tree *scenario, struct err *err) {
	const struct tree *steps = tree_find(scenario, "steps");
	struct entry *entry = find(registry, name);
	struct quote quote;
	struct arena arena;
	struct buf buf;
	if (!entry && registry->count == FLEET_REGISTRY_NAMES)
		return err_set(err, ERR_FAILED, "scenario %s: there are %d already; send it under one of their names, or without one",
			quote_text(&quote, slice_of(name)), FLEET_REGISTRY_NAMES);
	arena_init(&arena);
	buf_init(&buf, FLEET_REGISTRY_BYTES);
	travel_add_node(&buf, scenario, &arena);
	arena_fini(&arena);
	if (!buf.full) {
		if (!entry) entry = add(registry, name);
		free(entry->text);
		entry->text = buf_take(&buf);
		entry->steps = steps ? steps->count : 0;
		return true;
	}
	buf_fini(&buf);
	return err_set(err, ERR_FAILED, "scenario %s: it is larger than %zu MiB; make it shorter", quote_text(&quote, slice_of(name)),
		FLEET_REGISTRY_BYTES >> 20);
}

bool fleet_registry_new(const struct cli *base, struct fleet_registry **ret, struct err *err) {
	struct fleet_registry *registry = mem_zeroed(1, sizeof(*registry));
	const struct tree *document = base->origins->document, *named = document ? tree_find(document, "scenarios") : NULL;
	bool good = true;
	registry->base = base;
	if (named && named->kind == TREE_TABLE)
		for (const struct tree *node = named->first; node && good; node = node->next)
			if (node->kind == TREE_TABLE) good = fleet_registry_store(registry, node->key, node, err);
	if (!good) {
		fleet_registry_free(registry);
		return err_add(err, "%s", base->origins->path);
	}
	*ret = registry;
	return true;
}

void fleet_registry_free(struct fleet_registry *registry) {
	if (!registry) return;
	for (size_t i = 0; i < registry->count; i++) {
		free(registry->entries[i].name);
		free(registry->entries[i].text);
	}
	free(registry);
}

const struct cli *fleet_registry_base(const struct fleet_registry *registry) {
	return registry->base;
}

char *fleet_registry_list(const struct fleet_registry *registry) {
	struct json *root = json_new_object(), *list = json_put_array(root, "scenarios");
	for (size_t i = 0; i < registry->count; i++) {
		struct json *object = json_put_object(list, NULL);
		json_put_text(object, "name", registry->entries[i].name);
		json_put_int(object, "steps", (int64_t)registry->entries[i].steps);
		json_put_int(object, "bytes", (int64_t)strlen(registry->entries[i].text));
	}
	char *text = json_format_line(root);
	json_free(root);
	return text;
}
