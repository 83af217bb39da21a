/* HTTP/2's client, frame by frame. Expected bytes are those of RFC 9113 and of the examples of RFC 7541 appendix C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "http/h2_probe.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

#define OK_HEAD SLICE("\x88") /* ":status: 200" */
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static struct h2_probes probes;
static struct arena arena;
static struct http_request get, post;

static int begin(void **state) {
	(void)state;
	arena_init(&arena);
	get = (struct http_request){.head = SLICE("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")};
	get.h2 = h2_head_make(get.head, false, &arena);
	post = (struct http_request){
		.head = SLICE("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"), .body = SLICE("01234"), .body_bytes = 10};
	static const struct slice more[] = {{"56", 2}, {"789", 3}};
	post.more = more;
	post.more_count = 2;
	post.h2 = h2_head_make(post.head, false, &arena);
	h2_probes_start(&probes);
	return 0;
}

static int end(void **state) {
	(void)state;
	for (size_t i = 0; i < H2_PROBES; i++) assert_true(probes.at[i].order);
	h2_probes_stop(&probes);
	arena_fini(&arena);
	return 0;
}

/* The peer's first frame. `limit`: streams at once; 0: it does not say. */
static void take_settings(unsigned char limit) {
	const char pair[] = {0, 3, 0, 0, 0, (char)limit};
	assert_true(h2_probes_feed(&probes, SETTINGS, 0, 0, (struct slice){pair, limit ? sizeof(pair) : 0}));
}

/* Returns the type of the frame at `*at` of what was sent and moves on behind it; *ret is the whole frame. */
static int next_frame(size_t *at, struct slice *ret) {
	const unsigned char *head = (const unsigned char *)probes.out + *at;
	if (*at + 9 > probes.out_size) return -1;
	*ret = (struct slice){probes.out + *at, 9 + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2])};
	*at += ret->size;
	return head[3];
}

static void a_connection_begins_with_its_preface_and_settings(void **state) {
	(void)state;
	struct slice frame = {"", 0};
	size_t at = sizeof(PREFACE) - 1;
	h2_probes_drain(&probes, SIZE_MAX, 5);
	assert_memory_equal(probes.out, PREFACE, at);
	assert_int_equal(next_frame(&at, &frame), SETTINGS);
	assert_non_null(memmem(frame.at, frame.size, "\0\2\0\0\0\0", 6));   /* ENABLE_PUSH 0 */
	assert_non_null(memmem(frame.at, frame.size, "\0\4\x40\0\0\0", 6)); /* INITIAL_WINDOW_SIZE 2^30 */
	assert_int_equal(next_frame(&at, &frame), WINDOW_UPDATE);
	assert_memory_equal(frame.at + 5, "\0\0\0\0", 4); /* of the connection */
	assert_int_equal(next_frame(&at, &frame), -1);
}

static void a_request_is_told_sent_when_its_bytes_are(void **state) {
	(void)state;
	h2_ops.submit(probes.state, 0, &get);
	h2_ops.submit(probes.state, 1, &get);
	struct iovec iov;
	assert_int_equal(h2_ops.drain(probes.state, &iov, 1), 1);
	assert_false(h2_ops.drained(probes.state, iov.iov_len - 1, 10)); /* all but the last byte of the second one */
	assert_int_equal(probes.at[0].sents, 1);
	assert_true(probes.at[0].sent_all);
	assert_int_equal(probes.at[0].sent_at, 10);
	assert_int_equal(probes.at[1].sents, 0);
	assert_true(h2_ops.drained(probes.state, 1, 20));
	assert_int_equal(probes.at[1].sent_at, 20);
	assert_int_equal(h2_ops.drain(probes.state, &iov, 1), 0);
}

/* RFC 7541 appendix C.6.1: the first response, with Huffman's code. */
static void the_response_of_the_rfc_is_read(void **state) {
	(void)state;
	static const char block[] =
		"\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6"
		"\x2d\x1b\xff\x6e\x91\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3";
	static const char text[] =
		"HTTP/2 302\r\ncache-control: private\r\ndate: Mon, 21 Oct 2013 20:13:21 GMT\r\nlocation: https://www.example.com\r\n\r\n";
	h2_ops.submit(probes.state, 3, &get);
	h2_probes_drain(&probes, SIZE_MAX, 5);
	take_settings(0);
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS, 1, (struct slice){block, sizeof(block) - 1}));
	assert_true(h2_probes_feed(&probes, DATA, 0, 1, SLICE("12")));
	assert_true(h2_probes_feed(&probes, DATA, END_STREAM, 1, SLICE("345")));
	const struct h2_probe *probe = &probes.at[3];
	assert_int_equal(probe->status, 302);
	assert_int_equal(probe->head_size, sizeof(text) - 1);
	assert_memory_equal(probe->head, text, sizeof(text) - 1);
	assert_int_equal(probe->ends, 1);
	assert_int_equal(probe->end.reason, REASON_NONE);
	assert_int_equal(probe->end.body_bytes, 5);
	assert_int_equal(probe->end.first, 1000);
	assert_true(probe->end.reusable && probe->end.any_byte);
}

static void a_body_goes_out_in_pieces_as_the_window_allows(void **state) {
	(void)state;
	struct slice frame = {"", 0};
	size_t at = 0;
	char shut[] = {0, 4, 0, 0, 0, 3}; /* INITIAL_WINDOW_SIZE 3 */
	assert_true(h2_probes_feed(&probes, SETTINGS, 0, 0, (struct slice){shut, sizeof(shut)}));
	h2_probes_drain(&probes, SIZE_MAX, 1);
	probes.out_size = 0;
	h2_ops.submit(probes.state, 0, &post);
	h2_probes_drain(&probes, SIZE_MAX, 2);
	assert_int_equal(next_frame(&at, &frame), HEADERS);
	assert_int_equal(next_frame(&at, &frame), DATA);
	assert_memory_equal(frame.at + 9, "012", 3);
	assert_int_equal(next_frame(&at, &frame), -1);
	assert_int_equal(probes.at[0].sents, 1);
	assert_false(probes.at[0].sent_all);
	assert_true(h2_probes_feed(&probes, WINDOW_UPDATE, 0, 1, (struct slice){"\0\0\0\x40", 4}));
	h2_probes_drain(&probes, SIZE_MAX, 9);
	assert_int_equal(next_frame(&at, &frame), DATA);
	assert_int_equal(frame.at[4], END_STREAM);
	assert_memory_equal(frame.at + 9, "3456789", 7);
	assert_true(probes.at[0].sent_all);
	assert_int_equal(probes.at[0].sent_at, 9);
}

static void an_answer_before_the_end_of_the_request_is_one(void **state) {
	(void)state;
	struct slice frame = {"", 0};
	size_t at = 0;
	char shut[] = {0, 4, 0, 0, 0, 0};
	assert_true(h2_probes_feed(&probes, SETTINGS, 0, 0, (struct slice){shut, sizeof(shut)}));
	h2_ops.submit(probes.state, 0, &post);
	h2_probes_drain(&probes, SIZE_MAX, 2);
	probes.out_size = 0;
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS | END_STREAM, 1, OK_HEAD));
	assert_int_equal(probes.at[0].end.reason, REASON_NONE);
	h2_probes_drain(&probes, SIZE_MAX, 3);
	assert_int_equal(next_frame(&at, &frame), RST_STREAM); /* the rest of the body is of no use (RFC 9113 section 8.1) */
	assert_memory_equal(frame.at + 5, "\0\0\0\1", 4);
}

static void the_peers_limit_is_the_room(void **state) {
	(void)state;
	assert_int_equal(h2_ops.limit(probes.state), 0);
	take_settings(3);
	assert_int_equal(h2_ops.limit(probes.state), 3);
	assert_int_equal(h2_ops.room(probes.state), 3);
	h2_ops.submit(probes.state, 0, &get);
	h2_ops.submit(probes.state, 1, &get);
	assert_int_equal(h2_ops.room(probes.state), 1);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS | END_STREAM, 3, OK_HEAD));
	assert_int_equal(probes.at[1].end.status, 200);
	assert_int_equal(h2_ops.room(probes.state), 2);
}

static void a_peer_that_says_no_limit_has_none(void **state) {
	(void)state;
	take_settings(0);
	assert_int_equal(h2_ops.limit(probes.state), 0);
	assert_true(h2_ops.room(probes.state) > 1000000);
}

static void goaway_leaves_what_it_did_not_process(void **state) {
	(void)state;
	take_settings(0);
	for (uint32_t i = 0; i < 3; i++) h2_ops.submit(probes.state, i, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_true(h2_probes_feed(&probes, GOAWAY, 0, 0, (struct slice){"\0\0\0\3\0\0\0\0", 8})); /* the last one was stream 3 */
	assert_true(h2_ops.is_ending(probes.state));
	assert_int_equal(h2_ops.room(probes.state), 0);
	assert_int_equal(probes.at[2].ends, 1);
	assert_int_equal(probes.at[2].end.reason, REASON_UNPROCESSED);
	assert_true(probes.at[2].end.unprocessed);
	assert_int_equal(probes.at[0].ends + probes.at[1].ends, 0);
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS | END_STREAM, 1, OK_HEAD));
	assert_int_equal(probes.at[0].end.reason, REASON_NONE);
	h2_ops.finish(probes.state, false, 7);
	assert_int_equal(probes.at[1].end.reason, REASON_CLOSED);
}

static void a_reset_stream_has_its_reason(void **state) {
	(void)state;
	take_settings(0);
	for (uint32_t i = 0; i < 3; i++) h2_ops.submit(probes.state, i, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_true(h2_probes_feed(&probes, RST_STREAM, 0, 1, (struct slice){"\0\0\0\2", 4})); /* INTERNAL_ERROR */
	assert_true(h2_probes_feed(&probes, RST_STREAM, 0, 3, (struct slice){"\0\0\0\7", 4})); /* REFUSED_STREAM */
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS, 5, OK_HEAD));
	assert_true(h2_probes_feed(&probes, RST_STREAM, 0, 5, (struct slice){"\0\0\0\7", 4})); /* after a part of the response it is no refusal */
	assert_int_equal(probes.at[0].end.reason, REASON_STREAM_RESET);
	assert_int_equal(probes.at[1].end.reason, REASON_UNPROCESSED);
	assert_int_equal(probes.at[2].end.reason, REASON_STREAM_RESET);
	assert_true(probes.at[1].end.unprocessed && !probes.at[2].end.unprocessed);
}

static void what_is_given_up_is_reset_and_the_connection_goes_on(void **state) {
	(void)state;
	struct slice frame = {"", 0};
	size_t at = 0;
	take_settings(0);
	h2_ops.submit(probes.state, 0, &get);
	h2_ops.submit(probes.state, 1, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	probes.out_size = 0;
	struct http_end given_up = h2_ops.cancel(probes.state, 0);
	assert_true(given_up.reusable && !given_up.any_byte);
	h2_probes_drain(&probes, SIZE_MAX, 2);
	assert_int_equal(next_frame(&at, &frame), RST_STREAM);
	assert_memory_equal(frame.at + 5, "\0\0\0\1\0\0\0\x8", 8);                           /* CANCEL */
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS | END_STREAM, 1, OK_HEAD)); /* it was on its way */
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS | END_STREAM, 3, OK_HEAD));
	assert_int_equal(probes.at[0].ends, 0);
	assert_int_equal(probes.at[1].end.reason, REASON_NONE);
}

static void interim_heads_and_trailers_are_not_told(void **state) {
	(void)state;
	take_settings(0);
	h2_ops.submit(probes.state, 0, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS, 1,
		SLICE("\x08\x03"
		      "103")));
	assert_int_equal(probes.at[0].heads, 0);
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS, 1, OK_HEAD));
	assert_true(h2_probes_feed(&probes, DATA, 0, 1, SLICE("x")));
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS | END_STREAM, 1,
		SLICE("\x00\x01"
		      "a\x01"
		      "b")));
	assert_int_equal(probes.at[0].heads, 1);
	assert_int_equal(probes.at[0].end.reason, REASON_NONE);
	assert_int_equal(probes.at[0].end.status, 200);
}

static void a_broken_frame_ends_all_that_is_outstanding(void **state) {
	(void)state;
	take_settings(0);
	h2_ops.submit(probes.state, 0, &get);
	h2_ops.submit(probes.state, 1, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_false(h2_probes_feed(&probes, DATA, END_STREAM, 0, SLICE("x")));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(probes.at[i].end.reason, REASON_MALFORMED);
		assert_false(probes.at[i].end.reusable);
	}
	struct slice frame = {"", 0};
	size_t at = 0;
	probes.out_size = 0;
	h2_probes_drain(&probes, SIZE_MAX, 2);
	int last = -1;
	for (int type; (type = next_frame(&at, &frame)) >= 0; last = type) {
	}
	assert_int_equal(last, GOAWAY); /* its last word says why */
	assert_false(h2_probes_feed(&probes, PING, 0, 0, SLICE("12345678")));
}

static void bytes_of_http1_are_named(void **state) {
	(void)state;
	h2_ops.submit(probes.state, 0, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_true(h2_ops.feed(probes.state, SLICE("HT"), 1));
	assert_false(h2_ops.feed(probes.state, SLICE("TP/1.1 400 Bad Request\r\n\r\n"), 2));
	assert_int_equal(probes.at[0].end.reason, REASON_NOT_HTTP2);
}

static void a_flood_is_named(void **state) {
	(void)state;
	take_settings(0);
	h2_ops.submit(probes.state, 0, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	bool goes_on = true;
	unsigned frames = 0;
	for (; goes_on && frames < 100000; frames++) goes_on = h2_probes_feed(&probes, PING, ACK, 0, SLICE("12345678"));
	assert_false(goes_on);
	assert_in_range(frames, 1000, 3000);
	assert_int_equal(probes.at[0].end.reason, REASON_FLOOD);
}

static void the_end_of_the_carrier_ends_what_is_outstanding(void **state) {
	(void)state;
	take_settings(0);
	for (uint32_t i = 0; i < 2; i++) h2_ops.submit(probes.state, i, &get);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	assert_true(h2_probes_feed(&probes, HEADERS, END_HEADERS, 1, OK_HEAD));
	h2_ops.finish(probes.state, false, 5);
	assert_int_equal(probes.at[0].end.reason, REASON_CUT);
	assert_int_equal(probes.at[1].end.reason, REASON_CLOSED);
}

/* RFC 7541 section 4.2: a change of the table's size stands at the beginning of a block, before any field. */
static void fields_without_a_table_stand_behind_a_change_of_its_size(void **state) {
	(void)state;
	const char smaller[] = {0, 1, 0, 0, 0, 0}; /* HEADER_TABLE_SIZE 0 */
	struct slice frame = {"", 0};
	size_t at = sizeof(PREFACE) - 1;
	get.h2_before = SLICE("\0\1x\1y");
	get.h2_after = SLICE("\0\1z\0");
	assert_true(h2_probes_feed(&probes, SETTINGS, 0, 0, (struct slice){smaller, sizeof(smaller)}));
	h2_ops.submit(probes.state, 0, &get);
	h2_probes_drain(&probes, SIZE_MAX, 5);
	while (next_frame(&at, &frame) != HEADERS) assert_true(at < probes.out_size);
	assert_memory_equal(frame.at + 9, "\x20\0\1x\1y", 6);
	assert_memory_equal(frame.at + frame.size - 4, "\0\1z\0", 4);
}

static void goodbye_is_goaway(void **state) {
	(void)state;
	struct slice frame = {"", 0};
	size_t at = 0;
	take_settings(0);
	h2_probes_drain(&probes, SIZE_MAX, 1);
	probes.out_size = 0;
	h2_ops.leave(probes.state);
	h2_probes_drain(&probes, SIZE_MAX, 2);
	assert_int_equal(next_frame(&at, &frame), GOAWAY);
	assert_memory_equal(frame.at + 13, "\0\0\0\0", 4); /* NO_ERROR */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(a_connection_begins_with_its_preface_and_settings),
		TEST(a_request_is_told_sent_when_its_bytes_are),
		TEST(the_response_of_the_rfc_is_read),
		TEST(a_body_goes_out_in_pieces_as_the_window_allows),
		TEST(an_answer_before_the_end_of_the_request_is_one),
		TEST(the_peers_limit_is_the_room),
		TEST(a_peer_that_says_no_limit_has_none),
		TEST(goaway_leaves_what_it_did_not_process),
		TEST(a_reset_stream_has_its_reason),
		TEST(what_is_given_up_is_reset_and_the_connection_goes_on),
		TEST(interim_heads_and_trailers_are_not_told),
		TEST(a_broken_frame_ends_all_that_is_outstanding),
		TEST(bytes_of_http1_are_named),
		TEST(a_flood_is_named),
		TEST(the_end_of_the_carrier_ends_what_is_outstanding),
		TEST(fields_without_a_table_stand_behind_a_change_of_its_size),
		TEST(goodbye_is_goaway),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
