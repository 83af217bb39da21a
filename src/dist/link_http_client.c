#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/host_port.h"
#include "dist/link_http_client_inner.h"

static struct client *client_of(struct link *link) {
	return (struct client *)link;
}

static bool client_next(struct link *link, struct link_event *ret) {
	struct client *client = client_of(link);
	pthread_mutex_lock(&client->lock);
	bool found = inbox_show(&client->inbox, ret), resume = client->paused && client->inbox.bytes < LINK_QUEUE_MAX / 2;
	if (resume) {
		client->paused = false;
		client->resumed = true;
	}
	pthread_mutex_unlock(&client->lock);
	if (resume) curl_multi_wakeup(client->multi);
	return found;
}

static bool client_send(struct link *link, uint64_t peer, enum link_kind kind, struct slice body) {
	struct client *client = client_of(link);
	if (peer != 1 || body.size > LINK_MESSAGE_MAX) return false;
	struct waiting_message *message = mem_alloc(sizeof(*message) + body.size);
	*message = (struct waiting_message){.kind = kind, .size = body.size};
	if (body.size > 0) memcpy(message->body, body.at, body.size);
	pthread_mutex_lock(&client->lock);
	bool fits = client->waiting + body.size <= LINK_QUEUE_MAX, sent = fits && !client->down && !client->closing;
	if (!fits) client_down(client, "the controller lets too much wait that was sent to it", false);
	if (sent) {
		if (client->last)
			client->last->next = message;
		else
			client->first = message;
		client->last = message;
		client->waiting += body.size;
	}
	pthread_mutex_unlock(&client->lock);
	if (!sent) free(message);
	curl_multi_wakeup(client->multi);
	return sent;
}

static void client_drop(struct link *link, uint64_t peer, const char *words) {
	struct client *client = client_of(link);
	(void)peer;
	(void)words; /* only a controller's are carried; an agent says why in LINK_FAULT or LINK_GOODBYE */
	pthread_mutex_lock(&client->lock);
	client->down = true;
	inbox_forget(&client->inbox, 1);
	pthread_mutex_unlock(&client->lock);
	curl_multi_wakeup(client->multi);
}

static int client_descriptor(const struct link *link) {
	return ((const struct client *)link)->inbox.descriptor;
}

static const char *client_address(const struct link *link) {
	return ((const struct client *)link)->address;
}

static void client_free(struct client *client) {
	struct waiting_message *next;
	for (struct waiting_message *message = client->first; message; message = next) {
		next = message->next;
		free(message);
	}
	frames_fini(&client->frames);
	inbox_fini(&client->inbox);
	if (client->multi) curl_multi_cleanup(client->multi);
	pthread_mutex_destroy(&client->lock);
	if (client->token) explicit_bzero(client->token, strlen(client->token));
	free(client->token);
	free(client->address);
	free(client->url);
	free(client->ca);
	free(client->cert);
	free(client->key);
	free(client);
}

static void client_close(struct link *link) {
	struct client *client = client_of(link);
	pthread_mutex_lock(&client->lock);
	client->closing = true;
	pthread_mutex_unlock(&client->lock);
	curl_multi_wakeup(client->multi);
	pthread_join(client->thread, NULL);
	client_free(client);
}

static const struct link_ops client_ops = {client_next, client_send, client_drop, client_descriptor, client_address, client_close};

static char *copy(const char *text) {
	char *copied = text ? strdup(text) : NULL;
	if (text && !copied) mem_fail();
	return copied;
}

static bool check_file(const char *path, struct err *err) {
	return !path || access(path, R_OK) == 0 || err_set_sys(err, ERR_FAILED, errno, "'%s'", path);
}

static bool read_setup(struct client *client, const struct link_http_setup *setup, struct err *err) {
	struct host_port read;
	if (!host_port_parse(slice_of(setup->address), &read) || read.host.size == 0 || read.port == 0)
		return err_set(err, ERR_FAILED, "'%s' is not HOST:PORT of a controller; write e.g. 10.0.0.1:9009", setup->address);
	if (!check_file(setup->ca, err) || !check_file(setup->cert, err) || !check_file(setup->key, err)) return false;
	if (!setup->cert != !setup->key) return err_set(err, ERR_FAILED, "a certificate and its key belong together; give both");
	bool six = memchr(read.host.at, ':', read.host.size), tls = setup->tls || setup->ca || setup->cert;
	const char *format = six ? "%s://[%.*s]:%u" : "%s://%.*s:%u";
	if (asprintf(&client->url, format, tls ? "https" : "http", (int)read.host.size, read.host.at, read.port) < 0) mem_fail();
	client->address = copy(setup->address);
	client->token = copy(setup->token);
	client->ca = copy(setup->ca);
	client->cert = copy(setup->cert);
	client->key = copy(setup->key);
	client->silence = setup->silence;
	return true;
}

static bool start_thread(struct client *client) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the caller's thread */
	bool started = pthread_create(&client->thread, NULL, client_talk, client) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void set_up_library(void) {
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool link_http_join(const struct link_http_setup *setup, struct link **ret, struct err *err) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct client *client = mem_zeroed(1, sizeof(*client));
	pthread_once(&once, set_up_library);
	pthread_mutex_init(&client->lock, NULL);
	inbox_init(&client->inbox);
	client->link.ops = &client_ops;
	bool opened = client->inbox.descriptor >= 0 && (client->multi = curl_multi_init());
	if (!opened) err_set(err, ERR_FAILED, "no descriptors are left for the link to the controller; raise the limit of open files (ulimit -n)");
	opened = opened && read_setup(client, setup, err);
	if (opened && !start_thread(client)) opened = err_set(err, ERR_FAILED, "no thread can be started for the link to the controller");
	if (!opened) {
		client_free(client);
		return false;
	}
	*ret = &client->link;
	return true;
}
