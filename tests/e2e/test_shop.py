"""A real shop under load by scenarios: what strest says of its requests, steps and iterations is what the shop's database says after the run."""

import csv
import json
import math
import signal
from pathlib import Path

import pytest

import shop_flow
from conftest import check_result, reasons
from servers import wait_for
from shop import Shop
from shop_flow import CART, CHECKOUT, GOOD, ITEM, LOGIN, PIECES, SEARCH, USERS, VISIT

ALL = ["-m", USERS, "-r", USERS]  # all users from the beginning
each_thread = pytest.mark.parametrize("threads", (1, 3))


@pytest.fixture
def shop(keep, folder):
    """shop(refuse_percent=5) starts one."""
    return lambda **more: keep(Shop(folder("shop"), **more))


class Load:
    """Runs strest with scenarios against a shop, and checks what holds for each such run."""

    def __init__(self, strest, folder):
        self.strest, self.folder = strest, folder

    def start(self, shop, scenarios, *words, url=None, **more):
        path = shop_flow.write_config(self.folder, url or shop.url, scenarios, **more)
        return self.strest.start("--config", path, "--json", "--no-charts", *words)

    @staticmethod
    def end(run):
        """The result of a run."""
        finished = run.wait()
        assert finished.code in (0, 3), finished  # 3: some failed
        result = check_result(finished)
        shop_flow.check_books(result)
        return result

    def __call__(self, shop, *args, **more):
        """The result and the shop's counts, of a run without warm-up. self.logins: {iteration that logged in: user of strest}."""
        result = self.end(self.start(shop, *args, **more))
        counts = shop_flow.check_shop(result, shop)
        self.logins = shop_flow.check_sessions(shop)
        return result, counts


@pytest.fixture
def load(strest, tmp_path):
    return Load(strest, tmp_path)


def exact(result, shop, counts):
    """Nothing was left open: all requests were answered, and each is in both books with its status."""
    rows = shop_flow.steps(result)
    assert (result["books"]["open"], result["books"]["lost"], result["books"]["retries"]) == (0, 0, 0), result["books"]
    assert set(reasons(result)) <= {"status/unexpected"}, result["errors"]
    for name, those in rows.items():
        answers = shop.hits(name)
        assert answers.get(GOOD[name], 0) == sum(row["ok"] for row in those), (name, answers)
        assert sum(answers.values()) == sum(map(shop_flow.sent, those)), (name, answers)
    assert counts["sessions"] == sum(row["ok"] for row in rows["login"])
    assert counts["refused"] == sum(row["failed"] for row in rows["login"])
    assert counts["orders"] == counts["lines"] == sum(row["ok"] for row in rows["checkout"])
    assert counts["sold"] == PIECES * counts["orders"] == sum(shop.stock - left for left in counts["left"].values())
    return rows


@each_thread
def test_a_closed_loop_of_200_users(load, shop, threads):
    server = shop()
    result, counts = load(server, VISIT, *ALL, "--requests", "3000", "-t", "50s", "--threads", threads)
    exact(result, server, counts)
    iterations = result["iterations"]
    assert result["books"]["planned"] == result["books"]["ok"] == 3000
    assert iterations["planned"] == counts["sessions"]
    assert iterations["failed"] == iterations["unsent"] == 0
    assert iterations["ok"] == result["steps"][-1]["ok"] <= counts["orders"]
    assert sorted(load.logins) == list(range(iterations["planned"]))  # each iteration once, none left out
    assert set(load.logins.values()) == set(range(USERS))
    assert counts["users"] == min(USERS, iterations["planned"])


def test_a_closed_loop_ends_with_its_time(load, shop):
    """What is under way is finished, what has not begun is not: iterations may be open, requests are not."""
    server = shop()
    result, counts = load(server, shop_flow.think(VISIT, "10ms"), *ALL, "-t", "2s")
    exact(result, server, counts)
    iterations = result["iterations"]
    assert iterations["planned"] == counts["sessions"] == iterations["ok"] + iterations["open"]
    assert 0 < iterations["open"] <= USERS
    assert sorted(load.logins) == list(range(iterations["planned"]))


@each_thread
def test_a_rate_with_think_times(load, shop, threads):
    """1,000 requests a second are 500 iterations in three seconds; what a slow build cannot send of them is unsent."""
    server = shop()
    result, counts = load(server, shop_flow.think(VISIT, "20ms"), "--rate", "1000", "--max-tasks", USERS, "-t", "3s", "--threads", threads)
    exact(result, server, counts)
    iterations = result["iterations"]
    assert iterations["planned"] == 500
    assert iterations["planned"] - iterations["unsent"] == counts["sessions"] == len(load.logins)
    assert iterations["ok"] == result["steps"][-1]["ok"]
    assert max(load.logins) < 500
    assert result["scenarios"][0]["planned"] == 500


@pytest.mark.timing
def test_a_rate_is_kept(load, shop):
    """No iteration is left out, and those that are cut off are of the last tenth of a second: 100 ms of think times before the last step, at 1,000/6 a second."""
    result, counts = load(shop(), shop_flow.think(VISIT, "20ms"), "--rate", "1000", "--max-tasks", USERS, "-t", "3s")
    assert counts["sessions"] == 500 and result["books"]["unsent"] == 0
    assert 15 <= result["iterations"]["open"] <= 100
    assert result["iterations"]["duration_ns"]["min"] >= 100_000_000


@pytest.mark.parametrize("model", (["--rate", "1000"], ["--rate", "150", "--rate-unit", "iterations"]))
def test_a_number_of_requests_under_a_rate_is_whole_iterations(load, shop, model):
    server = shop()
    result, counts = load(server, shop_flow.think(VISIT, "1ms"), *model, "--max-tasks", USERS, "--requests", "1000", "-t", "50s")
    exact(result, server, counts)
    assert result["iterations"]["ok"] == counts["orders"] == math.ceil(1000 / len(VISIT))
    assert result["books"]["ok"] == result["books"]["planned"] == math.ceil(1000 / len(VISIT)) * len(VISIT)
    assert sorted(load.logins) == list(range(counts["sessions"]))


@pytest.mark.option("rate-unit")
def test_a_rate_of_iterations(load, shop):
    """150 a second for two seconds are 300, whatever the number of their steps."""
    server = shop()
    for steps, words in (VISIT, ["--rate-unit", "iterations", "--rate", "150"]), (VISIT[:3], ["--rate", "450", "--rate-unit", "requests"]):
        before = server.counts()["sessions"]
        result = load.end(load.start(server, steps, *words, "--max-tasks", USERS, "-t", "2s"))
        iterations = result["iterations"]
        assert (iterations["asked_per_s"], iterations["steps_mean"], iterations["planned"]) == (150, len(steps), 300)
        assert server.counts()["sessions"] - before == 300 - iterations["unsent"] == result["steps"][0]["ok"]


@pytest.mark.parametrize("model", (["--requests", "2500", "-t", "50s"], ["--rate", "1000", "-t", "2s"]), ids=("closed", "rate"))
@pytest.mark.parametrize("on_failure", ("restart", "continue"))
def test_refused_logins(load, shop, on_failure, model):
    server = shop(refuse_percent=5)
    result, counts = load(server, VISIT, *ALL, *model, on_failure=on_failure)
    rows = exact(result, server, counts)
    login, checkout = rows["login"][0], rows["checkout"][0]
    refused = [f"user{n}" for n in range(USERS) if server.refuses(f"user{n}")]
    assert 2 <= len(refused) <= 25
    assert login["failed"] == counts["refused"] > 0
    assert {user for user, in server.rows("SELECT user FROM refused")} <= set(refused)
    assert login["errors"] == {"status": {"unexpected": counts["refused"]}}
    assert server.hits("login") == {200: counts["sessions"], 401: counts["refused"]}
    ends = result["iterations"]
    if on_failure == "restart":
        assert ends["failed"] == counts["refused"]
        assert (checkout["failed"], server.hits("checkout")) == (0, {201: counts["orders"]})
        assert set(result["status"]) == {"200", "201", "401"}
        assert sum(row["failed"] for row in result["steps"]) == counts["refused"]
    else:
        assert checkout["errors"] == {"status": {"unexpected": checkout["failed"]}}
        assert server.hits("checkout") == {201: counts["orders"], 401: checkout["failed"]}
        assert 0 < ends["failed"] <= checkout["failed"] <= counts["refused"] <= ends["failed"] + ends["open"]
        assert rows["search"][0]["failed"] == rows["item"][0]["failed"] == 0


def test_sold_out(load, shop):
    """One item, 300 pieces, two for each order."""
    server = shop(items=1, stock=300)
    result, counts = load(server, VISIT[:5], *ALL, "--requests", "2500", "-t", "50s")
    rows = exact(result, server, counts)
    checkout = rows["checkout"][0]
    assert counts["orders"] == checkout["ok"] == 150
    assert counts["left"] == {1: 0}
    assert server.hits("checkout") == {201: 150, 409: checkout["failed"]}
    assert checkout["failed"] > 0 and checkout["errors"] == {"status": {"unexpected": checkout["failed"]}}
    assert (result["iterations"]["ok"], result["iterations"]["failed"]) == (150, checkout["failed"])
    assert result["status"]["409"] == result["books"]["failed"] == checkout["failed"]


@pytest.mark.parametrize("model", (["--threads", 3], ["--rate", "1200", "--threads", 2]), ids=("closed", "rate"))
def test_unique_rows_log_each_user_in_once(load, shop, model):
    server = shop()
    result, counts = load(server, VISIT, "-m", 50, "-r", 50, "-t", "50s", *model, order="unique")
    exact(result, server, counts)
    assert (counts["sessions"], counts["users"], counts["orders"]) == (USERS, USERS, USERS)
    assert result["iterations"]["planned"] == result["iterations"]["ok"] == USERS
    assert sorted(load.logins) == list(range(USERS))


@pytest.mark.parametrize("model", ([], ["--rate", "1000"]), ids=("closed", "rate"))
def test_the_warmup_is_in_the_attempts(load, shop, model):
    """The shop knows nothing of a warm-up."""
    server = shop()
    result = load.end(load.start(server, shop_flow.think(VISIT, "10ms"), *ALL, "-t", "2s", "--warmup", "1s", *model))
    books, counts = result["books"], server.check(PIECES)
    assert books["failed"] == books["open"] == 0
    assert books["attempts_warmup"] > 0
    assert books["attempts"] == books["ok"] + books["attempts_warmup"] == sum(sum(answers.values()) for answers in server.hits().values())
    assert result["iterations"]["planned"] - result["iterations"]["unsent"] < counts["sessions"]
    assert sorted(shop_flow.check_sessions(server)) == list(range(counts["sessions"]))


@pytest.mark.parametrize("model", ([], ["--rate", "1000"]), ids=("closed", "rate"))
def test_a_signal_ends_it_with_true_books(load, shop, model):
    server = shop()
    run = load.start(server, shop_flow.think(VISIT, "5ms"), *ALL, "-t", "50s", *model)
    wait_for(lambda: server.counts()["orders"] >= 100, what="the hundredth order")
    run.signal(signal.SIGINT)
    result = load.end(run)
    counts = shop_flow.check_shop(result, server)
    iterations = result["iterations"]
    assert result["run"]["ended_by"] == "signal"
    assert iterations["open"] > 0
    assert iterations["ok"] <= counts["orders"] <= iterations["ok"] + iterations["open"]
    assert counts["sessions"] <= iterations["planned"] - iterations["unsent"]


def test_a_shop_that_goes_down_has_what_was_counted_as_ok(load, shop):
    """nginx answers 502 from then on: what was under way may be in the shop's books, and is in no case lost from strest's."""
    server = shop()
    run = load.start(server, VISIT, *ALL, "--rate", "1000", "-t", "50s")
    wait_for(lambda: server.counts()["orders"] >= 100, what="the hundredth order")
    server.app.end()
    wait_for(lambda: "\n502 POST /checkout" in (server.folder / "access.log").read_text(), what="an order that fails")
    run.signal(signal.SIGINT)
    result = load.end(run)
    rows, counts = shop_flow.steps(result), shop_flow.check_shop(result, server, is_down=True)
    assert result["status"]["502"] > 0
    assert rows["checkout"][0]["ok"] <= counts["orders"] <= rows["checkout"][0]["ok"] + rows["checkout"][0]["failed"]


BUY = [LOGIN, {**CART, "data": '{"item":{{random(1,100)}},"count":%d}' % PIECES}, CHECKOUT]
MIX = {"browse": (3, [SEARCH, ITEM]), "buy": (1, BUY)}


def test_two_scenarios_by_weight(load, shop, folder):
    """Who buys is drawn for each iteration, the same way whatever the number of threads and the model."""
    bought = []
    for words in (["--threads", 1], ["--threads", 3], ["--rate", "2000", "--threads", 2]):
        server = shop()
        result, counts = load(server, MIX, *ALL, "--requests", "3000", "-t", "50s", "--seed", "7", *words)
        exact(result, server, counts)
        browse, buy = result["scenarios"]
        assert [browse["name"], buy["name"]] == ["browse", "buy"]
        assert [step["name"] for step in result["steps"]] == ["browse/search", "browse/item", "buy/login", "buy/cart", "buy/checkout"]
        assert browse["planned"] - browse["unsent"] == server.hits("search")[200]
        assert browse["ok"] == server.hits("item")[200]
        assert buy["planned"] - buy["unsent"] == counts["sessions"]
        assert buy["ok"] == counts["orders"]
        planned = browse["planned"] + buy["planned"]
        assert abs(buy["planned"] - planned / 4) < 5 * math.sqrt(planned * 3 / 16)
        bought.append({n for n in load.logins if n < 1000})
        assert planned >= 1000
    assert bought[0] == bought[1] == bought[2]


def test_exports_tell_the_step_of_each_request(load, shop, tmp_path):
    server = shop(refuse_percent=5)
    logs = tmp_path / "logs"
    words = ["--threads", 2, "--export-csv", tmp_path / "all.csv", "--keep-tmp", "--tmp-path", logs]
    result, counts = load(server, MIX, *ALL, "--requests", "1500", "-t", "50s", *words)
    exact(result, server, counts)
    with open(tmp_path / "all.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 1500
    [log] = Path(logs).glob("metrics-*.log")
    head, *lines, _ = log.read_text().splitlines()
    head = json.loads(head.removeprefix("# strest "))
    records = [dict(zip(head["columns"], line.split(","))) for line in lines]
    for number, step in enumerate(result["steps"]):
        of_step = [row for row in rows if row["step"] == str(number)]
        assert {row["step_name"] for row in of_step} == {step["name"]}
        assert sum(row["outcome"] == "ok" for row in of_step) == step["ok"]
        assert sum(row["outcome"] == "status" for row in of_step) == step["failed"]
        assert sum(row["status_code"] == "401" for row in of_step) == server.hits(step["name"].partition("/")[2]).get(401, 0)
        assert [sorted((row["done_ns"], row["status_code"]) for row in of_step)] == [
            sorted((record["done_ns"], record["status_code"]) for record in records if record["step"] == str(number))]


@pytest.mark.parametrize("tls", (False, True), ids=("h2c", "h2"))
def test_over_http2(load, shop, nginx_with, made, tls):
    server = shop(refuse_percent=5)
    files = f"ssl_certificate {made.good.cert}; ssl_certificate_key {made.good.key};" if tls else ""
    front = nginx_with(f"""
        upstream app {{ server 127.0.0.1:{server.app.port} max_fails=0; keepalive 256; }}
        server {{
            listen 127.0.0.1:PORT {'ssl' if tls else ''} http2; {files} keepalive_requests 100000;
            location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }}
        }}""")
    url = f"http{'s' if tls else ''}://127.0.0.1:{front.port}"
    words = ["--http2", "--http2-parallel", "10", *(["--insecure"] if tls else [])]
    result, counts = load(server, VISIT, *ALL, "--requests", "2500", "-t", "50s", *words, url=url)
    exact(result, server, counts)
    assert result["protocol"]["connections"]["h2"] == result["connections"]["opened"] > 0
    assert result["iterations"]["planned"] == counts["sessions"] + counts["refused"]
    assert counts["refused"] > 0
