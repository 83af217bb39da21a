"""A manual controller, told what to do over HTTP, by curl as people do (docs/control.yaml; spec 4)."""

import json
import re
import subprocess
import time

import pytest

from fleet import Fleet, said
from servers import wait_for

TOKEN = "s3cret"


class Plane:
    """The controller's HTTP, through curl."""

    def __init__(self, controller):
        said(controller, "control plane: ")
        self.base = re.search(r"control plane: (http://[^/]+)/", controller.errors()).group(1)

    def ask(self, method, path, body=None, token=TOKEN, limit=20):
        command = ["curl", "-s", "-m", str(limit), "-X", method, "-w", "\n%{http_code}", self.base + path]
        if token:
            command += ["-H", f"Authorization: Bearer {token}"]
        if body is not None:
            command += ["-d", body if isinstance(body, str) else json.dumps(body)]
        text, code = subprocess.run(command, capture_output=True, text=True, timeout=limit + 5).stdout.rsplit("\n", 1)
        return int(code), json.loads(text) if text.startswith("{") else text

    def until(self, state):
        wait_for(lambda: self.ask("GET", "/status")[1]["state"] == state, 30, f"the state {state}")
        return self.ask("GET", "/status")[1]


@pytest.fixture
def fleet(strest):
    return Fleet(strest)


@pytest.fixture
def server(target):
    return target()


@pytest.fixture
def manual(fleet):
    """Starts a manual controller with these words and so many standby agents."""

    def start(*args, agents=2):
        controller = fleet.controller("--controller-mode", "manual", "--control-listen", "127.0.0.1:0", *args, env={"STREST_CONTROL_AUTH_TOKEN": TOKEN})
        for i in range(agents):
            fleet.agent("--agent-standby")
            said(controller, f"{i + 1} there")
        return controller, Plane(controller)

    return start


@pytest.mark.option("controller-mode", "control-listen", "control-auth-token", "agent-standby")
def test_runs_one_after_the_other_on_the_same_agents(manual, server):
    controller, plane = manual("-u", server.url, "--rate", "100", "-t", "1s")
    counted = 0
    for body, sent in ((None, 100), ({"start_after_ms": 0, "duration": 2}, 200), ({"start_after_ms": 0, "requests": 30}, 30)):
        code, answer = plane.ask("POST", "/start", body)
        assert code == 200 and answer["status"] == "started"
        assert plane.ask("POST", "/start")[0] == 409
        status = plane.until("idle")
        counted += sent
        assert status["agents_expected"] == status["agents_reported"] == 2 and len(status["agents"]) == 2
        summary = status["last_summary"] if "last_summary" in status else status["summary"]
        assert summary["run"]["id"] == answer["run_id"] and summary["books"]["ok"] == sent and server.counted() == counted
    controller.process.terminate()
    assert controller.wait(20).code == 0


def test_who_does_not_know_the_token_is_refused(manual, server):
    _, plane = manual("-u", server.url, agents=0)
    for token in (None, "other", TOKEN + "x"):
        assert plane.ask("POST", "/start", token=token)[0] == 401
        assert plane.ask("GET", "/status", token=token)[0] == 401
    assert plane.ask("GET", "/healthz", token=None)[0] == 200


def test_too_few_agents(manual, fleet, server):
    controller, plane = manual("-u", server.url, "-t", "500ms", "--rate", "50", "--min-agents", "2", agents=1)
    code, answer = plane.ask("POST", "/start")
    assert code == 409 and "2" in answer["error"]
    before = time.monotonic()
    code, answer = plane.ask("POST", "/start", {"agent_wait_timeout_ms": 700})
    assert code == 409 and 0.6 < time.monotonic() - before < 15
    waiting = subprocess.Popen(["curl", "-s", "-m", "40", "-H", f"Authorization: Bearer {TOKEN}", plane.base + "/start", "-d",
                                '{"agent_wait_timeout_ms": 20000, "start_after_ms": 100}'], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    assert plane.ask("POST", "/start")[0] == 409  # one waits already
    fleet.agent("--agent-standby")
    assert json.loads(waiting.communicate(timeout=45)[0])["status"] == "started"
    plane.until("idle")
    assert server.counted() == 25 and controller.alive()


def test_a_start_that_waits_is_withdrawn_by_a_stop(manual, server):
    _, plane = manual("-u", server.url, agents=0)
    waiting = subprocess.Popen(["curl", "-s", "-m", "40", "-H", f"Authorization: Bearer {TOKEN}", plane.base + "/start", "-d",
                                '{"agent_wait_timeout_ms": 30000}'], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    code, answer = plane.ask("POST", "/stop")
    assert code == 200 and answer["status"] == "stopped"
    assert "error" in json.loads(waiting.communicate(timeout=45)[0])
    code, answer = plane.ask("POST", "/stop")
    assert code == 200 and answer == {"status": "idle", "run_id": None}


def test_a_stop_ends_a_run_with_its_results(manual, server):
    _, plane = manual("-u", server.url, "--rate", "100", "-t", "60s")
    run_id = plane.ask("POST", "/start", {"start_after_ms": 0})[1]["run_id"]
    plane.until("running")
    time.sleep(1)
    code, answer = plane.ask("POST", "/stop")
    assert code == 200 and answer == {"status": "stopping", "run_id": run_id}
    status = plane.until("idle")
    books = (status["last_summary"] if "last_summary" in status else status["summary"])["books"]
    assert 50 < books["attempts"] < 3000 and books["attempts"] == server.counted()


def test_scenarios_by_name(manual, server, tmp_path):
    config = tmp_path / "fleet.toml"
    config.write_text(f'[scenarios.one]\nbase_url = "{server.url}"\n[[scenarios.one.steps]]\npath = "/a"\n')
    _, plane = manual("--config", config, "-t", "500ms", "--rate", "20", "--rate-unit", "iterations")
    two = {"base_url": server.url, "steps": [{"path": "/a"}, {"path": "/b"}]}
    assert plane.ask("POST", "/start", {"scenario_name": "none"})[0] == 404
    assert plane.ask("POST", "/start", {"scenario": {"base_url": server.url, "steps": []}})[0] == 400
    assert plane.ask("POST", "/start", "{")[0] == 400
    counted = 0
    for body, sent in (({"scenario_name": "one"}, 10), ({"scenario_name": "two", "scenario": two}, 20), ({"scenario_name": "two"}, 20), ({"scenario": two}, 20)):
        code, answer = plane.ask("POST", "/start", {"start_after_ms": 0, **body})
        assert code == 200, answer
        plane.until("idle")
        counted += sent
        assert server.counted() == counted
    names = [row["name"] for row in plane.ask("GET", "/scenarios")[1]["scenarios"]]
    assert names == ["one", "two"]


def test_nothing_to_load(manual):
    _, plane = manual()
    code, answer = plane.ask("POST", "/start")
    assert code == 400 and "error" in answer


def test_other_paths_and_figures(manual, server):
    _, plane = manual("-u", server.url)
    for method, path in (("GET", "/start"), ("PUT", "/stop"), ("GET", "/"), ("POST", "/start?x=1")):
        assert plane.ask(method, path)[0] == 404
    assert plane.ask("POST", "/status")[0] == 405
    code, text = plane.ask("GET", "/metrics")
    assert code == 200 and "strest_agents 2\n" in text + "\n"
    agents = plane.ask("GET", "/agents")[1]["agents"]
    assert [agent["id"] for agent in agents] == ["a1", "a2"] and all(agent["state"] == "idle" for agent in agents)


@pytest.mark.option("control-auth-token-file")
def test_a_token_from_a_file(fleet, server, tmp_path):
    path = tmp_path / "token"
    path.write_text("of a file\n")
    path.chmod(0o600)
    controller = fleet.controller("--controller-mode", "manual", "--control-listen", "127.0.0.1:0", "--control-auth-token-file", path, "-u", server.url)
    plane = Plane(controller)
    assert plane.ask("GET", "/status", token="of a file")[0] == 200 and plane.ask("GET", "/status")[0] == 401
