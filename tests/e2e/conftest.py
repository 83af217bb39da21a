"""What every end-to-end test has: the program under test, servers to load, and runs whose books are looked at.

Environment: STREST, the program (default: build/strest); STREST_FAULTS_BIN, one of a build with -Dfaults=true, without which the tests that put in a
fault are skipped. `-m 'not timing'` leaves out what needs a build without sanitizers, `-m 'not slow'` what takes more than five seconds.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import jsonschema
import pytest

import servers

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.path.abspath(os.environ.get("STREST") or ROOT / "build" / "strest")
FAULTS_BINARY = os.environ.get("STREST_FAULTS_BIN")
RUN_LIMIT = 60  # seconds; no run of these tests takes half of it


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than five seconds")
    config.addinivalue_line("markers", "timing: its bounds need a build without sanitizers")


def pytest_sessionstart(session):
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"no program at {BINARY}; build it, or set STREST", returncode=2)


class Finished:
    """A run that is over."""

    def __init__(self, code, out, err, seconds, peak_kb):
        self.code, self.out, self.err, self.seconds, self.peak_kb = code, out, err, seconds, peak_kb

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit status {self.code} after {self.seconds:.1f} s\nstdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}"


class Running:
    """strest at work. Its output goes to files, so that it never waits for us."""

    def __init__(self, command, env=None, prepare=None):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.start = time.monotonic()
        environment = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, env=environment,
                                        preexec_fn=prepare)

    def signal(self, number):
        self.process.send_signal(number)

    def alive(self):
        """Whether it still runs; its end is left for wait() to see."""
        if self.process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def memory_kb(self):
        """The most memory it has had so far; 0 when it is gone."""
        try:
            with open(f"/proc/{self.process.pid}/status") as f:
                return next((int(line.split()[1]) for line in f if line.startswith("VmHWM:")), 0)
        except (FileNotFoundError, ProcessLookupError):
            return 0

    def errors(self):
        """What it has written to stderr so far."""
        self.err.seek(0)
        return self.err.read().decode(errors="replace")

    def wait(self, limit=RUN_LIMIT):
        end = self.start + limit
        peak = 0
        while self.alive():
            peak = max(peak, self.memory_kb())
            if time.monotonic() > end:
                self.kill()
                pytest.fail(f"{self.process.args} did not end within {limit} s; stderr: {self.errors()}")
            time.sleep(0.005)
        seconds = time.monotonic() - self.start
        self.process.wait()
        self.out.seek(0)
        finished = Finished(self.process.returncode, self.out.read().decode(errors="replace"), self.errors(), seconds, peak)
        for word in ("Sanitizer", "runtime error:"):
            assert word not in finished.err, finished
        assert finished.code >= 0, f"ended by signal {-finished.code}: {finished}"
        return finished

    def kill(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.err.close()


class Strest:
    """The program under test."""

    def __init__(self):
        self.binary = BINARY
        self.runs = []

    def start(self, *args, prefix=(), **more):
        """Starts it, behind the words of another command if there are any, and returns at once."""
        run = Running([*prefix, self.binary, *args], **more)
        self.runs.append(run)
        return run

    def run(self, *args, limit=RUN_LIMIT, **more):
        """Runs it to its end."""
        return self.start(*args, **more).wait(limit)

    def measure(self, *args, code=0, **more):
        """Runs it with --json and returns the object, which is checked as every result must be."""
        finished = self.run("--json", *args, **more)
        assert finished.code == code, finished
        return check_result(finished)

    def close(self):
        for run in self.runs:
            run.kill()


def check_result(finished):
    """Checks a JSON result against its schema and its own books, and returns it."""
    result = finished.json
    jsonschema.validate(result, schema())
    books = result["books"]
    assert books["planned"] == books["ok"] + books["failed"] + books["open"] + books["unsent"], books
    assert books["balanced"] is True
    assert sum(sum(reasons.values()) for reasons in result["errors"].values()) == books["failed"] + books["open"], (result["errors"], books)
    assert sum(result["status"].values()) == books["ok"] + books["failed"] + books["open"], (result["status"], books)
    assert result["response_ns"]["all"]["count"] == books["ok"] + books["failed"] + books["open"]
    assert result["response_ns"]["ok"]["count"] == books["ok"]
    assert result["response_ns"]["slo"]["count"] == books["planned"]
    assert result["response_ns"]["slo"]["never"] == books["planned"] - books["ok"]
    return result


def schema():
    """The published form of the results."""
    return json.loads((ROOT / "docs" / "schema" / "result.json").read_text())


def group(result, by, name=None):
    """One of the result's groups."""
    found = [g for g in result["groups"] if g["by"] == by and name in (None, g["name"])]
    assert len(found) == 1, (by, name, result["groups"])
    return found[0]


@pytest.fixture
def strest():
    program = Strest()
    yield program
    program.close()


@pytest.fixture
def faulty(strest):
    """The program of a build with -Dfaults=true."""
    if not FAULTS_BINARY:
        pytest.skip("needs STREST_FAULTS_BIN: the program of a build with -Dfaults=true")
    strest.binary = os.path.abspath(FAULTS_BINARY)
    return strest


class Starter:
    """Makes servers of one kind and ends them with the test."""

    def __init__(self, make):
        self.make, self.made = make, []

    def __call__(self, *args, **more):
        server = self.make(*args, **more)
        self.made.append(server)
        return server

    def close(self):
        for server in self.made:
            server.close()


@pytest.fixture
def target(tmp_path):
    """target("--threads", "2") starts a built-in target."""
    starter = Starter(lambda *args, **more: servers.Target(BINARY, tmp_path, *args, **more))
    yield starter
    starter.close()


@pytest.fixture
def nginx(tmp_path):
    """nginx() starts an nginx."""
    if not shutil.which("nginx"):
        pytest.skip("needs nginx (Debian: nginx-light)")
    starter = Starter(lambda **more: servers.Nginx(tmp_path, **more))
    yield starter
    starter.close()


@pytest.fixture
def scripted():
    """scripted(script) starts a server whose connections follow a script."""
    starter = Starter(servers.Scripted)
    yield starter
    starter.close()


def without_rights(*names):
    """The words before a command that take such capabilities from root ("sys_resource": going beyond its limits); none for other users."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root without setpriv")
    less = ",".join(f"-{name}" for name in names)
    return ["setpriv", "--bounding-set", less, "--inh-caps", less]


@pytest.fixture
def ipv6():
    """Skips where there is no IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback on this machine")


@pytest.fixture
def silent_port():
    """A port where nobody accepts and the queue is full: connections to it come to no end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        time.sleep(0.1)
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()
