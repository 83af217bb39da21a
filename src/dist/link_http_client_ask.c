#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "dist/link_http_client_inner.h"
#include "dist/link_http_silence.h"

#define CONNECTION_AGE_S 864000L /* an idle connection may be used again after so long */
#define RETRY_MIN (50 * MSEC)
#define RETRY_SPREAD 200 /* ms */

static size_t take_answer(char *bytes, size_t one, size_t size, void *user) {
	struct ask *ask = user;
	size_t room = sizeof(ask->answer) - 1 - ask->answer_size, count = size < room ? size : room;
	(void)one;
	memcpy(ask->answer + ask->answer_size, bytes, count);
	ask->answer_size += count;
	ask->answer[ask->answer_size] = 0;
	return size;
}

static size_t take_field(char *bytes, size_t one, size_t size, void *user) {
	struct ask *ask = user;
	struct slice rest = {bytes, size}, name = slice_cut(rest, ':', &rest);
	(void)one;
	if (slice_equal_nocase(name, SLICE(WIRE_MARK))) {
		while (rest.size > 0 && (rest.at[rest.size - 1] == '\n' || rest.at[rest.size - 1] == '\r')) rest.size--;
		rest = slice_trim(rest);
		snprintf(ask->version, sizeof(ask->version), "%.*s", (int)rest.size, rest.at);
	}
	return size;
}

static int set_socket(void *user, curl_socket_t fd, curlsocktype purpose) {
	(void)purpose;
	silence_set(fd, ((struct client *)user)->silence);
	return CURL_SOCKOPT_OK;
}

void ask_init(struct ask *ask, struct client *client, const char *path) {
	char url[512];
	CURL *easy = curl_easy_init();
	if (!easy) mem_fail();
	snprintf(url, sizeof(url), "%s%s", client->url, path);
	*ask = (struct ask){.client = client, .easy = easy};
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, ask);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ask->fault);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even that of the environment */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(CLIENT_ANSWER_LIMIT / MSEC));
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, ask);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_field);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, ask);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, client);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (client->ca) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* this authority, no other */
	}
	if (client->cert) curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert);
	if (client->key) curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key);
}

void ask_fini(struct ask *ask) {
	if (!ask->easy) return;
	if (ask->running) curl_multi_remove_handle(ask->client->multi, ask->easy);
	curl_easy_cleanup(ask->easy);
	curl_slist_free_all(ask->fields);
	*ask = (struct ask){0};
}

static void add_field(struct ask *ask, const char *name, const char *value) {
	char line[128];
	snprintf(line, sizeof(line), value ? "%s: %s" : "%s:", name, value);
	struct curl_slist *longer = curl_slist_append(ask->fields, line);
	if (!longer) mem_fail();
	ask->fields = longer;
}

void ask_start(struct ask *ask, const char *kind) {
	struct client *client = ask->client;
	curl_slist_free_all(ask->fields);
	ask->fields = NULL;
	add_field(ask, "Expect", NULL); /* no "100-continue" */
	if (client->session[0]) add_field(ask, WIRE_SESSION, client->session);
	if (kind) add_field(ask, WIRE_KIND, kind);
	curl_easy_setopt(ask->easy, CURLOPT_HTTPHEADER, ask->fields);
	if (client->token_wanted) { /* not before: a request that expects to be asked for it is sent without its body first */
		curl_easy_setopt(ask->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST);
		curl_easy_setopt(ask->easy, CURLOPT_USERNAME, WIRE_USER);
		curl_easy_setopt(ask->easy, CURLOPT_PASSWORD, client->token);
	}
	ask->answer_size = 0;
	ask->answer[0] = ask->version[0] = ask->fault[0] = 0;
	ask->done = false;
	ask->running = true;
	if (ask->next == 0) ask->began = clock_now();
	ask->next = 0;
	if (curl_multi_add_handle(client->multi, ask->easy) != CURLM_OK) mem_fail();
}

void ask_turn(struct client *client, int limit_ms) {
	int running, left;
	CURLMsg *message;
	curl_multi_perform(client->multi, &running);
	bool ended = false;
	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct ask *ask = NULL;
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		if (message->msg != CURLMSG_DONE) continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&ask);
		ask->result = result;
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &ask->status);
		curl_multi_remove_handle(client->multi, easy);
		ask->running = false;
		ask->done = ended = true;
	}
	if (!ended) curl_multi_poll(client->multi, NULL, 0, limit_ms, NULL);
}

/* Closed before a byte of an answer came; of a handshake only when it was closed, not when it was answered by nonsense. */
static bool was_closed(const struct ask *ask) {
	long sys = 0;
	if (ask->status != 0) return false;
	switch ((int)ask->result) {
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR: return true;
	case CURLE_SSL_CONNECT_ERROR:
		curl_easy_getinfo(ask->easy, CURLINFO_OS_ERRNO, &sys);
		return sys != 0 || strstr(ask->fault, "SSL_ERROR_SYSCALL");
	default: return false;
	}
}

bool ask_again(struct ask *ask) {
	nsec now = clock_now();
	if (!was_closed(ask) || now - ask->began > CLIENT_RETRY_LIMIT) return false;
	ask->done = false;
	ask->next = now + RETRY_MIN + (now / 1000 % RETRY_SPREAD) * MSEC; /* agents do not come back all at once */
	return true;
}
