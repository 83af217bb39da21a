"""The rules of docs/scenarios.md that two keys make together: whose headers are sent, which value a name stands for, which reason is counted."""

import json

import pytest

from conftest import reasons, says
from flows import measure, one, scenario, step_errors
from servers import answer, respond


@pytest.fixture
def server(scripted):
    return scripted(respond(lambda request: answer(b'{"v":"told","w":{"x":[1,2]}}', fields=["X-Kind: fine"])))


def sent(server, *names):
    """These fields of each request."""
    return [tuple(request.values(name) for name in names) for request in server.requests]


# ---- whose headers, bodies and methods


def test_a_step_replaces_headers_of_the_same_name_and_adds_others(strest, server, flow):
    path = flow(server.url, ["/a", {"path": "/b", "headers": ["x-one: step{{seq}}", "X-Two: step"]}], top={"headers": ["X-One: run", "X-All: run"]})
    one(strest, path, 1, 2)
    assert sent(server, "X-One", "X-Two", "X-All") == [(["run"], [], ["run"]), (["step1"], ["step"], ["run"])]


def test_headers_of_a_scenario_stand_in_the_place_of_the_run_s(strest, server, flow):
    path = flow(server.url, ["/a", {"path": "/b", "headers": ["X-One: step"]}], headers=["X-One: scenario", "X-Two: {{iter}}"], top={"headers": ["X-Run: run"]})
    one(strest, path, 1, 2)
    assert sent(server, "X-One", "X-Two", "X-Run") == [(["scenario"], ["0"], []), (["step"], ["0"], [])]


def test_a_step_s_types_go_before_those_of_the_run(strest, server, flow):
    own = {"path": "/b", "headers": ["accept: application/json", "Content-Type: text/{{step}}"], "data": "x"}
    one(strest, flow(server.url, [{"path": "/a", "data": "x"}, own], top={"accept": "text/html", "content_type": "text/plain"}), 1, 2)
    assert sent(server, "Accept", "Content-Type") == [(["text/html"], ["text/plain"]), (["application/json"], ["text/2"])]


def test_bodies_and_methods_are_the_step_s_the_scenario_s_or_the_run_s(strest, server, flow):
    steps = ["/a", {"path": "/b", "data": "step {{step}}"}, {"path": "/c", "data": ""}, {"path": "/d", "method": "put"}]
    one(strest, flow.write({"scenario": scenario(server.url, steps, method="post", data="scenario {{step}}"), "data": "run"}), 1, 4)
    assert [(request.method, request.body) for request in server.requests] == [("POST", b"scenario 1"), ("POST", b"step 2"), ("POST", b""), ("PUT", b"scenario 4")]
    server.requests = []
    one(strest, flow(server.url, steps, top={"data": "run {{seq}}", "method": "patch"}), 1, 4)
    assert [(request.method, request.body) for request in server.requests] == [("PATCH", b"run 0"), ("PATCH", b"step 2"), ("PATCH", b""), ("PUT", b"run 3")]


def test_the_url_of_the_run_is_that_of_a_scenario_without_one(strest, server, flow):
    path = flow.write({"scenario": {"steps": [{"path": "a"}, {"path": "?x={{seq}}"}, {"path": "/c"}, {}]}})
    one_run = measure(strest, path, "-u", server.url + "/shop/door", "-m", "1", "--requests", "4", "-t", "20s")
    assert one_run["books"]["ok"] == 4
    assert [request.path for request in server.requests] == ["/shop/a", "/shop/door?x=1", "/c", "/shop/door"]


# ---- what a name stands for


def test_the_nearest_value_of_a_name_holds(strest, server, flow):
    """The step's, then what was extracted, then the scenario's."""
    data = flow.put("a.csv", "col\ncolumn\n")
    say = {"path": "/{{seq}}/{{v}}/{{only}}/{{col}}"}
    steps = [{**say, "extract": {"v": {"json": "/v"}}}, {**say, "vars": {"v": "step"}}, say]
    one(strest, flow(server.url, steps, vars={"v": "first", "only": "scenario"}, data=[{"file": str(data)}]), 1, 3)
    assert [request.path for request in server.requests] == ["/0/first/scenario/column", "/1/step/scenario/column", "/2/told/scenario/column"]


@pytest.mark.parametrize(("name", "said"), [("col", "is a column of"), ("seq", "is built in"), ("uuid", "is built in")])
def test_a_variable_has_a_name_of_its_own(strest, server, flow, name, said):
    data = flow.put("a.csv", "col\ncolumn\n")
    for path in (flow(server.url, ["/"], vars={name: "x"}, data=[{"file": str(data)}]), flow(server.url, [{"path": "/", "vars": {name: "x"}}], data=[{"file": str(data)}])):
        says(strest.run("--config", path, "-t", "1s"), 1, f"'{name}' {said}")


def test_a_value_may_be_taken_again_and_the_last_one_holds(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(json.dumps({"v": request.path[1:]}).encode())))
    take = {"extract": {"v": {"json": "/v"}}}
    one(strest, flow(server.url, [{"path": "/x", **take}, {"path": "/y{{v}}", **take}, {"path": "/z{{v}}"}]), 1, 3)
    assert [request.path for request in server.requests] == ["/x", "/yx", "/zyx"]


def test_two_scenarios_do_not_see_each_other_s_values(strest, server, flow):
    other = scenario(server.url, ["/b/{{v}}"])
    path = flow.mix(a=scenario(server.url, [{"path": "/a", "extract": {"v": {"json": "/v"}}}]), b=other)
    says(strest.run("--config", path, "-t", "1s"), 1, "'v'", "no variable")
    path = flow.mix(a=scenario(server.url, [{"path": "/a", "extract": {"v": {"json": "/v"}}}]), b={**other, "vars": {"v": "own"}})
    measure(strest, path, "-m", "2", "-r", "2", "--requests", "40", "-t", "20s")
    assert {request.path for request in server.requests} == {"/a", "/b/own"}


def test_the_whole_body_and_a_part_of_it_may_be_carried_on(strest, server, flow):
    steps = [{"path": "/", "extract": {"all": {"json": ""}, "part": {"json": "/w"}}}, {"path": "/", "method": "post", "data": "{{all}}|{{part}}"}]
    one(strest, flow(server.url, steps), 1, 2)
    assert server.requests[1].body == b'{"v":"told","w":{"x":[1,2]}}|{"x":[1,2]}'


@pytest.mark.parametrize(("names", "said"), [(("a.csv", "b.csv"), ["user", "a.csv"]), (("a.csv",), ["user", "a.csv"])])
def test_one_name_of_two_origins_is_refused(strest, flow, names, said):
    data = [{"file": str(flow.put(name, "user\nx\n"))} for name in names]
    step = {"path": "/", "extract": {"user": {"json": "/v"}}} if len(names) == 1 else {"path": "/"}
    says(strest.run("-t", "1s", "--config", flow("http://127.0.0.1:9", [step], data=data)), 1, *said)


# ---- which reason is counted

FAULTS = {
    "header": {"assert_headers": {"X-Kind": "coarse"}},
    "body": {"assert_body_contains": "absent"},
    "body_regex": {"assert_body_regex": "^absent"},
    "json": {"assert_json": {"/v": "other"}},
    "extract": {"extract": {"u": {"json": "/absent"}}},
    "time": {"assert_time": "1us"},
}


@pytest.mark.parametrize("first", FAULTS)
def test_the_first_fault_of_an_answer_is_counted(strest, server, flow, first):
    """All that come behind it in the order of docs/scenarios.md are there, too."""
    names = list(FAULTS)
    step = {"path": "/"}
    for name in reversed(names[names.index(first):]):
        step.update(FAULTS[name])
    result = one(strest, flow(server.url, [step]), 3)
    assert reasons(result) == {f"assert/{first}": 3} == step_errors(result["steps"][0])


def test_a_failed_assert_does_not_keep_values_from_being_taken(strest, server, flow):
    step = {"path": "/", "assert_body_contains": "absent", "extract": {"v": {"json": "/v"}, "none": {"json": "/none"}, "k": {"header": "X-Kind"}}}
    result = one(strest, flow(server.url, [step, "/{{v}}/{{k}}"]), 1, 2)
    assert server.requests[1].path == "/told/fine"
    assert reasons(result) == {"assert/body": 1}


def test_a_body_too_large_is_none_for_a_step_that_does_not_look(strest, scripted, flow):
    server = scripted(respond(lambda request: answer(b"x" * 5_000_000)))
    result = one(strest, flow(server.url, ["/a", {"path": "/b", "assert_headers": {"Content-Length": "5000000"}}, {"path": "/c", "assert_body_contains": "x"}]), 1, 3)
    assert [(row["ok"], row["failed"]) for row in result["steps"]] == [(1, 0), (1, 0), (0, 1)]
    assert reasons(result) == {"assert/body_too_large": 1}
