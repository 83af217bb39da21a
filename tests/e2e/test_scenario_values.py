"""What the requests of a scenario hold: values that are drawn, read from files, taken from answers and carried on, and the cookies of a user."""

import collections
import json
import re
import uuid

import pytest

from certificates import over_tls
from conftest import reasons
from flows import measure, one, step_errors
from h2_servers import NginxHttp2
from servers import answer, respond

# ---- the same seed, the same bytes

DRAWN = [
    {"name": "first", "method": "post", "path": "/a/{{seq}}?r={{random(1,1000000)}}&i={{iter}}&s={{step}}", "headers": ["X-Id: {{uuid}}", "X-User: {{user}}"],
     "data": "{\"id\":\"{{uuid}}\",\"n\":{{random(-5,5)}},\"row\":\"{{city}}/{{name}}\"}", "extract": {"back": {"json": "/back"}}},
    {"name": "second", "path": "/b/{{seq}}/{{back}}", "headers": ["X-R: {{random(0,9999999999)}}"]},
]


def echoing(request):
    """The back of a request to /a/7 is "v7", and it sets a cookie."""
    return answer(json.dumps({"back": "v" + re.match(r"/./(\d+)", request.path)[1]}).encode(), fields=["Set-Cookie: c=" + str(len(request.body))])


@pytest.fixture
def drawn(scripted, flow):
    """drawn() is a server that keeps everything, and a file of two scenarios' worth of draws for it."""
    flow.put("cities.csv", "city\n" + "".join(f"city {i}\n" for i in range(7)))
    flow.put("names.jsonl", "".join(json.dumps({"name": f"näme {i}"}) + "\n" for i in range(50)))
    data = [{"file": str(flow.folder / "cities.csv")}, {"file": str(flow.folder / "names.jsonl"), "order": "random"}]
    server = scripted(respond(echoing))
    return server, flow(server.url, DRAWN, vars={"user": "demo"}, data=data)


def take(server):
    """All requests so far, as {seq: bytes}; the next call begins anew."""
    with server.lock:
        requests, server.requests = server.requests, []
    found = {}
    for request in requests:
        found.setdefault(int(re.match(r"/./(\d+)", request.path)[1]), []).append(request.head + request.body)
    assert all(len(heads) == 1 for heads in found.values())
    return {seq: heads[0] for seq, heads in found.items()}


LOADS = {"closed": ["-m", "6", "-r", "6"], "open": ["-m", "32", "--rate", "1500"]}


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads_and_the_load(strest, drawn):
    server, path = drawn
    seen = []
    for load in LOADS.values():
        for threads in (1, 4):
            measure(strest, path, *load, "--threads", threads, "--requests", "400", "-t", "20s", "--seed", "5")
            seen.append(take(server))
    assert set(seen[2]) == set(seen[3]) == set(range(400))
    for other in seen[:2]:  # a closed loop cuts off at most one iteration of each of its 6 users, whenever that was begun
        assert len(other) == 400
        assert len(set(range(max(other) + 1)) - set(other)) <= 6
    for other in seen[1:]:
        common = set(seen[0]) & set(other)
        assert len(common) >= 380
        assert {seq: seen[0][seq] for seq in common} == {seq: other[seq] for seq in common}
    measure(strest, path, *LOADS["open"], "--requests", "400", "-t", "20s", "--seed", "6")
    others = take(server)
    assert sum(others[seq] == seen[2][seq] for seq in others) == 0


def test_no_draw_is_like_another(strest, drawn):
    server, path = drawn
    measure(strest, path, *LOADS["closed"], "--requests", "2000", "-t", "20s", "--seed", "1")
    requests = server.requests
    first = [request for request in requests if request.path.startswith("/a")]
    ids = [request.values("X-Id")[0] for request in first] + [json.loads(request.body)["id"] for request in first]
    assert len(set(ids)) == len(ids)
    assert all(uuid.UUID(one).version == 4 and str(uuid.UUID(one)) == one for one in ids)
    numbers = [int(re.search(r"r=(\d+)", request.path)[1]) for request in first]
    assert 1 <= min(numbers) < 50_000 and 950_000 < max(numbers) <= 1_000_000 and len(set(numbers)) > 950
    small = collections.Counter(json.loads(request.body)["n"] for request in first)
    assert set(small) == set(range(-5, 6)) and max(small.values()) < 3 * min(small.values())


def test_rows_are_taken_in_turn_by_lot_or_each_once(strest, scripted, flow):
    server = scripted(respond(lambda request: answer()))
    flow.put("rows.csv", "row\n" + "".join(f"{i}\n" for i in range(10)))
    for order in ("sequential", "random", "unique"):
        path = flow(server.url, ["/{{iter}}/{{row}}", "/{{iter}}/{{row}}/again"], data=[{"file": str(flow.folder / "rows.csv"), "order": order}])
        server.requests = []
        requests = 20 if order == "unique" else 400
        measure(strest, path, "-m", "4", "-r", "4", "--requests", "400", "-t", "20s", "--threads", "2")
        rows = collections.defaultdict(set)
        for request in server.requests:
            rows[int(request.path.split("/")[1])].add(int(request.path.split("/")[2]))
        assert server.counted == requests
        assert all(len(taken) == 1 for taken in rows.values()), "both steps of an iteration have its row"
        taken = {n: row.pop() for n, row in rows.items()}
        if order == "random":
            assert set(taken.values()) == set(range(10)) and any(row != n % 10 for n, row in taken.items())
        else:
            assert taken == {n: n % 10 for n in taken}


@pytest.mark.parametrize("threads", [1, 4])
def test_over_http2_the_same_bytes_arrive(strest, keep, folder, flow, threads):
    """In a closed loop, where some iterations are cut off at the end, and under a rate, by the log of nginx."""
    seen = []
    for words in (["-r", "8", "--http2-parallel", "4"], ["--rate", "2000"]):
        server = keep(NginxHttp2(folder("nginx")))
        path = flow(server.url, [{"path": "/{{seq}}/{{random(1,100000)}}", "headers": ["X-Via: {{uuid}}"]}, {"path": "/{{seq}}/const", "headers": ["X-Via: x"]}])
        measure(strest, path, *server.words, "-m", "8", *words, "--threads", threads, "--requests", "200", "-t", "20s", "--seed", "3")
        seen.append({int(line["request"].split("/")[1]): (line["request"], line["x_via"]) for line in server.lines()})
    assert len(seen[0]) == len(seen[1]) == 200
    common = set(seen[0]) & set(seen[1])
    assert len(common) >= 180 and all(seen[0][seq] == seen[1][seq] for seq in common)
    assert len({via for _, via in seen[1].values()}) == 101


# ---- values that are carried on


def pages(**bodies):
    """A handler: /name answers what `bodies` says of it (bytes or a whole answer), anything else "ok"."""

    def handler(request):
        page = bodies.get(request.path.split("?")[0].split("/")[1])
        if page is None:
            return answer()
        return page(request) if callable(page) else answer(page)

    return handler


def carried(strest, scripted, flow, extract, page, step=None, requests=2, **more):
    """Extracts `v` from /page and shows what arrives in the header X-V of the next request, and the result."""
    server = scripted(respond(pages(page=page)))
    path = flow(server.url, [{"path": "/page", "extract": {"v": extract}}, step or {"path": "/next", "headers": ["X-V: <{{v}}>"]}], **more)
    result = one(strest, path, requests // 2, 2)
    values = [request.values("X-V") for request in server.requests if request.path == "/next"]
    return (values[0][0] if values else None), result


BODY = json.dumps({"a": {"b": [1, {"c/d": "deep"}]}, "n": -1.5e3, "t": True, "z": None, "u": "näh ☃", "e": "", "q": 'a"b\\c'}).encode()


@pytest.mark.parametrize(
    ("extract", "want"),
    [
        ({"json": "/a/b/0"}, "<1>"),
        ({"json": "/a/b/1/c~1d"}, "<deep>"),
        ({"json": "/n"}, "<-1500.0>"),
        ({"json": "/t"}, "<true>"),
        ({"json": "/z"}, "<null>"),
        ({"json": "/e"}, "<>"),
        ({"json": "/q"}, '<a"b\\c>'),
        ({"regex": '"n": *(-?[0-9.]+)'}, "<-1500.0>"),
        ({"regex": "dee."}, "<deep>"),
        ({"header": "content-LENGTH"}, f"<{len(BODY)}>"),
    ],
)
def test_a_value_is_carried_on(strest, scripted, flow, extract, want):
    value, result = carried(strest, scripted, flow, extract, BODY)
    assert value == want
    assert result["books"]["ok"] == 2 and result["iterations"]["ok"] == 1


def test_a_value_of_many_bytes_beyond_ascii_is_carried_on(strest, scripted, flow):
    value, result = carried(strest, scripted, flow, {"json": "/u"}, BODY)
    assert value.encode("latin-1").decode() == "<näh ☃>"
    server = scripted(respond(pages(page=BODY)))
    one(strest, flow(server.url, [{"path": "/page", "extract": {"v": {"json": "/u"}, "q": {"json": "/q"}}}, "/next/{{v}}?q={{q}}"]), 1, 2)
    assert server.requests[1].path == "/next/n%C3%A4h%20%E2%98%83?q=a%22b%5Cc"


@pytest.mark.parametrize("extract", [{"json": "/none"}, {"json": "/a/b/9"}, {"header": "X-None"}, {"cookie": "none"}, {"regex": "no(thing)"}])
@pytest.mark.parametrize(("vars", "want"), [({}, "<>"), ({"v": "before"}, "<before>")])
def test_an_absent_value_fails_the_step_and_the_next_goes_on(strest, scripted, flow, extract, vars, want):
    value, result = carried(strest, scripted, flow, extract, BODY, vars=vars)
    assert value == want
    assert [(row["ok"], row["failed"]) for row in result["steps"]] == [(0, 1), (1, 0)]
    assert reasons(result) == {"assert/extract": 1}


def test_a_value_does_not_outlive_its_iteration(strest, scripted, flow):
    """Only the first iteration is told a value."""
    server = scripted(respond(lambda request: answer(b'{"v":"told"}' if request.path == "/page/0" else b"{}")))
    path = flow(server.url, [{"path": "/page/{{iter}}", "extract": {"v": {"json": "/v"}}}, {"path": "/next", "headers": ["X-V: <{{v}}>"]}])
    one(strest, path, 3, 2)
    assert [request.values("X-V") for request in server.requests if request.path == "/next"] == [["<told>"], ["<>"], ["<>"]]


def test_a_failed_step_extracts_nothing_that_is_not_there(strest, scripted, flow):
    value, result = carried(strest, scripted, flow, {"json": "/v"}, lambda request: answer(b"{}", status="500 No"), vars={"v": "init"})
    assert value == "<init>"
    assert reasons(result) == {"status/unexpected": 1}


@pytest.mark.parametrize(
    ("step", "where"),
    [
        ({"method": "post", "path": "/next/{{v}}", "data": "same"}, "a path that differs"),
        ({"method": "post", "path": "/next", "headers": ["X-V: {{v}}"], "data": "same"}, "a header that differs"),
        ({"method": "post", "path": "/next", "data": "same"}, "nothing that differs but cookies"),
    ],
)
def test_a_body_that_is_the_same_always_goes_with_what_differs(strest, scripted, flow, step, where):
    server = scripted(respond(pages(page=lambda request: answer(BODY, fields=["Set-Cookie: a=1"]))))
    one(strest, flow(server.url, [{"path": "/page", "extract": {"v": {"json": "/t"}}}, step]), 2, 2)
    assert [(request.body, request.values("Content-Length")) for request in server.requests[1::2]] == [(b"same", ["4"])] * 2, where


# ---- values that are hostile


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", "\x00"])
def test_a_value_cannot_end_a_header(strest, scripted, flow, bad):
    value, result = carried(strest, scripted, flow, {"json": "/v"}, json.dumps({"v": bad}).encode())
    assert value is None
    assert [(row["ok"], row["failed"]) for row in result["steps"]] == [(1, 0), (0, 1)]
    assert reasons(result) == {"protocol/request_impossible": 1}
    assert result["books"]["attempts"] == 1


def test_a_value_cannot_end_the_request_line(strest, scripted, flow):
    server = scripted(respond(pages(page=json.dumps({"v": "a b\r\nX-Evil: 1\x00#?"}).encode())))
    one(strest, flow(server.url, [{"path": "/page", "extract": {"v": {"json": "/v"}}}, "/next/{{v}}"]), 1, 2)
    assert server.requests[1].head.split(b"\r\n")[0] == b"GET /next/a%20b%0D%0AX-Evil:%201%00%23? HTTP/1.1"


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}/stolen", "//127.0.0.1:{port}/stolen", "HTTP://127.0.0.1:{port}/stolen", "http:\\\\127.0.0.1:{port}/stolen"])
def test_a_value_leads_to_no_other_host(strest, scripted, flow, form):
    other = scripted(respond(lambda request: answer()))
    server = scripted(respond(pages(page=json.dumps({"v": form.format(port=other.port)}).encode())))
    result = one(strest, flow(server.url, [{"path": "/page", "extract": {"v": {"json": "/v"}}}, {"path": "{{v}}", "headers": ["Authorization: secret"]}]), 1, 2)
    assert other.counted == 0
    assert set(reasons(result)) <= {"protocol/request_impossible"}


def test_a_value_that_is_a_url_of_the_same_server_is_followed(strest, scripted, flow):
    server = scripted(respond(pages(page=lambda request: answer(json.dumps({"v": f"http://{request.values('Host')[0]}/found?x=1"}).encode()))))
    one(strest, flow(server.url, [{"path": "/page", "extract": {"v": {"json": "/v"}}}, "{{v}}"]), 1, 2)
    assert [request.path for request in server.requests] == ["/page", "/found?x=1"]


@pytest.mark.parametrize(("size", "fits"), [(60_000, True), (70_000, False), (1_000_000, False)])
def test_a_value_has_a_bound(strest, scripted, flow, size, fits):
    server = scripted(respond(pages(page=json.dumps({"v": "x" * size}).encode())))
    result = one(strest, flow(server.url, [{"path": "/page", "extract": {"v": {"json": "/v"}}}, {"method": "post", "path": "/next", "data": "<{{v}}>"}]), 1, 2)
    assert len(server.requests[1].body) == (size + 2 if fits else 2)
    assert reasons(result) == ({} if fits else {"assert/extract": 1})


def test_a_head_that_grows_too_large_is_impossible(strest, scripted, flow):
    steps = [{"path": "/page", "extract": {"v": {"json": "/v"}}}, {"path": "/next", "headers": ["X-A: {{v}}", "X-B: {{v}}"]}, {"path": "/next?{{v}}{{v}}"}, "/last"]
    server = scripted(respond(pages(page=json.dumps({"v": "x" * 40_000}).encode())))
    result = one(strest, flow(server.url, steps), 1, 4)
    assert [(row["ok"], row["failed"]) for row in result["steps"]] == [(1, 0), (0, 1), (0, 1), (1, 0)]
    assert reasons(result) == {"protocol/request_impossible": 2}
    assert server.counted == 2


@pytest.mark.parametrize("extract", [{"json": "/v"}, {"regex": '"v":"([a-z]+)"'}])
@pytest.mark.parametrize("place", ["front", "end"])
def test_a_body_of_50_mb_is_refused_in_bounded_memory(strest, scripted, flow, has_tsan, extract, place):
    filler = b'"x":"' + b"y" * 50_000_000 + b'"'
    body = b'{"v":"ok",' + filler + b"}" if place == "front" else b"{" + filler + b',"v":"ok"}'
    server = scripted(respond(pages(page=body)))
    path = flow(server.url, [{"path": "/page", "extract": {"v": extract}}, "/next"])
    finished = strest.run("--json", "--no-charts", "--config", path, "-m", "2", "-r", "2", "--requests", "8", "-t", "30s")
    assert finished.code == 0, finished
    assert reasons(finished.json) == {"assert/body_too_large": finished.json["steps"][0]["failed"]}
    assert finished.json["steps"][0]["failed"] >= 3 and finished.json["steps"][1]["ok"] >= 3
    assert has_tsan or finished.peak_kb < 150_000, finished.peak_kb


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"v":', b"[" * 100_000, b'{"v":"a"} trailing', b'{"v":"\xff\xfe"}', b"\x00" * 100])
def test_an_answer_that_is_no_json_has_no_value(strest, scripted, flow, body):
    _, result = carried(strest, scripted, flow, {"json": "/v"}, body)
    assert result["books"]["ok"] + result["books"]["failed"] == 2
    assert set(reasons(result)) <= {"assert/extract"}
    if body in (b"", b"no JSON", b'{"v":'):
        assert reasons(result) == {"assert/extract": 1}


@pytest.mark.parametrize("where", ["extract", "assert"])
def test_a_pattern_that_explodes_is_given_up(strest, scripted, flow, where):
    server = scripted(respond(pages(page=b"a" * 5000 + b"!")))
    bomb = "(a+)+(a+)+(a+)+$"
    step = {"path": "/page", "extract": {"v": {"regex": bomb}}} if where == "extract" else {"path": "/page", "assert_body_regex": bomb}
    finished = strest.run("--json", "--no-charts", "--config", flow(server.url, [step, "/next"]), "-m", "1", "--requests", "6", "-t", "30s")
    assert finished.code == 0, finished
    assert reasons(finished.json) == {"assert/regex_limit": 3}
    assert finished.seconds < 20


def test_a_value_is_not_looked_at_for_names(strest, scripted, flow):
    value, _ = carried(strest, scripted, flow, {"json": "/v"}, b'{"v":"{{seq}} {{{{ {{none}}"}')
    assert value == "<{{seq}} {{{{ {{none}}>"


# ---- cookies


def cookies(strest, flow, server, steps, **more):
    """The Cookie of each request in its order."""
    path = flow(server.url, steps, **more)
    one(strest, path, 1, len(steps))
    return [(request.path, (request.values("Cookie") or [None])[0]) for request in server.requests]


def setting(*values):
    return lambda request: answer(fields=[f"Set-Cookie: {value}" for value in values])


def test_cookies_go_where_they_belong(strest, scripted, flow):
    server = scripted(respond(pages(
        set=setting("a=1; Path=/", "b=2; Path=/deep", "c=3", "d=4; Secure; Path=/", "e=5; Domain=example.com; Path=/", "f=6; Domain=127.0.0.1; Path=/", "g=7; Path=/; HttpOnly; SameSite=Lax"),
        gone=setting("a=; Max-Age=0; Path=/", "b=x; Path=/deep; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))))
    seen = cookies(strest, flow, server, ["/set/it", "/", "/deep/er", "/deeper", "/set/other", "/gone", "/deep", "/"])
    assert seen == [
        ("/set/it", None),
        ("/", "a=1; f=6; g=7"),
        ("/deep/er", "b=2; a=1; f=6; g=7"),
        ("/deeper", "a=1; f=6; g=7"),
        ("/set/other", "c=3; a=1; f=6; g=7"),
        ("/gone", "a=1; f=6; g=7"),
        ("/deep", "f=6; g=7"),
        ("/", "f=6; g=7"),
    ]


def test_a_jar_is_empty_at_the_beginning_of_an_iteration(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(fields=[f"Set-Cookie: n={request.path[1:]}; Path=/"])))
    path = flow(server.url, ["/{{seq}}", "/{{seq}}"])
    measure(strest, path, "-m", "3", "-r", "3", "--requests", "60", "--threads", "2", "-t", "20s")
    for request in server.requests:
        seq = int(request.path[1:])
        assert request.values("Cookie") == ([f"n={seq - 1}"] if seq % 2 else [])


def test_a_cookie_may_be_extracted_and_none_need_be_kept(strest, scripted, flow):
    value, _ = carried(strest, scripted, flow, {"cookie": "b"}, setting("a=1", "b=2; Path=/", "b=3; Path=/page"))
    assert value == "<3>"
    server = scripted(respond(setting("a=1; Path=/")))
    assert cookies(strest, flow, server, ["/1", "/2"], cookies=False) == [("/1", None), ("/2", None)]


def test_a_step_may_say_cookie_itself(strest, scripted, flow):
    server = scripted(respond(setting("a=1; Path=/")))
    assert cookies(strest, flow, server, ["/1", {"path": "/2", "headers": ["Cookie: own={{seq}}"]}, "/3"]) == [("/1", None), ("/2", "own=1"), ("/3", "a=1")]


def test_secure_cookies_go_over_tls_only(strest, scripted, flow, made):
    plain = scripted(respond(lambda request: answer()))
    secure = scripted(over_tls(made.good.context(), respond(setting("s=1; Secure; Path=/", "p=2; Path=/"))))
    url = f"https://127.0.0.1:{secure.port}"
    one(strest, flow(url, ["/1", "/2", {"url": plain.url + "/3"}], top={"insecure": True}), 1, 3)
    assert [request.values("Cookie") for request in secure.requests] == [[], ["s=1; p=2"]]
    assert plain.requests[0].values("Cookie") == ["p=2"]


# ---- redirects


def leads(place, *fields, status="302 There"):
    return lambda request: answer(b"", status=status, fields=[f"Location: {place}", *fields])


def test_cookies_of_a_redirect_go_with_the_next_hop(strest, scripted, flow):
    server = scripted(respond(pages(a=leads("/b/x", "Set-Cookie: a=1; Path=/", "Set-Cookie: n=9"), b=leads("/c", "Set-Cookie: b=2; Path=/", "Set-Cookie: a=; Max-Age=0; Path=/"))))
    assert cookies(strest, flow, server, ["/a/1", "/end"]) == [("/a/1", None), ("/b/x", "a=1"), ("/c", "b=2"), ("/end", "b=2")]


def test_what_is_secret_stays_behind_when_a_redirect_leaves_the_origin(strest, scripted, flow):
    other = scripted(respond(pages(back=leads("/here"))))
    server = scripted(respond(pages(a=leads(f"{other.url}/there", "Set-Cookie: s=1; Path=/"), token=b'{"t":"s3cr3t"}', same=leads("/stays"))))
    headers = ["Authorization: Bearer {{t}}", "X-Open: {{t}}", "Cookie: own={{t}}", "Proxy-Authorization: {{t}}"]
    path = flow(server.url, [{"path": "/token", "extract": {"t": {"json": "/t"}}}, {"path": "/a", "headers": headers}, {"path": "/same", "headers": headers}])
    one(strest, path, 1, 3)
    there = other.requests[0]
    assert [there.values(name) for name in ("Authorization", "Cookie", "Proxy-Authorization")] == [[], [], []]
    assert there.values("X-Open") == ["s3cr3t"]
    stays = server.requests[-1]
    assert stays.path == "/stays"
    assert [stays.values(name) for name in ("Authorization", "Cookie", "X-Open")] == [["Bearer s3cr3t"], ["own=s3cr3t"], ["s3cr3t"]]


def test_the_password_of_the_url_survives_a_redirect(strest, scripted, flow):
    server = scripted(respond(pages(a=lambda request: answer(b"", status="302 There", fields=[f"Location: http://{request.values('Host')[0]}/b"]))))
    url = server.url.replace("//", "//anna:pw@")
    one(strest, flow(url, [{"path": "/a/{{seq}}", "headers": ["X-Long: {{long}}{{seq}}"]}], vars={"long": "x" * 400}), 2)
    assert [request.path for request in server.requests] == ["/a/0", "/b", "/a/1", "/b"]
    assert {tuple(request.values("Authorization")) for request in server.requests} == {("Basic YW5uYTpwdw==",)}


@pytest.mark.parametrize(("status", "method", "body"), [("302 There", "GET", b""), ("307 There", "POST", b"<0>"), ("303 There", "GET", b"")])
def test_a_body_follows_as_the_status_says(strest, scripted, flow, status, method, body):
    server = scripted(respond(pages(a=leads("/b", status=status))))
    one(strest, flow(server.url, [{"method": "post", "path": "/a/{{iter}}", "data": "<{{seq}}>", "headers": ["Content-Type: text/{{step}}"]}]))
    request = server.requests[1]
    assert (request.method, request.body, request.values("Content-Type")) == (method, body, ["text/1"] if body else [])


def test_asserts_and_extractions_look_at_the_last_answer(strest, scripted, flow):
    first = lambda request: answer(b'{"v":"first"}', status="302 There", fields=["Location: /b", "X-V: first"])  # noqa: E731
    server = scripted(respond(pages(page=first, b=lambda request: answer(b'{"v":"last"}', fields=["X-W: last"]))))
    steps = [{"path": "/page", "extract": {"v": {"json": "/v"}, "w": {"header": "X-W"}}, "assert_body_contains": "last", "assert_headers": {"X-W": "last"}},
             {"path": "/next", "headers": ["X-V: {{v}} {{w}}"]}]
    result = one(strest, flow(server.url, steps), 1, 2)
    assert server.requests[-1].values("X-V") == ["last last"]
    assert result["books"]["ok"] == 2 and result["books"]["hops"] == 1


def test_a_relative_redirect_starts_from_the_step_s_own_path(strest, scripted, flow):
    server = scripted(respond(pages(shop=lambda request: answer(b"", status="302 There", fields=["Location: other?x=1"]) if request.path.endswith("go") else answer())))
    one(strest, flow(server.url, ["/shop/{{iter}}/go"]), 2)
    assert [request.path for request in server.requests] == ["/shop/0/go", "/shop/0/other?x=1", "/shop/1/go", "/shop/1/other?x=1"]


def test_a_redirect_into_a_circle_fails_the_step(strest, scripted, flow):
    server = scripted(respond(pages(a=leads("/a"))))
    result = one(strest, flow(server.url, ["/a", "/b"]), 1, 2)
    assert step_errors(result["steps"][0]) == {"protocol/redirect_limit": 1} and result["steps"][1]["ok"] == 1
