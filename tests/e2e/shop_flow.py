"""Scenarios for the shop of shop.py, and the comparison of strest's books with the shop's.

A user's password, as it reaches the shop, is "PASSWORD/ITERATION/USER": so the shop's sessions tell which iteration logged in, and as which user of strest.
"""

import collections
import json
import time
from pathlib import Path

from servers import wait_for

USERS = 200
PIECES = 2  # that each visit buys
JSON = ["Content-Type: application/json"]
BEARER = [*JSON, "Authorization: Bearer {{token}}"]

LOGIN = {
    "name": "login", "method": "POST", "path": "/login", "headers": JSON, "assert_status": 200, "extract": {"token": {"json": "/token"}},
    "data": '{"user":"{{user}}","password":"{{password}}/{{iter}}/{{worker}}"}',
}
SEARCH = {"name": "search", "path": "/search?q=word+{{random(1,1000)}}", "assert_status": 200, "extract": {"item": {"json": "/results/0/id"}}}
ITEM = {"name": "item", "path": "/items/{{item}}", "assert_status": 200}
CART = {"name": "cart", "method": "POST", "path": "/cart", "headers": JSON, "data": '{"item":{{item}},"count":%d}' % PIECES, "assert_status": 200}
CHECKOUT = {"name": "checkout", "method": "POST", "path": "/checkout", "headers": BEARER, "data": "{}", "assert_status": 201}
PROFILE = {"name": "profile", "path": "/profile", "assert_status": 200, "assert_json": {"/cart": 0}}
VISIT = [LOGIN, SEARCH, ITEM, CART, CHECKOUT, PROFILE]  # cart and profile by the cookie alone
GOOD = {"login": 200, "search": 200, "item": 200, "cart": 200, "checkout": 201, "profile": 200}


def password(number):
    return f"pass, {number}" if number % 7 == 0 else f"pass{number}"


def write_users(folder, count=USERS):
    """users.csv: user0, user1 ... with their passwords."""
    path = Path(folder) / "users.csv"
    path.write_text("user,password\n" + "".join(f'user{number},"{password(number)}"\n' for number in range(count)))
    return path


def write_config(folder, url, scenarios, order="sequential", **more):
    """A config file: `scenarios` is a list of steps, or {name: (weight, steps)}; `more` goes into each scenario. Returns its path."""
    config = {"data": [{"file": str(write_users(folder)), "order": order}]}
    if isinstance(scenarios, list):
        config["scenario"] = {"base_url": url, "steps": scenarios, **more}
    else:
        config["scenarios"] = {name: {"base_url": url, "weight": weight, "steps": steps, **more} for name, (weight, steps) in scenarios.items()}
    path = Path(folder) / "shop.json"
    path.write_text(json.dumps(config, indent=1))
    return path


def think(steps, pause):
    """The same steps with a think time after each."""
    return [{**step, "think_time": pause} for step in steps]


def sent(step):
    return step["ok"] + step["failed"] + step["open"]


def steps(result):
    """The rows of the steps by what they ask for: {"login": [row, ...]}."""
    found = collections.defaultdict(list)
    for row in result["steps"]:
        found[row["name"].rpartition("/")[2]].append(row)
    return found


def refusals(step):
    """Requests of a step that were answered with a status that it does not expect."""
    return step["errors"].get("status", {}).get("unexpected", 0)


def check_books(result):
    """strest's own books: requests, steps and iterations balance, and with each other."""
    books, iterations = result["books"], result["iterations"]
    assert iterations["balanced"] is True
    for one in (books, iterations, *result["scenarios"], *result["steps"]):
        assert one["planned"] == one["ok"] + one["failed"] + one["open"] + one["unsent"], one
    for key in ("planned", "ok", "failed", "open", "unsent"):
        assert sum(step[key] for step in result["steps"]) == books[key], key
        assert sum(scenario[key] for scenario in result["scenarios"]) == iterations[key], key
    assert all(step["response_ns"]["count"] == sent(step) for step in result["steps"])


def check_sessions(shop, count=USERS):
    """Who logged in: each iteration at most once, as the user of its row, with that row's password. Returns {iteration: user of strest}."""
    found = {}
    for user, secret in shop.rows("SELECT user, password FROM sessions"):
        word, iteration, worker = secret.rsplit("/", 2)
        row = int(iteration) % count
        assert (user, word) == (f"user{row}", password(row)), (user, secret)
        assert int(iteration) not in found, f"iteration {iteration} logged in twice"
        found[int(iteration)] = int(worker)
    return found


def is_quiet(shop):
    """Whether a fifth of a second passes without a request."""
    before = shop.hits()
    time.sleep(0.2)
    return shop.hits() == before


def check_shop(result, shop, is_down=False):
    """The shop's books: its own, then against strest's, by the requests to each of its paths. What was still open may or may not have been answered; everything else is
    exact: all answers as strest counted them. `is_down`: the shop went down in the run, and nginx answered what it does not know of, or answered to nginx in vain.
    Returns the counts of the shop."""
    if result["books"]["open"] > 0:
        wait_for(lambda: is_quiet(shop), what="the end of the last requests")
    counts, hits, rows = shop.check(PIECES), shop.hits(), steps(result)
    assert set(hits) <= set(rows), hits
    for name, those in rows.items():
        answers = hits.get(name, {})
        ok, unanswered = sum(row["ok"] for row in those), sum(sent(row) - row["ok"] - refusals(row) for row in those)
        refused = sum(map(refusals, those))
        good = answers.get(GOOD[name], 0)
        if is_down:
            assert ok <= good and sum(answers.values()) <= sum(map(sent, those)), (name, answers, those)
            continue
        assert ok <= good <= ok + unanswered, (name, answers, those)
        assert refused <= sum(answers.values()) - good <= refused + unanswered, (name, answers, those)
    return counts
