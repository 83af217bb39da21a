#include "target/timer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

void timer_queue_init(struct timer_queue *queue) {
	*queue = (struct timer_queue){0};
}

void timer_queue_fini(struct timer_queue *queue) {
	free(queue->heap);
	*queue = (struct timer_queue){0};
}

static void put(struct timer_queue *queue, size_t place, struct timer *timer) {
	queue->heap[place] = timer;
	timer->place = place;
}

static void rise(struct timer_queue *queue, size_t place, struct timer *timer) {
	for (; place > 1 && queue->heap[place / 2]->due > timer->due; place /= 2) put(queue, place, queue->heap[place / 2]);
	put(queue, place, timer);
}

static void sink(struct timer_queue *queue, size_t place, struct timer *timer) {
	for (;;) {
		size_t child = place * 2;
		if (child > queue->count) break;
		if (child < queue->count && queue->heap[child + 1]->due < queue->heap[child]->due) child++;
		if (queue->heap[child]->due >= timer->due) break;
		put(queue, place, queue->heap[child]);
		place = child;
	}
	put(queue, place, timer);
}

void timer_set(struct timer_queue *queue, struct timer *timer, nsec due) {
	assert(timer->place == 0);
	if (queue->count + 1 >= queue->room) {
		queue->room = queue->room ? queue->room * 2 : 64;
		queue->heap = mem_resize(queue->heap, queue->room * sizeof(*queue->heap));
	}
	timer->due = due;
	queue->count++;
	rise(queue, queue->count, timer);
}

void timer_drop(struct timer_queue *queue, struct timer *timer) {
	size_t place = timer->place;
	if (place == 0) return;
	assert(place <= queue->count && queue->heap[place] == timer);
	timer->place = 0;
	struct timer *last = queue->heap[queue->count];
	queue->count--;
	if (last == timer) return;
	if (place > 1 && queue->heap[place / 2]->due > last->due) {
		rise(queue, place, last);
	} else {
		sink(queue, place, last);
	}
}

struct timer *timer_take(struct timer_queue *queue, nsec now) {
	if (queue->count == 0 || queue->heap[1]->due > now) return NULL;
	struct timer *first = queue->heap[1];
	timer_drop(queue, first);
	return first;
}
