#include <stdio.h>
#include <string.h>

#include "dist/link_http_client_inner.h"

/* Keeps an answer's first line, without what a terminal would obey. */
static void write_line(const char *text, char *into, size_t room) {
	size_t size = 0;
	while (text[size] && text[size] != '\n' && size + 1 < room) {
		into[size] = (unsigned char)text[size] < ' ' || text[size] == 127 ? '?' : text[size];
		size++;
	}
	into[size] = 0;
}

/* The controller has answered, and not as we wish. */
static bool answer_words(const struct ask *ask, char *words, size_t room) {
	char line[200];
	const struct client *client = ask->client;
	write_line(ask->answer, line, sizeof(line));
	if (strcmp(ask->version, WIRE_VERSION) != 0) {
		snprintf(words, room, "the controller at %s speaks another version of the link ('%s', not '" WIRE_VERSION "')", client->address,
			ask->version);
		return true;
	}
	if (ask->status == 401) {
		snprintf(words, room,
			client->token ? "the token was refused by the controller at %s" : "the controller at %s wants a token; give one",
			client->address);
		return true;
	}
	snprintf(words, room, "the controller at %s refuses: %s", client->address, line);
	return ask->status == 403;
}

/* The part of libcurl's words that says what is wrong with a certificate. */
static const char *certificate_words(const struct ask *ask) {
	const char *detail = strstr(ask->fault, "problem: ");
	if (detail) return detail + strlen("problem: ");
	return ask->fault[0] ? ask->fault : curl_easy_strerror(ask->result);
}

static void lower_first(char *text) {
	if (text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z')) text[0] = (char)(text[0] - 'A' + 'a');
}

bool ask_words(const struct ask *ask, char *words, size_t room) {
	const struct client *client = ask->client;
	char reason[CURL_ERROR_SIZE + 40];
	long sys = 0;
	if (ask->status != 0 && ask->version[0]) {
		if (ask->status < 300 && strcmp(ask->version, WIRE_VERSION) == 0) {
			snprintf(words, room,
				client->open ? "the connection to the controller at %s was lost" : "the controller at %s has closed the connection",
				client->address);
			return false;
		}
		return answer_words(ask, words, room);
	}
	curl_easy_getinfo(ask->easy, CURLINFO_OS_ERRNO, &sys);
	switch ((int)ask->result) {
	case CURLE_COULDNT_CONNECT:
		snprintf(reason, sizeof(reason), "%s", sys ? strerror((int)sys) : "it cannot be reached");
		lower_first(reason);
		snprintf(words, room, "%s: %s", client->address, reason);
		break;
	case CURLE_COULDNT_RESOLVE_HOST: snprintf(words, room, "%s: the name is not known", client->address); break;
	case CURLE_OPERATION_TIMEDOUT: snprintf(words, room, "%s does not answer", client->address); break;
	case CURLE_PEER_FAILED_VERIFICATION:
		snprintf(reason, sizeof(reason), "%s", certificate_words(ask));
		snprintf(words, room, "the certificate of the controller at %s does not verify: %s", client->address, reason);
		break;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		snprintf(reason, sizeof(reason), "%s", ask->fault);
		lower_first(reason);
		snprintf(words, room, "our own certificate files: %s", reason);
		break;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		if (client->open) {
			snprintf(words, room, "the connection to the controller at %s was lost", client->address);
			break;
		}
		/* fall through */
	default:
		snprintf(words, room, "no strest controller answers at %s%s", client->address,
			strncmp(client->url, "https", 5) == 0 ? " (is it one with a certificate?)" : "");
	}
	return false;
}
