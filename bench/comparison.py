"""What every table is made of: runs of several programs in turn, ratios within rounds, figures beside what is asked of them.

Rounds: every tool of a table runs in turn within a round, in reversed order every other round; a ratio is the median of the ratios within rounds.
A round in which a tool used less than 90 % of the client's core says nothing about its cost: it is refused for that tool's ratios.
"""
import measure
import tools
from measure import BenchError, BUSY_ENOUGH, QUIET_ENOUGH, median


class Bench:
    """What the command line asked for, and how results are said."""

    def __init__(self, program, rounds, seconds, old=None):
        self.program, self.rounds, self.seconds, self.old = program, rounds, seconds, old
        self.folder = program.parent / "bench"  # for results and helpers
        self.folder.mkdir(exist_ok=True)
        self.strest = tools.Strest(program)
        self.checks = []

    def say(self, text=""):
        print(text, flush=True)

    def table(self, titles, rows):
        cells = [titles, *[["-" if cell is None else str(cell) for cell in row] for row in rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
        for row in cells:
            self.say("  " + "  ".join([row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]]).rstrip())

    def check(self, what, value, bound, unit="", least=False):
        """Prints the measured value beside its target."""
        fine = value is not None and (value >= bound if least else value <= bound)
        self.checks.append({"what": what, "value": value, "bound": bound, "unit": unit, "least": least, "ok": fine})
        shown = "none" if value is None else f"{value:.4g}"
        self.say(f"  {'ok    ' if fine else 'MISSED'}  {what}: {shown}{unit}, asked {'>=' if least else '<='} {bound:g}{unit}")

    def run(self, command, seconds, server, **how):
        """One run of strest. Returns (what measure says, its JSON)."""
        got = measure.measure(command, seconds, server, **how)
        if got["status"] != 0:
            raise BenchError(f"strest ended with {got['status']}:\n{got['text'][-2000:]}")
        return got, self.strest.read(got.pop("text"))

    def maximum(self, server, seconds, path="/", connections=64):
        """Requests per second of a closed loop."""
        _, result = self.run(self.strest.command(server.url(path), connections, seconds), seconds, server)
        return result["rate"]["achieved_per_s"]

    def note_noise(self, runs):
        """Says when somebody else used a core of the measurement."""
        noisy = [run for run in runs if run["others"] > QUIET_ENOUGH]
        if noisy:
            worst = max(run["others"] for run in noisy)
            self.say(f"  NOISY: in {len(noisy)} of {len(runs)} runs others used over {QUIET_ENOUGH:.0%} of a core (up to {worst:.0%})")


def compare(bench, server, clients, connections, rounds, seconds):
    """Runs all clients in turn, `rounds` times. Returns by tool a list of runs."""
    runs = {client.name: [] for client in clients}
    for index in range(rounds):
        for client in measure.in_turn(clients, index):
            got = measure.measure(client.command(server.url(), connections, seconds), seconds, server)
            text = got.pop("text")
            if got["status"] != 0:
                raise BenchError(f"{client.name} ended with {got['status']}:\n{text[-2000:]}")
            count = client.requests(text)
            got |= {"requests": count, "us": got["cpu"] / count * 1e6, "server_us": got["server_cpu"] / count * 1e6, "rps": count / got["wall"]}
            runs[client.name].append(got)
    bench.note_noise([run for tool in runs.values() for run in tool])
    return runs


def ratio(runs, one, other, key, sleepers=False):
    """Median over the rounds in which both were busy, and how many rounds those were. `sleepers`: the server is the bottleneck, all rounds count."""
    pairs = [(a[key], b[key]) for a, b in zip(runs[one], runs[other]) if sleepers or min(a["busy"], b["busy"]) >= BUSY_ENOUGH]
    return median([a / b for a, b in pairs]), len(pairs)


def show_comparison(bench, runs, against):
    rows = []
    for name, all_runs in runs.items():
        row = [name, f"{median([r['us'] for r in all_runs]):.2f}", f"{min(r['us'] for r in all_runs):.2f}", f"{median([r['rps'] for r in all_runs]):.0f}"]
        row += [f"{median([r['busy'] for r in all_runs]):.0%}", f"{sum(r['busy'] < BUSY_ENOUGH for r in all_runs)}"]
        row += [f"{median([r['server_us'] for r in all_runs]):.2f}"]
        for key in ("us", "rps"):
            value = median([a[key] / b[key] for a, b in zip(all_runs, runs[against])])
            row.append(f"{value:.3f}")
        rows.append(row)
    bench.table(["tool", "CPU us/req", "min", "req/s", "busy", "refused", "server us/req", f"x {against} CPU", f"x {against} req/s"], rows)


def check_ratio(bench, runs, what, pair, key, bound, least=False, sleepers=False):
    value, rounds = ratio(runs, *pair, key, sleepers)
    total = len(runs[pair[0]])
    said = what if rounds == total else f"{what} (of {rounds} rounds, {total - rounds} refused)"
    if rounds == 0:
        value = median([a[key] / b[key] for a, b in zip(runs[pair[0]], runs[pair[1]])])
        said = f"{what} (indication only: all rounds refused)"
    bench.check(said, value, bound, least=least)
