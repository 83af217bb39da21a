#include "engine/redirect.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/worker.h"
#include "http/field.h"

/* One hop: noted with the head that leads there, taken when that response is complete. */
struct redirect {
	struct redirect *before; /* the hop that the request is on while this one is only noted; else NULL */
	struct arena arena;
	unsigned status, number; /* from 1 */
	bool is_noted;
	bool is_bad; /* leads nowhere */
	bool left_origin;
	struct url url;
	struct http_request request;
};

static bool redirect_is_followed(const struct plan *plan, unsigned status) {
	bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
	return is_redirect && plan->redirects > 0 && !status_set_has(&plan->expected, status);
}

void redirect_note(const struct worker *worker, struct flight *flight, unsigned status, struct slice head) {
	const struct plan *plan = worker->plan;
	struct redirect *last = flight->redirect;
	struct slice location;
	if (!redirect_is_followed(plan, status) || !field_find(head, SLICE("location"), &location)) return;
	struct redirect *next = mem_zeroed(1, sizeof(*next));
	arena_init(&next->arena);
	next->before = last;
	next->status = status;
	next->number = last ? last->number + 1 : 1;
	next->is_noted = true;
	const struct url *base = last ? &last->url : source_url(&plan->source, flight->k);
	next->is_bad = !url_join(base, location, &next->arena, &next->url);
	flight->redirect = next;
}

bool redirect_wanted(const struct flight *flight) {
	return flight->redirect && flight->redirect->is_noted;
}

enum reason redirect_next(struct worker *worker, struct flight *flight) {
	const struct plan *plan = worker->plan;
	struct redirect *next = flight->redirect, *last = next->before;
	struct hop hop = {.from = flight->request, .status = next->status, .url = &next->url, .route = &worker->peers.route};
	assert(next->is_noted);
	if (next->number > plan->redirects) return REASON_REDIRECT_LIMIT;
	if (next->is_bad) return REASON_REDIRECT_BAD;
	if (!route_add(&worker->peers.route, &next->url, &hop.origin)) return REASON_REDIRECT_PLACES;
	uint32_t first = plan->source.ops->next(&plan->source, 0, flight->k)->origin;
	next->left_origin = hop.origin != first || (last && last->left_origin);
	hop.is_other = next->left_origin;
	source_hop(&plan->source, &hop, &next->arena, &next->request);
	next->is_noted = false;
	next->before = NULL;
	flight->redirect = last; /* what the request was made from goes only now */
	redirect_free(flight);
	flight->redirect = next;
	flight->request = &next->request;
	return REASON_NONE;
}

void redirect_free(struct flight *flight) {
	while (flight->redirect) {
		struct redirect *redirect = flight->redirect;
		flight->redirect = redirect->before;
		arena_fini(&redirect->arena);
		free(redirect);
	}
}
