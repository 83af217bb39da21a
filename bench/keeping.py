"""The tables of speed kept: the program before and after a change, one URL and many. Each takes a Bench and returns data."""
import pathlib
import shutil
import tempfile

import measure
import tools
from comparison import check_ratio, compare, show_comparison
from measure import BenchError, median

ROUNDS = 16
CALLGRIND_PER_SECOND = 25000  # requests of the shorter of two runs, per second of --seconds
URLS = 1000
FIRST = 1000  # the numbers in the URLs have four digits, so that all requests are of the same length


def instructions(bench, server, client, count):
    """User-space instructions of a run of `count` requests, as callgrind counts them: of all threads but the first, which watches, and whose work
    grows with time and not with requests. The server runs outside of it."""
    shim = tools.compile_source("epoll_pwait2.c", bench.folder / "epoll_pwait2.so", "-shared", "-fPIC")
    with tempfile.TemporaryDirectory(prefix="bench-callgrind-") as folder:
        files = ["--separate-threads=yes", f"--callgrind-out-file={folder}/out", f"--log-file={folder}/log"]
        callgrind = ["env", f"LD_PRELOAD={shim}", "valgrind", "--tool=callgrind", *files]
        got = measure.measure([*callgrind, *client.command(server.url(), 64, 100), "--requests", count], 100, server)
        if got["status"] != 0 or client.requests(got["text"]) != count:
            raise BenchError(f"{client.name} under callgrind ended with {got['status']}:\n{got['text'][-2000:]}")
        workers = [path for path in pathlib.Path(folder).glob("out-*") if path.name != "out-01"]
        return sum(tools.number(r"^totals: (\d+)", path.read_text(encoding="utf-8"), "callgrind") for path in workers)


def count_instructions(bench, server, clients, count):
    """Per request: 2N requests less N requests, by N, so that start and end fall out; three times, in turn. Returns lists by name."""
    data = {client.name: [] for client in clients}
    for index in range(3):
        for client in measure.in_turn(clients, index):
            few, many = (instructions(bench, server, client, number) for number in (count, 2 * count))
            data[client.name].append((many - few) / count)
    return data


def old(bench):
    """The program behind the word, an older strest as its script/build makes it, and this one: CPU and user-space instructions of a plain request."""
    if bench.old is None:
        raise BenchError("old wants the program to compare with")
    if not shutil.which("valgrind"):
        raise BenchError("valgrind is not there: apt-get install valgrind")
    rounds, seconds = bench.rounds or ROUNDS, bench.seconds or 2
    clients = [tools.Strest(bench.old, "old"), tools.Strest(bench.program, "new")]
    with measure.Server(bench.program) as server:
        bench.say(f"plain requests, 64 connections, {rounds} rounds of {seconds:g} s")
        runs = compare(bench, server, clients, 64, rounds, seconds)
        show_comparison(bench, runs, "old")
        check_ratio(bench, runs, "CPU per plain request, x old", ("new", "old"), "us", 1.05)
        check_ratio(bench, runs, "requests per second, x old", ("new", "old"), "rps", 1 / 1.05, least=True)
        count = int(CALLGRIND_PER_SECOND * seconds)
        bench.say(f"callgrind: {2 * count} requests less {count}, three times")
        counted = count_instructions(bench, server, clients, count)
    bench.table(["user-space instructions per request", "median", "min", "max"],
                [[name, *[f"{value:.0f}" for value in (median(values), min(values), max(values))]] for name, values in counted.items()])
    bench.check("instructions per plain request, x old", median([new / old for new, old in zip(counted["new"], counted["old"])]), 1.02)
    return {"runs": runs, "instructions": counted}


def urls(bench):
    """1,000 URLs from a file beside one: CPU per request, with the same answer to all, and with bodies of 1,000 different lengths."""
    rounds, seconds = bench.rounds or ROUNDS, bench.seconds or 2
    data = {}
    with measure.Server(bench.program) as server:
        # The one URL of the second row has the mean of the lengths.
        for name, path, single in (("same answer", "/?i={}", FIRST), ("lengths", "/bytes/{}", FIRST + URLS // 2)):
            listed = bench.folder / "urls.txt"
            listed.write_text("".join(f"{server.url(path.format(FIRST + k))}\n" for k in range(URLS)), encoding="ascii")
            one = tools.StrestAt(bench.program, "one URL", "-u", server.url(path.format(single)))
            many = tools.StrestAt(bench.program, f"{URLS} URLs", "--urls-from-file", listed)
            bench.say(f"{name}: {path.format(FIRST)} to {path.format(FIRST + URLS - 1)}, 64 connections, {rounds} rounds of {seconds:g} s")
            runs = data[name] = compare(bench, server, [one, many], 64, rounds, seconds)
            show_comparison(bench, runs, one.name)
            check_ratio(bench, runs, f"CPU per request of {URLS} URLs ({name}), x one", (many.name, one.name), "us", 1.08)
    return data


STEPS = """[scenario]
base_url = "{url}"

[[scenario.steps]]
method = "post"
path = "/login"
data = "{{\\"user\\":\\"demo\\",\\"seq\\":\\"{{{{seq}}}}\\"}}"
extract = {{ token = {{ json = "/token" }} }}

[[scenario.steps]]
path = "/profile"
headers = ["Authorization: Bearer {{{{token}}}}"]

[[scenario.steps]]
path = "/search?q={{{{iter}}}}"
headers = ["Authorization: Bearer {{{{token}}}}"]

[[scenario.steps]]
path = "/items/{{{{random(1,1000)}}}}"
headers = ["Authorization: Bearer {{{{token}}}}"]
"""


def scenario(bench):
    """A scenario of four steps, with a token that is carried on, beside the same four requests from a list: CPU per request in HTTP/1.1 and HTTP/2."""
    rounds, seconds = bench.rounds or ROUNDS, bench.seconds or 2
    data = {}
    with measure.Server(bench.program) as server:
        steps, listed = bench.folder / "scenario.toml", bench.folder / "scenario.txt"
        steps.write_text(STEPS.format(url=server.url("").rstrip("/")), encoding="ascii")
        lines = [f"POST {server.url('/login')}", server.url("/profile"), server.url("/search?q=12"), server.url("/items/500")]
        listed.write_text("\n".join(lines) + "\n", encoding="ascii")
        for name, words in (("HTTP/1.1", []), ("HTTP/2, 1 stream", ["--http2"]), ("HTTP/2, 10 streams", ["--http2", "--http2-parallel", 10])):
            plain = tools.StrestAt(bench.program, "plain", "--urls-from-file", listed, "-H", "Authorization: Bearer 49cbe5cc59af5f1464656d6f", *words)
            made = tools.StrestAt(bench.program, "scenario", "--config", steps, *words)
            bench.say(f"{name}: 64 users, {rounds} rounds of {seconds:g} s")
            runs = data[name] = compare(bench, server, [plain, made], 64, rounds, seconds)
            show_comparison(bench, runs, plain.name)
            check_ratio(bench, runs, f"CPU per request of a scenario ({name}), x plain", (made.name, plain.name), "us", 1.25)
    return data


TABLES = {"old": old, "urls": urls, "scenario": scenario}
