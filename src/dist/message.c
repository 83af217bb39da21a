#include "dist/message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_read.h"

enum shape {
	NAME,    /* a text without control characters; from..to bytes */
	WORDS,   /* a sentence: may be left out, is cut when it is too long, control characters become '?' */
	LONG,    /* any text */
	WHOLE,   /* a whole number, from..to */
	MAYBE,   /* the same; left out: 0 */
	REAL,    /* 0..to; left out: 0 */
	TRUTH,   /* left out: false */
	TEXTS,   /* sentences; left out: none */
	WEIGHTS, /* whole numbers, 1..MESSAGE_WEIGHT_MAX */
	FILES,
	TAIL, /* what follows the head; to: bytes */
};

/* One member of one kind of message. */
struct row {
	enum link_kind kind;
	enum shape shape;
	const char *key;
	size_t at; /* offset in struct message */
	int64_t from, to;
};

#define AT(member) offsetof(struct message, member)
#define ANY INT64_MAX
#define HOUR_MS 3600000
#define RUN(kind, member)                                                                                                                            \
	{ kind, NAME, "run_id", AT(member), 1, MESSAGE_NAME_MAX }

/* The format of all messages, in the order in which members are written. */
static const struct row rows[] = {
	{LINK_HELLO, WHOLE, "protocol", AT(hello.protocol), 1, 1000000},
	{LINK_HELLO, NAME, "program", AT(hello.program), 1, MESSAGE_NAME_MAX},
	{LINK_HELLO, NAME, "id", AT(hello.id), 1, MESSAGE_NAME_MAX},
	{LINK_HELLO, NAME, "host", AT(hello.host), 0, MESSAGE_NAME_MAX},
	{LINK_HELLO, WHOLE, "cpus", AT(hello.cpus), 1, 65536},
	{LINK_HELLO, WHOLE, "weight", AT(hello.weight), 0, MESSAGE_WEIGHT_MAX},
	{LINK_HELLO, NAME, "run_id", AT(hello.run_id), 0, MESSAGE_NAME_MAX},
	{LINK_WELCOME, WHOLE, "protocol", AT(welcome.protocol), 1, 1000000},
	{LINK_WELCOME, NAME, "program", AT(welcome.program), 1, MESSAGE_NAME_MAX},
	{LINK_WELCOME, WHOLE, "clock_ns", AT(welcome.clock_ns), 0, ANY},
	{LINK_WELCOME, WHOLE, "heartbeat_timeout_ms", AT(welcome.heartbeat_timeout_ms), 1, HOUR_MS},
	{LINK_WELCOME, TRUTH, "busy", AT(welcome.busy), 0, 0},
	RUN(LINK_CONFIG, config.run_id),
	{LINK_CONFIG, WHOLE, "attempt", AT(config.attempt), 1, 1000000},
	{LINK_CONFIG, TRUTH, "stream", AT(config.stream), 0, 0},
	{LINK_CONFIG, WHOLE, "interval_ms", AT(config.interval_ms), 1, HOUR_MS},
	{LINK_CONFIG, WHOLE, "heartbeat_timeout_ms", AT(config.heartbeat_timeout_ms), 1, HOUR_MS},
	{LINK_CONFIG, LONG, "config", AT(config.config), 0, LINK_MESSAGE_MAX},
	{LINK_CONFIG, FILES, "files", AT(config.files), 0, MESSAGE_FILES_MAX},
	{LINK_CONFIG, WEIGHTS, "weights", AT(config.weights), 1, MESSAGE_AGENTS_MAX},
	{LINK_CONFIG, WHOLE, "index", AT(config.index), 0, MESSAGE_AGENTS_MAX - 1},
	{LINK_CONFIG, WHOLE, "requests", AT(config.requests), 0, ANY},
	RUN(LINK_READY, ready.run_id),
	{LINK_READY, WHOLE, "attempt", AT(ready.attempt), 1, 1000000},
	{LINK_READY, TEXTS, "addresses", AT(ready.addresses), 0, MESSAGE_TEXTS_MAX},
	{LINK_READY, WHOLE, "threads", AT(ready.threads), 0, 4096},
	{LINK_READY, WHOLE, "offset_ns", AT(ready.offset_ns), -ANY, ANY},
	{LINK_READY, WHOLE, "round_trip_ns", AT(ready.round_trip_ns), 0, ANY},
	RUN(LINK_START, order.run_id),
	{LINK_START, WHOLE, "at_ns", AT(order.at_ns), 0, ANY},
	RUN(LINK_STOP, order.run_id),
	{LINK_STOP, WORDS, "words", AT(order.words), 0, MESSAGE_WORDS_MAX},
	RUN(LINK_TAKEN, order.run_id),
	{LINK_FAULT, NAME, "run_id", AT(order.run_id), 0, MESSAGE_NAME_MAX},
	{LINK_FAULT, MAYBE, "attempt", AT(order.attempt), 0, 1000000},
	{LINK_FAULT, WORDS, "words", AT(order.words), 0, MESSAGE_WORDS_MAX},
	{LINK_GOODBYE, NAME, "run_id", AT(order.run_id), 0, MESSAGE_NAME_MAX},
	{LINK_GOODBYE, WORDS, "words", AT(order.words), 0, MESSAGE_WORDS_MAX},
	{LINK_BEAT, WHOLE, "t1", AT(beat.t1), 0, ANY},
	{LINK_BEAT, MAYBE, "t2", AT(beat.t2), 0, ANY},
	{LINK_BEAT, MAYBE, "t3", AT(beat.t3), 0, ANY},
	{LINK_BEAT, WHOLE, "seq", AT(beat.seq), 0, ANY},
	{LINK_BEAT, REAL, "cpu", AT(beat.cpu), 0, 100},
	{LINK_BEAT, MAYBE, "in_flight", AT(beat.in_flight), 0, ANY},
	{LINK_BEAT, MAYBE, "late", AT(beat.late), 0, ANY},
	RUN(LINK_STRIPE, stripe.run_id),
	{LINK_STRIPE, WHOLE, "at_ns", AT(stripe.at_ns), 0, ANY},
	{LINK_STRIPE, WEIGHTS, "weights", AT(stripe.weights), 1, MESSAGE_AGENTS_MAX},
	{LINK_STRIPE, WHOLE, "index", AT(stripe.index), 0, MESSAGE_AGENTS_MAX - 1},
	RUN(LINK_SNAPSHOT, snapshot.run_id),
	{LINK_SNAPSHOT, WHOLE, "seq", AT(snapshot.seq), 1, ANY},
	{LINK_SNAPSHOT, WHOLE, "elapsed_ns", AT(snapshot.elapsed_ns), 0, ANY},
	{LINK_SNAPSHOT, TAIL, "", AT(snapshot.bytes), 0, MESSAGE_TAIL_MAX},
	RUN(LINK_REPORT, report.run_id),
	{LINK_REPORT, WHOLE, "part", AT(report.part), 0, MESSAGE_PARTS_MAX - 1},
	{LINK_REPORT, WHOLE, "parts", AT(report.parts), 1, MESSAGE_PARTS_MAX},
	{LINK_REPORT, TRUTH, "early", AT(report.early), 0, 0},
	{LINK_REPORT, WORDS, "reason", AT(report.reason), 0, MESSAGE_WORDS_MAX},
	{LINK_REPORT, WHOLE, "started_late_ns", AT(report.started_late_ns), 0, ANY},
	{LINK_REPORT, TEXTS, "errors", AT(report.errors), 0, MESSAGE_TEXTS_MAX},
	{LINK_REPORT, TAIL, "", AT(report.bytes), 0, MESSAGE_PART_MAX},
};

const char *message_kind_words(enum link_kind kind) {
	static const char *const words[LINK_KIND_COUNT] = {
		"HELLO", "READY", "BEAT", "SNAPSHOT", "REPORT", "FAULT", "GOODBYE", "WELCOME", "CONFIG", "START", "STOP", "STRIPE", "TAKEN"};
	return (unsigned)kind < LINK_KIND_COUNT ? words[kind] : "?";
}

static bool has_control(const char *text) {
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f) return true;
	return false;
}

static bool refuse(const struct row *row, struct err *err, const char *what) {
	return err_set(err, ERR_FAILED, "message %s: '%s' %s", message_kind_words(row->kind), row->key, what);
}

static bool refuse_range(const struct row *row, struct err *err, const char *what) {
	return err_set(err, ERR_FAILED, "message %s: '%s' must %s %" PRId64 " to %" PRId64, message_kind_words(row->kind), row->key, what, row->from,
		row->to);
}

/* Rules that are about two members. */
static bool check_pairs(const struct message *m, struct err *err) {
	if (m->kind == LINK_CONFIG && m->config.index >= (int64_t)m->config.weights.count)
		return err_set(err, ERR_FAILED, "message CONFIG: 'index' is not a place in 'weights'");
	if (m->kind == LINK_STRIPE && m->stripe.index >= (int64_t)m->stripe.weights.count)
		return err_set(err, ERR_FAILED, "message STRIPE: 'index' is not a place in 'weights'");
	if (m->kind == LINK_REPORT && m->report.part >= m->report.parts)
		return err_set(err, ERR_FAILED, "message REPORT: 'part' must be less than 'parts'");
	return true;
}

/* ---- Writing ---- */

static void put_words(struct json *into, const char *key, const char *text) {
	char cut[MESSAGE_WORDS_MAX + 1];
	size_t size = text ? strnlen(text, sizeof(cut)) : 0;
	if (size == sizeof(cut)) {
		size--;
		while (size > 0 && (text[size] & 0xc0) == 0x80) size--; /* whole characters */
	}
	if (size > 0) memcpy(cut, text, size);
	cut[size] = 0;
	json_put_text(into, key, cut);
}

static bool put_name(struct json *into, const struct row *row, const char *text, struct err *err) {
	int64_t size = text ? (int64_t)strlen(text) : 0;
	if (size < row->from || size > row->to) return refuse_range(row, err, "have a length of");
	if (size > 0 && row->shape == NAME && has_control(text)) return refuse(row, err, "must not have control characters");
	json_put_text(into, row->key, text ? text : "");
	return true;
}

static bool put_files(struct json *into, const struct row *row, const struct message_files *files, struct err *err) {
	struct json *list = json_put_array(into, row->key);
	size_t sum = 0;
	if (files->count > MESSAGE_FILES_MAX) return refuse_range(row, err, "hold");
	for (size_t i = 0; i < files->count; i++) {
		struct json *file = json_put_object(list, NULL);
		struct buf digits;
		sum += files->at[i].bytes.size;
		if (sum > LINK_MESSAGE_MAX) return refuse(row, err, "are too large for one message of 4 MiB");
		buf_init(&digits, 2 * LINK_MESSAGE_MAX);
		base64_add(&digits, files->at[i].bytes);
		json_put_text(file, "name", files->at[i].name);
		json_put_text(file, "bytes", buf_text(&digits));
		buf_fini(&digits);
	}
	return true;
}

static bool put_texts(struct json *into, const struct row *row, const struct message_texts *texts, struct err *err) {
	struct json *list = json_put_array(into, row->key);
	if (texts->count > (size_t)row->to) return refuse_range(row, err, "hold");
	for (size_t i = 0; i < texts->count; i++) put_words(list, NULL, texts->at[i]);
	return true;
}

static bool put_weights(struct json *into, const struct row *row, const struct message_weights *weights, struct err *err) {
	struct json *list = json_put_array(into, row->key);
	if (weights->count < 1 || weights->count > (size_t)row->to) return refuse_range(row, err, "hold");
	for (size_t i = 0; i < weights->count; i++) json_put_int(list, NULL, weights->at[i]);
	return true;
}

static bool put_row(struct json *into, const struct row *row, const struct message *message, struct err *err) {
	const void *at = (const char *)message + row->at;
	switch (row->shape) {
	case NAME:
	case LONG: return put_name(into, row, *(const char *const *)at, err);
	case WORDS: put_words(into, row->key, *(const char *const *)at); return true;
	case WHOLE:
	case MAYBE:
		if (*(const int64_t *)at < row->from || *(const int64_t *)at > row->to) return refuse_range(row, err, "be");
		json_put_int(into, row->key, *(const int64_t *)at);
		return true;
	case REAL: json_put_real(into, row->key, *(const double *)at); return true;
	case TRUTH: json_put_bool(into, row->key, *(const bool *)at); return true;
	case TEXTS: return put_texts(into, row, at, err);
	case WEIGHTS: return put_weights(into, row, at, err);
	case FILES: return put_files(into, row, at, err);
	case TAIL: return true;
	}
	return false;
}

/* Appends head and tail. */
static bool add_all(const struct message *message, const char *head, struct buf *into, struct err *err) {
	size_t size = strlen(head), most = message->kind == LINK_CONFIG ? LINK_MESSAGE_MAX : MESSAGE_HEAD_MAX;
	if (size > most)
		return err_set(err, ERR_FAILED, "message %s: %zu bytes, at most %zu can be sent", message_kind_words(message->kind), size, most);
	buf_add(into, (struct slice){head, size});
	for (size_t i = 0; i < LENGTH(rows); i++) {
		if (rows[i].kind != message->kind || rows[i].shape != TAIL) continue;
		struct slice tail = *(const struct slice *)(const void *)((const char *)message + rows[i].at);
		if ((int64_t)tail.size > rows[i].to)
			return err_set(err, ERR_FAILED, "message %s: %zu bytes behind the head, at most %" PRId64, message_kind_words(message->kind),
				tail.size, rows[i].to);
		buf_add(into, SLICE("\n"));
		buf_add(into, tail);
	}
	return !into->full || err_set(err, ERR_FAILED, "message %s: it does not fit", message_kind_words(message->kind));
}

bool message_write(const struct message *message, struct buf *into, struct err *err) {
	struct json *head = json_new_object();
	bool good = check_pairs(message, err);
	for (size_t i = 0; good && i < LENGTH(rows); i++)
		if (rows[i].kind == message->kind) good = put_row(head, &rows[i], message, err);
	if (good) {
		char *text = json_format_line(head);
		good = add_all(message, text, into, err);
		free(text);
	}
	json_free(head);
	return good;
}

bool message_write_share(struct slice body, int64_t index, int64_t requests, struct buf *into) {
	static const char index_key[] = ",\"index\":", requests_key[] = ",\"requests\":";
	const char *end = memrchr(body.at, ',', body.size);
	bool share =
		end && (size_t)(body.at + body.size - end) > sizeof(requests_key) - 1 && memcmp(end, requests_key, sizeof(requests_key) - 1) == 0;
	if (share) end = memrchr(body.at, ',', (size_t)(end - body.at));
	assert(end && memcmp(end, index_key, sizeof(index_key) - 1) == 0);
	buf_add(into, (struct slice){body.at, (size_t)(end - body.at)});
	buf_add_format(into, "%s%" PRId64, index_key, index);
	if (share) buf_add_format(into, "%s%" PRId64, requests_key, requests);
	buf_add(into, SLICE("}"));
	return !into->full;
}

/* ---- Reading ---- */

/* Where texts go to, and what is being read. */
struct reading {
	struct arena *arena;
	const struct row *row;
	struct err *err;
};

static bool take_text(const struct reading *r, const struct tree *node, const char **ret) {
	if (node->kind != TREE_TEXT) return refuse(r->row, r->err, "must be a text");
	if (memchr(node->text.at, 0, node->text.size)) return refuse(r->row, r->err, "must not hold a 0");
	*ret = node->text.at; /* json_read has put it into the arena */
	return true;
}

static bool take_words(const struct reading *r, const struct tree *node, const char **ret) {
	if (!take_text(r, node, ret)) return false;
	if (node->text.size > MESSAGE_WORDS_MAX) return refuse(r->row, r->err, "has a sentence that is too long");
	if (!has_control(*ret)) return true;
	char *clean = arena_copy(r->arena, node->text);
	*ret = clean;
	for (; *clean; clean++)
		if ((unsigned char)*clean < ' ' || *clean == 0x7f) *clean = '?';
	return true;
}

static bool take_name(const struct reading *r, const struct tree *node, const char **ret) {
	if (!take_text(r, node, ret)) return false;
	if ((int64_t)node->text.size < r->row->from || (int64_t)node->text.size > r->row->to) return refuse_range(r->row, r->err, "have a length of");
	return r->row->shape == LONG || !has_control(*ret) || refuse(r->row, r->err, "must not have control characters");
}

static bool take_whole(const struct reading *r, const struct tree *node, int64_t *ret) {
	if (node->kind != TREE_INT) return refuse(r->row, r->err, "must be a whole number");
	if (node->integer < r->row->from || node->integer > r->row->to) return refuse_range(r->row, r->err, "be");
	*ret = node->integer;
	return true;
}

static bool take_real(const struct reading *r, const struct tree *node, double *ret) {
	if (node->kind == TREE_NULL) return true; /* what is not finite is written so */
	if (node->kind != TREE_INT && node->kind != TREE_REAL) return refuse(r->row, r->err, "must be a number");
	if (!(node->real >= 0 && node->real <= (double)r->row->to)) return refuse_range(r->row, r->err, "be");
	*ret = node->real;
	return true;
}

static bool take_array(const struct reading *r, const struct tree *node) {
	if (node->kind != TREE_ARRAY) return refuse(r->row, r->err, "must be an array");
	if ((int64_t)node->count < r->row->from || (int64_t)node->count > r->row->to) return refuse_range(r->row, r->err, "hold");
	return true;
}

static bool take_texts(const struct reading *r, const struct tree *node, struct message_texts *ret) {
	if (!take_array(r, node)) return false;
	const char **list = arena_array(r->arena, node->count, sizeof(*list));
	size_t count = 0;
	for (const struct tree *child = node->first; child; child = child->next)
		if (!take_words(r, child, &list[count++])) return false;
	*ret = (struct message_texts){list, count};
	return true;
}

static bool take_weights(const struct reading *r, const struct tree *node, struct message_weights *ret) {
	if (!take_array(r, node)) return false;
	uint32_t *list = arena_array(r->arena, node->count, sizeof(*list));
	size_t count = 0;
	for (const struct tree *child = node->first; child; child = child->next) {
		if (child->kind != TREE_INT || child->integer < 1 || child->integer > MESSAGE_WEIGHT_MAX)
			return refuse(r->row, r->err, "must hold whole numbers from 1 to 1000000");
		list[count++] = (uint32_t)child->integer;
	}
	*ret = (struct message_weights){list, count};
	return true;
}

static bool take_files(const struct reading *r, const struct tree *node, struct message_files *ret) {
	if (!take_array(r, node)) return false;
	struct message_file *list = arena_array(r->arena, node->count, sizeof(*list));
	size_t count = 0;
	for (const struct tree *child = node->first; child; child = child->next, count++) {
		const struct tree *name = child->kind == TREE_TABLE ? tree_find(child, "name") : NULL;
		const struct tree *bytes = child->kind == TREE_TABLE ? tree_find(child, "bytes") : NULL;
		if (!name || !bytes || bytes->kind != TREE_TEXT) return refuse(r->row, r->err, "must hold tables with 'name' and 'bytes'");
		if (!take_text(r, name, &list[count].name)) return false;
		char *raw = arena_alloc(r->arena, base64_room(bytes->text.size));
		list[count].bytes.at = raw;
		if (!base64_read(bytes->text, raw, &list[count].bytes.size)) return refuse(r->row, r->err, "has bytes that are not base64");
	}
	*ret = (struct message_files){list, count};
	return true;
}

static bool may_be_left_out(enum shape shape) {
	return shape == WORDS || shape == MAYBE || shape == REAL || shape == TRUTH || shape == TEXTS || shape == FILES || shape == TAIL;
}

static bool take_row(const struct reading *r, const struct tree *root, struct message *ret) {
	const struct tree *node = tree_find(root, r->row->key);
	void *at = (char *)ret + r->row->at;
	if (!node) return may_be_left_out(r->row->shape) || (r->row->shape == NAME && r->row->from == 0) || refuse(r->row, r->err, "is missing");
	switch (r->row->shape) {
	case NAME:
	case LONG: return take_name(r, node, at);
	case WORDS: return take_words(r, node, at);
	case WHOLE:
	case MAYBE: return take_whole(r, node, at);
	case REAL: return take_real(r, node, at);
	case TRUTH:
		if (node->kind != TREE_BOOL) return refuse(r->row, r->err, "must be true or false");
		*(bool *)at = node->truth;
		return true;
	case TEXTS: return take_texts(r, node, at);
	case WEIGHTS: return take_weights(r, node, at);
	case FILES: return take_files(r, node, at);
	case TAIL: break;
	}
	return true;
}

/* Cuts the bytes behind the head off `body` and puts them where they belong; a text is never NULL. */
static bool cut_tail(enum link_kind kind, struct slice *body, struct message *ret, struct err *err) {
	struct slice head = *body;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		if (rows[i].kind != kind) continue;
		void *at = (char *)ret + rows[i].at;
		if (rows[i].shape == NAME || rows[i].shape == WORDS || rows[i].shape == LONG) *(const char **)at = "";
		if (rows[i].shape != TAIL) continue;
		struct slice tail;
		head = slice_cut(*body, '\n', &tail);
		if (!tail.at) return err_set(err, ERR_FAILED, "message %s: nothing follows its head", message_kind_words(kind));
		if ((int64_t)tail.size > rows[i].to)
			return err_set(err, ERR_FAILED, "message %s: %zu bytes behind the head, at most %" PRId64, message_kind_words(kind),
				tail.size, rows[i].to);
		*(struct slice *)at = tail;
	}
	*body = head;
	size_t most = kind == LINK_CONFIG ? LINK_MESSAGE_MAX : MESSAGE_HEAD_MAX;
	return head.size <= most ||
	       err_set(err, ERR_FAILED, "message %s: a head of %zu bytes, at most %zu", message_kind_words(kind), head.size, most);
}

/* Returns whether the message has told that its sender speaks another protocol. */
static bool is_foreign(const struct message *m) {
	return (m->kind == LINK_HELLO && m->hello.program[0] && m->hello.protocol != MESSAGE_PROTOCOL) ||
	       (m->kind == LINK_WELCOME && m->welcome.program[0] && m->welcome.protocol != MESSAGE_PROTOCOL);
}

bool message_read(enum link_kind kind, struct slice body, struct arena *arena, struct message *ret, struct err *err) {
	struct tree *root = NULL;
	struct tree_fault fault;
	if ((unsigned)kind >= LINK_KIND_COUNT) return err_set(err, ERR_FAILED, "a message of kind %u, which does not exist", (unsigned)kind);
	*ret = (struct message){.kind = kind};
	if (!cut_tail(kind, &body, ret, err)) return false;
	if (!json_read(body, arena, &root, &fault)) return err_set(err, ERR_FAILED, "message %s: %s", message_kind_words(kind), fault.text);
	if (root->kind != TREE_TABLE) return err_set(err, ERR_FAILED, "message %s: it must be a table", message_kind_words(kind));
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct reading r = {arena, &rows[i], err};
		if (rows[i].kind == kind && !take_row(&r, root, ret)) return false;
		if (rows[i].kind == kind && is_foreign(ret)) return true;
	}
	return check_pairs(ret, err);
}
