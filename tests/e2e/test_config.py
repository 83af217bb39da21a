"""The config file: what it says is done, what is wrong in it is said with its place, and the command line wins."""

import json
import os
import re
import tomllib

import pytest

import broken
from conftest import ROOT
from servers import always, answer

FIXTURES = ROOT / "tests" / "fixtures" / "config"
BROKEN = list(broken.table())


@pytest.fixture
def here(strest, tmp_path):
    """here(text, name) writes a file into a folder of its own; here.run(*args) runs strest in that folder."""

    class Here:
        def __call__(self, text, name="strest.toml"):
            (tmp_path / name).write_text(text, encoding="utf-8")
            return self

        @staticmethod
        def run(*args, **more):
            return strest.run(*args, prepare=lambda: os.chdir(tmp_path), **more)

    return Here()


def refused(finished, *words):
    """One line on stderr says it, nothing was done."""
    assert finished.code == 1, finished
    assert finished.out == "", finished
    lines = finished.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("strest: error: "), finished
    for word in words:
        assert word in lines[0], (word, lines[0])


def values(finished):
    """What --print-config says, as Python sees it."""
    assert finished.code == 0, finished
    return tomllib.loads(finished.out)


# what is wrong


def test_the_table_is_long_enough():
    assert len(BROKEN) >= 200


@pytest.mark.parametrize("case", BROKEN, ids=repr)
def test_a_broken_file_is_one_line_with_the_right_place(here, case):
    name = "strest" + case.suffix
    place = f"{name}:{case.line}:{case.column}: "
    here(case.text, name)
    finished = here.run()
    refused(finished, f"strest: error: {place}", case.words)
    checked = here.run("config", "check", name)
    assert checked.code == 1, checked
    assert checked.err == "", checked
    assert checked.out.splitlines() == [finished.err.rstrip("\n").removeprefix("strest: error: ")]


def test_several_faults_are_counted_and_all_are_checked(here):
    here('url = "http://127.0.0.1:9/"\nx = 1\nrate = "5"\nsummary = true\n[load]\nrate = -1\n')
    refused(here.run(), "strest.toml:2:1: unknown key 'x'", "(and 3 more: strest config check strest.toml)")
    checked = here.run("config", "check", "strest.toml")
    assert checked.code == 1
    places = [tuple(map(int, line.split(":")[1:3])) for line in checked.out.splitlines()]
    assert places == [(2, 1), (3, 8), (4, 1), (5, 2), (6, 8)]
    assert ": warning: summary: " in checked.out.splitlines()[2]


def test_a_good_file_is_said_to_be_good(here):
    checked = here("max_tasks = 5\n").run("config", "check", "strest.toml")
    assert (checked.code, checked.out, checked.err) == (0, "strest.toml: good\n", "")
    checked = here.run("config", "check")
    assert (checked.code, checked.out, checked.err) == (0, "strest.toml: good\n", "")


RULES = [
    ('url = "localhost:3000"\n', 1, 7, "http://localhost:3000"),
    ('url = "http://127.0.0.1:9/"\nwarmup = "30s"\n', 2, 10, "duration of 30s"),
    ('url = "http://127.0.0.1:9/"\nno_ua = true\n', 2, 9, "authorized = true"),
    ('url = "http://127.0.0.1:9/"\nheaders = ["A: b", "User-Agent: x"]\n', 2, 20, "authorized = true"),
    ('url = "http://127.0.0.1:9/"\ncert = "x.pem"\n', 2, 8, "key"),
    ('url = "http://127.0.0.1:9/"\ntls_min = "1.3"\ntls_max = "1.2"\n', 2, 11, "tls_max of 1.2"),
    ('url = "http://127.0.0.1:9/"\nthreads = 4\nmax_tasks = 3\n', 2, 11, "max_tasks of 3"),
    ('url = "http://127.0.0.1:9/"\narrival = "poisson"\n', 2, 11, "rate = 100"),
    ('url = "http://127.0.0.1:9/"\nconnection_pick = "mru"\n', 2, 19, "rate = 100"),
    ('url = "https://127.0.0.1:9/"\nunix_socket = "/x"\n', 2, 15, "unix_socket speaks plain http only"),
    ('url = "http://127.0.0.1:9/"\nbearer = "x"\nheaders = ["A: b", "authorization: x"]\n', 3, 20, "made by bearer"),
    ('url = "http://127.0.0.1:9/"\nheaders = ["Content-Type: a/b"]\nform = ["a=b"]\n', 2, 12, "form says its own Content-Type"),
    ('url = "http://127.0.0.1:9/"\n[thresholds]\nstage.1.p99 = "<1s"\n', 3, 15, "stage"),
    ('url = "http://127.0.0.1:9/"\n[[load.stages]]\nduration = "1s"\ntarget = 5\n[thresholds]\nstage.2.p99 = "<1s"\n', 6, 15, "stage 1"),
    ('url = "http://127.0.0.1:9/"\nstages = "10s@5,20s@6,1s@7"\n[thresholds]\nstage.2.p99 = "<1s"\nstage.3.p99 = "<1s"\n', 5, 15,
     "begins at 30s, after the duration of 30s"),
    ('url = "http://127.0.0.1:9/"\nduration = 9\nstages = "10s@5,20s@6"\n[thresholds]\np99 = "<1s"\nstage.2.rps = [">1", ">2"]\n', 6, 16,
     "begins at 10s, after the duration of 9s"),
    ('url = "http://127.0.0.1:9/"\n[thresholds]\nabort = true\n', 3, 9, "threshold"),
]


@pytest.mark.parametrize("text, line, column, words", RULES)
def test_a_rule_across_keys_names_its_place(here, text, line, column, words):
    refused(here(text).run(), f"strest.toml:{line}:{column}: ", words)
    checked = here.run("config", "check", "strest.toml")
    assert checked.code == 1
    assert checked.out.startswith(f"strest.toml:{line}:{column}: ") and checked.out.count("\n") == 1


FILES = [
    ("missing.toml", None, "No such file or directory"),
    ("strest.yaml", b"x", ".toml or .json"),
    ("strest.TOML", b"", ".toml or .json"),
    ("strest", b"", ".toml or .json"),
    ("big.toml", b"# " + b"x" * (5 << 20), "too large"),
    ("latin.toml", b'data = "\xe9"', "1:9: bytes that are not UTF-8"),
    ("latin.json", b'{"data": "\xe9"}', "1:11: bytes that are not UTF-8"),
]


@pytest.mark.parametrize("name, content, words", FILES, ids=[name for name, _, _ in FILES])
def test_a_file_that_cannot_be_read_is_refused(strest, tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    refused(strest.run("--config", path, "-u", broken.URL), str(path), words)


def test_a_folder_is_no_file(strest, tmp_path):
    (tmp_path / "folder.toml").mkdir()
    refused(strest.run("--config", tmp_path / "folder.toml", "-u", broken.URL), "Is a directory")


def test_a_wrong_command_line_comes_before_the_file(here):
    finished = here("x = 1").run("--wibble")
    assert finished.code == 2 and "--wibble" in finished.err and "strest.toml" not in finished.err


LATER = [("--summary", "summary"), ("--http3", "HTTP/3"), ("--proxy-http2", "HTTP/1.1"),
         ("--script", "scripts")]


@pytest.mark.parametrize("option, words", LATER)
def test_options_of_later_versions_are_named_as_such(strest, option, words):
    finished = strest.run("-u", broken.URL, option)
    assert finished.code == 2, finished
    assert f"unknown option '{option}'; " in finished.err and words in finished.err


# what is right


@pytest.mark.parametrize("name", ["readme.toml", "readme.json"])
def test_the_readmes_example_loads(strest, name):
    finished = strest.run("--config", FIXTURES / name, "--print-config")
    said = values(finished)
    want = {"url": "http://localhost:3000", "method": "get", "duration": "60s", "http2": True, "alpn": ["h2"], "warmup": "5s", "status": "200", "tls_min": "1.2", "tls_max": "1.3",
            "headers": ["Content-Type: application/json", "X-Env: local"], "rate": 1000, "stages": "10s@500,20s@1500", "timeout": "10s"}
    assert {key: said[key] for key in want} == want
    left_out = re.findall(r"^strest: warning: .*:\d+:\d+: (\w+): .*; left out$", finished.err, re.M)
    assert sorted(left_out) == ["summary"]
    assert len(finished.err.splitlines()) == len(left_out)
    checked = strest.run("config", "check", FIXTURES / name)
    assert checked.code == 0 and checked.out.splitlines()[-1].endswith(f"{name}: good, with 1 key left out")


def test_the_readmes_ramp_loads(strest):
    said = values(strest.run("--config", FIXTURES / "ramp.toml", "--print-config"))
    assert (said["duration"], said["rate"], said["stages"]) == ("300s", 100, "60s@300,120s@800")


@pytest.mark.parametrize("name", ["scenario.toml", "scenario.json"])
def test_the_readmes_scenario_loads(strest, name):
    checked = strest.run("config", "check", FIXTURES / name)
    assert (checked.code, checked.out) == (0, f"{FIXTURES / name}: good\n")
    said = values(strest.run("--config", FIXTURES / name, "--print-config"))["scenario"]
    assert (said["base_url"], said["vars"]) == ("http://localhost:3000", {"user": "demo"})
    assert [step["name"] for step in said["steps"]] == ["login", "profile"]
    assert said["steps"][0]["data"] == '{"user":"{{user}}","seq":"{{seq}}"}'


def test_the_readmes_example_runs(strest, target):
    server = target()
    result = strest.measure("--config", FIXTURES / "readme.toml", "-u", server.url, "-t", "1s", "--warmup", "200ms", "--rate", "50")
    assert result["books"]["ok"] == 40


ONE = 'max_tasks = 1\nrequests = 1\nduration = "20s"\nthreads = 1\n'


@pytest.fixture
def sent(here, scripted):
    """sent(text, *args) runs with this file, in which URL stands for the server's address, and returns the request that was received."""

    def send(text, *args, name="strest.toml", env=None):
        server = scripted(always(answer()))
        here(text.replace("URL", server.url), name)
        finished = here.run(*args, env=env)
        assert finished.code == 0, finished
        assert server.counted == 1
        return server.requests[0]

    return send


def field(request, name):
    return re.findall(rf"^{name}: (.*)\r$", request.head.decode(), re.M | re.I)


def test_the_file_makes_the_request(sent):
    request = sent('url = "URL/a?b=c"\nmethod = "post"\nheaders = ["X-A: 1", "X-B: 2"]\ndata = "{\\"n\\":1}"\naccept = "text/html"\n'
                   'content_type = "application/json"\nhost = "example.test"\n' + ONE)
    assert request.head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert (field(request, "X-A"), field(request, "X-B"), field(request, "Host")) == (["1"], ["2"], ["example.test"])
    assert (field(request, "Accept"), field(request, "Content-Type")) == (["text/html"], ["application/json"])
    assert request.body == b'{"n":1}'


def test_json_makes_the_same_request(sent):
    config = {"url": "URL/a", "method": "put", "headers": ["X-A: 1"], "data": "é", "max_tasks": 1, "requests": 1, "duration": "20s", "load": None}
    request = sent(json.dumps(config), name="strest.json")
    assert request.head.startswith(b"PUT /a HTTP/1.1\r\n")
    assert field(request, "X-A") == ["1"]
    assert request.body == "é".encode()


PRECEDENCE = [
    # the file, the command line, what the target must see
    ('headers = ["X-A: file"]', [], {"X-A": ["file"]}),
    ('headers = ["X-A: file", "X-B: file"]', ["-H", "X-C: line"], {"X-A": [], "X-B": [], "X-C": ["line"]}),
    ('accept = "a/file"', [], {"Accept": ["a/file"]}),
    ('accept = "a/file"', ["-A", "a/line"], {"Accept": ["a/line"]}),
    ("", ["-A", "a/line"], {"Accept": ["a/line"]}),
    ("", [], {"Accept": ["*/*"]}),
    ("no_ua = true\nauthorized = true", [], {"User-Agent": []}),
    ("no_ua = true\nauthorized = true", ["--no-ua=false"], {"Accept": ["*/*"]}),
    ("authorized = true", ["--no-ua"], {"User-Agent": []}),
    ('headers = ["X-A: ${STREST_E2E}"]', [], {"X-A": ["from the environment"]}),
    ('headers = ["X-A: $${STREST_E2E}"]', [], {"X-A": ["${STREST_E2E}"]}),
    ('headers = ["X-A: ${STREST_E2E}"]', ["-H", "X-A: ${STREST_E2E}"], {"X-A": ["${STREST_E2E}"]}),
]


@pytest.mark.parametrize("text, args, want", PRECEDENCE)
def test_the_command_line_wins_over_the_file(sent, text, args, want):
    request = sent(f'url = "URL/"\n{text}\n{ONE}', *args, env={"STREST_E2E": "from the environment"})
    assert {name: field(request, name) for name in want} == want


BODIES = [
    ('data = "file"', [], b"file"),
    ('data = "file"', ["-d", "line"], b"line"),
    ('data_file = "body"', [], b"body file"),
    ('data_file = "body"', ["-d", "line"], b"line"),
    ('data = "file"', ["-D", "body"], b"body file"),
    ('data = "file"', ["-Z", "body"], b"body file"),
    ('data_lines = "body"', ["-D", "body"], b"body file"),
    ('form = ["a=b"]', ["-d", "line"], b"line"),
    ('form = ["a=b"]', ["-D", "body"], b"body file"),
]


@pytest.mark.parametrize("text, args, want", BODIES)
def test_a_body_of_the_command_line_replaces_any_of_the_file(here, sent, text, args, want):
    here("body file", "body")
    assert sent(f'url = "URL/"\nmethod = "post"\n{text}\n{ONE}', *args).body == want


@pytest.mark.option("config")
def test_toml_is_preferred_and_a_named_file_wins(here, sent):
    here('{"url": "http://127.0.0.1:9/json"}', "strest.json")
    assert sent(f'url = "URL/toml"\n{ONE}').head.startswith(b"GET /toml ")
    here('{"url": "http://127.0.0.1:9/json"}', "named.json")
    said = values(here.run("--config", "named.json", "--print-config"))
    assert said["url"] == "http://127.0.0.1:9/json"


def test_no_file_and_no_argument_print_the_help(here):
    finished = here.run()
    assert finished.code == 0 and "Usage: strest" in finished.out


def test_the_target_reads_no_file(here):
    finished = here("x = ").run("target", "--listen", "nonsense")
    assert "strest.toml" not in finished.err


LOADS = ["rate = 5", "rpm = 300", 'rate = 5\nstages = "9s@7"', "[load]\nrate = 5", '[load]\nrate = 5\n[[load.stages]]\nduration = "9s"\ntarget = 7']


@pytest.mark.parametrize("load", LOADS)
def test_a_rate_of_the_command_line_replaces_the_files_load(here, load):
    here(f'url = "http://127.0.0.1:9/"\n{load}\n')
    said = values(here.run("--print-config"))
    assert said["rate"] == 5 and said.get("stages") == (None if "7" not in load else "9s@7")
    said = values(here.run("--print-config", "--rate", "80"))
    assert said["rate"] == 80 and "stages" not in said
    said = values(here.run("--print-config", "--stages", "3s@4"))
    assert said["stages"] == "3s@4" and "rate" not in said


def test_a_load_of_the_file_is_run(here, target):
    server = target()
    here(f'url = "{server.url}/"\nduration = 2\njson = true\n[load]\nrpm = 6000\n[[load.stages]]\nduration = "2s"\nrate = 100\n')
    result = here.run()
    assert result.code == 0, result
    assert result.json["books"]["planned"] == 200


# --print-config


@pytest.mark.option("print-config")
def test_every_setting_says_where_it_comes_from(here):
    here('url = "http://127.0.0.1:9/"\n\nrate = 100\nsummary = true\n')
    finished = here.run("--print-config", "-m", "7", "-H", "A: b", env={"NO_COLOR": "1"})
    lines = finished.out.splitlines()
    for line in ('url = "http://127.0.0.1:9/"  # strest.toml:1', "rate = 100.0  # strest.toml:3", "max_tasks = 7  # --max-tasks",
                 'headers = ["A: b"]  # --headers', "no_color = true  # NO_COLOR", 'timeout = "10s"  # default', "# requests: not set"):
        assert line in lines, line
    assert finished.err.count("strest: warning: ") == 1


SET_ASIDE = [
    # the file, the command line, what is left of the file's, what is not
    ('url = "http://127.0.0.1:9/"', ["--urls-from-file", "list"], {"urls_from_file": "list"}, ["url"]),
    ('urls_from_file = "list"', ["-u", broken.URL], {"url": broken.URL}, ["urls_from_file"]),
    ('proxy = "http://127.0.0.1:9"', ["--no-proxy"], {"no_proxy": True}, ["proxy"]),
    ("no_proxy = true", ["-p", "http://127.0.0.1:9"], {"proxy": "http://127.0.0.1:9", "no_proxy": False}, []),
    ("ipv6 = true", ["--ipv4"], {"ipv4": True, "ipv6": False}, []),
    ('basic_auth = "a:b"', ["--bearer", "c"], {"bearer": "***"}, ["basic_auth"]),
    ('basic_auth = "a:b"', ["-H", "Authorization: c"], {"headers": ["Authorization: ***"]}, ["basic_auth"]),
    ('form = ["a=b"]', ["-T", "a/b"], {"content_type": "a/b", "method": "get"}, ["form"]),
    ('data = "a"', ["-F", "a=b"], {"form": ["a=b"], "method": "post"}, ["data"]),
    ('method = "put"', ["-F", "a=b"], {"form": ["a=b"], "method": "put"}, []),
    ('bind = ["127.0.0.1"]\nconnect_to = ["a:1:b:2"]', ["--unix-socket", "/x"], {"unix_socket": "/x"}, ["bind", "connect_to"]),
    ("disable_keepalive = true", ["--requests-per-connection", "5"], {"requests_per_connection": 5, "disable_keepalive": False}, []),
]


@pytest.mark.parametrize("text, args, left, gone", SET_ASIDE)
def test_what_the_command_line_excludes_of_the_file_is_set_aside(here, text, args, left, gone):
    said = values(here(text + "\n").run("--print-config", *args))
    assert {key: said[key] for key in left} == left
    assert not [key for key in gone if key in said]


NO_PROXIES = {name: "" for low in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (low, low.upper())}


def test_the_proxies_of_the_environment_are_shown_without_their_users(here):
    env = {**NO_PROXIES, "HTTP_PROXY": "http://user:hunter2@127.0.0.1:9", "https_proxy": "127.0.0.1:8", "HTTPS_PROXY": "127.0.0.1:7", "NO_PROXY": "a,b"}
    shown = ['# HTTP_PROXY: "http://***@127.0.0.1:9"', '# HTTPS_PROXY: "127.0.0.1:8"', '# NO_PROXY: "a,b"']
    finished = here.run("--print-config", "-u", broken.URL, env=env)
    assert [line for line in finished.out.splitlines() if "PROXY: " in line] == shown
    assert SECRET not in finished.out + finished.err
    for args in ["--no-proxy"], ["-p", "http://127.0.0.1:6"], ["--unix-socket", "/x"]:
        assert "PROXY: " not in here.run("--print-config", "-u", broken.URL, *args, env=env).out
    finished = here.run("--print-config", "-u", broken.URL, env={**env, "REQUEST_METHOD": "GET"})
    assert "# HTTP_PROXY: " not in finished.out and "# HTTPS_PROXY: " in finished.out


def test_a_header_for_a_proxy_that_is_not_there_is_a_warning(here):
    here('url = "http://127.0.0.1:9/"\nproxy_headers = ["A: b"]\n')
    finished = here.run("--print-config", env=NO_PROXIES)
    assert finished.code == 0
    assert finished.err.startswith("strest: warning: strest.toml:2:17: proxy_headers: there is no proxy") and finished.err.count("\n") == 1
    assert here.run("--print-config", env={**NO_PROXIES, "ALL_PROXY": "127.0.0.1:9"}).err == ""


SECRET = "hunter2"
SECRETS = [
    # a line of the file, what is printed of it; the variable HOST holds 127.0.0.1:9, AT @127.0.0.1, NAME Authorization and TOKEN the secret
    ('url = "http://user:hunter2@127.0.0.1:9/"', "http://***@127.0.0.1:9/"),
    ('url = "http://hunter2@127.0.0.1:9/"', "http://***@127.0.0.1:9/"),
    ('url = "http://user:hunter2@${HOST}/"', "http://***@${HOST}/"),
    ('url = "http://user:${TOKEN}@${HOST}/"', "http://***:${TOKEN}@${HOST}/"),
    ('url = "http://${HOST}:hunter2@${HOST}/${TOKEN}"', "http://${HOST}:***@${HOST}/${TOKEN}"),
    ('url = "http://user:hunter2${AT}"', "http://***${AT}"),
    ('url = "user:hunter2@127.0.0.1:9/"', "***@127.0.0.1:9/"),
    ('url = "user:hunter2@${HOST}/?a=http://b"', "***@${HOST}/?a=http://b"),
    ('headers = ["Authorization: Bearer hunter2"]', ["Authorization: ***"]),
    ('headers = ["Authorization: Basic hunter2 ${HOST}"]', ["Authorization: Basic *** ${HOST}"]),
    ('headers = ["Authorization: Bearer ${TOKEN}"]', ["Authorization: Bearer ${TOKEN}"]),
    ('headers = ["X-A: ${HOST}", "cookie: hunter2"]', ["X-A: ${HOST}", "cookie: ***"]),
    ('headers = ["${NAME}: hunter2"]', ["${NAME}: ***"]),
    ('proxy = "http://user:hunter2@127.0.0.1:9"', "http://***@127.0.0.1:9"),
    ('proxy = "http://user:${TOKEN}@${HOST}"', "http://***:${TOKEN}@${HOST}"),
    ('proxy_headers = ["Proxy-Authorization: Basic hunter2", "X-Env: local"]', ["Proxy-Authorization: ***", "X-Env: local"]),
    ('basic_auth = "user:hunter2"', "***:***"),
    ('basic_auth = "hunter2:${TOKEN}"', "***:${TOKEN}"),
    ('bearer = "hunter2"', "***"),
    ('bearer = "${TOKEN}"', "${TOKEN}"),
    *((f'headers = ["{name}: hunter2", "X-Env: local"]', [f"{name}: ***", "X-Env: local"])
      for name in ("Proxy-Authorization", "COOKIE", "Set-Cookie", "X-Auth-Key", "x-auth-token", "X-API-Key", "ApiKey", "Client-Secret", "X-Password")),
]
VARIABLES = {"HOST": "127.0.0.1:9", "AT": "@127.0.0.1", "NAME": "Authorization", "TOKEN": SECRET}


@pytest.mark.parametrize("line, want", SECRETS)
def test_secrets_are_not_printed(here, line, want):
    """The page shows exactly this, and neither the literal secret nor what a variable holds; read back, it shows the same."""
    finished = here(line + "\n").run("--print-config", env=VARIABLES)
    assert SECRET not in finished.out + finished.err
    key = line.split()[0]
    assert values(finished)[key] == want
    again = here(finished.out, "again.toml").run("--config", "again.toml", "--print-config", env=VARIABLES)
    assert values(again)[key] == want


def test_secrets_of_the_command_line_are_not_printed(strest):
    finished = strest.run("--print-config", "-u", "http://user:hunter2@127.0.0.1:9/", "-H", "Cookie: hunter2", "-H", "X-Auth-Key: hunter2")
    assert SECRET not in finished.out + finished.err
    said = values(finished)
    assert (said["url"], said["headers"]) == ("http://***@127.0.0.1:9/", ["Cookie: ***", "X-Auth-Key: ***"])


REFUSED_FILES = [
    # a line that is refused, what the sentence quotes
    ('url = "http://127.0.0.1:99999/${TOKEN}"', "'http://127.0.0.1:99999/${TOKEN}'"),
    ('url = "http://user:hunter2@${HOST}9999/"', "'http://***@${HOST}9999/'"),
    ('url = "${TOKEN}"', "'${TOKEN}'"),
    ('url = "user:hunter2@127.0.0.1:9/"', "'***@127.0.0.1:9/'"),
    ('url = "http://user:hun/hunter2@127.0.0.1/"', "'http://***@127.0.0.1/'"),
    ('headers = ["A: b", "Bearer hunter2"]', "item 2: the header has no colon"),
    ('headers = ["${TOKEN}"]', "item 1: the header has no colon"),
    ('headers = ["X-Auth-Key: hunter2\\r"]', "'X-Auth-Key: ***'"),
    ('headers = ["X-A: ${TOKEN}\\r"]', "'X-A: ${TOKEN}?'"),
    ('headers = "Cookie: hunter2"', "'Cookie: ***' is not an array"),
    ('proxy = "socks5://user:hunter2@127.0.0.1:9"\nurl = "http://127.0.0.1:9/"', "'socks5://***@127.0.0.1:9'"),
    ('proxy = "http://user:hunter2@127.0.0.1:9/path"\nurl = "http://127.0.0.1:9/"', "'http://***@127.0.0.1:9/path'"),
    ('proxy = "http://${TOKEN}/path"\nurl = "http://127.0.0.1:9/"', "'http://${TOKEN}/path'"),
    ('basic_auth = "hunter2"', "the value has no ':'"),
    ('basic_auth = "${TOKEN}"', "'${TOKEN}' has no ':'"),
    ('basic_auth = ["user:hunter2"]', "the value is not a text"),
    ('bearer = "hunter2\\r"', "the value has a control character"),
    ('proxy_headers = ["Proxy-Authorization hunter2"]', "item 1: the header has no colon"),
    ('form = ["${TOKEN}"]', "'${TOKEN}' is no field of a form"),
]


@pytest.mark.parametrize("line, quoted", REFUSED_FILES)
def test_a_refused_file_does_not_show_its_secrets(here, line, quoted):
    finished = here(line + "\n").run(env=VARIABLES)
    refused(finished, "strest.toml:1:", quoted)
    assert SECRET not in finished.err
    checked = here.run("config", "check", "strest.toml", env=VARIABLES)
    assert checked.code == 1 and SECRET not in checked.out + checked.err


REFUSED_LINES = [
    (["http://user:hunter2@127.0.0.1/"], "'http://***@127.0.0.1/'"),
    (["user:hunter2@127.0.0.1"], "'***@127.0.0.1'"),
    (["target", "http://user:hunter2@127.0.0.1/"], "'http://***@127.0.0.1/'"),
    (["-u", broken.URL, "-H", "Authorization: Bearer hun\rhunter2"], "'Authorization: ***'"),
    (["-u", broken.URL, "-H", "A: b", "-H", "Authorization Bearer hunter2"], "header 2 has no colon"),
    (["-u", broken.URL, "-H", "Authorization Bearer hunter2:x"], "'Authorization...'"),
    (["-u", broken.URL, "-H", "Cookie:", "hunter2"], "'Cookie:'"),
    (["-u", "http://user:hunter2@127.0.0.1:0/"], "'http://***@127.0.0.1:0/'"),
    (["-u", "--header=Cookie: hunter2"], "'--header'"),
    (["-u", broken.URL, "-p", "socks5://user:hunter2@127.0.0.1:9"], "'socks5://***@127.0.0.1:9'"),
    (["-u", broken.URL, "-p", "http://user:hunter2@127.0.0.1:9/x"], "'http://***@127.0.0.1:9/x'"),
    (["-u", broken.URL, "-p", "user:hunter2@127.0.0.1:9"], "'***@127.0.0.1:9'"),
    (["-u", broken.URL, "--proxy-header", "Proxy-Authorization: hun\rhunter2"], "'Proxy-Authorization: ***'"),
    (["-u", broken.URL, "-a", "hunter2"], "the value has no ':'"),
    (["-u", broken.URL, "-a", "-hunter2"], "--basic-auth=VALUE"),
    (["-u", broken.URL, "-a", "user:open", "hunter2"], "behind the value of --basic-auth"),
    (["-u", broken.URL, "--bearer", "hunter2\n"], "the value has a control character"),
]


@pytest.mark.parametrize("args, quoted", REFUSED_LINES)
def test_a_refused_command_line_does_not_show_its_secrets(strest, args, quoted):
    finished = strest.run(*args)
    assert finished.code != 0 and finished.out == "", finished
    assert quoted in finished.err, finished
    assert SECRET not in finished.err


def test_insecure_excludes_cacert(here):
    """Nothing would be checked against the file, so it is not read in silence: one of them, and the command line's before the file's."""
    both = here.run("-u", broken.URL, "--insecure", "--cacert", "none.pem")
    assert both.code == 2 and "--cacert and --insecure exclude each other" in both.err
    here(f'url = "{broken.URL}"\ncacert = "none.pem"\n')
    said = values(here.run("--print-config", "--insecure"))
    assert said["insecure"] is True and "cacert" not in said
    said = values(here.run("--print-config", "--insecure=false"))
    assert said["insecure"] is False and said["cacert"] == "none.pem"
    here(f'url = "{broken.URL}"\ninsecure = true\n')
    said = values(here.run("--print-config", "--cacert", "some.pem"))
    assert said["insecure"] is False and said["cacert"] == "some.pem"


def test_a_threshold_of_the_command_line_needs_its_stage_in_the_run(strest):
    finished = strest.run("-u", broken.URL, "--stages", "1s@5,1s@6", "-t", "1s", "--threshold", "stage.2.p99<1s")
    refused(finished, "--threshold: 'stage.2.p99<1s' asks about a stage that begins at 1s, after the --duration of 1s")


def test_variables_are_printed_as_they_are_written(here):
    here('url = "http://127.0.0.1:9/${STREST_E2E}"\nheaders = ["Authorization: ${STREST_E2E}"]\n')
    finished = here.run("--print-config", env={"STREST_E2E": "hunter2"})
    assert "hunter2" not in finished.out
    assert values(finished)["url"] == "http://127.0.0.1:9/${STREST_E2E}"
    assert values(finished)["headers"] == ["Authorization: ${STREST_E2E}"]


PAGES = [
    ('url = "http://u:p@127.0.0.1:9/?a=${STREST_E2E}"\nheaders = ["Cookie: x", "A: $${b}"]\nrpm = 100\nstatus = "200,3xx"\n', []),
    ('data = "\\"\\\\\\n\\u0001é"\nwarmup = "1500us"\nseed = 0\npreconnect = 0\nheaders = []\n', ["-A", "${x}", "--rate", "0.1"]),
    ('[load]\nrate = 0\n[[load.stages]]\nduration = "1ms"\nrpm = 100\n[thresholds]\np99 = ["<1s", ">1ms"]\nstage.1.errors = "<1%"\nabort = true\n', []),
    ('basic_auth = "a:b${STREST_E2E}"\nproxy = "http://u:p@127.0.0.1:9"\nform = ["a=$${b}"]\nredirect = 0\nbind = ["127.0.0.1,::1"]\nipv4 = true\n', []),
    ("", ["--urls-from-file", "-", "--unix-socket", "/x", "--bearer", "x", "--requests-per-connection", "3", "-q", "1", "--connection-pick", "MRU"]),
    ("", ["--threshold", "p99 < 250ms", "--threshold", "p99.9<1s", "--threshold", "p99>1ms", "--tls-min", "v1.2", "--alpn", "http1", "-X", "PUT"]),
]


@pytest.mark.parametrize("text, args", PAGES)
def test_what_is_printed_reads_back_as_the_same(here, text, args):
    env = {"STREST_E2E": "value"}
    first = here(text).run("--print-config", *args, env=env)
    again = here(first.out, "again.toml").run("--config", "again.toml", "--print-config", env=env)
    assert values(first) == values(again)
    assert again.err == ""
    assert not re.search(r"# --", again.out)
