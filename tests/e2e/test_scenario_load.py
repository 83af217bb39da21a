"""Scenarios under load: requests, steps and iterations are what the server says it received, in every mode, on every protocol, whatever happens to the server."""

import collections
import json
import random
import re
import signal
import ssl
import time
import urllib.request

import pytest

from conftest import check_result, says
from flows import check_flow, measure, scenario, step_errors
from servers import answer, free_port, respond, wait_for

MODES = {
    "closed": ["-m", "16", "-r", "16", "-t", "600ms"],
    "rate": ["-m", "64", "--rate", "2000", "-t", "600ms"],
    "iterations": ["-m", "64", "--rate", "500", "--rate-unit", "iterations", "-t", "600ms"],
    "stages": ["-m", "64", "--stages", "300ms@1000,300ms@3000", "-t", "600ms"],
    "poisson": ["-m", "64", "--rate", "2000", "--arrival", "poisson", "-t", "600ms"],
    "requests": ["-m", "16", "-r", "16", "--requests", "1999", "-t", "30s"],
    "requests at a rate": ["-m", "64", "--rate", "3000", "--requests", "1999", "-t", "30s"],
}
each_mode = pytest.mark.parametrize("mode", MODES)
each_thread = pytest.mark.parametrize("threads", [1, 4])

LOGIN = {
    "name": "login",
    "method": "post",
    "path": "/login",
    "data": '{"user":"u{{iter}}"}',
    "extract": {"token": {"json": "/token"}},
    "assert_body_contains": "token",
}
BEARER = ["Authorization: Bearer {{token}}"]
BUY = [
    LOGIN,
    {"name": "search", "path": "/search?q={{random(1,1000)}}", "extract": {"item": {"json": "/results/0/id"}}},
    {"name": "item", "path": "/items/{{item}}"},
    {"name": "checkout", "method": "post", "path": "/checkout", "headers": BEARER},
]
COUNTED = {"login": "logins", "search": "searches", "item": "items", "checkout": "orders"}


def shop_stats(server):
    """What the shop says of itself; one request more."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(server.url + "/shop/stats", timeout=10, context=unchecked if server.url.startswith("https:") else None) as said:
        return json.load(said)


@each_mode
@each_thread
@pytest.mark.option("rate-unit")
def test_the_shop_counts_every_step(strest, way, flow, mode, threads):
    server = way("--threads", "2")
    result = measure(strest, flow(server.url, BUY), *way.words, "--threads", threads, *MODES[mode])
    books, iterations, steps = result["books"], result["iterations"], check_flow(result)
    assert books["attempts"] == server.record.requests > 0
    assert books["failed"] == books["open"] == books["lost"] == 0
    said = shop_stats(server)
    assert {name: steps[name]["ok"] for name in steps} == {name: said[key] for name, key in COUNTED.items()}
    assert said["refused"] == said["denied"] == said["bad"] == 0
    assert iterations["failed"] == 0
    assert iterations["ok"] == steps["checkout"]["ok"]
    assert iterations["planned"] == steps["login"]["planned"]
    way.check(result)


def test_bodies_and_cookies_arrive_on_every_protocol(strest, way, flow):
    """The shop knows who asks by the cookie of the login alone, and the user by the login's body; the echo gives 300 KB back."""
    server = way()
    steps = [
        {"method": "post", "path": "/login", "data": '{"seq":{{seq}},"user":"{{user}}"}'},
        {"path": "/profile", "assert_json": {"/user": "demo"}},
        {"method": "post", "path": "/echo", "data": "{{long}}<{{user}}>", "headers": ["X-Seq: {{seq}}"], "assert_body_contains": "xyz<demo>", "assert_body_regex": "^xyzxyz"},
    ]
    path = flow(server.url, steps, vars={"user": "demo", "long": "xyz" * 100_000})
    result = measure(strest, path, *way.words, "-m", "8", "-r", "8", "--threads", "2", "--requests", "150", "-t", "30s")
    assert result["books"]["ok"] == server.counted() == 150
    way.check(result)


@each_thread
@pytest.mark.option("requests")
def test_requests_counts_steps_in_a_closed_loop(strest, way, flow, threads):
    server = way()
    result = measure(strest, flow(server.url, BUY), *way.words, "--threads", threads, "-m", "7", "-r", "7", "--requests", "1001", "-t", "30s")
    assert result["books"]["planned"] == result["books"]["ok"] == server.counted() == 1001
    assert result["run"]["ended_by"] == "requests"


@pytest.mark.parametrize(("requests", "planned"), [(1, 4), (4, 4), (5, 8), (1000, 1000), (1001, 1004)])
@each_thread
def test_requests_counts_whole_iterations_at_a_rate(strest, target, flow, requests, planned, threads):
    server = target()
    result = measure(strest, flow(server.url, BUY), "--threads", threads, "-m", "64", "--rate", "2000", "--requests", requests, "-t", "30s")
    assert result["books"]["planned"] == result["books"]["ok"] == server.counted() == planned
    assert result["iterations"]["planned"] == result["iterations"]["ok"] == planned // 4
    assert result["run"]["ended_by"] == "requests"


@pytest.mark.option("rate-unit")
def test_a_rate_is_of_requests_or_of_iterations(strest, target, flow):
    server = target()
    path = flow(server.url, BUY)
    for unit, want in (("requests", 100), ("iterations", 400)):
        result = measure(strest, path, "-m", "64", "--rate", "400", "--rate-unit", unit, "-t", "1s")
        assert result["iterations"]["planned"] == want
        assert 0.9 * 4 * want < result["books"]["planned"] <= 4 * want


@pytest.mark.option("rate-unit")
def test_the_unit_of_a_rate_is_one_of_two(strest, flow):
    says(strest.run("--config", flow("http://127.0.0.1:9", BUY), "--rate", "5", "--rate-unit", "users"), 2, "--rate-unit", "users", "iterations")
    says(strest.run("--config", flow("http://127.0.0.1:9", BUY, top={"rate_unit": "users"}), "--rate", "5"), 1, "rate_unit", "users", "iterations")


@each_thread
@pytest.mark.parametrize("mode", ["closed", "rate", "iterations", "poisson"])
def test_the_warmup_is_left_out_of_all_books(strest, target, flow, mode, threads):
    server = target()
    result = measure(strest, flow(server.url, BUY), "--threads", threads, *MODES[mode], "--warmup", "250ms")
    books = result["books"]
    assert books["attempts_warmup"] > 0
    assert books["attempts"] == books["attempts_warmup"] + books["ok"] == server.counted()
    assert books["unsent"] == books["failed"] == books["open"] == 0
    assert result["iterations"]["failed"] == 0


def test_requests_counts_from_the_end_of_the_warmup(strest, target, flow):
    server = target()
    result = measure(strest, flow(server.url, BUY), "-m", "8", "-r", "8", "--requests", "500", "--warmup", "200ms", "-t", "30s", "--threads", "2")
    books = result["books"]
    assert books["planned"] == books["ok"] == 500
    assert books["attempts"] == 500 + books["attempts_warmup"] == server.counted()
    assert books["attempts_warmup"] > 0


# ---- servers that do not behave

MID = {
    "closed": ["-m", "16", "-r", "16", "-t", "1200ms", "--timeout", "500ms", "--connect-timeout", "500ms"],
    "open": ["-m", "64", "--rate", "1000", "-t", "1200ms", "--timeout", "500ms", "--connect-timeout", "500ms"],
}
each_load = pytest.mark.parametrize("load", MID)


def start_and_reach(strest, server, path, *words, requests=200):
    run = strest.start("--json", "--no-charts", "--config", path, *words)
    wait_for(lambda: server.counted() >= requests or not run.alive(), what="the first requests")
    return run


def finish(run, code=0):
    finished = run.wait()
    assert finished.code == code, finished
    result = check_result(finished)
    check_flow(result)
    return result


@each_load
@each_thread
def test_books_balance_when_the_server_is_killed(strest, way, flow, load, threads):
    server = way()
    run = start_and_reach(strest, server, flow(server.url, BUY), *way.words, "--threads", threads, *MID[load])
    server.kill()
    result = finish(run)
    assert result["books"]["ok"] <= server.counted() <= result["books"]["attempts"]
    assert result["books"]["failed"] > 0 and result["iterations"]["failed"] > 0


@each_load
@each_thread
@pytest.mark.parametrize("on_failure", ["continue", "restart"])
def test_books_balance_when_the_server_hangs(strest, way, flow, load, threads, on_failure):
    server = way()
    run = start_and_reach(strest, server, flow(server.url, BUY, on_failure=on_failure), *way.words, "--threads", threads, *MID[load])
    server.signal(signal.SIGSTOP)
    result = finish(run)
    assert result["errors"]["timeout"]["response"] > 0
    server.signal(signal.SIGCONT)
    server.stats()
    assert result["books"]["ok"] <= server.counted() <= result["books"]["attempts"]


@each_load
@each_thread
def test_books_balance_after_an_interrupt(strest, way, flow, load, threads):
    server = way()
    path = flow(server.url, [{"path": "/delay/20ms", "think_time": "500ms"}, *BUY])
    run = start_and_reach(strest, server, path, *way.words, "--threads", threads, "-m", "64", *(["--rate", "1000"] if load == "open" else ["-r", "64"]), "-t", "30s",
                          requests=100)
    run.signal(signal.SIGINT)
    result = finish(run)
    assert result["run"]["ended_by"] == "signal"
    assert result["books"]["attempts"] == server.counted()
    assert result["iterations"]["open"] > 0


@each_load
def test_iterations_are_open_when_the_run_ends_in_a_think_time(strest, target, flow, load):
    server = target()
    path = flow(server.url, [{"path": "/", "think_time": "20s"}, "/"])
    result = measure(strest, path, "-m", "8", *(["--rate", "8", "--rate-unit", "iterations"] if load == "open" else ["-r", "8"]), "-t", "1s")
    assert result["iterations"]["open"] == result["iterations"]["planned"] == 8
    assert result["books"]["planned"] == result["books"]["ok"] == server.counted() == 8
    assert [row["planned"] for row in result["steps"]] == [8, 0]


def test_iterations_without_a_free_user_are_unsent(strest, target, flow):
    server = target()
    path = flow(server.url, ["/delay/100ms", "/delay/100ms"])
    result = measure(strest, path, "-m", "4", "--rate", "100", "--rate-unit", "iterations", "-t", "1s", "--timeout", "250ms")
    iterations, (first, second) = result["iterations"], result["steps"]
    assert iterations["planned"] == 100 == first["planned"]
    assert 10 <= iterations["ok"] <= 20
    assert iterations["unsent"] == first["unsent"] >= 60
    assert second["unsent"] == 0
    assert server.counted() == result["books"]["attempts"]


def test_a_user_that_thinks_is_not_free(strest, target, flow):
    """10 users, each 200 ms of think time in an iteration: 50 a second at most, though 200 are due."""
    server = target()
    path = flow(server.url, [{"path": "/", "think_time": "200ms"}, "/"])
    result = measure(strest, path, "-m", "10", "--rate", "400", "-t", "1s")
    assert 20 <= result["iterations"]["ok"] <= 50
    assert result["iterations"]["planned"] == 200 == result["steps"][0]["planned"]
    assert server.counted() == result["books"]["ok"]


@each_thread
def test_1000_users_think(strest, target, flow, threads):
    server = target()
    path = flow(server.url, [{"path": "/", "think_time": "300ms"}, {"path": "/", "think_time": "300ms"}])
    result = measure(strest, path, "-m", "1000", "-r", "1000", "--threads", threads, "-t", "1500ms")
    assert 2000 <= result["books"]["ok"] <= 5000
    assert result["books"]["ok"] == server.counted()
    assert 1000 <= result["iterations"]["ok"] <= 2000
    assert result["connections"]["opened"] <= 1000


class Moods:
    """A server that does everything wrong now and then; `other` is where it sends people."""

    def __init__(self, other):
        self.other, self.dice = other, random.Random(4)

    def __call__(self, server, peer):
        for _ in iter(lambda: server.read(peer), None):
            mood = self.dice.randrange(25)
            if mood == 0:
                return peer.reset()
            if mood == 1:
                return peer.close()
            if mood == 2:
                peer.send(answer(b'{"v":"cut off"}')[:-4])
                return peer.close()
            if mood == 3:
                time.sleep(0.15)
            bad = {4: b"garbage\r\n\r\n", 5: answer(status="500 No"), 6: answer(b"", status="302 There", fields=["Location: /to", "Set-Cookie: c=0; Path=/"]),
                   7: answer(b"", status="307 There", fields=[f"Location: {self.other.url}/to"]), 8: answer(b"no JSON")}
            good = answer(b'{"v":"%d"}' % self.dice.randrange(1000), fields=[f"Set-Cookie: c={self.dice.randrange(9)}; Path=/"])
            peer.send(bad.get(mood, good))
            if mood == 4:
                return None
        return None


MOODY = {
    "closed": ["-m", "20", "-r", "20", "-t", "1s"],
    "open": ["-m", "30", "--rate", "800", "-t", "1s"],
    "open, few users": ["-m", "4", "--rate", "800", "-t", "1s"],
    "requests": ["-m", "20", "-r", "20", "--requests", "500", "--warmup", "100ms", "-t", "20s"],
    "requests at a rate": ["-m", "20", "--rate", "500", "--requests", "300", "--warmup", "100ms", "-t", "20s"],
}


@each_thread
@pytest.mark.parametrize("mode", MOODY)
@pytest.mark.parametrize("on_failure", ["continue", "restart"])
def test_a_server_that_does_everything_wrong_has_had_every_attempt(strest, scripted, flow, mode, threads, on_failure):
    other = scripted(respond(lambda request: answer(b'{"v":"other"}')))
    server = scripted(Moods(other))
    steps = [
        {"path": "/a/{{seq}}", "extract": {"v": {"json": "/v"}}},
        {"path": "/b/{{v}}", "method": "post", "data": "{{v}}{{uuid}}", "headers": ["X-V: {{v}}"], "think_time": "5ms"},
        {"path": "/c", "extract": {"c": {"cookie": "c"}}},
        {"url": other.url + "/{{v}}/{{c}}"},
    ]
    path = flow.mix(long=scenario(server.url, steps, on_failure=on_failure), short=scenario(server.url, ["/d"]))
    result = measure(strest, path, *MOODY[mode], "--threads", threads, "--timeout", "100ms")
    assert result["books"]["attempts"] == server.counted + other.counted
    assert result["books"]["ok"] > result["books"]["failed"] > 0
    assert result["iterations"]["ok"] > 0 and result["iterations"]["failed"] > 0
    if on_failure == "restart" and "--warmup" not in MOODY[mode]:
        assert result["iterations"]["failed"] == result["books"]["failed"]


# ---- failures and what follows them


@pytest.fixture
def moody(scripted):
    """/fine answers 200, /bad 500; all requests are kept."""
    return scripted(respond(lambda request: answer(status="500 No" if request.path.startswith("/bad") else "200 OK")))


@pytest.mark.parametrize("load", [["-m", "1", "-t", "20s"], ["-m", "8", "--rate", "500", "-t", "20s"]])
def test_a_failed_step_goes_on_or_ends_the_iteration(strest, moody, flow, load):
    steps = ["/fine", "/bad", "/then"]
    goes_on = measure(strest, flow(moody.url, steps), *load, "--requests", "60")
    assert [(row["ok"], row["failed"]) for row in goes_on["steps"]] == [(20, 0), (0, 20), (20, 0)]
    assert (goes_on["iterations"]["ok"], goes_on["iterations"]["failed"]) == (0, 20)
    assert step_errors(goes_on["steps"][1]) == {"status/unexpected": 20}
    before = moody.counted
    ends = measure(strest, flow(moody.url, steps, on_failure="restart"), *load, "--requests", "60")
    counts = collections.Counter(request.path for request in moody.requests[before:])
    assert counts["/then"] == 0 == ends["steps"][2]["planned"]
    assert counts["/fine"] == ends["steps"][0]["ok"]
    assert counts["/bad"] == ends["steps"][1]["failed"]
    assert ends["iterations"]["failed"] == counts["/bad"]


def test_steps_may_go_to_several_servers_with_few_connections(strest, scripted, flow):
    servers = [scripted(respond(lambda request: answer())) for _ in range(3)]
    path = flow(servers[0].url, [{"url": f"{server.url}/{{{{iter}}}}"} for server in servers])
    for load in (["-m", "1"], ["-m", "3", "--rate", "900"]):
        before = [server.counted for server in servers]
        result = measure(strest, path, *load, "--requests", "300", "-t", "20s")
        assert result["books"]["ok"] == 300
        assert [server.counted - was for server, was in zip(servers, before)] == [100, 100, 100]


def test_a_server_that_is_not_there_fails_its_step_only(strest, scripted, flow):
    server = scripted(respond(lambda request: answer()))
    path = flow(server.url, ["/a", {"url": f"http://127.0.0.1:{free_port()}/b"}, "/c"])
    for load in (["-m", "2", "-r", "2"], ["-m", "8", "--rate", "300"]):
        result = measure(strest, path, *load, "-t", "800ms")
        first, gone, last = result["steps"]
        assert first["failed"] == last["failed"] == gone["ok"] == 0
        assert last["ok"] > 0 and set(step_errors(gone)) == {"connect/refused"}


@each_thread
def test_scenarios_have_their_share_by_weight(strest, target, flow, threads):
    server = target()
    path = flow.mix(
        many={**scenario(server.url, ["/search?q=x"]), "weight": 6},
        some={**scenario(server.url, ["/items/1", "/items/2"]), "weight": 3},
        few={**scenario(server.url, [{**LOGIN, "name": "in"}, {"name": "out", "path": "/profile", "headers": BEARER}, "/"]), "weight": 1},
    )
    result = measure(strest, path, "--threads", threads, "-m", "16", "-r", "16", "--requests", "6000", "-t", "30s")
    rows = {row["name"]: row for row in result["scenarios"]}
    ended = sum(row["ok"] for row in rows.values())
    for name, share in {"many": 0.6, "some": 0.3, "few": 0.1}.items():
        assert abs(rows[name]["ok"] / ended - share) < 0.05, rows
    said = shop_stats(server)
    steps = check_flow(result)
    assert list(steps) == ["many/step 1", "some/step 1", "some/step 2", "few/in", "few/out", "few/step 3"]
    assert said["searches"] == steps["many/step 1"]["ok"]
    assert said["items"] == steps["some/step 1"]["ok"] + steps["some/step 2"]["ok"]
    assert said["logins"] == steps["few/in"]["ok"]
    assert said["profiles"] == steps["few/out"]["ok"]


@each_load
@each_thread
def test_a_mix_at_any_load_has_books_that_balance(strest, target, flow, load, threads):
    server = target()
    path = flow.mix(a=scenario(server.url, ["/"]), b=scenario(server.url, [f"/items/{i}" for i in range(1, 6)]), c=scenario(server.url, BUY))
    words = ["-m", "4", "--rate", "6000"] if load == "open" else ["-m", "4", "-r", "4"]
    result = measure(strest, path, *words, "--threads", threads, "-t", "600ms")
    assert result["books"]["attempts"] == server.counted()
    assert result["books"]["failed"] == 0


def test_requests_that_are_impossible_do_not_spin(strest, scripted, flow):
    """Each is counted as failed without being sent; in a closed loop the user waits 100 ms."""
    server = scripted(respond(lambda request: answer(b'{"v":"a\\r\\nb"}')))
    path = flow(server.url, [{"path": "/a", "extract": {"v": {"json": "/v"}}}, {"path": "/b", "headers": ["X-V: {{v}}"]}, "/c"])
    result = measure(strest, path, "-m", "1", "-t", "1s")
    first, impossible, last = result["steps"]
    assert 5 <= impossible["failed"] <= 11
    assert step_errors(impossible) == {"protocol/request_impossible": impossible["failed"]}
    assert server.counted == result["books"]["attempts"] == first["ok"] + last["ok"]
    assert {request.path for request in server.requests} == {"/a", "/c"}
    at_rate = measure(strest, path, "-m", "8", "--rate", "300", "--requests", "90", "-t", "20s")
    assert [(row["ok"], row["failed"]) for row in at_rate["steps"]] == [(30, 0), (0, 30), (30, 0)]
    assert at_rate["iterations"]["failed"] == 30


@each_thread
@each_load
def test_rows_that_are_used_up_end_the_run(strest, target, flow, load, threads):
    server = target()
    flow.put("users.csv", "user\n" + "".join(f"u{i}\n" for i in range(50)))
    path = flow(server.url, BUY, data=[{"file": str(flow.folder / "users.csv"), "order": "unique"}])
    words = ["-m", "64", "--rate", "2000"] if load == "open" else ["-m", "8", "-r", "8"]
    start = time.monotonic()
    result = measure(strest, path, *words, "--threads", threads, "-t", "20s")
    assert time.monotonic() - start < 15
    assert result["iterations"]["ok"] == result["iterations"]["planned"] == 50
    assert result["books"]["ok"] == result["books"]["planned"] == server.counted() == 200


@each_thread
@each_load
@pytest.mark.parametrize("rows", [10, 100])
def test_rows_that_are_used_up_in_the_warmup_leave_books_that_balance(strest, target, flow, load, threads, rows):
    server = target()
    flow.put("users.csv", "user\n" + "".join(f"u{i}\n" for i in range(rows)))
    path = flow(server.url, [{"path": "/", "think_time": "20ms"}, "/"], data=[{"file": str(flow.folder / "users.csv"), "order": "unique"}])
    words = ["-m", "64", "--rate", "400"] if load == "open" else ["-m", "4", "-r", "4"]
    result = measure(strest, path, *words, "--threads", threads, "--warmup", "400ms", "-t", "1s")
    assert result["books"]["attempts"] == server.counted() == 2 * rows
    assert result["books"]["planned"] == result["books"]["ok"] == 2 * rows - result["books"]["attempts_warmup"]
    assert (result["iterations"]["planned"] == 0) == (rows == 10)
    assert result["run"]["ended_by"] == "data"


def test_the_summary_tells_of_steps_and_iterations(strest, target, flow):
    finished = strest.run("--no-charts", "--config", flow(target().url, BUY), "-m", "2", "-r", "2", "--requests", "40", "-t", "20s")
    assert finished.code == 0, finished
    for word in ("login", "search", "item", "checkout", "teration"):
        assert re.search(word, finished.out), finished
