#include "dist/link_http_inbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"

struct inbox_item {
	struct inbox_item *next;
	struct link_event event;
	char *bytes; /* body, or words */
};

void inbox_init(struct inbox *inbox) {
	*inbox = (struct inbox){.descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
}

static void item_free(struct inbox *inbox, struct inbox_item *item) {
	if (!item) return;
	inbox->bytes -= item->event.body.size;
	free(item->bytes);
	free(item);
}

void inbox_fini(struct inbox *inbox) {
	struct link_event event;
	while (inbox_show(inbox, &event)) continue;
	if (inbox->descriptor >= 0) close(inbox->descriptor);
	inbox->descriptor = -1;
}

static void put(struct inbox *inbox, struct link_event event, char *bytes) {
	struct inbox_item *item = mem_zeroed(1, sizeof(*item));
	event.at = link_clock();
	*item = (struct inbox_item){.event = event, .bytes = bytes};
	inbox->bytes += event.body.size;
	if (inbox->last) {
		inbox->last->next = item;
	} else {
		inbox->first = item;
		eventfd_write(inbox->descriptor, 1);
	}
	inbox->last = item;
}

void inbox_put_message(struct inbox *inbox, uint64_t peer, enum link_kind kind, char *body, size_t size) {
	put(inbox, (struct link_event){.what = LINK_MESSAGE, .peer = peer, .kind = kind, .body = {body ? body : "", size}}, body);
}

void inbox_put_state(struct inbox *inbox, enum link_what what, uint64_t peer, const char *words, bool refused) {
	char *copy = strdup(words);
	if (!copy) mem_fail();
	put(inbox, (struct link_event){.what = what, .peer = peer, .words = copy, .refused = refused}, copy);
}

/* An empty inbox is no news. */
static void settle(struct inbox *inbox) {
	eventfd_t count;
	if (!inbox->first) eventfd_read(inbox->descriptor, &count);
}

void inbox_forget(struct inbox *inbox, uint64_t peer) {
	struct inbox_item **at = &inbox->first, *kept = NULL;
	while (*at) {
		struct inbox_item *item = *at;
		if (item->event.peer == peer) {
			*at = item->next;
			item_free(inbox, item);
		} else {
			kept = item;
			at = &item->next;
		}
	}
	inbox->last = kept;
	settle(inbox);
}

bool inbox_show(struct inbox *inbox, struct link_event *ret) {
	item_free(inbox, inbox->shown);
	struct inbox_item *item = inbox->shown = inbox->first;
	if (!item) {
		*ret = (struct link_event){.what = LINK_NOTHING};
		return false;
	}
	inbox->first = item->next;
	if (!inbox->first) inbox->last = NULL;
	settle(inbox);
	*ret = item->event;
	return true;
}
