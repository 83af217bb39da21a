"""Scenarios from the file to the result: the examples of the README, what steps assert, templates on the command line, trying and checking, data files."""

import collections
import gzip
import json
import re
import signal
import uuid

import pytest

from conftest import ROOT, check_result, reasons, says
from flows import check_flow, measure, one, scenario, step_errors
from servers import answer, free_port, respond, wait_for

SECRET = "Pa55-w0rd"


@pytest.fixture
def server(scripted):
    return scripted(respond(lambda request: answer()))


# ---- the examples


@pytest.mark.parametrize("name", ["scenario.toml", "scenario.json"])
@pytest.mark.parametrize("words", [["-m", "4", "-r", "4"], ["--rate", "40"]], ids=["closed", "open"])
def test_the_example_of_the_readme_runs_unchanged(strest, target, flow, name, words):
    server = target()
    text = (ROOT / "tests" / "fixtures" / "config" / name).read_text()
    path = flow.put(name, text.replace("http://localhost:3000", server.url))
    result = measure(strest, path, *words, "-t", "1s")
    steps = check_flow(result)
    assert list(steps) == ["login", "profile"]
    assert result["books"]["failed"] == result["books"]["unsent"] == 0
    assert result["books"]["ok"] == server.counted() >= 10
    assert steps["login"]["ok"] >= steps["profile"]["ok"] > 0


# ---- what steps assert

JSON = {"text": "x", "number": 7, "real": 2.5, "yes": True, "nothing": None, "list": [1, [2]], "digits": "7"}

ASSERTS = [
    ({"assert_status": 200}, {"assert_status": "201,4xx"}, "status/unexpected"),
    ({"assert_status": "2xx"}, {"assert_status": 404}, "status/unexpected"),
    ({"assert_body_contains": '"text": "x"'}, {"assert_body_contains": "absent"}, "assert/body"),
    ({"assert_body_regex": "\"number\": [0-9]+,"}, {"assert_body_regex": "^number"}, "assert/body_regex"),
    ({"assert_headers": {"x-kind": "fine"}}, {"assert_headers": {"X-Kind": "coarse"}}, "assert/header"),
    ({"assert_headers": {"X-Kind": ""}}, {"assert_headers": {"X-None": ""}}, "assert/header"),
    ({"assert_json": {"/text": "x"}}, {"assert_json": {"/text": "y"}}, "assert/json"),
    ({"assert_json": {"/number": 7}}, {"assert_json": {"/number": 8}}, "assert/json"),
    ({"assert_json": {"/number": 7.0}}, {"assert_json": {"/number": "7"}}, "assert/json"),
    ({"assert_json": {"/real": 25e-1}}, {"assert_json": {"/real": 2}}, "assert/json"),
    ({"assert_json": {"/yes": True}}, {"assert_json": {"/yes": False}}, "assert/json"),
    ({"assert_json": {"/nothing": None}}, {"assert_json": {"/none": None}}, "assert/json"),
    ({"assert_json": {"/list/1/0": 2}}, {"assert_json": {"/list": 1}}, "assert/json"),
    ({"assert_json": {"/digits": "7"}}, {"assert_json": {"/digits": 7}}, "assert/json"),
    ({"assert_json": {"/yes": True, "/number": 7}}, {"assert_json": {"/yes": True, "/number": 6}}, "assert/json"),
    ({"assert_time": "20s"}, {"assert_time": "1us"}, "assert/time"),
]


@pytest.mark.parametrize(("holds", "fails", "reason"), ASSERTS, ids=[json.dumps(fails) for _, fails, _ in ASSERTS])
def test_an_assert_holds_or_fails_its_step(strest, scripted, flow, holds, fails, reason):
    server = scripted(respond(lambda request: answer(json.dumps(JSON).encode(), fields=["X-Kind: very fine"])))
    result = one(strest, flow(server.url, [{"path": "/a", **holds}, {"path": "/b", **fails}]), 4, 2)
    first, second = result["steps"]
    assert (first["ok"], first["failed"], second["ok"], second["failed"]) == (4, 0, 0, 4)
    assert step_errors(second) == {reason: 4} == reasons(result)
    assert result["iterations"]["failed"] == 4


def test_a_failed_assert_names_one_reason_only(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(b"{}", status="500 No")))
    step = {"path": "/", "assert_json": {"/a": 1}, "assert_body_contains": "x", "assert_headers": {"X": "y"}, "assert_time": "1us", "extract": {"v": {"json": "/v"}}}
    assert reasons(one(strest, flow(server.url, [step]), 3)) == {"status/unexpected": 3}


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("load", [["-r", "8"], ["--rate", "1500"]], ids=["closed", "open"])
def test_failures_are_counted_by_step_and_reason_as_the_server_made_them(strest, scripted, flow, threads, load):
    def handler(request):
        """Every 3rd, 5th, 7th iteration fails in its own way."""
        _, step, n = request.path.split("/")
        broken = step == "a" and int(n) % 3 == 0 or step == "b" and int(n) % 5 == 0 or step == "c" and int(n) % 7 == 0
        if step == "a" and broken:
            return answer(status="503 Busy")
        return answer(b"{}" if step == "b" and broken else b'{"v":1}', fields=[] if broken else ["X-Ok: yes"])

    server = scripted(respond(handler))
    steps = ["/a/{{iter}}", {"path": "/b/{{iter}}", "assert_json": {"/v": 1}}, {"path": "/c/{{iter}}", "assert_headers": {"X-Ok": "yes"}}]
    result = measure(strest, flow(server.url, steps), "-m", "8", *load, "--threads", threads, "--requests", "600", "-t", "30s")
    paths = collections.Counter(request.path for request in server.requests)
    assert max(paths.values()) == 1 and len(paths) == result["books"]["attempts"] == 600
    for row, step, divisor, reason in zip(result["steps"], "abc", (3, 5, 7), ("status/unexpected", "assert/json", "assert/header")):
        bad = sum(int(path[3:]) % divisor == 0 for path in paths if path[1] == step)
        assert step_errors(row) == {reason: bad}
        assert row["ok"] + bad == sum(path[1] == step for path in paths)


# ---- compressed bodies


@pytest.mark.option("compressed")
def test_a_compressed_answer_is_looked_at_as_it_was_meant(strest, scripted, flow):
    def handler(request):
        assert "gzip" in request.values("Accept-Encoding")[0]
        return answer(gzip.compress(b'{"v":"inside","x":"' + b"y" * 10_000 + b'"}'), fields=["Content-Encoding: gzip"])

    server = scripted(respond(handler))
    steps = [{"path": "/a", "extract": {"v": {"json": "/v"}, "w": {"regex": "in(.*?)\""}}, "assert_body_contains": "yyyy"}, "/{{v}}/{{w}}"]
    result = one(strest, flow(server.url, steps, top={"compressed": True}), 3, 2)
    assert result["books"]["ok"] == 6
    assert [request.path for request in server.requests[1::2]] == ["/inside/side"] * 3


def test_a_compressed_body_that_grows_too_large_is_told(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(gzip.compress(b"x" * 6_000_000), fields=["Content-Encoding: gzip"])))
    result = one(strest, flow(server.url, [{"path": "/a", "assert_body_contains": "x"}, "/b"], top={"compressed": True}), 2, 2)
    assert set(step_errors(result["steps"][0])) <= {"assert/body_too_large", "protocol/bomb"}
    assert result["steps"][0]["failed"] == 2


# ---- templates on the command line

LOADS = {"closed": ["-m", "5", "-r", "5", "--requests", "200"], "open": ["-m", "32", "--rate", "1000", "--requests", "200"]}
each_load = pytest.mark.parametrize("load", LOADS)


def plain(strest, *words, threads=2, load="closed"):
    result = strest.measure(*words, *LOADS[load], "--threads", threads, "-t", "20s")
    assert result["steps"] == [] and result["scenarios"] == []
    assert result["books"]["ok"] == 200
    return result


@each_load
@pytest.mark.parametrize("threads", [1, 4])
def test_url_headers_and_data_are_filled_in(strest, server, load, threads):
    plain(strest, "-u", server.url + "/{{seq}}?r={{random(1,6)}}", "-H", "X-Id: {{uuid}}", "-X", "post", "-d", "<{{seq}}|{{iter}}|{{step}}>", load=load, threads=threads)
    assert sorted(int(request.path[1:].split("?")[0]) for request in server.requests) == list(range(200))
    assert {int(request.path.split("r=")[1]) for request in server.requests} == set(range(1, 7))
    assert len({uuid.UUID(request.values("X-Id")[0]) for request in server.requests}) == 200
    for request in server.requests:
        seq = request.path[1:].split("?")[0]
        assert request.body == f"<{seq}|{seq}|1>".encode() and request.values("Content-Length") == [str(len(request.body))]


@each_load
def test_over_http2_they_are_filled_in_too(strest, way, load):
    """The shop counts what has the right form, and answers 404 to the rest."""
    server = way()
    result = plain(strest, "-u", server.url + "/items/{{random(1,1000000)}}", "-H", "X-Id: {{uuid}}", *way.words, load=load)
    assert server.counted() == 200
    way.check(result)


@each_load
def test_templates_go_with_bodies_from_elsewhere(strest, server, flow, load):
    body = flow.put("body.txt", "from a file {{seq}}")
    plain(strest, "-u", server.url + "/{{seq}}", "-X", "post", "--data-file", body, load=load)
    assert {request.body for request in server.requests} == {b"from a file {{seq}}"}
    server.requests = []
    plain(strest, "-u", server.url + "/{{seq}}", "--form", "a=1", load=load)
    assert sorted(int(request.path[1:]) for request in server.requests) == list(range(200))
    assert all(b'name="a"' in request.body and "boundary=" in request.values("Content-Type")[0] for request in server.requests)
    server.requests = []
    lines = flow.put("lines.txt", "one\ntwo\nthree\n")
    plain(strest, "-u", server.url + "/{{seq}}", "-X", "post", "--data-lines", lines, load=load)
    for request in server.requests:
        assert request.body == [b"one", b"two", b"three"][int(request.path[1:]) % 3]


def test_what_is_no_template_stays_as_it_is(strest, server):
    plain(strest, "-u", server.url + "/{{seq}}", "-H", "X-A: {{{{seq}} {x} }} {{ open", "-X", "post", "-d", '{"a":{{{{b}},"n":{{{seq}}}}')
    request = server.requests[0]
    assert request.values("X-A") == ["{{seq}} {x} }} {{ open"]
    assert request.body == b'{"a":{{b}},"n":{' + request.path[1:].encode() + b"}}"


def test_the_same_seed_gives_the_same_templates(strest, server):
    words = ["-u", server.url + "/{{seq}}/{{uuid}}/{{random(1,1000000)}}"]
    seen = []
    for seed, threads in ((1, 1), (1, 4), (2, 1)):
        server.requests = []
        plain(strest, *words, "--seed", seed, threads=threads, load="open")
        seen.append({request.path for request in server.requests})
    assert seen[0] == seen[1] and not seen[0] & seen[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-u", "http://127.0.0.1:9/{{sequ}}"], ["--url", "'sequ'", "'seq'"]),
        (["-u", "http://127.0.0.1:9/", "-H", "X-A: {{uid}}"], ["--headers", "'uid'", "'uuid'"]),
        (["-u", "http://127.0.0.1:9/", "-d", "{{randm(1,2)}}"], ["--data", "randm"]),
        (["-u", "http://127.0.0.1:9/", "-d", "{{random(2,1)}}"], ["--data", "random(2,1)"]),
        (["-u", "http://{{seq}}.test/"], ["--url", "host"]),
        (["-u", "http://127.0.0.1:9/{{env(STREST_NOT_SET)}}"], ["--url", "STREST_NOT_SET"]),
        (["-u", "http://127.0.0.1:9/{{}}"], ["--url", "no name"]),
    ],
)
def test_a_template_that_is_wrong_is_told(strest, words, said):
    says(strest.run(*words), 1, *said)


# ---- checking and trying


def test_check_tells_what_is_there_and_sends_nothing(strest, server, flow):
    path = flow(server.url, ["/a", {"name": "second", "method": "post", "path": "/b/{{seq}}"}])
    finished = strest.run("scenario", "check", path)
    assert finished.code == 0 and finished.err == "", finished
    assert finished.out.startswith(f"{path}: good\n") and "2 steps" in finished.out and "POST" in finished.out and "second" in finished.out
    assert server.counted == 0


def test_check_tells_every_fault_with_its_place(strest, flow):
    text = '''[scenario]
base_url = "http://127.0.0.1:9"
vars = { user = "u" }
[[scenario.steps]]
path = "/{{usr}}"
assert_body_regex = "("
[[scenario.steps]]
path = "/{{token}}"
extract = { token = { json = "token" } }
'''
    finished = strest.run("scenario", "check", flow.put("bad.toml", text))
    assert finished.code == 1
    lines = finished.out.splitlines()
    assert len(lines) == 4, finished
    for line, words in zip(lines, ([":5:8:", "'usr'", "'user'"], [":6:21:", "no pattern"], [":8:8:", "token"], [":9:", "no JSON pointer", "/"])):
        assert all(word in line for word in words), (line, words)


def test_try_shows_each_step_once_and_says_that_all_is_well(strest, target, flow):
    server = target()
    steps = [
        {"name": "in", "method": "post", "path": "/login", "data": '{"user":"anna"}', "extract": {"token": {"json": "/token"}}},
        {"name": "out", "path": "/profile", "headers": ["Authorization: Bearer {{token}}"], "assert_json": {"/user": "anna"}, "think_time": "30s"},
    ]
    finished = strest.run("scenario", "try", flow(server.url, steps), limit=20)
    assert finished.code == 0 and finished.err == "", finished
    assert re.findall(r"^\* scenario: (.*)$", finished.out, re.M) == ["step 1 of 2, in", "step 2 of 2, out"]
    token = re.search(r"^\* token = (.*)$", finished.out, re.M)[1]
    assert f'"token":"{token}"' in finished.out
    assert finished.out.count("* ok: status 200") == 2
    assert "> POST /login HTTP/1.1" in finished.out and '> {"user":"anna"}' in finished.out and '< {"user":"anna"}' in finished.out
    bearer = re.search(r"^> Authorization: (.*)$", finished.out, re.M)[1]
    assert token not in bearer and "***" in bearer
    assert server.counted() == 2


def test_try_goes_once_through_every_scenario_of_a_mix(strest, target, flow):
    server = target()
    path = flow.mix(a={**scenario(server.url, ["/"]), "weight": 1000}, b=scenario(server.url, ["/items/1", "/items/2"]))
    finished = strest.run("scenario", "try", path)
    assert finished.code == 0, finished
    assert re.findall(r"^\* (.*): step", finished.out, re.M) == ["a", "b", "b"]
    assert server.counted() == 3


def test_try_tells_which_step_failed(strest, target, flow):
    server = target()
    finished = strest.run("scenario", "try", flow(server.url, ["/", {"path": "/", "assert_body_contains": "nonsense"}, "/"]))
    assert finished.code == 1, finished
    assert finished.out.count("* ok:") == 2 and finished.out.count("* not ok") == 1
    assert "does not contain what the step asserts" in finished.out


def test_try_of_an_impossible_step_shows_that_nothing_was_sent(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(b'{"v":"a\\nb"}')))
    finished = strest.run("scenario", "try", flow(server.url, [{"path": "/a", "extract": {"v": {"json": "/v"}}}, {"path": "/b", "headers": ["X: {{v}}"]}]))
    assert finished.code == 1, finished
    assert "/b HTTP/1.1" not in finished.out and "impossible" in finished.out
    assert server.counted == 1


def test_try_shows_nothing_that_a_terminal_would_act_on(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(b"\x1b[2Jclear\x07\r\nv=\x1b]0;t\x07")))
    finished = strest.run("scenario", "try", flow(server.url, [{"path": "/", "extract": {"v": {"regex": "v=(.*)"}}}]))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", finished.out), finished
    assert "\\x1b[2Jclear" in finished.out


def test_try_goes_to_the_end_whatever_the_duration_of_the_run(strest, target, flow):
    server = target()
    finished = strest.run("scenario", "try", flow(server.url, [{"path": "/", "think_time": "1s"}, "/delay/500ms", "/"], top={"duration": "200ms"}), limit=20)
    assert finished.code == 0, finished
    assert finished.out.count("* ok:") == 3 == server.counted()


def test_try_that_is_interrupted_does_not_say_that_all_is_well(strest, target, flow):
    server = target()
    run = strest.start("scenario", "try", flow(server.url, [{"path": "/", "think_time": "20s"}, "/"]))
    wait_for(lambda: server.counted() == 1 or not run.alive(), what="the first step")
    run.signal(signal.SIGINT)
    finished = run.wait(limit=15)
    assert finished.code == 1, finished
    assert "not all steps" in finished.err and server.counted() == 1


def test_try_looks_at_no_more_of_a_body_than_a_run_does(strest, target, flow):
    """5 MB that no step asks for are none of its business."""
    path = flow(target().url, ["/bytes/5000000"])
    assert one(strest, path)["books"]["ok"] == 1
    finished = strest.run("scenario", "try", path)
    assert finished.code == 0, finished
    assert "bytes more" in finished.out


def test_try_of_nobody_is_unreachable(strest, flow):
    finished = strest.run("scenario", "try", flow(f"http://127.0.0.1:{free_port()}", ["/"]))
    assert finished.code == 3, finished
    assert "refused" in finished.out + finished.err


@pytest.mark.parametrize("words", [["scenario"], ["scenario", "tri", "x.toml"], ["scenario", "try"], ["scenario", "check", "--json"]])
def test_bad_words_are_a_wrong_use(strest, words):
    finished = strest.run(*words)
    assert finished.code == 2 and finished.out == "", finished


@pytest.mark.parametrize("what", ["check", "try"])
def test_a_file_that_is_not_there_or_has_no_scenario_is_said(strest, flow, what):
    finished = strest.run("scenario", what, flow.folder / "none.toml")
    assert finished.code == 1 and "none.toml" in finished.out + finished.err, finished
    finished = strest.run("scenario", what, flow.put("empty.toml", 'url = "http://127.0.0.1:9/"\n'))
    assert finished.code == 1 and "no scenario" in finished.out + finished.err, finished


def test_secrets_are_not_shown(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(fields=[f"Set-Cookie: session={SECRET}; Path=/"])))
    steps = [{"path": "/a", "headers": [f"Authorization: Bearer {SECRET}"]}, {"path": "/b", "headers": ["Authorization: {{key}}", "X-Api-Key: {{key}}"]}]
    url = server.url.replace("//", f"//anna:{SECRET}@")
    path = flow(url, steps, vars={"key": "${STREST_TEST_KEY}"})
    shown = ""
    for words in (["scenario", "check", path], ["scenario", "try", path], ["--config", path, "--print-config", "-t", "1s"],
                  ["--no-charts", "--config", path, "-m", "1", "--requests", "2"], ["--json", "--no-charts", "--config", path, "-m", "1", "--requests", "2"],
                  ["--verbose", "--no-charts", "--config", path, "-m", "1", "--requests", "2"]):
        finished = strest.run(*words, env={"STREST_TEST_KEY": SECRET})
        assert finished.code == 0, finished
        assert SECRET not in finished.out + finished.err, (words, finished)
        shown += finished.out
    assert server.requests[0].values("Authorization") == [f"Bearer {SECRET}"]
    assert "***" in shown


# ---- data files

BAD_DATA = {
    "empty.csv": (b"", []),
    "head.csv": (b"a,b\n", []),
    "short.csv": (b"a,b\n1,2\n3\n", [":3:"]),
    "long.csv": (b"a,b\n1,2\n3,4,5\n", [":3:"]),
    "twice.csv": (b"a,a\n1,2\n", [":1:", "'a'"]),
    "quote.csv": (b'a,b\n1,"2\n', [":2:"]),
    "name.csv": (b"a b,c\n1,2\n", [":1:", "a b"]),
    "nul.csv": (b"a,b\n1,\x00\n", [":2:"]),
    "typed.csv": (b"a,b\n1,2\nx,2\n", [":3:", "'x'"]),
    "bad.jsonl": (b'{"a":1}\n{"a":\n', [":2:"]),
    "keys.jsonl": (b'{"a":1}\n{"b":1}\n', [":2:"]),
    "nested.jsonl": (b'{"a":[1]}\n', [":1:"]),
}


@pytest.mark.parametrize("name", BAD_DATA)
@pytest.mark.parametrize("command", [["scenario", "check"], ["scenario", "try"], ["-t", "1s", "--config"]], ids=["check", "try", "run"])
def test_a_bad_data_file_is_refused_with_file_and_line(strest, flow, name, command):
    text, words = BAD_DATA[name]
    data = flow.put(name, text)
    types = {"types": {"a": "integer"}} if name == "typed.csv" else {}
    finished = strest.run(*command, flow("http://127.0.0.1:9", ["/{{a}}"], data=[{"file": str(data), **types}]))
    said = finished.out + finished.err
    assert finished.code == 1, finished
    assert len(said.splitlines()) == 1, finished
    for word in [name, *words]:
        assert word in said, (word, finished)


def test_a_data_file_that_is_not_there_is_said(strest, flow):
    finished = strest.run("-t", "1s", "--config", flow("http://127.0.0.1:9", ["/{{a}}"], data=[{"file": str(flow.folder / "none.csv")}]))
    says(finished, 1, "none.csv", "No such file")


def test_a_column_that_is_not_there_is_said(strest, flow):
    data = flow.put("a.csv", "user,city\n1,2\n")
    says(strest.run("-t", "1s", "--config", flow("http://127.0.0.1:9", ["/{{usr}}"], data=[{"file": str(data)}])), 1, "'usr'", "'user'")
    finished = strest.run("-t", "1s", "--config", flow("http://127.0.0.1:9", ["/"], data=[{"file": str(data), "types": {"age": "integer"}}]))
    says(finished, 1, "age")


def test_cells_of_all_kinds_arrive(strest, server, flow):
    data = flow.put("a.csv", '\ufeffa,b\r\n"x, ""y""","line\nend"\r\n,é\r\n')
    more = flow.put("b.jsonl", '{"n":1.50,"t":true,"z":null,"s":"\\u00e9"}\n')
    path = flow(server.url, [{"method": "post", "path": "/", "data": "{{a}}|{{b}}|{{n}}|{{t}}|{{z}}|{{s}}"}], data=[{"file": str(data)}, {"file": str(more)}])
    one(strest, path, 2)
    assert [request.body.decode() for request in server.requests] == ['x, "y"|line\nend|1.50|true||é', "|é|1.50|true||é"]


@pytest.mark.parametrize("rows", [1, 3])
def test_unique_rows_and_no_user_for_them_end_the_run_all_the_same(strest, target, flow, rows):
    server = target()
    data = flow.put("a.csv", "a\n" + "1\n" * rows)
    path = flow(server.url, ["/", {"path": "/", "think_time": "100ms"}], data=[{"file": str(data), "order": "unique"}])
    for words in (["-m", "50", "-r", "50", "--threads", "4"], ["-m", "50", "--rate", "500", "--threads", "4"]):
        finished = strest.run("--json", "--no-charts", "--config", path, *words, "-t", "20s")
        assert finished.code == 0 and finished.seconds < 15, finished
        result = check_result(finished)
        check_flow(result)
        assert (result["iterations"]["planned"], result["iterations"]["ok"], result["books"]["ok"]) == (rows, rows, 2 * rows)
