#include "engine/redirect.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/worker.h"
#include "http/field.h"
#include "plan/user.h"

/* One hop: noted with the head that leads there, taken when that response is complete. */
struct redirect {
	struct redirect *before; /* the hop that the request is on while this one is only noted; else NULL */
	struct arena arena;
	unsigned status, number; /* from 1 */
	uint32_t first_origin;   /* of the request before all hops */
	bool is_noted;
	bool is_bad; /* leads nowhere */
	bool left_origin;
	struct url url;
	struct http_request request;
};

static bool redirect_is_followed(const struct plan *plan, const struct http_request *request, unsigned status) {
	bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
	return is_redirect && plan->redirects > 0 && !status_set_has(request->expected, status);
}

void redirect_note(const struct worker *worker, struct task *task, unsigned status, struct slice head) {
	struct flight *flight = &task->flight;
	const struct plan *plan = worker->plan;
	struct redirect *last = flight->redirect;
	struct slice location;
	if (!redirect_is_followed(plan, flight->request, status) || !field_find(head, SLICE("location"), &location)) return;
	struct redirect *next = mem_zeroed(1, sizeof(*next));
	arena_init(&next->arena);
	next->before = last;
	next->status = status;
	next->number = last ? last->number + 1 : 1;
	next->is_noted = true;
	next->first_origin = last ? last->first_origin : flight->request->origin;
	const struct url *base = last ? &last->url : task->user ? task->user->url : source_url(&plan->source, flight->k);
	next->is_bad = !url_join(base, location, &next->arena, &next->url);
	flight->redirect = next;
}

bool redirect_wanted(const struct flight *flight) {
	return flight->redirect && flight->redirect->is_noted;
}

const struct url *redirect_url(const struct flight *flight) {
	const struct redirect *redirect = flight->redirect;
	if (redirect && redirect->is_noted) redirect = redirect->before;
	return redirect ? &redirect->url : NULL;
}

enum reason redirect_next(struct worker *worker, struct task *task) {
	struct flight *flight = &task->flight;
	const struct plan *plan = worker->plan;
	struct redirect *next = flight->redirect, *last = next->before;
	struct hop hop = {.from = flight->request, .status = next->status, .url = &next->url, .route = &worker->peers.route, .user = task->user};
	assert(next->is_noted);
	if (next->number > plan->redirects) return REASON_REDIRECT_LIMIT;
	if (next->is_bad) return REASON_REDIRECT_BAD;
	if (!route_add(&worker->peers.route, &next->url, &hop.origin)) return REASON_REDIRECT_PLACES;
	next->left_origin = hop.origin != next->first_origin || (last && last->left_origin);
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
