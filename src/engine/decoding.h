/* --compressed: decodes the bodies of responses, to count them and to see that they are whole.
 * In: heads and bodies. Out: counts; a response whose body does not decode is not ok. The worker's thread; decoders are kept and used again. */
#pragma once

#include "engine/task.h"

struct worker;

/* The head of the response to `task` is known: takes a decoder if its body is encoded. */
void decoding_begin(struct worker *worker, struct task *task, struct slice head);

/* A piece of the body. */
void decoding_feed(struct task *task, struct slice bytes);

/* The response of `task`, which is decoded, is over: end->reason says more, if it was complete and its body was not; the bytes are counted if the request is. */
void decoding_end(struct worker *worker, struct task *task, struct http_end *end);

/* The same for a response that nobody counts. */
void decoding_drop(struct worker *worker, struct task *task);

/* Frees the decoders. */
void decoding_close(struct worker *worker);
