"""Loads and outputs of every kind, by a fleet: flows, thresholds of steps, mixes, lists, sinks, the live view, files that are too large."""

import signal
import time
from datetime import datetime

import pytest

from fleet import LIMIT, Fleet, said, whole
from servers import always, answer, wait_for
from terminal import OnTerminal
from test_fleet_faults import STREAM, ends, kill, loaded, open_loop


@pytest.fixture
def fleet(strest):
    return Fleet(strest)


@pytest.mark.parametrize("stream", [[], STREAM])
def test_flows_are_counted_by_step(fleet, target, flow, stream):
    """60 requests a second are 20 iterations of three steps: 40 in two seconds."""
    server = target()
    path = flow(server.url, [{"name": "a", "path": "/"}, {"name": "b", "path": "/bytes/10"}, {"name": "c", "path": "/health"}])
    words = ["--config", path, "--rate", "60", "-t", "2s", "-m", "8", "--threshold", "step.b.max<20s", "--threshold", "step.a.errors<1%", *stream]
    result = whole(fleet.run(*words), server)
    assert result["iterations"]["planned"] == result["iterations"]["ok"] == 40
    assert {step["name"]: step["ok"] for step in result["steps"]} == {"a": 40, "b": 40, "c": 40}
    assert [row["passed"] for row in result["thresholds"]] == [True, True]


def test_a_mix_of_flows(fleet, target, flow):
    server = target()
    path = flow.mix(one={"base_url": server.url, "weight": 3, "steps": [{"path": "/"}]}, two={"base_url": server.url, "weight": 1, "steps": [{"path": "/health"}]})
    result = whole(fleet.run("--config", path, "--rate", "100", "-t", "1s", "-m", "8", *STREAM), server)
    assert result["books"]["ok"] == 100 and result["iterations"]["ok"] == 100


def test_every_agent_has_all_of_the_tasks(fleet, target):
    server = target()
    controller, agents = fleet.start("-u", server.url + "/delay/50ms", "-m", "4", "-r", "4", "-t", "1s", agents=2)
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and "each sends up to 4 requests at once, all of them 8" in finished.err, finished
    assert server.stats()["connections"] - 1 == 8  # the page of counts has one of its own
    ends(agents, 0, 0)


@pytest.mark.option("on-agent-loss")
def test_no_share_of_a_closed_loop_can_be_taken(fleet, target):
    """That is said before, and the run goes on."""
    server = target()
    controller, agents = fleet.start("-u", server.url + "/delay/20ms", "-m", "2", "-t", "2s", "--on-agent-loss", "redistribute", agents=2)
    assert "--on-agent-loss redistribute" in controller.errors()
    loaded(server, 20)
    kill(agents[0])
    assert controller.wait(LIMIT).code == 1
    ends(agents[1:], 0)


def total_of(path):
    """strest_requests_total of a textfile; -1 before there is one."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return -1
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("strest_requests_total"))


@pytest.mark.option("sink-prometheus", "sink-interval-ms", "stream-summaries")
@pytest.mark.parametrize("stream", [True, False])
def test_sinks_of_controllers_and_agents(fleet, target, tmp_path, stream):
    """Streaming: the controller's sink is written in the run, the agent's not at all; else the other way round, and the controller's at the end."""
    server = target()
    both, own = tmp_path / "both", tmp_path / "own"
    sink = ["--sink-interval-ms", "200", "--sink-prometheus"]
    controller, agents = fleet.start(*open_loop(server, 3, *sink, both, *(STREAM if stream else [])), agents=[[*sink, own], []])
    loaded(server, 300)
    if stream:
        wait_for(lambda: 0 < total_of(both) < 900, 3, "a figure in the controller's sink")
    else:
        wait_for(lambda: 0 < total_of(own) < 450, 3, "a figure in the agent's sink")
        assert total_of(both) <= 0
    assert controller.wait(LIMIT).code == 0
    ends(agents, 0, 0)
    assert total_of(both) == 900
    assert total_of(own) == (-1 if stream else 450)


@pytest.mark.parametrize("keys", ["", "q", "signal"])
def test_a_controller_on_a_terminal(fleet, target, keys):
    """With snapshots it draws the live view; q and a signal end the run of all."""
    server = target()
    words = [fleet.strest.binary, "--controller-listen", fleet.address, "--min-agents", "2", "--no-charts", *open_loop(server, 3 if not keys else 40, *STREAM)]
    screen = OnTerminal(words, columns=100, everything=True, env={"LC_ALL": "C.UTF-8"})
    try:
        screen.terminal.take_until(lambda raw: "agents join at" in raw)
        agents = [fleet.agent(), fleet.agent()]
        screen.terminal.take_until(lambda raw: "Throughput" in raw)
        if keys:
            wait_for(lambda: screen.terminal.take(0.05) and server.counted() > 300, what="load")
            if keys == "signal":
                screen.process.send_signal(signal.SIGINT)
            else:
                screen.terminal.type(keys)
        assert screen.wait() == 0
        ends(agents, 0, 0)
        assert f"Total Requests: {server.counted()}" in screen.terminal.raw
    finally:
        screen.close()


def test_files_that_are_too_large_are_refused_before_anybody_waits(fleet, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * (3 << 20))
    finished = fleet.strest.run("--controller-listen", fleet.address, "-u", "http://127.0.0.1:9/", "-X", "post", "--data-file", tmp_path / "body", "-t", "1s")
    assert finished.code == 1 and "2048 KiB" in finished.err and finished.seconds < 10, finished


def test_large_files_travel(fleet, scripted, tmp_path):
    server = scripted(always(answer()))
    content = bytes(range(256)) * 7000  # 1.8 MB
    (tmp_path / "body").write_bytes(content)
    finished = fleet.run("-u", server.url + "/", "-X", "post", "-D", tmp_path / "body", "--requests", "4", "-m", "1", "-t", "20s", agents=2)
    assert finished.json["books"]["ok"] == 4
    assert all(request.body == content for request in server.requests)


def test_the_time_of_the_run_is_that_of_the_controller(fleet, target):
    """The start in the result is the moment that was ordered, by the clock of the world."""
    before = time.time()
    result = fleet.run("-u", target().url + "/", "--rate", "50", "-t", "500ms").json
    at = datetime.fromisoformat(result["run"]["start"].replace("Z", "+00:00")).timestamp()
    assert before + 2.5 < at < time.time() - 0.4


def test_an_agent_prints_no_results_of_its_own(fleet, target):
    controller, agents = fleet.start(*open_loop(target(), 1), agents=2)
    assert controller.wait(LIMIT).code == 0
    assert [agent.wait().out for agent in agents] == ["", ""]
    said(agents[0], "the controller has the report")


def test_an_agent_that_cannot_begin_says_why(fleet, target):
    """It was ready, and then there is no room for its log."""
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 1), agents=[["--keep-tmp", "--tmp-path", "/proc/none"], []])
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "/proc/none" in finished.err and "- agent 'a1'" in finished.err, finished
    assert whole(finished, server)["books"]["ok"] == 150
    ends(agents[1:], 0)
    agents[0].wait(LIMIT)
