/* The event loop of one worker: connections and time.
 * In: dials, sends, closes. Out: events, called from loop->ops->turn() only. One thread per loop; nothing is shared.
 * Behind loop_ops so that tests can script it; over epoll it calls straight through. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/outcome.h"
#include "base/str.h"
#include "net/address.h"

#define LOOP_READ_BYTES 65536 /* the receive buffer, one per loop */

/* The loop's part of a connection; embedded by the owner, zeroed before the first dial. */
struct loop_conn {
	int fd;    /* only meaningful while `used` */
	bool used; /* between dial and close */
	bool connecting;
	bool want_write;  /* a send was short: on_sent comes */
	bool peer_closed; /* the peer will send no more: seen together with the last bytes; never send again */
	bool parting;     /* set by the owner: what still comes does not matter, on_close is told as soon as the peer closes */
	bool stamped;     /* the kernel stamps what arrives: see loop_ops.stamp */
	nsec stamp;       /* while on_bytes runs: when the last of these bytes reached the kernel, by CLOCK_MONOTONIC; else, or if not known, 0 */
};

struct loop;

/* What the loop tells; all members are set. `now` was read directly before the call. */
struct loop_events {
	/* The dial ended: REASON_NONE, or why it failed (then the connection is closed already). */
	void (*on_open)(struct loop *loop, struct loop_conn *conn, enum reason reason, nsec now);
	/* Bytes came; `arrived` is when. They lie in the loop's buffer, valid during the call. */
	void (*on_bytes)(struct loop *loop, struct loop_conn *conn, struct slice bytes, nsec arrived);
	/* After a short send: the carrier takes more. */
	void (*on_sent)(struct loop *loop, struct loop_conn *conn, nsec now);
	/* The peer closed (`reset`: by an error). The owner calls ops->close. */
	void (*on_close)(struct loop *loop, struct loop_conn *conn, bool reset, nsec now);
	/* loop_ops.wake was called, once or more, since the last time. NULL: nobody calls it. */
	void (*on_wake)(struct loop *loop, nsec now);
};

/* Where to connect, and how. */
struct dial {
	const struct address *to;
	const struct address *from; /* local address of the same family, without a port: the kernel picks one that is free towards `to`
				     * (IP_BIND_ADDRESS_NO_PORT). NULL: the kernel's choice */
	bool eager; /* bytes are sent as soon as it is open: they take the acknowledgement that opens it along (RFC 9293 section 3.5), which spares a packet */
};

struct loop_ops {
	/* Starts connecting; REASON_NONE: on_open will come, else why not (nothing is open). */
	enum reason (*dial)(struct loop *loop, struct loop_conn *conn, const struct dial *dial);
	/* Sends what the carrier takes now and returns the bytes; 0 and more short: on_sent follows; -1: the connection is broken (on_close does not come). */
	ssize_t (*send)(struct loop *loop, struct loop_conn *conn, const struct iovec *iov, int count);
	/* Turns the kernel's receive stamps (SO_TIMESTAMPNS) on or off for an open connection. They are given as CLOCK_REALTIME and converted by an offset
	 * that is measured anew each second; a stamp never lies in the future. Where the kernel offers none, `stamp` stays 0.
	 * `conn` NULL (on): makes the kernel ready for it until the loop is closed: the first socket that wants stamps and the last one that did make it
	 * rewrite its own code. */
	void (*stamp)(struct loop *loop, struct loop_conn *conn, bool on);
	/* Closes; no event comes for this connection any more. Nothing happens when it is closed already. */
	void (*close)(struct loop *loop, struct loop_conn *conn);
	/* Makes the present or next turn() call on_wake. Any thread. */
	void (*wake)(struct loop *loop);
	/* Waits until events are there, at most until `until` (CLOCK_MONOTONIC), and hands them out. From `spin_from` on it does not sleep
	 * (NSEC_NEVER: always sleep). Returns the time spent waiting without sleep. */
	nsec (*turn)(struct loop *loop, nsec until, nsec spin_from);
};

/* `owner` belongs to the events' implementer. */
struct loop {
	const struct loop_ops *ops;
	const struct loop_events *events;
	void *owner;
	bool more; /* set by turn(): it had as many events as it takes at once, so there may be more */
};

/* Makes a loop over epoll; `owner` is for the events. ERR_FAILED when the system has no descriptor left. */
bool loop_open_epoll(const struct loop_events *events, void *owner, struct loop **ret, struct err *err);

/* Frees it; connections must be closed before. */
void loop_close_epoll(struct loop *loop);
