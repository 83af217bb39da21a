"""How controllers and agents get at each other, and whom they let in: tokens, TLS, standing by, beats."""

import signal
import socket
import time
from pathlib import Path

import pytest

from fleet import LIMIT, FakeAgent, FakeController, Fleet, said, whole
from test_fleet_faults import ends, open_loop


@pytest.fixture
def fleet(strest):
    return Fleet(strest)


# ---- waiting and standing by ----


@pytest.mark.option("agent-wait-timeout-ms", "min-agents")
def test_a_controller_waits_as_long_as_it_is_told(fleet, target):
    controller = fleet.controller("--min-agents", "2", "--agent-wait-timeout-ms", "1500", *open_loop(target(), 1))
    agent = fleet.agent()
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "2 agents were wanted, 1 came" in finished.err and finished.out == "", finished
    assert 1.5 <= finished.seconds < 10
    ends([agent], 1)


@pytest.mark.option("agent-standby", "agent-reconnect-ms")
def test_standing_by_agents_serve_one_controller_after_the_other(fleet, target):
    server = target()
    words = ["--agent-standby", "--agent-reconnect-ms", "50"]
    agents = [fleet.agent(*words), fleet.agent(*words)]  # before there is anybody
    for run in range(2):
        controller = fleet.controller("--json", "--min-agents", "2", *open_loop(server, 1))
        before = server.counted()
        finished = controller.wait(LIMIT)
        assert finished.code == 0 and finished.json["books"]["ok"] == 300 == server.counted() - before, finished
    for agent in agents:
        assert agent.alive()
        agent.signal(signal.SIGTERM)
    ends(agents, 0, 0)


@pytest.mark.option("agent-reconnect-ms")
def test_the_time_between_two_attempts_is_the_one_that_was_asked_for(fleet):
    """Nobody listens. It doubles up to ten times: 20, 40, 80, 160 ms; 1, 2 s without the option."""

    def attempts(*words):
        agent = fleet.agent("--agent-standby", *words)
        time.sleep(2)
        agent.signal(signal.SIGTERM)
        finished = agent.wait(LIMIT)
        assert finished.code == 0
        return finished.err.count("no connection to the controller")

    assert attempts("--agent-reconnect-ms", "20") >= 5
    assert attempts() <= 2


@pytest.mark.option("agent-heartbeat-interval-ms", "agent-weight", "agent-id")
def test_an_agent_says_who_it_is_and_that_it_is_there(fleet):
    """By a controller of our own: five beats at once, then one each interval."""
    counts = {}
    for interval in (100, 1000):
        controller = FakeController()
        agent = fleet.agent("--agent-heartbeat-interval-ms", interval, "--agent-weight", "7", name="me", join=controller.address)
        said(agent, "joined the controller")
        time.sleep(2.2)
        hello = controller.messages[0]
        assert hello[1] == FakeAgent.HELLO and (hello[2]["id"], hello[2]["weight"], hello[2]["protocol"]) == ("me", 7, 1)
        counts[interval] = sum(kind == FakeAgent.BEAT for _, kind, _ in controller.messages)
        agent.signal(signal.SIGTERM)
        ends([agent], 0)
        controller.close()
    assert counts[1000] <= 9 and 15 <= counts[100] <= 30, counts


@pytest.mark.option("agent-heartbeat-timeout-ms")
def test_a_mute_agent_is_noticed_after_the_time_that_was_asked_for(fleet, target):
    controller = fleet.controller("--min-agents", "2", "--agent-heartbeat-timeout-ms", "600", *open_loop(target(), 1))
    mute = FakeAgent(fleet.port, "mute")
    mute.hello()
    begin = time.monotonic()
    said(controller, "agent 'mute': nothing was heard for", 2.5)  # 3 s and more without the option
    assert time.monotonic() - begin > 0.5
    mute.close()
    controller.signal(signal.SIGINT)
    assert controller.wait(LIMIT).code == 1


# ---- tokens ----


@pytest.mark.option("auth-token", "auth-token-file")
def test_only_agents_with_the_token_may_join(fleet, target, tmp_path):
    server = target()
    token = tmp_path / "token"
    token.write_text("  right and secret \n")
    token.chmod(0o600)
    controller = fleet.controller("--json", "--verbose", "--min-agents", "3", "--auth-token-file", token, *open_loop(server, 1))
    wrong, missing = fleet.agent("--auth-token", "wrong"), fleet.agent()
    for agent, words in ((wrong, "the token was refused"), (missing, "wants a token")):
        finished = agent.wait(LIMIT)
        assert finished.code == 1 and words in finished.err, finished
    said(controller, "turned away: 127.0.0.1:")
    agents = [fleet.agent("--verbose", "--auth-token-file", token), fleet.agent("--auth-token", "right and secret"),
              fleet.agent("--verbose", env={"STREST_AUTH_TOKEN": "right and secret"})]
    said(controller, "3 there")
    for process in (controller, agents[0], agents[2]):
        assert b"secret" not in Path(f"/proc/{process.process.pid}/cmdline").read_bytes()
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    ends(agents, 0, 0, 0)
    for run in (controller, *agents):
        assert "secret" not in run.errors() and "wrong" not in run.errors().replace("is wrong", "")


def test_a_controller_without_token_takes_agents_that_have_one(fleet, target):
    server = target()
    finished = fleet.run(*open_loop(server, 1), agents=[["--auth-token", "any"], []])
    assert whole(finished, server)["books"]["ok"] == 300


@pytest.mark.option("agent-standby")
def test_an_agent_that_stands_by_tries_again_after_a_refusal(fleet, target):
    controller = fleet.controller("--min-agents", "2", "--auth-token", "right", *open_loop(target(), 1))
    agent = fleet.agent("--agent-standby", "--agent-reconnect-ms", "50", "--auth-token", "wrong")
    said(agent, "the token was refused")
    time.sleep(3)
    assert agent.alive() and controller.alive()
    assert 2 <= agent.errors().count("the token was refused") <= 6  # then once a minute
    for run in (agent, controller):
        run.signal(signal.SIGTERM)
        run.wait(LIMIT)


@pytest.mark.option("insecure-fleet")
def test_what_is_open_to_all_must_be_asked_for(fleet, target):
    server = target()
    everywhere = ["--controller-listen", f"0.0.0.0:{fleet.port}", "--json", "--no-charts", *open_loop(server, 1)]
    finished = fleet.strest.run(*everywhere, charts=True)
    assert finished.code in (1, 2) and "lets anybody in the network join" in finished.err and "--insecure-fleet" in finished.err, finished
    secret = ["--basic-auth", "ann:pass-word", "--auth-token", "right"]
    finished = fleet.strest.run(*everywhere, *secret, charts=True)
    assert finished.code in (1, 2) and "only over TLS" in finished.err and "pass-word" not in finished.err, finished
    controller = fleet.strest.start(*everywhere, *secret, "--insecure-fleet", charts=True)
    said(controller, "agents join at")
    agent = fleet.agent("--auth-token", "right")
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    ends([agent], 0)


# ---- TLS ----


@pytest.mark.option("fleet-cert", "fleet-key", "fleet-ca")
def test_tls_both_ways(fleet, target, made):
    """Agents verify the controller, and the controller its agents: those of no or a strange authority stay outside."""
    server = target()
    words = ["--fleet-cert", made.good.cert, "--fleet-key", made.good.key, "--fleet-ca", made.root.cert, "--json", "--min-agents", "2"]
    controller = fleet.controller(*words, *open_loop(server, 1))
    client = ["--fleet-cert", made.client.cert, "--fleet-key", made.client.key]
    strange = ["--fleet-cert", made.strange_client.cert, "--fleet-key", made.strange_client.key]
    for bad, words in (
        ([], "is it one with a certificate"),  # speaks no TLS
        (["--fleet-ca", made.stranger.cert, *client], "does not verify"),
        (["--fleet-ca", made.root.cert], ""),
        (["--fleet-ca", made.root.cert, *strange], ""),
    ):
        finished = fleet.agent(*bad).wait(LIMIT)
        assert finished.code == 1 and "no connection to the controller" in finished.err, (bad, finished)
        assert words in finished.err or not bad, (bad, finished)
    agents = [fleet.agent("--fleet-ca", made.root.cert, *client) for _ in range(2)]
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    ends(agents, 0, 0)


@pytest.mark.option("fleet-cert", "fleet-ca")
def test_secrets_travel_over_tls(fleet, nginx_with, made):
    """From an address that is not loopback's alone, without --insecure-fleet; nginx sees the password."""
    server = nginx_with("server { listen 127.0.0.1:PORT; location / { return 200; } }")
    words = ["--fleet-cert", made.good.cert, "--fleet-key", made.good.key, "--auth-token", "right", "--no-charts", "--json"]
    controller = fleet.strest.start("--controller-listen", f"0.0.0.0:{fleet.port}", *words, "-u", server.url + "/", "--basic-auth", "ann:word",
                                    "--requests", "5", "-m", "1", "-t", "20s", charts=True)
    said(controller, "agents join at")
    agent = fleet.agent("--auth-token", "right", "--fleet-ca", made.root.cert)
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and finished.json["books"]["ok"] == 5, finished
    assert {line["user"] for line in server.lines()} == {"ann"}
    ends([agent], 0)


def test_a_certificate_for_another_host_is_none(fleet, target, made):
    controller = fleet.controller("--fleet-cert", made.wrong_host.cert, "--fleet-key", made.wrong_host.key, *open_loop(target(), 1))
    finished = fleet.agent("--fleet-ca", made.root.cert).wait(LIMIT)
    assert finished.code == 1 and "does not verify" in finished.err, finished
    controller.signal(signal.SIGINT)
    controller.wait(LIMIT)


# ---- words that do not go together ----


@pytest.mark.parametrize(
    "words, said_words",
    [
        (["--agent-join", "127.0.0.1:1", "--controller-listen", "127.0.0.1:0"], "one process is a controller or an agent"),
        (["--agent-standby", "-u", "http://127.0.0.1:1/"], "--agent-standby is for agents"),
        (["--min-agents", "2", "-u", "http://127.0.0.1:1/"], "--min-agents is for controllers"),
        (["--min-agents", "0", "--controller-listen", "127.0.0.1:0", "-u", "http://127.0.0.1:1/"], "--min-agents"),
        (["--controller-listen", "127.0.0.1:0"], "--url"),  # before anybody waits for agents
        (["--controller-listen", "127.0.0.1:0", "-u", "http://127.0.0.1:1/", "--export-csv", "x.csv"], "--export-csv"),
        (["--controller-listen", "127.0.0.1:0", "-u", "http://127.0.0.1:1/", "--data-file", "/does/not/exist", "-X", "post"], "/does/not/exist"),
        (["--agent-join", "127.0.0.1:1", "--auth-token-file", "/does/not/exist"], "/does/not/exist"),
        (["--controller-listen", "127.0.0.1:0", "-u", "http://127.0.0.1:1/", "--fleet-cert", "/does/not/exist", "--fleet-key", "/x"], "/does/not/exist"),
    ],
)
def test_refusals(strest, words, said_words):
    finished = strest.run(*words, charts=True)
    assert finished.code in (1, 2) and said_words in finished.err and finished.seconds < 10, finished
    assert finished.out == ""


def test_a_port_that_is_taken(fleet, target):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", fleet.port))
        taken.listen()
        finished = fleet.strest.run("--controller-listen", fleet.address, *open_loop(target(), 1))
        assert finished.code == 1 and "--controller-listen" in finished.err and "in use" in finished.err, finished


@pytest.mark.parametrize("role, ignored", [(" Controller ", "join"), ("AGENT", "listen")])
def test_a_role_says_which_address_counts(fleet, target, tmp_path, role, ignored):
    """Both addresses stand in the file; the example of the manual, with ports of this test."""
    server = target()
    path = tmp_path / "strest.toml"
    path.write_text(f'[distributed]\nrole = "{role}"\nlisten = "{fleet.address}"\njoin = "{fleet.address}"\nauth_token = "secret"\nmin_agents = 1\n')
    if ignored == "join":
        controller = fleet.strest.start("--config", path, "--json", "--no-charts", *open_loop(server, 1), charts=True)
        said(controller, "agents join at")
        agent = fleet.agent("--auth-token", "secret")
    else:
        controller = fleet.controller("--json", "--auth-token", "secret", *open_loop(server, 1))
        agent = fleet.strest.start("--config", path, charts=True)
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and whole(finished, server)["books"]["ok"] == 300, finished
    ends([agent], 0)
