#include "stats/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/judge.h"

const double report_quantiles[REPORT_QUANTILES] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999};
const char *const report_quantile_keys[REPORT_QUANTILES] = {"p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99"};

static struct quantile quantile_make(nsec time, nsec max, uint64_t beyond) {
	return (struct quantile){.value = time < max ? time : max, .rank = time, .few = beyond < FEW_BEYOND};
}

/* A histogram of either kind. */
struct times {
	uint64_t count;
	nsec min, max, sum;
	const struct hist *exact; /* one of the two */
	const struct histlet *rounded;
};

static nsec times_at_rank(const struct times *times, uint64_t rank) {
	return times->exact ? hist_at_rank(times->exact, rank) : histlet_at_rank(times->rounded, rank);
}

static void distribution_from_times(const struct times *times, uint64_t never, struct distribution *ret) {
	*ret = (struct distribution){.count = times->count + never};
	if (times->count > 0) {
		ret->min = times->min;
		ret->max = times->max;
		ret->mean = (double)times->sum / (double)times->count;
	}
	for (int i = 0; i < REPORT_QUANTILES; i++) {
		uint64_t rank = hist_rank(ret->count, report_quantiles[i]);
		uint64_t beyond = ret->count > rank ? ret->count - rank : 0;
		if (never > 0 && rank > times->count)
			ret->at[i] = quantile_make(NSEC_NEVER, NSEC_NEVER, beyond);
		else
			ret->at[i] = quantile_make(times_at_rank(times, rank), times->max, beyond);
	}
}

void distribution_from_hist(const struct hist *hist, uint64_t never, struct distribution *ret) {
	struct times times = {.count = hist->count, .min = hist->min, .max = hist->max, .sum = hist->sum, .exact = hist};
	distribution_from_times(&times, never, ret);
}

void distribution_from_histlet(const struct histlet *histlet, uint64_t never, struct distribution *ret) {
	struct times times = {.count = histlet->count, .min = histlet->min, .max = histlet->max, .sum = histlet->sum, .rounded = histlet};
	distribution_from_times(&times, never, ret);
}

static void distribution_from_three(const struct hist *ok, const struct hist *failed, const struct hist *open, struct distribution *ret) {
	struct hist *all = mem_alloc(sizeof(*all));
	*all = *ok;
	hist_merge(all, failed);
	hist_merge(all, open);
	distribution_from_hist(all, 0, ret);
	free(all);
}

/* A part's histogram leaves out the requests in which it was 0; `requests` is the number of all. */
static void distribution_with_zeros(const struct hist *hist, uint64_t requests, struct distribution *ret) {
	struct hist *all = mem_alloc(sizeof(*all));
	*all = *hist;
	if (requests > hist->count) hist_record(all, 0, requests - hist->count);
	distribution_from_hist(all, 0, ret);
	free(all);
}

static double per_second(uint64_t count, nsec window) {
	return window > 0 ? (double)count * (double)SEC / (double)window : 0;
}

static void books_build(const struct run_result *result, struct report *ret) {
	const struct tally *tally = result->tally;
	ret->cause = result->cause;
	ret->window = result->window;
	ret->planned = result->planned;
	ret->ok = tally->ok;
	ret->failed = tally->failed;
	ret->open = tally->open;
	ret->unsent = tally->unsent;
	ret->attempts = tally->attempts;
	ret->attempts_warmup = tally->attempts_warmup;
	ret->retries = tally->retries;
	ret->hops = tally->hops;
	ret->lost = tally->lost;
	ret->balanced = ret->planned == ret->ok + ret->failed + ret->open + ret->unsent;
	ret->achieved_per_s = per_second(tally->sent_in_window, result->window);
	ret->throughput_per_s = per_second(tally->done_in_window, result->window);
	ret->opened_per_s = per_second(tally->opened_in_window, result->window);
	ret->shaken_per_s = per_second(tally->shaken_in_window, result->window);
	ret->encoded = tally->encoded;
	ret->decoded = tally->decoded;
	ret->bytes_sent = tally->bytes_sent;
	ret->bytes_received = tally->bytes_received;
	memcpy(ret->reasons, tally->reasons, sizeof(ret->reasons));
	memcpy(ret->status, tally->status, sizeof(ret->status));
	ret->opened = tally->opened;
	ret->reused = tally->reused;
	ret->connect_failed = tally->connect_failed;
	ret->handshakes_full = tally->handshakes_full;
	ret->handshakes_resumed = tally->handshakes_resumed;
	ret->handshakes_failed = tally->handshakes_failed;
	memcpy(ret->closed, tally->closed, sizeof(ret->closed));
	ret->opened_h2 = tally->opened_h2;
	ret->fell_back = tally->fell_back;
	ret->goaways = tally->goaways;
	ret->unprocessed = tally->unprocessed;
	ret->stream_limit = tally->stream_limit;
	ret->longest_gap = tally->longest_gap;
	ret->spun = tally->spun;
	const struct strain *strain = &result->strain;
	ret->strain = *strain;
	ret->worker_busy = strain->busiest_wall > 0 ? (double)strain->busiest_cpu / (double)strain->busiest_wall : 0;
	if (ret->worker_busy > 1) ret->worker_busy = 1;
}

static void times_build(const struct totals *totals, struct report *ret) {
	distribution_from_three(&totals->response_ok, &totals->response_failed, &totals->response_open, &ret->response_all);
	distribution_from_three(&totals->service_ok, &totals->service_failed, &totals->service_open, &ret->service_all);
	distribution_from_hist(&totals->response_ok, 0, &ret->response_ok);
	distribution_from_hist(&totals->service_ok, 0, &ret->service_ok);
	ret->never = ret->planned > ret->ok ? ret->planned - ret->ok : 0;
	distribution_from_hist(&totals->response_ok, ret->never, &ret->slo);
	uint64_t requests = ret->ok + ret->failed + ret->open;
	for (int part = 0; part < PART_COUNT; part++) distribution_with_zeros(&totals->parts[part], requests, &ret->parts[part]);
	distribution_from_hist(&totals->own_error, 0, &ret->own_error);
	distribution_from_hist(&totals->outside, 0, &ret->outside);
	distribution_from_hist(&totals->client_queue, 0, &ret->client_queue);
}

static void group_build(const struct group *group, const struct cell *cell, struct group_report *ret) {
	*ret = (struct group_report){.group = *group,
		.ok = cell->ok,
		.failed = cell->failed,
		.open = cell->open,
		.bytes = cell->bytes,
		.opened = cell->opened,
		.unsent = cell->unsent};
	struct histlet *response = mem_alloc(sizeof(*response));
	*response = cell->response_ok;
	histlet_merge(response, &cell->response_other);
	distribution_from_histlet(response, 0, &ret->response);
	free(response);
	distribution_from_histlet(&cell->service, 0, &ret->service);
	if (group->dimension != GROUP_BY_STAGE && group->dimension != GROUP_BY_STEP) return;
	ret->never = cell->failed + cell->open + cell->unsent;
	distribution_from_histlet(&cell->response_ok, ret->never, &ret->slo);
}

static bool group_shows(const struct group *group, const struct cell *cell) {
	if (group->dimension != GROUP_BY_ADDRESS || strcmp(group->name, GROUP_ELSEWHERE) != 0) return true;
	return cell->opened + cell->ok + cell->failed + cell->open > 0;
}

static void groups_build(const struct group_table *table, const struct tally *tally, struct arena *arena, struct report *ret) {
	assert(table->count == tally->cell_count);
	ret->groups = arena_array(arena, table->first_step, sizeof(ret->groups[0]));
	for (size_t i = 0; i < table->first_step; i++)
		if (group_shows(&table->rows[i], &tally->cells[i])) group_build(&table->rows[i], &tally->cells[i], &ret->groups[ret->group_count++]);
}

static void step_build(const struct group *group, const struct cell *cell, const uint64_t *reasons, struct step_report *ret) {
	group_build(group, cell, &ret->group);
	ret->planned = cell->ok + cell->failed + cell->open + cell->unsent;
	if (reasons) memcpy(ret->reasons, reasons, sizeof(ret->reasons));
	ret->reasons[REASON_NONE] = 0;
	ret->reasons[REASON_OPEN] = cell->open;
}

static void steps_build(const struct run_result *result, struct arena *arena, struct report *ret) {
	const struct group_table *table = &ret->run.groups;
	ret->step_count = table->first_scenario - table->first_step;
	ret->steps = arena_array(arena, ret->step_count, sizeof(ret->steps[0]));
	for (size_t i = 0; i < ret->step_count; i++) {
		size_t row = table->first_step + i;
		step_build(&table->rows[row], &result->tally->cells[row], result->step_reasons ? result->step_reasons[i] : NULL, &ret->steps[i]);
	}
}

static void iterations_build(const char *name, const struct cell *cell, uint64_t planned, struct iterations_report *ret) {
	uint64_t complete = cell->ok + cell->failed;
	*ret = (struct iterations_report){
		.name = name, .planned = planned, .ok = cell->ok, .failed = cell->failed, .open = cell->open, .unsent = cell->unsent};
	if (complete > 0) ret->success = (double)cell->ok / (double)complete;
	struct histlet *times = mem_alloc(sizeof(*times));
	*times = cell->response_ok;
	histlet_merge(times, &cell->response_other);
	distribution_from_histlet(times, 0, &ret->duration);
	free(times);
}

/* What a single scenario plans is known only by what became of it; the sum is known from elsewhere, too. */
static void scenarios_build(const struct run_result *result, struct arena *arena, struct report *ret) {
	const struct group_table *table = &ret->run.groups;
	struct cell *all = mem_zeroed(1, sizeof(*all));
	ret->scenario_count = table->count - table->first_scenario;
	ret->scenarios = arena_array(arena, ret->scenario_count, sizeof(ret->scenarios[0]));
	for (size_t i = 0; i < ret->scenario_count; i++) {
		const struct cell *cell = &result->tally->cells[table->first_scenario + i];
		uint64_t planned = cell->ok + cell->failed + cell->open + cell->unsent;
		iterations_build(table->rows[table->first_scenario + i].name, cell, planned, &ret->scenarios[i]);
		cell_merge(all, cell);
	}
	iterations_build(NULL, all, result->iterations_planned, &ret->iterations);
	free(all);
	const struct iterations_report *sum = &ret->iterations;
	ret->iterations_balanced = sum->planned == sum->ok + sum->failed + sum->open + sum->unsent;
	ret->balanced = ret->balanced && ret->iterations_balanced;
}

/* The place of a URL among all. */
struct url_rank {
	uint64_t not_ok;
	nsec p99;
	size_t url;
};

static int url_rank_compare(const void *left, const void *right) {
	const struct url_rank *a = left, *b = right;
	if (a->not_ok != b->not_ok) return a->not_ok > b->not_ok ? -1 : 1;
	if (a->p99 != b->p99) return a->p99 > b->p99 ? -1 : 1;
	return a->url < b->url ? -1 : 1;
}

static struct quantile url_quantile(const struct digest *digest, double q) {
	uint64_t count = digest_count(digest), rank = hist_rank(count, q);
	return quantile_make(digest_quantile(digest, q), digest->max, count > rank ? count - rank : 0);
}

static struct url_report url_build(const char *name, uint64_t urls, const struct digest *digest) {
	uint64_t count = digest_count(digest);
	return (struct url_report){.name = name,
		.urls = urls,
		.ok = digest->ok,
		.failed = digest->failed,
		.open = digest->open,
		.bytes = digest->bytes,
		.mean = count > 0 ? (double)digest->sum / (double)count : 0,
		.p50 = url_quantile(digest, 0.5),
		.p99 = url_quantile(digest, 0.99),
		.max = digest->max};
}

/* Ranks the URLs that have a digest of their own; the others, of a list that has too many, share the last one. */
static struct url_rank *urls_rank(const struct run_result *result, size_t own) {
	struct url_rank *ranks = mem_zeroed(own, sizeof(*ranks));
	for (size_t i = 0; i < own; i++) {
		const struct digest *digest = &result->url_digests[i];
		ranks[i] = (struct url_rank){.not_ok = digest->failed + digest->open, .p99 = digest_quantile(digest, 0.99), .url = i};
	}
	qsort(ranks, own, sizeof(*ranks), url_rank_compare);
	return ranks;
}

static void urls_build(const struct run_result *result, struct arena *arena, struct report *ret) {
	size_t count = result->url_count, own = count > SAMPLE_ROWS_MAX ? SAMPLE_ROWS_MAX - 1 : count, alone = own < REPORT_URLS ? own : REPORT_URLS;
	if (count == 0) return;
	struct url_rank *ranks = urls_rank(result, own);
	ret->url_count = count > REPORT_URLS ? REPORT_URLS + 1 : count;
	ret->urls = arena_array(arena, ret->url_count, sizeof(ret->urls[0]));
	for (size_t i = 0; i < alone; i++) ret->urls[i] = url_build(result->urls[ranks[i].url], 1, &result->url_digests[ranks[i].url]);
	struct digest *rest = mem_zeroed(1, sizeof(*rest)); /* of the ranks from i on, and of those without one */
	if (own < count) *rest = result->url_digests[own];
	for (size_t i = own; i-- > REPORT_URLS_WORST;) {
		digest_merge(rest, &result->url_digests[ranks[i].url]);
		if (i == REPORT_URLS) ret->urls[i] = url_build("others", count - i, rest);
		if (i == REPORT_URLS_WORST) ret->url_rest = url_build("others", count - i, rest);
	}
	free(rest);
	free(ranks);
}

/* The threshold that ended a run early was missed then for certain, whatever came after. */
static void thresholds_build(const struct run_result *result, struct arena *arena, struct report *ret) {
	struct judged *judged = arena_array(arena, ret->run.threshold_count, sizeof(*judged));
	judge_report(ret, judged);
	ret->threshold_count = ret->run.threshold_count;
	ret->thresholds = judged;
	ret->thresholds_hold = true;
	ret->aborted_by = result->aborted_by;
	ret->fleet = result->fleet;
	for (size_t i = 0; i < ret->threshold_count; i++) {
		if (judged[i].threshold == result->aborted_by) judged[i].passed = false;
		ret->thresholds_hold &= judged[i].passed;
	}
}

void report_build(const struct run_info *run, const struct run_result *result, struct arena *arena, struct report *ret) {
	*ret = (struct report){.run = *run, .series = result->series, .tally = result->tally, .totals = result->totals};
	books_build(result, ret);
	times_build(result->totals, ret);
	groups_build(&run->groups, result->tally, arena, ret);
	steps_build(result, arena, ret);
	scenarios_build(result, arena, ret);
	urls_build(result, arena, ret);
	thresholds_build(result, arena, ret);
	verdict_build(ret, &ret->verdict);
}
