"""What happens in a fleet when something goes wrong: docs/distributed.md has the table of faults with the names of these tests. None may hang."""

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from conftest import check_result
from fleet import LIMIT, FakeAgent, Fleet, said, started, whole
from servers import wait_for

STREAM = ["--stream-summaries", "--stream-interval-ms", "200"]
QUICK = ["--agent-heartbeat-timeout-ms", "900"]


@pytest.fixture
def fleet(strest):
    return Fleet(strest)


def open_loop(server, seconds, *more):
    return ["-u", server.url + "/", "-m", "16", "--rate", "300", "-t", f"{seconds}s", *more]


def loaded(server, requests):
    """Waits until the target has seen so many."""
    wait_for(lambda: server.counted() >= requests, LIMIT, f"{requests} requests at the target")


def ends(agents, *codes):
    assert [agent.wait(LIMIT).code for agent in agents] == list(codes), [agent.errors() for agent in agents]


def kill(agent):
    """SIGKILL; the process is gone afterwards."""
    agent.process.kill()
    agent.process.wait()


def interrupt_twice(agents):
    """The second signal must not come before the first one was seen: two of a kind are one."""
    for _ in range(2):
        for agent in agents:
            if agent.alive():
                agent.signal(signal.SIGINT)
        time.sleep(0.5)


# ---- an agent is lost ----


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.option("on-agent-loss", "stream-summaries")
def test_a_killed_agent_counts_as_far_as_it_has_told(fleet, target, stream):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 4, *(STREAM if stream else [])))
    loaded(server, 600)  # half of the run
    kill(agents[0])
    finished = controller.wait(LIMIT)
    assert finished.code == 1, finished
    assert "agent 'a1' is lost" in finished.err and "Runtime errors:\n- agent 'a1'" in finished.err
    books = check_result(finished)["books"]
    missing = server.counted() - books["attempts"]
    # It sends 100 a second and tells every 200 ms; half a second of slack for a machine that is busy.
    assert 0 <= missing <= 70 if stream else 190 <= missing <= 300, (missing, books)
    assert 950 <= server.counted() <= 1100
    ends(agents[1:], 0, 0)


@pytest.mark.option("on-agent-loss")
def test_others_take_the_share_of_a_lost_agent(fleet, target):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 8, *STREAM, *QUICK, "--on-agent-loss", "redistribute"))
    loaded(server, 450)
    kill(agents[0])
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "2 agents share the whole load" in finished.err, finished
    arrivals = server.record.arrivals()
    last = [at for at in arrivals if at > arrivals[0] + 6e9]
    assert 570 <= len(last) <= 601  # the last two seconds have the whole rate again
    assert len(arrivals) < 2400
    ends(agents[1:], 0, 0)


@pytest.mark.option("on-agent-loss")
def test_the_run_ends_when_an_agent_is_lost_if_that_was_asked_for(fleet, target):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 30, "--on-agent-loss", "abort"))
    loaded(server, 150)
    kill(agents[1])
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and finished.seconds < 20, finished
    assert check_result(finished)["books"]["ok"] > 100
    ends([agents[0], agents[2]], 0, 0)


def test_all_agents_killed(fleet, target):
    server = target()
    controller, agents = fleet.start(*open_loop(server, 30))
    loaded(server, 100)
    for agent in agents:
        kill(agent)
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "no agent has reported" in finished.err and finished.out == "", finished
    assert finished.seconds < 20


@pytest.mark.parametrize("when", ["waiting", "delay"])
def test_an_agent_is_killed_before_the_load(fleet, target, when):
    """Waiting: it does not count any more. In the delay: it is lost, the others load."""
    server = target()
    if when == "waiting":
        controller = fleet.controller("--json", "--min-agents", "2", *open_loop(server, 1))
        gone = fleet.agent()
        said(controller, "1 there")
        kill(gone)
        said(controller, "disconnected")
        agents = [fleet.agent(), fleet.agent()]
        finished = controller.wait(LIMIT)
        assert finished.code == 0, finished
        assert whole(finished, server)["books"]["ok"] == 300
        ends(agents, 0, 0)
    else:
        controller, agents = fleet.start("--json", *open_loop(server, 1))
        started(controller)
        kill(agents[2])
        finished = controller.wait(LIMIT)
        assert finished.code == 1 and "agent 'a3' is lost" in finished.err, finished
        assert whole(finished, server)["books"]["ok"] == 200
        ends(agents[:2], 0, 0)


@pytest.mark.option("agent-heartbeat-timeout-ms")
def test_a_frozen_agent_that_comes_back_reports(fleet, target):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 6, *QUICK))
    loaded(server, 300)
    agents[0].signal(signal.SIGSTOP)
    said(controller, "nothing was heard for")
    agents[0].signal(signal.SIGCONT)
    said(controller, "'a1' is back")
    finished = controller.wait(LIMIT)
    assert finished.code == 0, finished
    assert whole(finished, server)["books"]["planned"] == 1800
    ends(agents, 0, 0, 0)


@pytest.mark.option("agent-heartbeat-timeout-ms")
def test_an_agent_that_stays_frozen_is_not_waited_for(fleet, target):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 4, *QUICK))
    loaded(server, 300)
    agents[0].signal(signal.SIGSTOP)
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "agent 'a1': nothing was heard for" in finished.err, finished
    assert finished.seconds < 20
    agents[0].signal(signal.SIGCONT)
    ends(agents[1:], 0, 0)
    interrupt_twice(agents[:1])
    agents[0].wait(LIMIT)


# ---- the controller is lost ----


@pytest.mark.parametrize("standby", [False, True])
def test_agents_that_wait_see_a_killed_controller(fleet, target, standby):
    controller = fleet.controller("--min-agents", "3", *open_loop(target(), 1))
    agents = [fleet.agent(*(["--agent-standby", "--agent-reconnect-ms", "100"] if standby else [])) for _ in range(2)]
    said(controller, "2 there")
    kill(controller)
    if standby:
        for agent in agents:
            said(agent, "no connection to the controller")
            agent.signal(signal.SIGTERM)
        ends(agents, 0, 0)
    else:
        ends(agents, 1, 1)


@pytest.mark.slow
def test_agents_end_the_load_of_a_killed_controller(fleet, target):
    """They offer their reports for a while, in case that it comes back; silence ends the load."""
    server = target()
    controller, agents = fleet.start(*open_loop(server, 300), agents=2)
    loaded(server, 150)
    kill(controller)
    begin = time.monotonic()
    for agent in agents:
        said(agent, "the controller has been silent", 25)
    assert 14 < time.monotonic() - begin < 25
    time.sleep(1)  # a stop takes effect two ticks later
    count = server.counted()
    time.sleep(1)
    assert server.counted() == count
    interrupt_twice(agents)
    ends(agents, 130, 130)


def test_a_frozen_controller_loses_nothing(fleet, target):
    """Four seconds are longer than the heartbeat timeout: its own silence is not that of the agents."""
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 6, *STREAM))
    loaded(server, 300)
    controller.signal(signal.SIGSTOP)
    time.sleep(4)
    controller.signal(signal.SIGCONT)
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and "lost" not in finished.err, finished
    result = whole(finished, server)
    assert result["books"]["ok"] == 1800
    assert sum(slot["sent"] for slot in result["series"]["slots"]) == 1800
    ends(agents, 0, 0, 0)


# ---- Ctrl-C ----


def test_ctrl_c_on_a_controller_that_waits(fleet, target):
    controller = fleet.controller("--min-agents", "3", *open_loop(target(), 1))
    agents = [fleet.agent(), fleet.agent()]
    said(controller, "2 there")
    controller.signal(signal.SIGINT)
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and finished.seconds < 15 and "stopped before the start" in finished.err, finished
    ends(agents, 1, 1)


def test_ctrl_c_in_the_delay(fleet, target):
    server = target()
    controller, agents = fleet.start(*open_loop(server, 30))
    started(controller)
    controller.signal(signal.SIGINT)
    finished = controller.wait(LIMIT)
    assert finished.seconds < 15 and finished.code in (0, 3), finished
    assert server.counted() == 0
    ends(agents, 0, 0, 0)


def test_ctrl_c_on_the_controller_ends_the_run_with_a_summary(fleet, target):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 30))
    loaded(server, 300)
    controller.signal(signal.SIGINT)
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and finished.seconds < 20, finished
    assert whole(finished, server)["run"]["ended_by"] == "signal"
    ends(agents, 0, 0, 0)


def test_a_second_ctrl_c_on_the_controller_ends_it_at_once(fleet, target):
    """The agents cannot report: their requests are never answered."""
    server = target()
    controller, agents = fleet.start("-u", server.url + "/hang", "--rate", "20", "-t", "30s", "--timeout", "20s")
    loaded(server, 20)
    controller.signal(signal.SIGINT)
    time.sleep(0.5)
    assert controller.alive()
    begin = time.monotonic()
    controller.signal(signal.SIGINT)
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and time.monotonic() - begin < 3, finished
    interrupt_twice(agents)
    ends(agents, 130, 130, 130)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_on_an_agent_ends_its_part_early(fleet, target, number):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 5))
    loaded(server, 400)
    agents[0].signal(number)
    ends(agents[:1], 0)
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and "agent 'a1' ended early: interrupted" in finished.err, finished
    books = whole(finished, server)["books"]
    assert 1100 < books["ok"] < 1400
    ends(agents[1:], 0, 0)


def test_a_second_signal_on_an_agent_ends_it_at_once(fleet, target):
    server = target()
    controller, agents = fleet.start("-u", server.url + "/hang", "--rate", "20", "-t", "4s", "--timeout", "2s")
    loaded(server, 20)
    agents[0].signal(signal.SIGINT)
    time.sleep(0.3)
    begin = time.monotonic()
    agents[0].signal(signal.SIGINT)
    ends(agents[:1], 130)
    assert time.monotonic() - begin < 3
    finished = controller.wait(LIMIT)
    assert finished.code in (1, 3) and "agent 'a1'" in finished.err, finished
    ends(agents[1:], 0, 0)


@pytest.mark.option("agent-standby")
def test_a_signal_on_an_idle_agent_ends_it_within_a_second(fleet, target):
    controller = fleet.controller("--min-agents", "3", *open_loop(target(), 1))
    agents = [fleet.agent("--agent-standby"), fleet.agent()]
    said(controller, "2 there")
    begin = time.monotonic()
    for agent in agents:
        agent.signal(signal.SIGTERM)
    ends(agents, 0, 0)
    assert time.monotonic() - begin < 3
    said(controller, "agent 'a1' leaves: interrupted")


# ---- who may join ----


def test_a_second_agent_of_the_same_name_is_refused(fleet, target):
    server = target()
    controller = fleet.controller("--json", "--min-agents", "2", *open_loop(server, 1))
    first = fleet.agent(name="same")
    said(controller, "1 there")
    second = fleet.agent(name="same")
    finished = second.wait(LIMIT)
    assert finished.code == 1 and "an agent 'same' is there already" in finished.err and "--agent-id" in finished.err, finished
    other = fleet.agent(name="other")
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    ends([first, other], 0, 0)


@pytest.mark.option("agent-id")
def test_agents_have_names_of_their_own(fleet, target):
    controller = fleet.controller("--min-agents", "4", *open_loop(target(), 1))
    agents = [fleet.agent(name=""), fleet.agent(name=""), fleet.agent(name="my-own")]
    said(controller, "3 there")
    names = [line.split("'")[1] for line in controller.errors().splitlines() if "joined from" in line]
    assert len(set(names)) == 3 and "my-own" in names
    for agent in agents[:2]:
        assert any(name.startswith(f"{socket.gethostname()}-{agent.process.pid}-") for name in names), names
    controller.signal(signal.SIGINT)
    controller.wait(LIMIT)
    ends(agents, 1, 1, 1)


def test_an_agent_that_comes_late_waits_for_the_next_run(fleet, target):
    server = target()
    controller, agents = fleet.start("--json", *open_loop(server, 3), agents=2)
    loaded(server, 30)
    late = fleet.agent()
    said(late, "a run is in progress there")
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 900, finished
    ends(agents + [late], 0, 0, 1)


def test_another_protocol_is_refused_and_another_version_told(fleet, target):
    server = target()
    controller = fleet.controller("--json", "--min-agents", "2", *open_loop(server, 1))
    stranger = FakeAgent(fleet.port, "stranger")
    stranger.hello(protocol=2, program="9.9.9")
    assert "speaks protocol 2" in stranger.dropped()
    old = FakeAgent(fleet.port, "old")
    old.hello(program="0.0.1")
    said(controller, "agent 'old' is strest 0.0.1")
    old.close()
    agents = [fleet.agent(), fleet.agent()]
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    ends(agents, 0, 0)


@pytest.mark.slow
def test_the_deadline_ends_a_run_whose_agent_does_not_report(fleet, target):
    """It beats and beats, and says nothing else: 30 s after the end of the load nobody waits any more."""
    server = target()
    controller = fleet.controller("--json", "--min-agents", "2", *open_loop(server, 1))
    mute = FakeAgent(fleet.port, "mute")
    mute.hello()
    agent = fleet.agent()
    mute.play_dead_after_ready()
    finished = controller.wait(LIMIT)
    mute.close()
    assert finished.code == 1 and "agent 'mute': it has not reported: the deadline has passed" in finished.err, finished
    assert 30 < finished.seconds < 45
    ends([agent], 0)


# ---- strangers on the port ----


def send_to(port, data):
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(data)
        s.settimeout(3)
        try:
            return s.recv(4096)
        except TimeoutError:
            return b""
        except ConnectionResetError:
            return b""


def test_strangers_on_the_port_disturb_nobody(fleet, target):
    server = target()
    controller = fleet.controller("--json", "--min-agents", "2", *open_loop(server, 1), "--auth-token", "open sesame")
    silent = [socket.create_connection(("127.0.0.1", fleet.port), 10) for _ in range(20)]
    for data in (os.urandom(2000), b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01" + os.urandom(300), b"A" * 100000,
                 b"POST /v1/message HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", b"POST /v1/join HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"):
        send_to(fleet.port, data)
    if shutil.which("curl"):
        for path, words in (("/", []), ("/healthz", []), ("/v1/join", ["-X", "POST"]), ("/v1/commands", []), ("/v1/message", ["-d", "x"])):
            command = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", *words, f"http://127.0.0.1:{fleet.port}{path}"]
            code = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
            assert code == {"/": "404", "/healthz": "200"}.get(path, "401"), (path, code)
    agents = [fleet.agent("--auth-token", "open sesame") for _ in range(2)]
    finished = controller.wait(LIMIT)
    for s in silent:
        s.close()
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    assert "open sesame" not in finished.err + finished.out
    ends(agents, 0, 0)


def test_an_agent_at_a_port_that_is_no_controller(fleet, target):
    server = target()
    finished = fleet.agent(join=server.url[7:]).wait(LIMIT)
    assert finished.code == 1 and "version of the link" in finished.err or "no strest controller" in finished.err, finished
    finished = fleet.agent().wait(LIMIT)  # nobody listens there
    assert finished.code == 1 and "connection refused" in finished.err, finished


# ---- a run that an agent cannot do ----


def test_a_target_that_nobody_reaches(fleet):
    finished = fleet.run("-u", f"http://127.0.0.1:{Fleet(fleet.strest).port}/", "--rate", "20", "-t", "1s", code=3)
    assert "cannot measure" in finished.err and "agent 'a1'" in finished.err and "connect" in finished.err


def test_an_agent_that_cannot_prepare_says_why(fleet, target):
    controller = fleet.controller("--min-agents", "2", *open_loop(target(), 1))
    broken = fleet.agent("--bind", "192.0.2.1")
    said(controller, "1 there")
    agent = fleet.agent()
    finished = broken.wait(LIMIT)
    assert finished.code == 1 and "192.0.2.1" in finished.err, finished
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "192.0.2.1" in finished.err and "1 agent is left, at least 2 are needed" in finished.err, finished
    ends([agent], 1)


def can_mount():
    return os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], capture_output=True, timeout=10).returncode == 0


@pytest.mark.option("keep-tmp", "tmp-path")
def test_a_full_disk_on_an_agent_is_told_and_the_run_goes_on(fleet, target, tmp_path):
    if not can_mount():
        pytest.skip("needs a mount namespace (root)")
    server = target()
    controller = fleet.controller("--json", "--min-agents", "1", *open_loop(server, 2))
    script = f'mount -t tmpfs -o size=4k none {tmp_path} && exec "$@"'
    agent = fleet.agent("--keep-tmp", "--tmp-path", str(tmp_path), prefix=["unshare", "-m", "sh", "-c", script, "sh"])
    finished = controller.wait(LIMIT)
    assert whole(finished, server)["books"]["planned"] == 600, finished
    assert "No space left" in agent.wait(LIMIT).err or "no space left" in agent.errors()
