"""The load testers of the comparison: how each is called, and how many requests it says it made.

In: URL, connections, seconds. Out: a command line; from its output, the number of good answers. A tool that reports failures ends its table.
"""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess

import measure


def number(pattern, text, what):
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise measure.BenchError(f"{what}: no count in its output:\n{text[-2000:]}")
    return int(found.group(1))


def none_of(pattern, text, what):
    found = re.search(pattern, text, re.MULTILINE)
    if found and int(found.group(1)) > 0:
        raise measure.BenchError(f"{what} reports failures: {found.group(0).strip()}")


class Wrk:
    name = "wrk"

    def command(self, url, connections, seconds):
        return ["wrk", "-t1", f"-c{connections}", f"-d{math.ceil(seconds)}s", url]

    def requests(self, text):
        none_of(r"Non-2xx or 3xx responses: (\d+)", text, self.name)
        none_of(r"Socket errors: connect (\d+)", text, self.name)
        return number(r"^\s*(\d+) requests in ", text, self.name)


class Ab:
    name = "ab -k"
    words = ["-k"]

    def command(self, url, connections, seconds):
        # -t alone means at most 50,000 requests; -n behind it lifts that.
        return ["ab", *self.words, "-q", "-t", math.ceil(seconds), "-n", math.ceil(seconds) * 500000, "-c", connections, url]

    def requests(self, text):
        none_of(r"^Failed requests:\s+(\d+)", text, self.name)
        none_of(r"^Non-2xx responses:\s+(\d+)", text, self.name)
        return number(r"^Complete requests:\s+(\d+)", text, self.name)


class AbClosing(Ab):
    """A connection per request, HTTP/1.0."""

    name = "ab"
    words = []


class Hey:
    name = "hey"

    def command(self, url, connections, seconds):
        return ["hey", "-z", f"{seconds:g}s", "-c", connections, "-cpus", 1, url]

    def requests(self, text):
        return number(r"\[200\]\s+(\d+) responses", text, self.name)


class H2load:
    name = "h2load --h1"

    def command(self, url, connections, seconds):
        return ["h2load", "--h1", "-t1", f"-c{connections}", "-D", math.ceil(seconds), url]

    def requests(self, text):
        none_of(r"(\d+) failed", text, self.name)
        return number(r"(\d+) succeeded", text, self.name)


class Oha:
    name = "oha"

    def command(self, url, connections, seconds):
        return ["oha", "--no-tui", "-z", f"{seconds:g}s", "-c", connections, url]

    def requests(self, text):
        return number(r"\[200\]\s+(\d+) responses", text, self.name)


class K6:
    name = "k6"

    def __init__(self, folder):
        self.script = folder / "k6.js"

    def command(self, url, connections, seconds):
        self.script.write_text(f"import http from 'k6/http';\nexport default function () {{ http.get({json.dumps(url)}); }}\n", encoding="utf-8")
        return ["k6", "run", "--quiet", "--no-color", "--vus", connections, "--duration", f"{seconds:g}s", self.script]

    def requests(self, text):
        return number(r"http_reqs\.*:\s+(\d+)", text, self.name)


class Vegeta:
    """Without a rate: as fast as its workers can. It writes every result to a file, which a second command counts outside the measurement."""

    name = "vegeta"

    def __init__(self, folder):
        self.targets, self.results = folder / "vegeta.txt", folder / "vegeta.bin"

    def command(self, url, connections, seconds):
        self.targets.write_text(f"GET {url}\n", encoding="utf-8")
        workers = ["-rate=0", f"-workers={connections}", f"-max-workers={connections}", f"-connections={connections}"]
        return ["vegeta", "attack", f"-targets={self.targets}", f"-output={self.results}", f"-duration={seconds:g}s", *workers]

    def requests(self, _):
        report = subprocess.run(["vegeta", "report", "-type=json", str(self.results)], check=True, capture_output=True, text=True).stdout
        self.results.unlink()
        return json.loads(report)["status_codes"].get("200", 0)


def compile_source(name, made, *flags):
    """Compiles a C file of this folder if what was made of it is older. Returns where that is."""
    source = pathlib.Path(__file__).with_name(name)
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        flags = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", *flags]
        subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", str(made), str(source)], check=True)
    return made


class Bare:
    """bench/bare.c: the floor."""

    name = "bare"

    def __init__(self, folder):
        self.program = compile_source("bare.c", folder / "bare")

    def command(self, url, connections, seconds):
        host, _, path = url.removeprefix("http://").partition("/")
        address, _, port = host.rpartition(":")
        return [self.program, address, port, "/" + path, connections, seconds]

    def requests(self, text):
        return number(r"^requests (\d+)", text, self.name)


class SslTime:
    """openssl s_time: one connection after the other, full or resumed handshakes, over each of them one request.

    Without the request it never reads the session tickets of TLS 1.3, and what it calls reuse are full handshakes. Its letters say what it got.
    """

    def __init__(self, reuse):
        self.name = "s_time -reuse" if reuse else "s_time -new"
        self.reuse = reuse

    def command(self, url, _, seconds):
        address, _, path = url.removeprefix("https://").partition("/")
        trust = ["-no-CAfile", "-no-CApath", "-no-CAstore"]  # it verifies nothing, and strest --insecure loads nothing
        how = ["-reuse" if self.reuse else "-new", "-tls1_3", "-time", math.ceil(seconds), "-www", f"/{path}"]
        return ["openssl", "s_time", "-connect", address, *trust, *how]

    def requests(self, text):
        count = number(r"^(\d+) connections in \d+ real seconds", text, self.name)
        letters = "".join(re.findall(r"^[rt*]+$", text, re.MULTILINE))
        if letters.count("r" if self.reuse else "*") < count:
            raise measure.BenchError(f"{self.name}: of {count} handshakes {letters.count('r')} were resumed")
        return count


class Strest:
    """One worker, all connections from the start, and whatever else a table asks for."""

    def __init__(self, program, name="strest", *words):
        self.program, self.name, self.words = program, name, words
        known = subprocess.run([program, "help", "all"], capture_output=True, text=True, timeout=10).stdout
        self.quiet = ["--no-charts"] if "--no-charts" in known else []  # an older one draws none

    def command(self, url, connections, seconds):
        return [*self.run(url, seconds), *self.words, "-r", connections, "-m", connections]

    def run(self, url, seconds):
        return [self.program, *self.where(url), "-t", f"{round(seconds * 1000)}ms", "--threads", 1, "--json", *self.quiet]

    def where(self, url):
        return ["-u", url]

    def requests(self, text):
        result = self.read(text)
        if result["books"]["ok"] != result["books"]["planned"]:
            raise measure.BenchError(f"strest reports failures: {result['books']} {result['errors']}")
        return result["books"]["ok"]

    def read(self, text):
        """The JSON object in the output, which has log lines before and behind it."""
        start = text.find("\n{") + 1 if not text.startswith("{") else 0
        try:
            result, _ = json.JSONDecoder().raw_decode(text[start:])
        except ValueError as problem:
            raise measure.BenchError(f"strest printed no result:\n{text[-2000:]}") from problem
        if not result["books"]["balanced"]:
            raise measure.BenchError(f"strest's books do not balance: {result['books']}")
        return result


class StrestAt(Strest):
    """Goes elsewhere than the other tools of its table: `place` are the words that say where."""

    def __init__(self, program, name, *place):
        super().__init__(program, name)
        self.place = place

    def where(self, _):
        return self.place


def others(folder):
    """Every other tool that is there: the four of Debian and, if they are on the PATH, three more. `folder`: for files that some of them want."""
    wanted = [Wrk(), Ab(), Hey(), H2load(), Oha(), K6(folder), Vegeta(folder)]
    return [tool for tool in wanted if shutil.which(tool.name.split()[0])]
