"""Several machines act as one: a controller and agents as processes; the target's own count is the truth."""

import pytest

from fleet import LIMIT, Fleet, rounds, whole
from quiet import on_a_quiet_machine
from servers import always, answer
from truth import ks_p_value, percentile, uniform_cdf


@pytest.fixture
def fleet(strest):
    return Fleet(strest)


WEIGHTED = [["--agent-weight", "1"], ["--agent-weight", "2"], ["--agent-weight", "3"]]


@pytest.mark.option("controller-listen", "agent-join", "min-agents")
def test_three_agents_send_what_was_asked_for(fleet, target):
    server = target()
    books = whole(fleet.run("-u", server.url + "/", "--requests", "1000", "-m", "8", "-r", "8", "-t", "30s"), server)["books"]
    assert books["ok"] == books["planned"] == 1000


@pytest.mark.option("rate", "warmup", "stages")
@pytest.mark.parametrize("stream", [[], ["--stream-summaries", "--stream-interval-ms", "200"]])
@pytest.mark.parametrize(
    "args, planned, sent",
    [
        # As one process plans it: test_schedule.py has the same lines.
        (["--rate", "997", "-t", "1500ms"], 1496, 1496),
        (["--rate", "997", "-t", "1s", "--warmup", "500ms"], 498, 997),
        (["--stages", "500ms@1000", "-t", "900.5ms"], 651, 651),
        (["--rate", "3", "-t", "1001ms"], 4, 4),  # fewer than the weights' sum
    ],
)
def test_the_shares_of_a_rate_are_the_schedule_of_one_process(fleet, target, args, planned, sent, stream):
    server = target()
    books = whole(fleet.run("-u", server.url + "/", *args, *stream, agents=WEIGHTED), server)["books"]
    assert books["planned"] == books["ok"] == planned
    assert books["attempts"] == sent


@pytest.mark.option("arrival", "seed")
def test_poisson_arrivals_are_those_of_one_process(fleet, strest, target):
    server = target()
    args = ["-u", server.url + "/", "-m", "16", "--rate", "800", "--arrival", "poisson", "--seed", "7", "-t", "700ms"]
    alone = strest.measure(*args)["books"]["planned"]
    before = server.counted()
    finished = fleet.run(*args, agents=WEIGHTED)
    assert finished.json["books"]["planned"] == alone == server.counted() - before


# The split table of the contract: a total and weights give these shares.
@pytest.mark.parametrize("total, weights, expected", [(10, [1, 1, 1], [4, 3, 3]), (10, [2, 1], [7, 3]), (10, [1, 2], [4, 6]), (2, [1, 1, 1], [1, 1, 0])])
@pytest.mark.option("agent-weight", "requests")
def test_requests_are_split_by_weight(fleet, nginx_with, total, weights, expected):
    server = nginx_with("server { listen 127.0.0.1:PORT; location / { return 200; } }")
    agents = [["--agent-weight", w, "--bind", f"127.0.0.{2 + i}"] for i, w in enumerate(weights)]  # so that the server can tell who sent what
    assert fleet.run("-u", server.url + "/", "--requests", total, "-m", "1", "-t", "20s", agents=agents).json["books"]["ok"] == total
    clients = [line["client"] for line in server.lines()]
    assert [clients.count(f"127.0.0.{2 + i}") for i in range(len(weights))] == expected


@pytest.mark.slow
@pytest.mark.timing
@on_a_quiet_machine
def test_arrivals_of_weighted_agents_are_evenly_spaced(strest, target):
    """The test of one process (test_schedule.py), on what agents of weights 1, 2 and 3 send together."""
    server = target()
    whole(Fleet(strest).run("-u", server.url + "/", "-m", "64", "--rate", "500", "-t", "10s", agents=WEIGHTED), server)
    stamps = server.record.arrivals()
    arrivals = [(stamp - stamps[0]) / 1e9 for stamp in stamps]
    assert len(arrivals) == 5000
    assert ks_p_value(arrivals, uniform_cdf(0, 10)) > 0.001
    gaps = [b - a for a, b in zip(arrivals, arrivals[1:])]
    assert percentile(gaps, 0.25) > 0.0015 and percentile(gaps, 0.75) < 0.0025


# ---- what travels ----


@pytest.mark.option("http2", "insecure")
def test_http2_over_tls(fleet, target):
    server = target("--tls")
    server.url = server.url.replace("http:", "https:")
    result = whole(fleet.run("-u", server.url + "/", "--http2", "--insecure", "--rate", "200", "-t", "1s"), server)
    assert result["books"]["ok"] == 200
    assert result["protocol"]["connections"]["h2"] == result["connections"]["opened"] > 0


@pytest.mark.option("cacert", "cert", "key")
def test_certificates_travel(fleet, made, tls_nginx, folder):
    """The agents stand where none of the files is; the server wants a certificate of its clients."""
    server = tls_nginx(more=f"ssl_verify_client on; ssl_client_certificate {made.root.cert};")
    args = ["-u", server.url + "/", "--cacert", made.root.cert, "--cert", made.client.cert, "--key", made.client.key, "--requests", "30", "-m", "2", "-t", "20s"]
    assert fleet.run(*args).json["books"]["ok"] == 30
    assert {line[4] for line in server.lines()} == {"SUCCESS"}


@pytest.mark.parametrize("words", [["-D", "FILE"], ["-F", "part=@FILE"]])
@pytest.mark.option("data-file", "form")
def test_a_body_file_travels(fleet, scripted, tmp_path, words):
    """The file is gone when the agents come."""
    server = scripted(always(answer()))
    content = bytes(range(256)) * 20
    (tmp_path / "body").write_bytes(content)
    words = [word.replace("FILE", str(tmp_path / "body")) for word in words]
    controller = fleet.controller("--json", "--min-agents", "2", "-u", server.url + "/", "-X", "post", *words, "--requests", "9", "-m", "1", "-t", "20s")
    (tmp_path / "body").unlink()
    agents = [fleet.agent(), fleet.agent()]
    finished = controller.wait(LIMIT)
    assert finished.code == 0 and finished.json["books"]["ok"] == 9, finished
    assert [agent.wait().code for agent in agents] == [0, 0]
    assert server.counted == 9 and all(content in request.body for request in server.requests)


@pytest.mark.option("urls-from-file")
def test_a_list_of_urls_travels(fleet, target, tmp_path):
    server = target()
    lines = tmp_path / "urls"
    lines.write_text(f"{server.url}/\n{server.url}/status/204\n")
    result = whole(fleet.run("--urls-from-file", lines, "--requests", "60", "-m", "2", "-t", "20s"), server)
    assert result["books"]["ok"] + result["books"]["failed"] == 60
    assert result["status"] == {"200": 30, "204": 30}


def test_a_scenario_with_data_and_environment_travels(fleet, target, tmp_path, nginx_with):
    """The controller's environment counts, and its file; what came out stands in nginx's log."""
    server = nginx_with("server { listen 127.0.0.1:PORT; location / { return 200; } }")
    (tmp_path / "users.csv").write_text("user\nann\nbob\neve\n")
    (tmp_path / "s.toml").write_text(
        f"""
url = "{server.url}"
[[data]]
file = "{tmp_path}/users.csv"
[scenario]
base_url = "{server.url}"
[[scenario.steps]]
path = "/${{STREST_TEST_PART}}/{{{{env(STREST_TEST_SIZE)}}}}/{{{{user}}}}"
"""
    )
    env = {"STREST_TEST_PART": "blue", "STREST_TEST_SIZE": "big"}
    controller = fleet.controller("--min-agents", "2", "--json", "--config", tmp_path / "s.toml", "--requests", "12", "-m", "1", "-t", "20s", env=env)
    agents = [fleet.agent(), fleet.agent()]
    finished = controller.wait(LIMIT)
    assert finished.code == 0, finished
    paths = [line["request"].split()[1] for line in server.lines()]
    assert len(paths) == 12 and set(paths) == {"/blue/big/ann", "/blue/big/bob", "/blue/big/eve"}
    assert [agent.wait().code for agent in agents] == [0, 0]


# ---- the end of a run ----


@pytest.mark.option("threshold")
def test_a_missed_threshold_is_the_controllers_exit_status(fleet, target):
    finished = fleet.run("-u", target().url + "/status/500", "--rate", "50", "-t", "1s", "--threshold", "errors<1%", code=99)
    assert "missed" in finished.err


@pytest.mark.slow
@pytest.mark.option("threshold-abort")
def test_a_threshold_stops_all_agents_early(fleet, target):
    server = target()
    args = ["--rate", "100", "-t", "25s", "--threshold", "errors<1%", "--threshold-abort", "--stream-summaries", "--stream-interval-ms", "200"]
    finished = fleet.run("-u", server.url + "/status/500", *args, code=99)
    result = whole(finished, server)
    assert result["run"]["ended_by"] == "threshold"
    assert finished.seconds < 20


# ---- streaming ----


@pytest.mark.option("stream-summaries", "stream-interval-ms")
def test_the_course_of_the_run_is_told_when_asked_for(fleet, target):
    server = target()
    args = ["-u", server.url + "/", "--rate", "300", "-t", "3s"]
    without = whole(fleet.run(*args), server)
    assert without["series"]["slots"] == [] or sum(slot["sent"] for slot in without["series"]["slots"]) == 0
    fleet.port = Fleet(fleet.strest).port
    fleet.address = f"127.0.0.1:{fleet.port}"
    with_it = fleet.run(*args, "--stream-summaries", "--stream-interval-ms", "200").json
    sent = [slot["sent"] for slot in with_it["series"]["slots"]]
    assert sum(sent) == 900
    assert all(abs(count - 300) < 30 for count in sent[:3]), sent


def spread_of(arrivals, rate, agents):
    """How far apart the agents have begun, by the target: request k is due at k / rate, and one of so many agents sends each so many-th one."""
    late = [at - k * 1e9 / rate for k, at in enumerate(arrivals)]
    middle = [percentile(late[i::agents], 0.5) for i in range(agents)]
    return max(middle) - min(middle)


@pytest.mark.slow
@pytest.mark.timing
@on_a_quiet_machine
def test_twenty_starts_are_within_a_millisecond(strest, target):
    """Three agents, 100 requests a second for half a second: the target's record tells the spread of each start; each is printed."""
    spreads = []
    for _ in range(20):
        server = target()
        finished = Fleet(strest).run("-u", server.url + "/", "--rate", "100", "-t", "480ms")
        arrivals = server.record.arrivals()
        assert len(arrivals) == 48
        spreads.append(spread_of(arrivals, 100, 3))
        said_spread, doubt = rounds(finished)
        print(f"spread {spreads[-1] / 1000:.0f} us by the target; by the agents {said_spread / 1000:.0f} us, clocks known to {doubt / 1000:.0f} us")
    assert percentile(spreads, 0.5) <= 1e6, spreads
