"""A fleet in network namespaces: each agent behind a line of its own, which can be cut, slow or lossy. Needs root and `ip netns`; skipped, with a line, without."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from fleet import LIMIT, Fleet, said, whole
from quiet import on_a_quiet_machine
from servers import Target
from test_fleet import spread_of
from test_fleet_faults import STREAM, ends, loaded, open_loop

HUB = "10.77.0.1"


def ip(*words):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, (words, done.stderr)


class Networks:
    """A hub, where controller and target are, and a namespace for each agent."""

    def __init__(self, folder, binary, count=3):
        self.base, self.made = f"strest-{os.getpid()}", []
        self.program = folder / "in-hub"
        try:
            self._build(count)
        except BaseException:
            self.close()
            raise
        self.program.write_text(f'#!/bin/sh\nexec ip netns exec {self.hub} {binary} "$@"\n')
        self.program.chmod(0o755)

    def _build(self, count):
        self.hub = self._make("hub")
        self.inside("hub", "addr", "add", f"{HUB}/32", "dev", "lo")
        for i in range(1, count + 1):
            self._make(i)
            ip("-n", self.hub, "link", "add", f"to{i}", "type", "veth", "peer", "name", "line", "netns", self.name(i))
            for place, link, own in (("hub", f"to{i}", 1), (i, "line", 2)):
                self.inside(place, "addr", "add", f"10.77.{i}.{own}/24", "dev", link)
                self.inside(place, "link", "set", link, "up")
            self.inside(i, "route", "add", "default", "via", f"10.77.{i}.1")

    def name(self, place):
        return f"{self.base}-{place}"

    def _make(self, place):
        ip("netns", "add", self.name(place))
        self.made.append(place)
        self.inside(place, "link", "set", "lo", "up")
        return self.name(place)

    def inside(self, place, *words):
        ip("-n", self.name(place), *words)

    def shape(self, i, *words):
        """tc for both directions of an agent's line."""
        for place, link in (("hub", f"to{i}"), (i, "line")):
            done = subprocess.run(["tc", "-n", self.name(place), "qdisc", "add", "dev", link, "root", *words], capture_output=True, text=True, timeout=20)
            if done.returncode:
                pytest.skip(f"tc {' '.join(words)}: {done.stderr.strip()}")

    def close(self):
        for place in self.made:
            subprocess.run(["ip", "netns", "del", self.name(place)], capture_output=True, timeout=20)


class Apart(Fleet):
    """Controller and target in the hub, the agents each in its namespace."""

    def __init__(self, strest, networks):
        super().__init__(strest)
        self.networks, self.address = networks, f"{HUB}:{self.port}"

    def controller(self, *args, **more):
        return super().controller("--auth-token", "together", *args, prefix=["ip", "netns", "exec", self.networks.hub], **more)

    def agent(self, *args, **more):
        prefix = ["ip", "netns", "exec", self.networks.name(self.count + 1)]
        return super().agent("--auth-token", "together", *args, prefix=prefix, **more)


@pytest.fixture
def networks(tmp_path, strest):
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tc"):
        pytest.skip("network namespaces need root, ip and tc")
    probe = f"strest-{os.getpid()}-probe"
    tried = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, timeout=20)
    if tried.returncode:
        pytest.skip(f"no network namespaces here: {tried.stderr.strip()}")
    ip("netns", "del", probe)
    made = Networks(tmp_path, strest.binary)
    yield made
    made.close()


@pytest.fixture
def apart(strest, networks):
    return Apart(strest, networks)


@pytest.fixture
def hub_target(networks, tmp_path):
    server = Target(str(networks.program), str(tmp_path), host=HUB)
    yield server
    server.close()


def test_agents_in_networks_of_their_own(apart, hub_target):
    finished = apart.run(*open_loop(hub_target, 2), agents=[["--agent-weight", "1"], ["--agent-weight", "2"], ["--agent-weight", "3"]])
    assert whole(finished, hub_target)["books"]["ok"] == 600
    for i in (1, 2, 3):
        assert f"from 10.77.{i}.2:" in finished.err


def test_a_line_that_is_cut_is_noticed(apart, networks, hub_target):
    controller, agents = apart.start("--json", *open_loop(hub_target, 6, *STREAM, "--agent-heartbeat-timeout-ms", "900"))
    loaded(hub_target, 400)
    networks.inside("hub", "link", "set", "to1", "down")
    cut = time.monotonic()
    said(controller, "agent 'a1' is lost", 5)
    assert time.monotonic() - cut < 4
    finished = controller.wait(LIMIT)
    assert finished.code == 1, finished
    assert 0 <= hub_target.counted() - finished.json["books"]["attempts"] < 100
    ends(agents[1:], 0, 0)
    for _ in range(2):
        agents[0].signal(signal.SIGINT)
        time.sleep(0.5)
    agents[0].wait(LIMIT)


def test_a_line_that_comes_back_in_time_costs_nothing_of_the_count(apart, networks, hub_target):
    """The agent could not load meanwhile; what it tells of that is taken."""
    controller, agents = apart.start("--json", *open_loop(hub_target, 8, "--agent-heartbeat-timeout-ms", "900"))
    loaded(hub_target, 400)
    networks.inside("hub", "link", "set", "to1", "down")
    said(controller, "agent 'a1' is lost", 5)
    networks.inside("hub", "link", "set", "to1", "up")
    finished = controller.wait(LIMIT)
    assert "'a1' is back" in finished.err or "joined from 10.77.1.2" in finished.err.split("is lost")[1], finished
    assert finished.code == 0 and finished.json["books"]["planned"] == 2400, finished
    ends(agents, 0, 0, 0)


@pytest.mark.timing
@on_a_quiet_machine
def test_starts_over_long_lines_are_close(networks, strest, hub_target):
    """20 ms each way, the same for all; clocks are read by the shortest round trip."""
    for i in (1, 2, 3):
        networks.shape(i, "netem", "delay", "20ms")
    finished = Apart(strest, networks).run("-u", hub_target.url + "/", "--rate", "100", "-t", "1990ms", "-m", "16")
    assert finished.json["books"]["ok"] == 199
    spread = spread_of(hub_target.record.arrivals()[-199:], 100, 3)
    print(f"spread {spread / 1000:.0f} us by the target")
    assert spread < 10e6


def test_a_lossy_line_loses_nothing(apart, networks, hub_target):
    networks.shape(1, "netem", "loss", "3%")
    finished = apart.run(*open_loop(hub_target, 4, *STREAM))
    books = finished.json["books"]
    assert books["planned"] == 1200 and books["attempts"] == hub_target.counted()


def test_a_narrow_line_delays_the_run_and_no_more(apart, networks, hub_target, tmp_path):
    """The settings with a file of 1.5 MB take two seconds on a line of 8 Mbit/s; all wait for that agent."""
    (tmp_path / "body").write_bytes(b"x" * 1_500_000)
    networks.shape(1, "tbf", "rate", "8mbit", "burst", "32kb", "latency", "400ms")
    words = ["-u", hub_target.url + "/", "-X", "post", "-D", tmp_path / "body", "--requests", "6", "-m", "1", "-t", "60s", "--timeout", "30s"]
    finished = apart.run(*words)
    assert finished.json["books"]["ok"] == 6 == hub_target.counted()
    assert finished.seconds > 4.5
