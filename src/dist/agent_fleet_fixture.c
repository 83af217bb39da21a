#include "dist/agent_fleet_fixture.h"

uint64_t seed_now;

uint64_t draw(struct fleet *f, uint64_t below) {
	f->lot = f->lot * 6364136223846793005u + 1442695040888963407u;
	return (uint64_t)(((unsigned __int128)((f->lot ^ f->lot >> 29) * 0xbf58476d1ce4e5b9u) * below) >> 64);
}

nsec draw_span(struct fleet *f, nsec most) {
	return (nsec)draw(f, (uint64_t)most + 1);
}

static bool is_before(const struct parcel *a, const struct parcel *b) {
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void heap_push(struct fleet *f, struct parcel parcel) {
	if (f->heap_count == f->heap_room) {
		f->heap_room = f->heap_room ? 2 * f->heap_room : 64;
		f->heap = mem_resize(f->heap, f->heap_room * sizeof(*f->heap));
	}
	size_t i = f->heap_count++;
	parcel.order = f->orders++;
	for (; i > 0 && is_before(&parcel, &f->heap[(i - 1) / 2]); i = (i - 1) / 2) f->heap[i] = f->heap[(i - 1) / 2];
	f->heap[i] = parcel;
}

struct parcel heap_pop(struct fleet *f) {
	struct parcel top = f->heap[0], last = f->heap[--f->heap_count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= f->heap_count) break;
		if (child + 1 < f->heap_count && is_before(&f->heap[child + 1], &f->heap[child])) child++;
		if (!is_before(&f->heap[child], &last)) break;
		f->heap[i] = f->heap[child];
		i = child;
	}
	f->heap[i] = last;
	return top;
}

static void ship(struct fleet *f, struct parcel parcel) {
	struct wire *wire = &f->wires[parcel.peer - 1];
	nsec *last = &wire->last[parcel.to_controller];
	parcel.at = f->now + draw_span(f, f->delay_max);
	if (parcel.at < *last) parcel.at = *last;
	*last = parcel.at;
	heap_push(f, parcel);
}

static void ship_message(struct fleet *f, bool to_controller, uint64_t peer, enum link_kind kind, struct slice body) {
	char *copy = mem_alloc(body.size);
	if (body.size > 0) memcpy(copy, body.at, body.size);
	ship(f, (struct parcel){.to_controller = to_controller, .what = LINK_MESSAGE, .peer = peer, .kind = kind, .bytes = copy, .size = body.size});
}

void agent_connect(void *user) {
	struct machine *m = user;
	struct fleet *f = m->fleet;
	if (f->wire_count == f->wire_room) {
		f->wire_room = f->wire_room ? 2 * f->wire_room : 64;
		f->wires = mem_resize(f->wires, f->wire_room * sizeof(*f->wires));
	}
	f->wires[f->wire_count++] = (struct wire){.agent = (int)(m - f->machines), .agent_open = true};
	m->peer = f->wire_count;
	if (!f->listening || (!f->healthy && draw(f, 20) == 0)) {
		ship(f, (struct parcel){.what = LINK_DOWN, .peer = m->peer});
		return;
	}
	f->wires[m->peer - 1].controller_open = true;
	ship(f, (struct parcel){.to_controller = true, .what = LINK_UP, .peer = m->peer});
	ship(f, (struct parcel){.what = LINK_UP, .peer = m->peer});
}

void close_end(struct fleet *f, uint64_t peer, bool at_controller) {
	struct wire *wire = &f->wires[peer - 1];
	if (at_controller && wire->controller_open) ship(f, (struct parcel){.to_controller = true, .what = LINK_DOWN, .peer = peer});
	if (!at_controller && wire->agent_open) ship(f, (struct parcel){.what = LINK_DOWN, .peer = peer});
}

void agent_disconnect(void *user) {
	struct machine *m = user;
	if (m->peer == 0) return;
	m->fleet->wires[m->peer - 1].agent_open = false;
	close_end(m->fleet, m->peer, true);
	m->peer = 0;
}

bool agent_transmit(void *user, enum link_kind kind, struct slice body) {
	struct machine *m = user;
	struct fleet *f = m->fleet;
	HOLDS(!m->left && m->peer > 0);
	if (!f->wires[m->peer - 1].controller_open) return false;
	if (kind == LINK_SNAPSHOT && draw(f, 4) == 0) return true; /* lost */
	ship_message(f, true, m->peer, kind, body);
	return true;
}

bool controller_transmit(void *user, uint64_t peer, enum link_kind kind, struct slice body) {
	struct fleet *f = user;
	HOLDS(f->wires[peer - 1].controller_open); /* no message after a drop or the end */
	ship_message(f, false, peer, kind, body);
	return true;
}

void controller_drop(void *user, uint64_t peer, const char *words) {
	struct fleet *f = user;
	HOLDS(f->wires[peer - 1].controller_open);
	ship_message(f, false, peer, LINK_FAULT, slice_of(words));
	f->wires[peer - 1].controller_open = false;
	close_end(f, peer, false);
}
