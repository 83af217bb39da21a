"""The shop of the built-in target: log in, look around, buy; seen by curl over HTTP/1.1 and HTTP/2."""

import json
import subprocess

import pytest

from conftest import need

WAYS = {"h1": ["--http1.1"], "h2c": ["--http2-prior-knowledge"], "h2": ["--http2", "--insecure"]}


@pytest.fixture(params=WAYS)
def shop(request, target):
    need("curl")
    return Curl(target(*(["--tls"] if request.param == "h2" else [])), request.param)


class Curl:
    """A target and the way to it."""

    def __init__(self, server, way):
        self.server, self.words = server, WAYS[way]
        self.version = "1.1" if way == "h1" else "2"
        if way == "h2":
            server.url = server.url.replace("http:", "https:")

    def run(self, *words):
        """What curl writes, and what it says of it."""
        finished = subprocess.run(["curl", "-s", "--max-time", "20", *self.words, *words], capture_output=True, text=True)
        assert finished.returncode == 0, finished
        return finished.stdout, finished.stderr

    def __call__(self, path, *words):
        """Status, header fields and body of an answer."""
        body, said = self.run("-w", "%{stderr}%{http_code} %{http_version} %{content_type}\n%{header_json}", *words, self.server.url + path)
        first, fields = said.split("\n", 1)
        status, version, kind = first.split(" ")
        assert (version, kind) == (self.version, "application/json"), said
        return int(status), json.loads(fields), json.loads(body)

    def stats(self, path):
        return json.loads(self.run(self.server.url + path)[0])


LOGIN = ["-H", "Content-Type: application/json", "-d", '{"user":"demo","seq":"0"}']


def fnv1a(data):
    """http://www.isthe.com/chongo/tech/comp/fnv/"""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def test_a_whole_visit(shop):
    status, fields, login = shop("/login", *LOGIN)
    token = f"{fnv1a(LOGIN[-1].encode()):016x}" + b"demo".hex()
    assert (status, login) == (200, {"token": token, "user": "demo"})
    assert fields["set-cookie"] == [f"session={token}; Path=/"]
    bearer = ["-H", f"Authorization: Bearer {token}"]
    assert shop("/profile", *bearer)[::2] == (200, {"user": "demo"})
    status, _, found = shop("/search?q=shoes", *bearer)
    assert status == 200 and found["query"] == "shoes" and len(found["results"]) == 3
    for item in found["results"]:
        assert shop(f"/items/{item['id']}")[::2] == (200, item)
    assert shop("/checkout", "-X", "POST", *bearer)[::2] == (200, {"order": 1, "user": "demo"})
    assert shop("/checkout", "-d", "{}", "-b", f"a=b; session={token}")[::2] == (200, {"order": 2, "user": "demo"})
    assert shop.stats("/shop/stats") == {"logins": 1, "profiles": 1, "searches": 1, "items": 3, "orders": 2, "refused": 0, "denied": 0, "bad": 0}
    paths = {path: count for path, count in shop.stats("/stats")["paths"].items() if count}
    assert paths == {"/login": 1, "/profile": 1, "/search": 1, "/items/": 3, "/checkout": 2}
    assert shop.server.counted() == 8


def test_curl_carries_the_session_in_its_jar(shop, tmp_path):
    jar = str(tmp_path / "jar")
    assert shop("/profile")[0] == 401
    shop("/login", *LOGIN, "-c", jar)
    assert shop("/profile", "-b", jar)[::2] == (200, {"user": "demo"})
    assert shop("/checkout", "-X", "POST", "-b", jar)[0] == 200


def test_what_is_not_allowed_is_told(shop):
    assert shop("/checkout", "-X", "POST")[::2] == (401, {"error": "log in first"})
    status, fields, _ = shop("/login")
    assert (status, fields["allow"]) == (405, ["POST"])
    for path in ("/items/0", "/items/1000001", "/items/seven"):
        assert shop(path)[0] == 404
    assert shop("/login?refuse=x", "-X", "POST")[0] == 400
    assert shop("/profile", "-H", "Authorization: Basic eDp5")[::2] == (200, {"user": "eDp5"})


@pytest.mark.parametrize("body", ["", "no JSON", "[]", '{"seq":"0"}', '"' * 5000])
def test_any_body_logs_in(shop, body):
    status, _, login = shop("/login", "-d", body)
    assert (status, login) == (200, {"token": f"{fnv1a(body.encode()):016x}", "user": None})


@pytest.mark.parametrize("shop", ("h1", "h2"), indirect=True)  # curl 7.88 cannot use a connection of h2c twice, of no server
def test_bodies_of_one_connection_are_kept_apart(shop):
    """A long one, a short one, none, and the echo between them: on one connection, each as if it were alone."""
    words = []
    for path, body in (("/login", "x" * 20000), ("/echo", "abc"), ("/login", "foobar"), ("/profile", None), ("/echo", ""), ("/login", "a"), ("/login", "")):
        words += ["--next", "-s", *shop.words, "-w", "\n%{num_connects}\n", *(["-d", body] if body is not None else []), shop.server.url + path]
    lines = shop.run(*words[1:])[0].split("\n")
    bodies, connects = [line for line in lines if line and not line.isdigit()], [int(line) for line in lines if line.isdigit()]
    assert connects == [1, 0, 0, 0, 0, 0, 0]
    tokens = [json.loads(line)["token"] for line in bodies if "token" in line]
    assert tokens == [f"{fnv1a(body):016x}" for body in (b"x" * 20000, b"foobar", b"a", b"")]
    assert "abc" in bodies


@pytest.mark.parametrize("shop", ("h1", "h2"), indirect=True)
def test_refusals_are_every_twentieth(shop):
    urls = shop.server.url + "/login?refuse=5&n=[1-100]"
    codes = shop.run("-d", "{}", "-o", "/dev/null", "-w", "%{http_code} ", urls)[0].split()
    assert [n for n, code in enumerate(codes, 1) if code == "401"] == [20, 40, 60, 80, 100]
    counts = shop.stats("/shop/stats")
    assert (counts["logins"], counts["refused"]) == (95, 5)


def test_strest_loads_it_and_counts_the_same(strest, target):
    shop = Curl(target("--threads", "2"), "h1")
    for words, key in ((["/login", "-X", "post", "-d", '{"user":"demo"}'], "logins"), (["/profile", "-H", "Authorization: Bearer 1"], "profiles"),
                       (["/checkout", "-X", "post", "-H", "Cookie: session=1"], "orders"),
                       (["/checkout", "-X", "post", "-H", "Cookie: session=1", "--http2"], "orders")):
        before = shop.stats("/shop/stats")[key]
        result = strest.measure("-u", shop.server.url + words[0], *words[1:], "-m", "8", "--requests", "500", "-t", "20s")
        assert result["books"]["ok"] == shop.stats("/shop/stats")[key] - before == 500
