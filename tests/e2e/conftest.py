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

import certificates
import proxies
import servers

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.path.abspath(os.environ.get("STREST") or ROOT / "build" / "strest")
FAULTS_BINARY = os.environ.get("STREST_FAULTS_BIN")
RUN_LIMIT = 60  # seconds; no run of these tests takes half of it


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than five seconds")
    config.addinivalue_line("markers", "option(flag, ...): asserts what these options do (docs/reference.md); of strest target: \"target flag\"")
    config.addinivalue_line("markers", "timing: its bounds need a build without sanitizers")
    config.addinivalue_line("markers", "option(flag, ...): shows what these options do; docs/reference.md names it")


def pytest_sessionstart(session):
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"no program at {BINARY}; build it, or set STREST", returncode=2)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"):
        for word in (name, name.upper()):
            os.environ.pop(word, None)  # the machine's own proxies are none of ours
    session.config.home = tempfile.mkdtemp(prefix="strest-home-")
    os.environ["HOME"] = session.config.home  # each run draws its charts below it


def pytest_sessionfinish(session):
    shutil.rmtree(getattr(session.config, "home", ""), ignore_errors=True)


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
        size = os.fstat(self.err.fileno()).st_size
        return os.pread(self.err.fileno(), size, 0).decode(errors="replace")  # the place in the file is the program's, too

    def wait(self, limit=RUN_LIMIT):
        end = self.start + limit
        peak = 0
        while self.alive():
            peak = max(peak, self.memory_kb())
            if time.monotonic() > end:
                said = self.errors()
                self.kill()
                pytest.fail(f"{self.process.args} did not end within {limit} s; stderr: {said}")
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


def without_charts(args):
    """What keeps a run from drawing, which takes a fifth of a second, ten times that with a sanitizer: a test of charts names a folder for them, or says charts=True."""
    loads = any(word in args for word in ("-u", "--url", "--urls-from-file")) and args[0] not in ("target", "config", "help")
    says = any(word.startswith(("-c", "-n", "--charts", "--no-charts", "--print-config")) for word in args)
    return ["--no-charts"] if loads and not says else []


class Strest:
    """The program under test."""

    def __init__(self):
        self.binary = BINARY
        self.runs = []

    def start(self, *args, prefix=(), charts=False, **more):
        """Starts it, behind the words of another command if there are any, and returns at once."""
        run = Running([*prefix, self.binary, *([] if charts else without_charts(list(map(str, args)))), *args], **more)
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


@pytest.fixture(scope="session")
def has_tsan():
    """Whether the program was built with ThreadSanitizer, which has a thread and memory of its own."""
    return b"__tsan_init" in Path(BINARY).read_bytes()


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


class Way:
    """How strest and the built-in target speak with each other: way(...) starts a target, way.words are strest's options for it."""

    NAMES = ("h1", "h2", "h2c")

    def __init__(self, name, target):
        self.name, self.target = name, target
        self.is_h2 = name != "h1"
        self.tls = name == "h2"
        self.words = (["--http2", "--http2-parallel", "16"] if self.is_h2 else []) + (["--insecure"] if self.tls else [])

    def __call__(self, *args, **more):
        server = self.target(*args, *(["--tls"] if self.tls else []), **more)
        if self.tls:
            server.url = server.url.replace("http:", "https:")
        return server

    def check(self, result):
        """What was asked for was spoken, on every connection."""
        assert result["protocol"]["connections"]["h2"] == (result["connections"]["opened"] if self.is_h2 else 0), result["protocol"]


@pytest.fixture(params=Way.NAMES)
def way(request, target):
    return Way(request.param, target)


@pytest.fixture
def flow(tmp_path):
    """flow(url, steps) writes a scenario file: flows.py."""
    from flows import Flows  # which has checks from here

    return Flows(tmp_path)


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


def reasons(result):
    """What failed, as {"outcome/reason": count}."""
    return {f"{outcome}/{reason}": count for outcome, by_reason in result["errors"].items() for reason, count in by_reason.items()}


def says(finished, code, *words):
    """Checks that strest refused to run: this exit status, nothing on stdout, one line of error with these words."""
    assert finished.code == code, finished
    assert finished.out == "", finished
    lines = [line for line in finished.err.splitlines() if line.startswith("strest: error: ")]
    assert len(lines) == 1 and "unknown option" not in lines[0], finished
    for word in words:
        assert str(word) in lines[0], (word, finished)


def outputs(strest, *args, env=None, **more):
    """All that strest writes in five kinds of runs."""
    text = ""
    for words in ([], ["--json"], ["--print-config"], ["--debug"], ["--verbose"]):
        finished = strest.run(*args, *words, env=env, **more)
        assert finished.code in (0, 3), finished
        text += finished.out + finished.err
    return text


def need(*programs):
    """Skips without these programs."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)} (script/bootstrap test)")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """All certificates."""
    need("openssl")
    return certificates.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def keep():
    """keep(server) ends a server with the test and returns it."""
    starter = Starter(lambda server: server)
    yield starter
    starter.close()


@pytest.fixture
def folder(tmp_path_factory):
    """folder("name") makes a new folder: each part has its own."""
    return tmp_path_factory.mktemp


@pytest.fixture
def nginx_with(keep, folder):
    """nginx_with(block) starts an nginx with this server block."""
    need("nginx")
    return lambda block: keep(servers.NginxWith(folder("nginx"), block))


@pytest.fixture
def tls_nginx(keep, folder, made):
    """tls_nginx(pair) starts an nginx with TLS; without a pair, with the good one."""
    need("nginx")
    return lambda pair=None, more="": keep(certificates.TlsNginx(folder("tls_nginx"), pair or made.good, more))


@pytest.fixture
def caddy(keep, folder):
    """caddy(text) starts a caddy with this text in its site."""
    need("caddy")
    return lambda text, pair=None: keep(proxies.CaddyWith(folder("caddy"), text, pair))


@pytest.fixture
def tinyproxy(keep, folder):
    need("tinyproxy")
    return lambda *args, **more: keep(proxies.Tinyproxy(folder("tinyproxy"), *args, **more))


@pytest.fixture
def haproxy(keep, folder):
    need("haproxy")
    return lambda *args, **more: keep(proxies.Haproxy(folder("haproxy"), *args, **more))


@pytest.fixture
def forward_nginx(nginx_with):
    """forward_nginx(userinfo) starts an nginx that forwards, for this user and password if they are given."""

    def start(userinfo=None):
        return nginx_with(proxies.forward_block(userinfo))

    return start


@pytest.fixture
def names(tmp_path):
    """names({"name": [addresses]}) returns the words before a command that sees these names only, in /etc/hosts of its own."""

    def prefix(hosts):
        path = tmp_path / "hosts"
        path.write_text("".join(f"{address} {name}\n" for name, addresses in hosts.items() for address in addresses))
        words = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(path)]
        if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            pytest.skip("needs the right to mount (root)")
        return words

    return prefix


@pytest.fixture
def narrow(tmp_path):
    """narrow(n) starts a target in a network namespace of n local ports; its .prefix are the words before a command in there."""
    made = []

    def start(ports):
        wrapper = tmp_path / "narrow"
        setup = f'ip link set lo up && echo "40000 {40000 + ports - 1}" >/proc/sys/net/ipv4/ip_local_port_range'
        words = ["unshare", "--net", "sh", "-c", setup]
        if not all(map(shutil.which, ("unshare", "nsenter", "ip"))) or subprocess.run(words, stderr=subprocess.DEVNULL).returncode != 0:
            pytest.skip("needs the right to make a network namespace (root)")
        wrapper.write_text(f'#!/bin/sh\nexec unshare --net sh -c \'{setup} && exec "$@"\' sh "{BINARY}" "$@"\n')
        wrapper.chmod(0o755)
        server = servers.Target(str(wrapper), tmp_path, port=3999)
        server.prefix = ["nsenter", f"--net=/proc/{server.process.pid}/ns/net"]
        made.append(server)
        return server

    yield start
    for server in made:
        server.close()
