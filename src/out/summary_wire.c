#include <stdio.h>

#include "base/units.h"
#include "out/summary_inner.h"

#define SCENARIO_COLUMNS 20 /* of a scenario's name before its books */

static void write_rate(const struct report *report, struct buf *into) {
	char asked[32], sent[32], done[32];
	buf_add_format(into, "Rate         %s/s answered, %s/s sent", summary_format_rate(report->throughput_per_s, done, sizeof(done)),
		summary_format_rate(report->achieved_per_s, sent, sizeof(sent)));
	if (report->run.open_loop)
		buf_add_format(into, ", %s%s/s asked", summary_format_rate(report->run.asked_per_s, asked, sizeof(asked)),
			report->run.scenario_count > 0 ? " iterations" : "");
	buf_add_format(into, "; busiest thread %.0f %% busy\n", report->worker_busy * 100);
}

/* Returns whether opening connections was a good part of the load, so that its rate is worth a line. */
static bool opens_often(const struct report *report) {
	const struct run_info *run = &report->run;
	return report->opened_per_s > 0 && (!run->keepalive || run->requests_per_connection > 0 || report->opened > report->reused);
}

static void write_connections(const struct report *report, struct buf *into) {
	char opened[32], shaken[32];
	buf_add_format(into, "Connections  %llu opened, %llu failed to open; %llu requests on one used before\n", (unsigned long long)report->opened,
		(unsigned long long)report->connect_failed, (unsigned long long)report->reused);
	if (opens_often(report)) {
		buf_add_format(into, "             %s/s opened", summary_format_rate(report->opened_per_s, opened, sizeof(opened)));
		if (report->shaken_per_s > 0)
			buf_add_format(into, ", %s/s TLS handshakes", summary_format_rate(report->shaken_per_s, shaken, sizeof(shaken)));
		buf_add_text(into, "\n");
	}
	buf_add_format(into, "             closed: %llu by the target, %llu by strest, %llu at the end\n",
		(unsigned long long)report->closed[CLOSER_PEER], (unsigned long long)report->closed[CLOSER_US],
		(unsigned long long)report->closed[CLOSER_END]);
	if (!report->run.open_loop && report->connect_failed > 0)
		buf_add_text(into, "             a task whose connection could not be opened waits 100 ms, then longer, up to 1 s\n");
}

/* What became of HTTP/2, where it was asked for. */
static void write_http(const struct report *report, struct buf *into) {
	static const char indent[] = "             ";
	const struct run_info *run = &report->run;
	struct buf words;
	if (!run->http_words) return;
	buf_init(&words, 1024);
	buf_add_format(&words, "%llu of %llu connections in HTTP/2", (unsigned long long)report->opened_h2, (unsigned long long)report->opened);
	if (report->fell_back > 0)
		buf_add_format(&words, "; fell back to HTTP/1.1, which the server chose: %llu", (unsigned long long)report->fell_back);
	summary_put_wrapped(into, "HTTP         ", buf_text(&words));
	buf_fini(&words);
	buf_init(&words, 1024);
	if (report->stream_limit > 0 && report->stream_limit < run->streams) {
		buf_add_format(&words, "the target allows %llu stream%s on a connection, %llu were asked for: requests waited for a slot (blocked)",
			(unsigned long long)report->stream_limit, report->stream_limit == 1 ? "" : "s", (unsigned long long)run->streams);
		summary_put_wrapped(into, indent, buf_text(&words));
	}
	buf_fini(&words);
	if (report->goaways > 0)
		buf_add_format(into, "%sthe target wanted no more requests on %llu connection%s (GOAWAY)\n", indent,
			(unsigned long long)report->goaways, report->goaways == 1 ? "" : "s");
	if (report->unprocessed > 0)
		buf_add_format(into, "%srefused by the target unseen (REFUSED_STREAM, GOAWAY), so sent again: %llu\n", indent,
			(unsigned long long)report->unprocessed);
}

static void write_tls(const struct report *report, struct buf *into) {
	const struct run_info *run = &report->run;
	if (!run->tls) return;
	buf_add_format(into, "TLS          %s%s%.50s%s\n             handshakes: %llu full, %llu resumed, %llu failed\n",
		run->tls_version ? run->tls_version : "no handshake", run->tls_cipher ? ", " : "", run->tls_cipher ? run->tls_cipher : "",
		run->tls_version && run->tls_unverified ? "; certificates were not checked" : "", (unsigned long long)report->handshakes_full,
		(unsigned long long)report->handshakes_resumed, (unsigned long long)report->handshakes_failed);
}

static void write_attempts(const struct report *report, struct buf *into) {
	char sent[32], received[32];
	buf_add_format(into, "Wire         %llu attempts", (unsigned long long)report->attempts);
	if (report->attempts_warmup > 0) buf_add_format(into, ", %llu of them in the warm-up", (unsigned long long)report->attempts_warmup);
	buf_add_format(into, "; %llu retries, %llu lost\n             ", (unsigned long long)report->retries, (unsigned long long)report->lost);
	if (report->hops > 0) buf_add_format(into, "%llu redirect%s followed; ", (unsigned long long)report->hops, report->hops == 1 ? "" : "s");
	buf_add_format(into, "%s sent, %s received\n", units_format_bytes(report->bytes_sent, sent, sizeof(sent)),
		units_format_bytes(report->bytes_received, received, sizeof(received)));
}

static void write_bodies(const struct report *report, struct buf *into) {
	char encoded[32], decoded[32];
	if (!report->run.compressed) return;
	buf_add_format(into, "Bodies       %s as they came, %s decoded", units_format_bytes(report->encoded, encoded, sizeof(encoded)),
		units_format_bytes(report->decoded, decoded, sizeof(decoded)));
	if (report->encoded > 0) buf_add_format(into, " (%.1f x)", (double)report->decoded / (double)report->encoded);
	buf_add_text(into, "\n");
}

/* What was planned and what came of it, of requests or of iterations. */
static void put_books(const char *first, const uint64_t counts[5], struct buf *into) {
	buf_add_format(into, "%s%llu planned = %llu ok + %llu failed + %llu open + %llu unsent\n", first, (unsigned long long)counts[0],
		(unsigned long long)counts[1], (unsigned long long)counts[2], (unsigned long long)counts[3], (unsigned long long)counts[4]);
}

static void put_iterations(const char *first, const struct iterations_report *one, struct buf *into) {
	put_books(first, (const uint64_t[]){one->planned, one->ok, one->failed, one->open, one->unsent}, into);
}

static void write_iterations(const struct report *report, struct buf *into) {
	char first[80], name[SCENARIO_COLUMNS + 1];
	if (report->scenario_count == 0) return;
	put_iterations("Iterations   ", &report->iterations, into);
	for (size_t i = 0; report->scenario_count > 1 && i < report->scenario_count; i++) {
		const struct iterations_report *one = &report->scenarios[i];
		snprintf(first, sizeof(first), "             %s: ", summary_format_cut(one->name, SCENARIO_COLUMNS, name));
		put_iterations(first, one, into);
	}
}

static void write_unbalanced(const char *what, uint64_t planned, uint64_t found, struct buf *into) {
	if (planned == found) return;
	buf_add_format(into, "\nTHE BOOKS DO NOT BALANCE: %llu %s were planned, %llu are accounted for.\nDo not trust these results.\n",
		(unsigned long long)planned, what, (unsigned long long)found);
}

static void write_books(const struct report *report, struct buf *into) {
	const struct iterations_report *all = &report->iterations;
	put_books("Books        ", (const uint64_t[]){report->planned, report->ok, report->failed, report->open, report->unsent}, into);
	write_iterations(report, into);
	write_unbalanced("requests", report->planned, report->ok + report->failed + report->open + report->unsent, into);
	write_unbalanced("iterations", all->planned, all->ok + all->failed + all->open + all->unsent, into);
}

/* All that records alone tell. */
static void write_records(const struct report *report, struct buf *into) {
	char done[32];
	buf_add_format(into, "Rate         %s/s answered\n", summary_format_rate(report->throughput_per_s, done, sizeof(done)));
	buf_add_format(into, "Books        %llu ok + %llu failed + %llu open\n", (unsigned long long)report->ok, (unsigned long long)report->failed,
		(unsigned long long)report->open);
}

void summary_write_wire(const struct report *report, struct buf *into) {
	if (report->run.records_only) {
		write_records(report, into);
		return;
	}
	write_rate(report, into);
	write_connections(report, into);
	write_http(report, into);
	write_tls(report, into);
	write_attempts(report, into);
	write_bodies(report, into);
	write_books(report, into);
}
