"""The shop that scenarios are tested with: its own books balance, however it is used. No load tester here."""

import concurrent.futures
import http.cookiejar
import json
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import need
from shop import Shop


@pytest.fixture
def shop(keep, folder):
    """shop(refuse_percent=5) starts one."""
    return lambda **more: keep(Shop(folder("shop"), **more))


class Visitor:
    """Somebody with a cookie jar of his own."""

    def __init__(self, shop):
        self.url = shop.url
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def __call__(self, path, body=None, token=None, method=None):
        """Status and result."""
        data = None if body is None else json.dumps(body).encode()
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, data, fields, method=method)
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def buy(self, user, item, count):
        """The statuses of a whole visit."""
        return (self("/login", {"user": user, "password": "p"})[0], self("/cart", {"item": item, "count": count})[0], self("/checkout", {})[0])


def test_a_visit_is_in_the_books(shop):
    server = shop(items=10, stock=5)
    ann = Visitor(server)
    assert ann("/profile")[0] == 401
    status, login = ann("/login", {"user": "ann", "password": "secret"})
    assert (status, list(login)) == (200, ["token"])
    assert ann("/profile") == (200, {"user": "ann", "cart": 0})
    status, found = ann("/search?q=shoes")
    assert status == 200 and found["query"] == "shoes" and len(found["results"]) == 3
    number = found["results"][0]["id"]
    status, item = ann(f"/items/{number}")
    assert (status, item["id"], item["stock"]) == (200, number, 5)
    assert ann("/cart", {"item": number, "count": 2}) == (200, {"cart": 2})
    assert ann("/checkout", {}) == (201, {"order": 1})
    assert ann(f"/items/{number}")[1]["stock"] == 3
    counts = server.check(pieces=2)
    assert counts == {"sessions": 1, "users": 1, "refused": 0, "orders": 1, "lines": 1, "sold": 2, "left": {n: 3 if n == number else 5 for n in range(1, 11)}}
    assert server.rows("SELECT token, user, password FROM sessions") == [(login["token"], "ann", "secret")]
    assert server.hits() == {"login": {200: 1}, "profile": {200: 1, 401: 1}, "search": {200: 1}, "item": {200: 2}, "cart": {200: 1}, "checkout": {201: 1}}


def test_the_cookie_is_hidden_from_scripts_and_the_token_will_do(shop):
    server = shop()
    ann, nobody = Visitor(server), Visitor(server)
    token = ann("/login", {"user": "ann", "password": ""})[1]["token"]
    cookie = next(iter(ann.jar))
    assert (cookie.name, cookie.value, cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("session", token, "/", True)
    assert nobody("/profile", token=token)[1]["user"] == "ann"
    assert nobody("/profile", token=token[:-1])[0] == 401


def test_what_cannot_be_is_refused_and_changes_nothing(shop):
    server = shop(items=3, stock=5)
    ann = Visitor(server)
    for path, body in (("/cart", {"item": 1, "count": 1}), ("/checkout", {})):
        assert ann(path, body)[0] == 401
    assert ann("/login", {"user": "ann"})[0] == 400
    assert ann("/login", ["ann"])[0] == 400
    ann("/login", {"user": "ann", "password": "p"})
    for body, status in (({"item": 4, "count": 1}, 404), ({"item": 1, "count": 0}, 400), ({"item": "1", "count": 1}, 400), ({"item": 10**30, "count": 1}, 404)):
        assert ann("/cart", body)[0] == status, body
    for path in ("/items/0", "/items/4", "/items/x", "/items/", "/nowhere", "/flush"):
        request = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", server.url + path], capture_output=True, text=True)
        assert request.stdout == "404", path
    assert ann("/checkout", {})[0] == 400  # nothing in the cart
    counts = server.check()
    assert (counts["sessions"], counts["orders"], counts["left"]) == (1, 0, {1: 5, 2: 5, 3: 5})


def test_a_sold_out_item_takes_the_whole_order_back(shop):
    server = shop(items=2, stock=3)
    ann, bob = Visitor(server), Visitor(server)
    assert ann.buy("ann", 2, 2) == (200, 200, 201)
    bob("/login", {"user": "bob", "password": "p"})
    bob("/cart", {"item": 1, "count": 3})
    bob("/cart", {"item": 2, "count": 2})
    assert bob("/checkout", {})[0] == 409
    counts = server.check(pieces=2)
    assert (counts["orders"], counts["left"]) == (1, {1: 3, 2: 1})


def test_refused_accounts_are_always_the_same(shop):
    server = shop(refuse_percent=20)
    users = [f"user{n}" for n in range(200)]
    refused = [user for user in users if Visitor(server)("/login", {"user": user, "password": "p"})[0] == 401]
    assert refused == [user for user in users if server.refuses(user)]
    assert 20 <= len(refused) <= 60
    counts = server.check()
    assert (counts["sessions"], counts["users"], counts["refused"]) == (200 - len(refused), 200 - len(refused), len(refused))


def test_many_at_once_buy_no_more_than_there_is(shop):
    """16 at a time want 200 times 3 of 500 pieces: 166 get them."""
    server = shop(items=1, stock=500)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        visits = list(pool.map(lambda n: Visitor(server).buy(f"user{n}", 1, 3), range(200)))
    assert {visit[:2] for visit in visits} == {(200, 200)}
    bought = sum(visit[2] == 201 for visit in visits)
    counts = server.check(pieces=3)
    assert (bought, counts["orders"], counts["left"]) == (166, 166, {1: 2})
    assert server.hits("checkout") == {201: 166, 409: 34}


def test_the_books_are_complete_after_the_end(shop, keep):
    need("curl")
    server = shop(stock=10)
    subprocess.run(["curl", "-sf", "-o", "/dev/null", "-d", '{"user":"ann","password":"p"}', server.url + "/login?n=[1-50]"], check=True, timeout=20)
    server.close()
    assert server.app.process.returncode == 0
    assert server.check()["sessions"] == 50
