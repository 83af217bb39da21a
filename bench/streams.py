"""The table of HTTP/2: many requests on few connections, in plain and over TLS. Takes a Bench and returns data."""
import math
import shutil
import socket
import subprocess
import tempfile
import time

import measure
import tools
from comparison import check_ratio, compare, show_comparison
from measure import BenchError

SHAPES = ((10, 10), (64, 1))  # connections x streams


class H2load:
    """nghttp2's load tester."""

    name = "h2load"

    def __init__(self, streams):
        self.streams = streams

    def command(self, url, connections, seconds):
        return ["h2load", "-t1", f"-c{connections}", f"-m{self.streams}", "-D", math.ceil(seconds), url]

    def requests(self, text):
        tools.none_of(r"(\d+) failed", text, self.name)
        return tools.number(r"(\d+) succeeded", text, self.name)


class Oha(tools.Oha):
    def __init__(self, streams):
        self.streams = streams

    def command(self, url, connections, seconds):
        return ["oha", "--no-tui", "--insecure", "--http2", "-p", self.streams, "-z", f"{seconds:g}s", "-c", connections, url]


class Strest(tools.Strest):
    """One worker, all connections from the start, full of streams."""

    def __init__(self, program, streams):
        super().__init__(program, "strest", "--http2", "--http2-parallel", streams, "--insecure")
        self.streams = streams

    def command(self, url, connections, seconds):
        tasks = connections * self.streams
        return [*self.run(url, seconds), *self.words, "-r", tasks, "-m", tasks]

    def requests(self, text):
        result = self.read(text)
        if result["protocol"]["connections"]["http/1.1"] > 0:
            raise BenchError(f"strest did not speak HTTP/2: {result['protocol']}")
        return super().requests(text)


class Nghttpd:
    """nghttp2's server, one thread, on the server's core: a file of three bytes."""

    def __init__(self, tls=False):
        self.core = measure.cores()[0]
        self.folder = tempfile.TemporaryDirectory(prefix="bench-nghttpd-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with open(f"{self.folder.name}/index.html", "w", encoding="ascii") as file:
            file.write("ok\n")
        files = ["--no-tls", port]
        if tls:
            measure.make_certificate(self.folder.name)
            files = [port, f"{self.folder.name}/key", f"{self.folder.name}/cert"]
        self.base = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        self.process = measure.spawn(["nghttpd", "-n1", "-a", "127.0.0.1", "-d", self.folder.name, *files], self.core, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        if self.process.poll() is not None:
            self.folder.cleanup()
            raise BenchError(f"nghttpd did not start on port {port}")

    def url(self, path="/"):
        return self.base + path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        measure.end(self.process)
        self.folder.cleanup()


def h2(bench):
    """HTTP/2 in plain and over TLS, 10 x 10 and 64 x 1 connections x streams, beside h2load: CPU per request and requests per second."""
    rounds, seconds = bench.rounds or 5, bench.seconds or 2
    if not shutil.which("h2load") or not shutil.which("nghttpd"):
        raise BenchError("h2load and nghttpd are wanted: apt-get install nghttp2-client nghttp2-server")
    data = {}
    for tls in (False, True):
        servers = {"nginx": lambda: measure.Nginx(tls=tls, http2=True), "nghttpd": lambda: Nghttpd(tls), "target": lambda: measure.Server(bench.program, *["--tls"] * tls)}
        for name, start in servers.items():
            for connections, streams in SHAPES:
                clients = [H2load(streams), Strest(bench.program, streams), *([Oha(streams)] if shutil.which("oha") else [])]
                how = f"{name}, {'h2' if tls else 'h2c'}, {connections} x {streams}"
                with start() as server:
                    bench.say(f"{how}, {rounds} rounds of {seconds:g} s")
                    runs = data[how] = compare(bench, server, clients, connections, rounds, seconds)
                show_comparison(bench, runs, "h2load")
                if (connections, streams) != SHAPES[0] or name == "target":
                    continue
                # These servers cost more for each request than the clients do, which wait for them: all rounds count.
                check_ratio(bench, runs, f"CPU per request, {how}, x h2load", ("strest", "h2load"), "us", 0.85, sleepers=True)
                check_ratio(bench, runs, f"requests per second, {how}, x h2load", ("strest", "h2load"), "rps", 1.05, least=True, sleepers=True)
    return data


TABLES = {"h2": h2}
