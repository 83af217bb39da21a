#include "net/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

void timers_init(struct timers *timers, size_t room) {
	*timers = (struct timers){.heap = mem_zeroed(room, sizeof(struct timer *)), .room = room};
}

void timers_fini(struct timers *timers) {
	free(timers->heap);
	*timers = (struct timers){0};
}

static void timers_put(struct timers *timers, size_t place, struct timer *timer) {
	timers->heap[place] = timer;
	timer->place = (uint32_t)place + 1;
}

static void timers_rise(struct timers *timers, size_t place, struct timer *timer) {
	while (place > 0 && timers->heap[(place - 1) / 2]->at > timer->at) {
		timers_put(timers, place, timers->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	timers_put(timers, place, timer);
}

static void timers_sink(struct timers *timers, size_t place, struct timer *timer) {
	for (;;) {
		size_t child = 2 * place + 1;
		if (child >= timers->count) break;
		if (child + 1 < timers->count && timers->heap[child + 1]->at < timers->heap[child]->at) child++;
		if (timers->heap[child]->at >= timer->at) break;
		timers_put(timers, place, timers->heap[child]);
		place = child;
	}
	timers_put(timers, place, timer);
}

void timers_arm(struct timers *timers, struct timer *timer, nsec at) {
	timers_disarm(timers, timer);
	assert(timers->count < timers->room);
	timer->at = at;
	timers->count++;
	timers_rise(timers, timers->count - 1, timer);
}

void timers_disarm(struct timers *timers, struct timer *timer) {
	if (timer->place == 0) return;
	size_t place = timer->place - 1;
	struct timer *last = timers->heap[--timers->count];
	timer->place = 0;
	if (last == timer) return;
	if (place > 0 && timers->heap[(place - 1) / 2]->at > last->at)
		timers_rise(timers, place, last);
	else
		timers_sink(timers, place, last);
}

struct timer *timers_take(struct timers *timers, nsec now) {
	if (timers->count == 0 || timers->heap[0]->at > now) return NULL;
	struct timer *timer = timers->heap[0];
	timers_disarm(timers, timer);
	return timer;
}
