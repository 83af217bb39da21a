"""The tables of connections: one for each request, one TLS handshake for each request, very many at once. Each takes a Bench and returns data.

In the first two the server has as much to do as the client, or more, so that clients sleep: no round is refused for that.
"""
import pathlib
import time

import measure
import tools
from comparison import check_ratio, compare, show_comparison
from measure import BenchError

TIME_WAITS_FEW = 1000  # of some 28,000 ports


class StrestClosing(tools.Strest):
    """A connection per request; over TLS, `handshakes` says of which kind at least 95 % must have been, the first of each task left out."""

    def __init__(self, program, name, *words, handshakes=None):
        super().__init__(program, name, "--disable-keepalive", *words)
        self.handshakes, self.tasks = handshakes, 0

    def command(self, url, connections, seconds):
        self.tasks = connections
        return super().command(url, connections, seconds)

    def read(self, text):
        result = super().read(text)
        connections = result["connections"]
        if connections["reused"] > 0:
            raise BenchError(f"{self.name}: {connections['reused']} requests went over a used connection")
        if self.handshakes and connections[f"handshakes_{self.handshakes}"] < 0.95 * (connections["opened"] - self.tasks):
            raise BenchError(f"{self.name}: the handshakes were not {self.handshakes}: {connections}")
        return result


def await_free_ports():
    """Ports that an earlier table left in TIME_WAIT make the kernel search longer for a free one: they are waited for, no longer than they last."""
    for _ in range(measure.TIME_WAIT_SECONDS):
        if measure.time_waits() < TIME_WAITS_FEW:
            return
        time.sleep(1)


def close(bench):
    """A connection for each request: CPU per request and requests per second, beside ab without -k."""
    await_free_ports()
    rounds, seconds = bench.rounds or 8, bench.seconds or 2
    clients = [tools.AbClosing(), StrestClosing(bench.program, "strest")]
    data = {}
    for name, start in (("target", lambda: measure.Server(bench.program)), ("nginx", measure.Nginx)):
        with start() as server:
            bench.say(f"{name}, 64 connections at a time, {rounds} rounds of {seconds:g} s")
            runs = data[name] = compare(bench, server, clients, 64, rounds, seconds)
        show_comparison(bench, runs, "ab")
        check_ratio(bench, runs, f"CPU per request with its own connection against {name}, x ab", ("strest", "ab"), "us", 0.9, sleepers=True)
    return data


def handshakes(bench):
    """TLS 1.3 handshakes, full and resumed, each with one request: CPU and number per second, beside openssl s_time."""
    await_free_ports()
    rounds, seconds = bench.rounds or 5, bench.seconds or 2
    kinds = {"full": ["--insecure"], "resumed": ["--insecure", "--tls-resume"]}
    ours = [StrestClosing(bench.program, name, *words, handshakes=name) for name, words in kinds.items()]
    theirs = [tools.SslTime(reuse) for reuse in (False, True)]
    data = {}
    for name, start in (("nginx", lambda: measure.Nginx(tls=True)), ("target", lambda: measure.Server(bench.program, "--tls"))):
        with start() as server:
            bench.say(f"{name}, one connection at a time, {rounds} rounds of {seconds:g} s; what is called req has a handshake")
            runs = data[f"{name} 1"] = compare(bench, server, [*theirs, *ours], 1, rounds, seconds)
            for one, other in zip(theirs, ours):
                show_comparison(bench, {tool.name: runs[tool.name] for tool in (one, other)}, one.name)
            bench.say(f"{name}, 16 connections at a time")
            data[f"{name} 16"] = compare(bench, server, ours, 16, rounds, seconds)
            show_comparison(bench, data[f"{name} 16"], "full")
    return data


# very many at once

WANTED = 40000
SPARE = 100  # descriptors that a program has besides its connections
SOURCES = "127.0.1.0/28"
SOURCES_COUNT = 16


def find_limits():
    """What may end the number of connections at once, as {words: number}; the client and the server have a descriptor each for one."""
    files = measure.raise_files(WANTED + SPARE)
    least, most = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
    opened, _, system = map(int, pathlib.Path("/proc/sys/fs/file-nr").read_text(encoding="ascii").split())
    return {
        "what was asked for": WANTED,
        f"open files of a process (ulimit -Hn {files}, and no right to raise it)": files - SPARE,
        f"open files of the system (fs.file-max {system})": (system - opened) // 2 - SPARE,
        f"ports of {SOURCES_COUNT} addresses (net.ipv4.ip_local_port_range {least} {most})": SOURCES_COUNT * (most - least + 1),
    }


def hold(bench, server, count, seconds):
    """One run with `count` connections, all of them active. Returns (private memory, connections that the server had at once, the result)."""
    idle = measure.open_files(server.process.pid)
    watch = {"rss": measure.rss_anon, "files": lambda _: measure.open_files(server.process.pid)}
    command = [*bench.strest.command(server.url(), count, seconds), "--bind", SOURCES]
    got, result = bench.run(command, seconds, server, watch=watch)
    return got["rss"], got["files"] - idle, result


def say_beyond(bench, server, seconds):
    """What a user reads who asks for more than the limit allows."""
    command = [*bench.strest.command(server.url(), WANTED, seconds), "--bind", SOURCES, "--timeout", "2s"]
    got = measure.measure(command, seconds, server)
    bench.say(f"  what strest says to -m {WANTED}:")
    for line in got["text"].splitlines():
        if line.startswith(("strest: warning", "strest: error")):
            bench.say(f"    {line}")
    if got["status"] == 0:
        for cause in bench.strest.read(got["text"])["verdict"]["causes"]:
            bench.say(f"    {cause['text']}")


def connections(bench):
    """40,000 connections to one port from several addresses, or as many as the machine allows: are they all there, and what memory does one take?"""
    seconds = max(bench.seconds or 6, 3)
    limits = find_limits()
    which = min(limits, key=limits.get)
    count = limits[which]
    with measure.Server(bench.program) as server:
        bench.say(f"{count} connections from {SOURCES}, {seconds:g} s; what ended the number: {which}")
        few_rss, _, _ = hold(bench, server, 100, seconds)
        rss, held, result = hold(bench, server, count, seconds)
        each = (rss - few_rss) / (count - 100)
        opened, failed = result["connections"]["opened"], result["books"]["failed"]
        bench.table(["connections", "at once (server's count)", "opened", "failed", "MB at 100", "MB", "bytes each"],
                    [[count, held, opened, failed, f"{few_rss / 1e6:.1f}", f"{rss / 1e6:.1f}", f"{each:.0f}"]])
        bench.check("connections at once", held, count, least=True)
        bench.check("requests that failed", failed, 0)
        if count < WANTED:
            say_beyond(bench, server, 1)
    return {"limits": limits, "ended_by": which, "count": count, "held": held, "opened": opened, "rss_100": few_rss, "rss": rss, "bytes_each": each}


TABLES = {"close": close, "handshakes": handshakes, "connections": connections}
