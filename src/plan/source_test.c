#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/form.h"
#include "plan/source.h"

#define AGENT "User-Agent: strest-loadtest/" STREST_VERSION "\r\n"

struct box {
	struct arena arena;
	struct err err;
	struct targets targets;
	struct route route;
	size_t origins_max; /* 0: some */
	struct source source;
	char folder[64], path[96];
};

static int setup(void **state) {
	struct box *box = calloc(1, sizeof(*box));
	arena_init(&box->arena);
	strcpy(box->folder, "/tmp/source_test_XXXXXX");
	if (!mkdtemp(box->folder)) return -1;
	snprintf(box->path, sizeof(box->path), "%s/body", box->folder);
	*state = box;
	return 0;
}

static int teardown(void **state) {
	struct box *box = *state;
	arena_fini(&box->arena);
	unlink(box->path);
	rmdir(box->folder);
	free(box);
	return 0;
}

static bool build_all(struct box *box, const struct settings *settings) {
	if (!targets_read(&settings->http, &box->arena, &box->targets, &box->err)) fail_msg("%s", box->err.text);
	if (!route_open(settings, box->origins_max ? box->origins_max : 16, &box->arena, &box->route, &box->err)) return false;
	struct source_inputs inputs = {&settings->http, &settings->net, 7, &box->targets, &box->route};
	return source_build(&inputs, &box->arena, &box->source, &box->err);
}

static bool build(struct box *box, const struct http_settings *http, const char *address) {
	struct settings *settings = arena_alloc(&box->arena, sizeof(*settings));
	settings->http = *http;
	settings->http.url = address;
	return build_all(box, settings);
}

static const struct http_request *request(struct box *box, const struct http_settings *http, const char *address) {
	if (!build(box, http, address)) fail_msg("%s", box->err.text);
	return box->source.ops->next(&box->source, 0, 0);
}

static void assert_slice(struct slice slice, const char *expected) {
	if (!slice_equal(slice, slice_of(expected))) fail_msg("'%.*s', not '%s'", (int)slice.size, slice.at, expected);
}

/* Request line and fields as in RFC 9112 sections 3 and 5; Host as in RFC 9110 section 7.2: without the scheme's own port. */
static void the_url_makes_request_line_and_host(void **state) {
	struct box *box = *state;
	static const struct {
		const char *url, *head;
	} rows[] = {
		{"http://localhost:3000", "GET / HTTP/1.1\r\nHost: localhost:3000\r\n"},
		{"http://example.org/a/b?c=d&e", "GET /a/b?c=d&e HTTP/1.1\r\nHost: example.org\r\n"},
		{"http://example.org:80/", "GET / HTTP/1.1\r\nHost: example.org\r\n"},
		{"http://[::1]:8080/x", "GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n"},
		{"http://127.0.0.1:81?q", "GET /?q HTTP/1.1\r\nHost: 127.0.0.1:81\r\n"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_settings http = {0};
		char expected[400];
		snprintf(expected, sizeof(expected), "%s" AGENT "Accept: */*\r\n\r\n", rows[i].head);
		const struct http_request *made = request(box, &http, rows[i].url);
		assert_slice(made->head, expected);
		assert_int_equal(made->body.size, 0);
	}
}

#define HOST "Host: h\r\n"

static void settings_make_exactly_these_bytes(void **state) {
	struct box *box = *state;
	const struct {
		struct http_settings http;
		const char *head, *body;
	} rows[] = {
		{{.host = "virtual.example"}, "GET / HTTP/1.1\r\nHost: virtual.example\r\n" AGENT "Accept: */*\r\n\r\n", ""},
		{{.host = "no", .headers = {1, (const char *[]){"hOst: mine:99"}}}, "GET / HTTP/1.1\r\n" AGENT "Accept: */*\r\nhOst: mine:99\r\n\r\n",
			""},
		{{.headers = {3, (const char *[]){"X-A: 1", "X-B:2", "x-a:  3 "}}},
			"GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\n\r\n", ""}, /* twice is twice, in order */
		{{.headers = {1, (const char *[]){"X-Time: 12:30:00"}}}, "GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nX-Time: 12:30:00\r\n\r\n",
			""},
		{{.headers = {1, (const char *[]){"X-Empty:"}}}, "GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nX-Empty: \r\n\r\n", ""},
		{{.accept = "text/html", .content_type = "application/json"},
			"GET / HTTP/1.1\r\n" HOST AGENT "Accept: text/html\r\nContent-Type: application/json\r\n\r\n", ""},
		{{.headers = {1, (const char *[]){"ACCEPT: image/png"}}}, "GET / HTTP/1.1\r\n" HOST AGENT "ACCEPT: image/png\r\n\r\n", ""},
		{{.no_ua = true}, "GET / HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n", ""},
		{{.authorized = true, .headers = {1, (const char *[]){"User-Agent: own/1"}}},
			"GET / HTTP/1.1\r\n" HOST "Accept: */*\r\nUser-Agent: own/1\r\n\r\n", ""},
		{{.method = METHOD_POST, .data = "a=1"}, "POST / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nContent-Length: 3\r\n\r\n", "a=1"},
		{{.method = METHOD_GET, .data = "body"}, "GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nContent-Length: 4\r\n\r\n", "body"},
		{{.method = METHOD_DELETE, .data = "x"}, "DELETE / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nContent-Length: 1\r\n\r\n", "x"},
		{{.method = METHOD_GET, .data = ""}, "GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nContent-Length: 0\r\n\r\n", ""},
		{{.method = METHOD_PUT, .data = "100 % sure"}, "PUT / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nContent-Length: 10\r\n\r\n",
			"100 % sure"},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct http_request *made = request(box, &rows[i].http, "http://h/");
		assert_slice(made->head, rows[i].head);
		assert_slice(made->body, rows[i].body);
		assert_int_equal(made->body_bytes, strlen(rows[i].body));
		assert_int_equal(made->more_count, 0);
	}
}

/* The first is the example of RFC 7617 section 2, the others are base64's three kinds of ending (by base64(1)). */
static void the_users_name_makes_an_authorization(void **state) {
	struct box *box = *state;
	static const struct {
		const char *url, *credentials;
	} rows[] = {
		{"http://Aladdin:open%20sesame@h/", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"http://user@h/", "dXNlcjo="},
		{"http://a:b@h/", "YTpi"},
		{"http://a:bc@h/", "YTpiYw=="},
		{"http://a:bcd@h/", "YTpiY2Q="},
		{"http://\xc3\xbc:\xc2\xa3@h/", "w7w6wqM="},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_settings http = {0};
		char expected[400];
		snprintf(expected, sizeof(expected), "GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nAuthorization: Basic %s\r\n\r\n",
			rows[i].credentials);
		assert_slice(request(box, &http, rows[i].url)->head, expected);
	}
	struct http_settings own = {.headers = {1, (const char *[]){"authorization: Bearer x"}}};
	assert_slice(request(box, &own, "http://a:b@h/")->head, "GET / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nauthorization: Bearer x\r\n\r\n");
}

/* RFC 9110 section 8.6: without content a length of 0 where the method expects content, none else; section 9.2.2: what is idempotent. */
static void methods_differ_in_length_and_idempotence(void **state) {
	struct box *box = *state;
	static const struct {
		enum method method;
		const char *name;
		bool length, head, idempotent;
	} rows[] = {
		{METHOD_GET, "GET", false, false, true},
		{METHOD_HEAD, "HEAD", false, true, true},
		{METHOD_POST, "POST", true, false, false},
		{METHOD_PUT, "PUT", true, false, true},
		{METHOD_PATCH, "PATCH", true, false, false}, /* RFC 5789 section 2 */
		{METHOD_DELETE, "DELETE", false, false, true},
		{METHOD_OPTIONS, "OPTIONS", false, false, true},
	};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_settings http = {.method = rows[i].method};
		char expected[400];
		snprintf(expected, sizeof(expected), "%s / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\n%s\r\n", rows[i].name,
			rows[i].length ? "Content-Length: 0\r\n" : "");
		assert_string_equal(method_name(rows[i].method), rows[i].name);
		const struct http_request *made = request(box, &http, "http://h/");
		assert_slice(made->head, expected);
		assert_int_equal(made->is_head, rows[i].head);
		assert_int_equal(made->is_idempotent, rows[i].idempotent);
		assert_int_equal(made->method, rows[i].method);
	}
}

static void every_request_is_the_same(void **state) {
	struct box *box = *state;
	struct http_settings http = {0};
	const struct http_request *first = request(box, &http, "http://h/");
	for (uint64_t k = 1; k < 100; k++) assert_ptr_equal(box->source.ops->next(&box->source, k % 7, k), first);
}

static void a_file_is_sent_byte_for_byte(void **state) {
	struct box *box = *state;
	static const struct slice rows[] = {SLICE("line\r\nline\n\0zero\xff"), SLICE("")};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		FILE *file = fopen(box->path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(rows[i].at, 1, rows[i].size, file), rows[i].size);
		fclose(file);
		struct http_settings http = {.method = METHOD_POST, .data_file = box->path};
		char expected[400];
		snprintf(expected, sizeof(expected), "POST / HTTP/1.1\r\n" HOST AGENT "Accept: */*\r\nContent-Length: %zu\r\n\r\n", rows[i].size);
		const struct http_request *made = request(box, &http, "http://h/");
		assert_slice(made->head, expected);
		assert_true(slice_equal(made->body, rows[i]));
		assert_int_equal(made->body_bytes, rows[i].size);
	}
}

static void assert_refused(struct box *box, const struct http_settings *http, const char *option, const char *subject) {
	box->source.requests = (const void *)box;
	assert_false(build(box, http, "http://h/"));
	assert_int_equal(box->err.code, ERR_FAILED);
	if (!strstr(box->err.text, option) || !strstr(box->err.text, subject)) fail_msg("'%s'", box->err.text);
	assert_ptr_equal(box->source.requests, box); /* untouched */
}

static void an_unreadable_file_is_named(void **state) {
	struct box *box = *state;
	struct http_settings http = {.data_file = box->path};
	assert_refused(box, &http, "--data-file", box->path);
	assert_non_null(strstr(box->err.text, "No such file or directory"));
	http.data_file = box->folder;
	assert_refused(box, &http, "--data-file", box->folder);
}

/* Opening a pipe that nobody writes to would wait for ever (fifo(7)). */
static void a_pipe_is_refused_without_waiting(void **state) {
	struct box *box = *state;
	assert_int_equal(mkfifo(box->path, 0600), 0);
	pid_t child = fork();
	if (child == 0) {
		struct http_settings http = {.data_file = box->path};
		alarm(3);
		_exit(build(box, &http, "http://h/") ? 1 : 0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status)); /* not ended by the alarm */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void write_body(const struct box *box, const char *text) {
	FILE *file = fopen(box->path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void request_k_carries_line_k_and_begins_again(void **state) {
	struct box *box = *state;
	static const char *const lines[] = {"one", "", "three", "tw=", "last"};
	struct http_settings http = {.method = METHOD_POST, .data_lines = box->path};
	write_body(box, "one\n\r\nthree\r\ntw=\nlast");
	assert_true(build(box, &http, "http://h/"));
	for (uint64_t k = 0; k < 12; k++) {
		const struct http_request *made = box->source.ops->next(&box->source, 7, k);
		const char *line = lines[k % 5];
		char length[64];
		assert_slice(made->body, line);
		snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n\r\n", strlen(line));
		assert_non_null(memmem(made->head.at, made->head.size, length, strlen(length)));
	}
	/* The number of a request may be anything, its line is the same. */
	assert_slice(box->source.ops->next(&box->source, 0, 5000000000000000003u)->body, "tw=");
}

static void lines_of_one_length_share_a_head(void **state) {
	struct box *box = *state;
	struct http_settings http = {.method = METHOD_PUT, .data_lines = box->path};
	write_body(box, "abc\ndef\nlonger\n");
	assert_true(build(box, &http, "http://h/"));
	assert_int_equal(box->source.count, 3); /* the line end at the end begins no fourth one */
	assert_ptr_equal(box->source.requests[0].head.at, box->source.requests[1].head.at);
	assert_ptr_not_equal(box->source.requests[0].head.at, box->source.requests[2].head.at);
}

static void a_file_without_a_line_is_refused(void **state) {
	struct box *box = *state;
	struct http_settings http = {.data_lines = box->path};
	assert_refused(box, &http, "--data-lines", box->path);
	write_body(box, "");
	assert_refused(box, &http, "--data-lines", "no line");
}

static void the_framing_is_not_for_headers(void **state) {
	struct box *box = *state;
	static const char *const rows[] = {"Content-Length: 5", "content-length:0", "Transfer-Encoding: chunked"};
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_settings http = {.headers = {1, (const char **)(uintptr_t)&rows[i]}};
		assert_refused(box, &http, "--headers", rows[i][0] == 'T' ? "Transfer-Encoding" : "Content-Length");
	}
}

static void a_head_over_a_mebibyte_is_refused(void **state) {
	struct box *box = *state;
	char *header = malloc((1 << 20) + 10);
	memset(header, 'x', 1 << 20);
	memcpy(header, "X-Large: ", 9);
	header[1 << 20] = 0;
	struct http_settings http = {.headers = {1, (const char *[]){header}}};
	assert_refused(box, &http, "--headers", "1 MiB");
	header[1000000] = 0; /* a little less is taken */
	assert_true(build(box, &http, "http://h/"));
	char *url = malloc(1 << 20); /* but not with a long URL */
	memset(url, 'x', 1 << 20);
	memcpy(url, "http://h/", 9);
	url[60000] = 0;
	assert_false(build(box, &http, url));
	assert_non_null(strstr(box->err.text, "with the URL, the request head is larger than 1 MiB"));
	free(url);
	free(header);
}

#define LIST(...)                                                                                                                                    \
	{                                                                                                                                            \
		LENGTH(((const char *[]){__VA_ARGS__})), (const char *[]) {                                                                          \
			__VA_ARGS__                                                                                                                  \
		}                                                                                                                                    \
	}
#define ACCEPT "Accept: */*\r\n"

/* What the form's pieces are is form_test's matter; here that all of them go out, under their own type. */
static void a_form_is_sent_in_its_pieces(void **state) {
	struct box *box = *state;
	struct form form;
	const struct http_settings http = {.method = METHOD_POST, .form = LIST("a=1", "b=2")};
	assert_true(form_build(&http.form, 7, &box->arena, &form, &box->err));
	const struct http_request *made = request(box, &http, "http://h/");
	char expected[400];
	snprintf(expected, sizeof(expected), "POST / HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Type: %s\r\nContent-Length: %llu\r\n\r\n",
		form.content_type, (unsigned long long)form.bytes);
	assert_slice(made->head, expected);
	assert_int_equal(made->body_bytes, form.bytes);
	assert_int_equal(made->more_count, form.count - 1);
	assert_true(slice_equal(made->body, form.pieces[0]));
	for (size_t i = 0; i < made->more_count; i++) assert_true(slice_equal(made->more[i], form.pieces[i + 1]));
}

static bool build_list(struct box *box, struct settings *settings, const char *text) {
	FILE *file = fopen(box->path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	settings->http.urls_from_file = box->path;
	return build_all(box, settings);
}

/* The body is for lines without a method, and for methods that have one as a rule; elsewhere nothing describes it either. */
static void request_k_asks_for_url_k_and_begins_again(void **state) {
	struct box *box = *state;
	struct settings settings = {
		.http = {.method = METHOD_PUT, .data = "abc", .content_type = "a/b", .headers = LIST("content-language: de", "X-A: 1")}};
	static const char with[] = "Content-Type: a/b\r\ncontent-language: de\r\nX-A: 1\r\nContent-Length: 3\r\n\r\n", without[] = "X-A: 1\r\n\r\n";
	static const struct {
		const char *begin, *end, *body;
		uint32_t origin, row;
		const char *url;
	} rows[] = {
		{"PUT /a HTTP/1.1\r\nHost: h\r\n", with, "abc", 0, 0, "http://h/a"},
		{"GET /b HTTP/1.1\r\nHost: h\r\n", without, "", 0, 1, "http://h/b"},
		{"POST /c HTTP/1.1\r\nHost: i:81\r\n", with, "abc", 1, 2, "https://i:81/c"},
		{"DELETE / HTTP/1.1\r\nHost: h\r\n", without, "", 0, 3, "http://h/"},
		{"HEAD / HTTP/1.1\r\nHost: h\r\n", without, "", 0, 4, "http://h/"},
		{"PUT /a HTTP/1.1\r\nHost: h\r\n", with, "abc", 0, 0, "http://h/a"},
	};
	assert_true(build_list(box, &settings, "http://h/a\nGET http://h/b\nPOST https://i:81/c\nDELETE http://h\nHEAD http://h\nPUT http://h/a\n"));
	for (uint64_t k = 0; k < 2 * LENGTH(rows); k++) {
		const struct http_request *made = box->source.ops->next(&box->source, 3, k);
		size_t i = k % LENGTH(rows);
		char expected[400];
		snprintf(expected, sizeof(expected), "%s" AGENT ACCEPT "%s", rows[i].begin, rows[i].end);
		assert_slice(made->head, expected);
		assert_slice(made->body, rows[i].body);
		assert_int_equal(made->body_bytes, strlen(rows[i].body));
		assert_int_equal(made->origin, rows[i].origin);
		assert_int_equal(made->row, rows[i].row);
		assert_int_equal(made->is_head, rows[i].begin[0] == 'H');
		assert_string_equal(source_url(&box->source, k)->text, rows[i].url);
	}
}

/* A line that needs a length says so, also where no body is given; without one --content-type is for all, as with --url. */
static void lines_without_a_body_are_as_single_requests(void **state) {
	struct box *box = *state;
	struct settings settings = {.http = {.content_type = "a/b"}};
	assert_true(build_list(box, &settings, "GET http://h/\nPOST http://h/"));
	assert_slice(box->source.requests[0].head, "GET / HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Type: a/b\r\n\r\n");
	assert_slice(box->source.requests[1].head, "POST / HTTP/1.1\r\n" HOST AGENT ACCEPT "Content-Type: a/b\r\nContent-Length: 0\r\n\r\n");
}

static void equal_lines_share_a_head(void **state) {
	struct box *box = *state;
	struct settings settings = {.http = {.data = "x"}};
	assert_true(build_list(box, &settings, "http://h/\nhttp://h/\nGET http://h/\nhttp://u:v@h/\nhttp://h\n"));
	const struct http_request *made = box->source.requests;
	assert_ptr_equal(made[0].head.at, made[1].head.at);
	assert_ptr_equal(made[0].head.at, made[4].head.at);
	assert_slice(made[2].head, "GET / HTTP/1.1\r\n" HOST AGENT ACCEPT "\r\n"); /* it has no body */
	assert_slice(made[3].head, "GET / HTTP/1.1\r\n" HOST AGENT ACCEPT "Authorization: Basic dTp2\r\nContent-Length: 1\r\n\r\n");
	for (size_t i = 0; i < 5; i++) assert_int_equal(made[i].row, 0);
}

static void a_list_with_too_many_hosts_is_refused(void **state) {
	struct box *box = *state;
	struct settings settings = {.http.method = METHOD_GET};
	box->origins_max = 3;
	assert_true(build_list(box, &settings, "http://a/\nhttp://b/\nhttps://b/\nhttp://a/x\n"));
	assert_false(build_list(box, &settings, "http://a/\nhttp://b/\nhttps://b/\nhttp://a:81/x\n"));
	assert_ptr_equal(strstr(box->err.text, "--urls-from-file: the URLs have more than 3 different hosts"), box->err.text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(the_url_makes_request_line_and_host),
		CASE(settings_make_exactly_these_bytes),
		CASE(the_users_name_makes_an_authorization),
		CASE(methods_differ_in_length_and_idempotence),
		CASE(every_request_is_the_same),
		CASE(a_file_is_sent_byte_for_byte),
		CASE(an_unreadable_file_is_named),
		CASE(a_pipe_is_refused_without_waiting),
		CASE(request_k_carries_line_k_and_begins_again),
		CASE(lines_of_one_length_share_a_head),
		CASE(a_file_without_a_line_is_refused),
		CASE(the_framing_is_not_for_headers),
		CASE(a_head_over_a_mebibyte_is_refused),
		CASE(a_form_is_sent_in_its_pieces),
		CASE(request_k_asks_for_url_k_and_begins_again),
		CASE(lines_without_a_body_are_as_single_requests),
		CASE(equal_lines_share_a_head),
		CASE(a_list_with_too_many_hosts_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
