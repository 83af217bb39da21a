/* Data files: [[data]]. A `data` that is a text is the body of a request. */
#include "config/scenario_keys.h"

bool data_keys_are(const struct tree *node) {
	return node->kind == TREE_ARRAY || node->kind == TREE_TABLE;
}

static bool ends(const char *path, const char *with) {
	size_t size = strlen(path), tail = strlen(with);
	return size > tail && strcmp(path + size - tail, with) == 0;
}

static void read_path(const struct scenario_field *f, struct placed *ret) {
	struct keys *keys = f->keys;
	struct placed own;
	const char *path = scenario_field_path(f, "file"), *example = keys_show(keys, "file", "\"users.csv\"");
	if (!keys_find(f->table, "file")) {
		findings_add(keys->findings, f->table->at, "%s: no file; write e.g. %s", f->path, example);
		return;
	}
	if (!scenario_field_text(f, "file", &own)) return;
	if (ends(own.text, ".csv") || ends(own.text, ".jsonl"))
		*ret = own;
	else
		findings_add(keys->findings, own.at, "%s: '%.160s' ends neither in .csv nor in .jsonl; write e.g. %s", path,
			keys_find(f->table, "file")->text.at, example);
}

static void read_types(const struct scenario_field *f, struct data_file *ret) {
	struct keys *keys = f->keys;
	const struct tree *table =
		scenario_field_table(f, "types", arena_format(keys->arena, "write e.g. %s in it", keys_show(keys, "age", "\"integer\"")));
	struct data_column_type *list;
	size_t count = 0;
	if (!table) return;
	const char *path = scenario_field_path(f, "types");
	const struct scenario_field types = {keys, f->scratch, table, path, arena_format(keys->arena, "%s.", path)};
	list = arena_array(keys->arena, table->count, sizeof(*list));
	for (const struct tree *node = table->first; node; node = node->next) {
		int type;
		if (!scenario_field_choice(&types, node->key, "text|integer|number|boolean", &type)) continue;
		list[count++] = (struct data_column_type){{node->key, node->key_at}, (enum data_type)type};
	}
	ret->type_count = count;
	ret->types = list;
}

static void read_file(const struct scenario_field *f, struct data_file *ret) {
	struct keys *keys = f->keys;
	int order = DATA_SEQUENTIAL;
	*ret = (struct data_file){.at = f->table->at};
	if (f->table->kind != TREE_TABLE) {
		keys_refuse_kind(keys, f->table, f->path, "a table",
			arena_format(keys->arena, "write one with e.g. %s", keys_show(keys, "file", "\"users.csv\"")));
		return;
	}
	scenario_field_check_keys(f, "file|order|types");
	read_path(f, &ret->path);
	scenario_field_choice(f, "order", "sequential|random|unique", &order);
	ret->order = (enum data_order)order;
	read_types(f, ret);
}

void data_keys_read(struct keys *keys, const struct tree *node) {
	struct scenario_set *set = &keys->settings->scenarios;
	struct settings *scratch = arena_alloc(keys->arena, sizeof(*scratch));
	struct data_file *files;
	bool json = keys->origins->syntax == VALUE_JSON;
	if (node->kind != TREE_ARRAY) {
		keys_refuse_kind(keys, node, "data", "an array of tables",
			json ? "write \"data\": [{\"file\": \"users.csv\"}]" : "write [[data]] and below it file = \"users.csv\"");
		return;
	}
	files = arena_array(keys->arena, SCENARIO_DATA_MAX, sizeof(*files));
	for (const struct tree *table = node->first; table; table = table->next) {
		const char *path = arena_format(keys->arena, "data, file %zu", set->data_count + 1);
		if (set->data_count == SCENARIO_DATA_MAX) {
			findings_add(keys->findings, table->at, "data: too many files; write at most %d", SCENARIO_DATA_MAX);
			break;
		}
		read_file(&(struct scenario_field){keys, scratch, table, path, arena_format(keys->arena, "%s, ", path)}, &files[set->data_count++]);
	}
	set->data = files;
}
