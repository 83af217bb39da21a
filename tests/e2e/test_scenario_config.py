"""Scenarios and data files in a config file: what is wrong in them is said with its place before anything is sent."""

import os
import tomllib

import pytest

STEPS = '\nsteps = [{ path = "/" }]'
GOOD = '[scenario]\nbase_url = "http://127.0.0.1:9/"' + STEPS

# (name of the file, its text, what is said behind the name)
BAD = [
    ("a.toml", "scenario = 5", "1:12: scenario: '5' is not a table; write one with its steps"),
    ("a.toml", "[scenario]", '1:2: scenario: no step; write [[scenario.steps]] and below it path = "/"'),
    ("a.json", '{"scenario": {"steps": []}}', '1:24: scenario.steps: no step; write "steps": [{"path": "/"}]'),
    ("a.toml", "[scenario]\nschema_version = 2" + STEPS, "2:18: scenario.schema_version: '2' is a version that strest does not know; write schema_version = 1"),
    ("a.toml", '[scenario]\nbase_url = "localhost:3000"' + STEPS, "2:12: scenario.base_url: URL 'localhost:3000' has no scheme; write http://localhost:3000"),
    ("a.toml", '[scenario]\nbase_url = "http://{{host}}"' + STEPS, "2:12: scenario.base_url: no {{ is filled in here; write the URL itself"),
    ("a.json", '{"scenario": {"steps": [{}],\n  "vars": {"id": 7}}}', '2:18: scenario.vars.id: \'7\' is not a text; write "id": "7"'),
    ("a.toml", "[scenario]\ncookies = 1" + STEPS, "2:11: scenario.cookies: '1' is not true or false; write e.g. cookies = true"),
    ("a.toml", '[scenario]\non_failure = "restrt"' + STEPS, "2:14: scenario.on_failure: 'restrt' is no choice; did you mean 'restart'? (one of continue, restart)"),
    ("a.toml", "[scenario]\nstep = 1" + STEPS, "2:1: unknown key 'step' in scenario; did you mean 'steps'?"),
    ("a.toml", "[scenario]\nduration = 1" + STEPS, "2:1: unknown key 'duration' in scenario; it belongs to the top level, above the first [table]"),
    ("a.toml", '[scenarios."a b"]' + STEPS, "1:12: scenarios: 'a b' is no name of a scenario; write letters, digits, '_' and '-'"),
    ("a.toml", "[scenarios.a]\nweight = 0" + STEPS, "2:10: scenarios.a.weight: '0' is too small; write at least 1"),
    ("a.toml", "[scenarios.a]\nweight = 2" + STEPS + "\n[scenario]" + STEPS,
     "2:10: scenarios.a.weight: a share of a mix, but scenario in line 4 is run alone; take the weight out, or that one"),
    ("a.toml", '[[scenario.steps]]\nname = "a"\n[[scenario.steps]]\nname = "a"', "4:8: scenario.steps, step 2, name: 'a' is step 1, too; write another one"),
    ("a.toml", '[[scenario.steps]]\nurl = "http://h/"\npath = "/"', "3:1: scenario.steps, step 1, path: excludes url in line 2; keep one of them"),
    ("a.toml", '[[scenario.steps]]\nheaders = ["Accept"]',
     '2:12: scenario.steps, step 1, headers, item 1: the header has no colon; write e.g. headers = ["Accept: text/html"]'),
    ("a.toml", "[[scenario.steps]]\nassert_status = 600",
     "2:17: scenario.steps, step 1, assert_status: '600' is not a set of status codes from 100 to 599; write e.g. assert_status = \"200,204,3xx\""),
    ("a.toml", '[[scenario.steps]]\nassert_json = { "/a" = {} }',
     "2:24: scenario.steps, step 1, assert_json, '/a': a table is not a text, a number or a truth value of JSON; write e.g. \"/id\" = 1"),
    ("a.toml", '[[scenario.steps]]\nthink_time = "0ms"', "2:14: scenario.steps, step 1, think_time: '0ms' is no time at all; write e.g. think_time = \"500ms\""),
    ("a.toml", '[[scenario.steps]]\nextract = { t = "/t" }', "2:17: scenario.steps, step 1, extract.t: '/t' is not a table; write e.g. t = { json = \"/token\" }"),
    ("a.toml", '[[scenario.steps]]\nextract = { t = { json = "/t", regex = "x" } }', "2:32: scenario.steps, step 1, extract.t.regex: excludes json in line 2; keep one of them"),
    ("a.toml", '[[scenario.steps]]\ndata = "${STREST_NOT_SET}"',
     "2:8: scenario.steps, step 1, data: the environment variable 'STREST_NOT_SET' is not set; set it, or write $${ for a plain ${"),
    ("a.toml", GOOD + '\n[[data]]\nfile = "users.txt"', "5:8: data, file 1, file: 'users.txt' ends neither in .csv nor in .jsonl; write e.g. file = \"users.csv\""),
    ("a.toml", GOOD + '\n[[data]]\nfile = "users.csv"\norder = "all"', "6:9: data, file 1, order: 'all' is no choice; write one of sequential, random, unique"),
    ("a.toml", '[[data]]\nfile = "users.csv"', "1:1: data: the rows of a file are for scenarios, and there is none; write one, or take the file out"),
    ("a.toml", 'form = ["a=b"]\n' + GOOD, "1:9: form: says nothing beside the scenario of a.toml; write the body as data of the steps"),
    ("a.toml", 'urls_from_file = "u"\n' + GOOD, "1:18: urls_from_file: says nothing beside the scenario of a.toml; write them as url or path of the steps"),
    ("a.toml", 'script = "x.wasm"\n' + GOOD, "1:1: script: WASM scripts come with a later version of strest; take the key out"),
]


@pytest.fixture
def here(strest, tmp_path):
    """here(text, name) writes a file into a folder of its own; here.run(*args) runs strest in that folder."""

    class Here:
        def __call__(self, text, name="strest.toml"):
            (tmp_path / name).write_text(text, encoding="utf-8")
            return self

        @staticmethod
        def run(*args):
            return strest.run(*args, prepare=lambda: os.chdir(tmp_path))

    return Here()


@pytest.mark.parametrize(("name", "text", "want"), BAD, ids=[want.partition(";")[0] for _, _, want in BAD])
def test_a_bad_file_is_one_sentence_with_its_place(here, name, text, want):
    checked = here(text, name).run("config", "check", name)
    assert (checked.code, checked.out, checked.err) == (1, f"{name}:{want}\n", "")


def test_a_good_file_is_said_to_be_good(here):
    checked = here('rate = 5\nrate_unit = "iterations"\n' + GOOD + '\n[[data]]\nfile = "users.csv"\n').run("config", "check", "strest.toml")
    assert (checked.code, checked.out) == (0, "strest.toml: good\n")


def test_a_step_without_a_server_is_refused_before_the_run(here):
    run = here('[[scenario.steps]]\nurl = "http://127.0.0.1:9/"\n[[scenario.steps]]\npath = "/"\n').run("-t", "1s")
    assert run.code == 1
    assert run.err == ('strest: error: strest.toml:3:1: scenario.steps, step 2: a path alone names no server; '
                       'write base_url = "http://localhost:3000" in scenario, or --url URL\n')


@pytest.mark.parametrize(("args", "want"), [
    (["--debug"], "--debug: says nothing beside the scenario of strest.toml; leave one of them out"),
    (["--form", "a=b"], "--form: says nothing beside the scenario of strest.toml; write the body as data of the steps"),
    (["--rate-unit", "iterations"], "--rate-unit needs a rate; add e.g. --rate 100 or --stages 30s@500,1m@2000"),
])
def test_what_a_scenario_leaves_no_room_for_is_refused(here, args, want):
    run = here(GOOD).run(*args)
    assert (run.code, run.err) == (1, f"strest: error: {want}\n")


def test_a_unit_of_the_rate_needs_a_scenario(here):
    run = here("").run("--url", "http://127.0.0.1:9/", "--rate", "5", "--rate-unit", "requests")
    assert (run.code, run.err) == (1, "strest: error: --rate-unit: tells requests from iterations of a scenario, and there is no scenario; leave it out\n")


def test_the_printed_config_says_the_same(here):
    text = '[scenario]\nheaders = ["Authorization: Bearer abc"]\n[[scenario.steps]]\nurl = "http://127.0.0.1:9/{{id}}"\n[[data]]\nfile = "ids.csv"\n'
    page = here(text).run("--print-config")
    said = tomllib.loads(page.out)
    assert "[scenario]  # strest.toml:1, 1 step\n" in page.out
    assert said["scenario"] == {"headers": ["Authorization: ***"], "steps": [{"url": "http://127.0.0.1:9/{{id}}"}]}
    assert said["data"] == [{"file": "ids.csv"}]
    again = here(page.out, "again.toml").run("--config", "again.toml", "--print-config")
    assert tomllib.loads(again.out) == said
