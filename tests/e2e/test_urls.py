"""--urls-from-file: which URLs are loaded, in which order, and what is told of each of them."""

import collections
import os
import shlex

import pytest

from certificates import over_tls
from conftest import says
from proxies import basic, proxy
from servers import always, answer, respond

USAGE, CONFIG = 2, 1
SECRET = "Pa55-w0rd"

pytestmark = pytest.mark.option("urls-from-file")


@pytest.fixture
def listed(tmp_path):
    """listed(text) writes a list and returns its path."""

    def write(text, name="urls.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def server(scripted):
    return scripted(always(answer()))


def lines(server, *paths):
    return "".join(f"{server.url}{path}\n" for path in paths)


def rows(result):
    return {row["name"]: row for row in result["urls"]}


def test_the_urls_are_loaded_in_their_order_again_and_again(strest, server, listed):
    path = listed(lines(server, "/a", "/b?x=1", "/c"))
    result = strest.measure("--urls-from-file", path, "-m", "1", "--requests", "8", "-t", "20s")
    assert result["books"]["ok"] == 8
    assert [request.path for request in server.requests] == ["/a", "/b?x=1", "/c", "/a", "/b?x=1", "/c", "/a", "/b?x=1"]
    assert result["run"]["urls"] == 3
    assert result["run"]["target"].startswith("3 URLs from ") and result["run"]["target"].endswith("urls.txt")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("load", [["-r", "8", "--requests", "125"], ["--rate", "250", "-t", "500ms"]])
def test_every_url_has_its_share_whatever_the_threads(strest, server, listed, threads, load):
    path = listed(lines(server, *(f"/{i}" for i in range(10))))
    result = strest.measure("--urls-from-file", path, "-m", "8", "--threads", threads, *load)
    assert result["books"]["ok"] == 125
    counts = collections.Counter(request.path for request in server.requests)
    assert counts == {f"/{i}": 13 if i < 5 else 12 for i in range(10)}
    assert {name: row["ok"] for name, row in rows(result).items()} == {f"GET {server.url}/{i}": counts[f"/{i}"] for i in range(10)}


def test_the_list_may_come_from_standard_input(strest, server, listed):
    path = listed(lines(server, "/a", "/b"))
    for how in (f'exec "$@" <{shlex.quote(str(path))}', f'cat {shlex.quote(str(path))} | "$@"'):
        result = strest.measure("--urls-from-file", "-", "-m", "1", "--requests", "4", "-t", "20s", prefix=["sh", "-c", how, "sh"])
        assert [request.path for request in server.requests[-4:]] == ["/a", "/b", "/a", "/b"]
        assert result["run"]["target"] == "2 URLs from standard input"


def test_a_line_may_have_a_method_of_its_own(strest, server, listed):
    path = listed(f"{server.url}/plain\nPOST {server.url}/post\nput\t{server.url}/put\nDELETE   {server.url}/gone\nGet {server.url}/get\n")
    result = strest.measure("--urls-from-file", path, "-X", "patch", "-d", "body", "-m", "1", "--requests", "5", "-t", "20s")
    assert [(request.method, request.path, request.body) for request in server.requests] == [
        ("PATCH", "/plain", b"body"),
        ("POST", "/post", b"body"),
        ("PUT", "/put", b"body"),
        ("DELETE", "/gone", b""),
        ("GET", "/get", b""),
    ]
    assert set(rows(result)) == {f"{method} {server.url}/{path}" for method, path in
                                 (("PATCH", "plain"), ("POST", "post"), ("PUT", "put"), ("DELETE", "gone"), ("GET", "get"))}


def test_head_in_a_list_has_no_body_in_its_answer(strest, scripted, listed):
    server = scripted(respond(lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (b"" if request.method == "HEAD" else b"hello")))
    path = listed(f"HEAD {server.url}/a\nGET {server.url}/a\n")
    result = strest.measure("--urls-from-file", path, "-m", "1", "--requests", "10", "-t", "20s")
    assert result["books"]["ok"] == 10 and result["connections"]["opened"] == 1
    assert {name.split()[0]: row["bytes"] for name, row in rows(result).items()} == {"HEAD": 0, "GET": 25}


def test_the_list_may_mix_hosts_and_schemes(strest, scripted, listed, made):
    first, second, third = scripted(always(answer())), scripted(always(answer())), scripted(over_tls(made.good.context(), always(answer())))
    urls = [f"{first.url}/1", f"https://localhost:{third.port}/3", f"http://localhost:{second.port}/2"]
    path = listed("\n".join(urls))
    result = strest.measure("--urls-from-file", path, "--cacert", made.root.cert, "-m", "4", "-r", "4", "--requests", "60", "-t", "20s")
    assert result["books"]["ok"] == 60
    for server, name in ((first, f"127.0.0.1:{first.port}"), (second, f"localhost:{second.port}"), (third, f"localhost:{third.port}")):
        assert server.counted == 20
        assert {tuple(request.values("Host")) for request in server.requests} == {(name,)}
    assert {row["ok"] for row in result["urls"]} == {20} and {row["name"] for row in result["urls"]} == {f"GET {url}" for url in urls}
    assert result["tls"] is not None


def test_connections_are_kept_for_each_origin(strest, scripted, listed):
    first, second = scripted(always(answer())), scripted(always(answer()))
    path = listed(f"{first.url}/\n{second.url}/\n{first.url}/x\n")
    result = strest.measure("--urls-from-file", path, "-m", "1", "--requests", "60", "-t", "20s")
    assert (first.counted, second.counted) == (40, 20)
    assert (len(first.peers), len(second.peers)) == (1, 1)
    assert result["connections"]["opened"] == 2 and result["connections"]["reused"] == 58


def test_a_url_with_a_user_asks_as_that_user_and_is_shown_without(strest, server, listed):
    with_user = server.url.replace("://", f"://anna:{SECRET}@")
    path = listed(f"{with_user}/a\n{server.url}/b\n")
    words = ["--urls-from-file", path, "-m", "1", "--requests", "2", "-t", "20s"]
    result = strest.measure(*words)
    assert [request.values("Authorization") for request in server.requests] == [[basic(f"anna:{SECRET}")], []]
    assert set(rows(result)) == {f"GET {server.url}/a", f"GET {server.url}/b"}
    for more in ([], ["--json"], ["--print-config"], ["--debug"]):
        finished = strest.run(*words, *more)
        assert finished.code == 0 and SECRET not in finished.out + finished.err, finished


def test_lines_that_say_the_same_share_a_row(strest, server, listed):
    path = listed(lines(server, "/a", "/b", "/a", "/a"))
    result = strest.measure("--urls-from-file", path, "-m", "1", "--requests", "40", "-t", "20s")
    assert {name: row["ok"] for name, row in rows(result).items()} == {f"GET {server.url}/a": 30, f"GET {server.url}/b": 10}
    assert result["run"]["urls"] == 2


def test_what_failed_stands_first_with_its_url(strest, scripted, listed):
    server = scripted(respond(lambda request: answer(b"x" * 10, status="503 Busy" if request.path == "/bad" else "200 OK")))
    path = listed(lines(server, "/good", "/bad", "/fine"))
    result = strest.measure("--urls-from-file", path, "-m", "1", "--requests", "30", "-t", "20s")
    first = result["urls"][0]
    assert (first["name"], first["ok"], first["failed"], first["open"], first["urls"]) == (f"GET {server.url}/bad", 0, 10, 0, 1)
    assert [row["ok"] for row in result["urls"][1:]] == [10, 10]
    assert all(row["bytes"] == 100 for row in result["urls"][1:])
    assert all(0 < row["response_ns"]["mean"] <= row["response_ns"]["max"] for row in result["urls"])


def test_150_urls_are_100_rows_and_one_of_the_others(strest, server, listed):
    path = listed(lines(server, *(f"/{i}" for i in range(150))))
    result = strest.measure("--urls-from-file", path, "-m", "4", "-r", "4", "--requests", "300", "-t", "20s")
    assert result["run"]["urls"] == 150 and len(result["urls"]) == 101
    others = result["urls"][-1]
    assert (others["name"], others["urls"], others["ok"]) == ("others", 50, 100)
    assert sum(row["ok"] for row in result["urls"]) == 300
    assert len({row["name"] for row in result["urls"]}) == 101


def test_the_summary_has_a_table_of_urls(strest, server, listed):
    path = listed(lines(server, *(f"/page-{i}" for i in range(12))))
    finished = strest.run("--urls-from-file", path, "-m", "1", "--requests", "24", "-t", "20s")
    assert finished.code == 0, finished
    assert "Response time per URL" in finished.out
    assert finished.out.count("/page-") == 10 and "others" in finished.out, finished
    assert "12 URLs from" in finished.out


def test_without_a_list_there_are_no_rows(strest, server):
    result = strest.measure("-u", server.url, "-m", "1", "--requests", "5", "-t", "20s")
    assert not result.get("urls") and result["run"]["urls"] is None


def test_a_long_list_is_read_soon(strest, server, listed):
    path = listed("".join(f"{server.url}/item?id={i}\n" for i in range(200_000)))
    finished = strest.run("--json", "--urls-from-file", path, "-m", "1", "--requests", "100", "-t", "20s")
    assert finished.code == 0, finished
    assert [request.path for request in server.requests] == [f"/item?id={i}" for i in range(100)]
    assert finished.json["run"]["urls"] == 200_000
    assert finished.seconds < 20


def test_headers_and_form_go_with_every_plain_line(strest, server, listed):
    path = listed(lines(server, "/a", "/b") + f"GET {server.url}/c\n")
    strest.measure("--urls-from-file", path, "-H", "X-All: 1", "-F", "a=1", "-m", "1", "--requests", "3", "-t", "20s")
    assert [(request.method, request.values("X-All"), b'name="a"' in request.body) for request in server.requests] == [
        ("POST", ["1"], True),
        ("POST", ["1"], True),
        ("GET", ["1"], False),
    ]


def test_a_redirect_counts_for_the_line_that_asked(strest, scripted, listed):
    def handler(request):
        return answer(b"", status="302 There", fields=["Location: /there"]) if request.path == "/here" else answer()

    server = scripted(respond(handler))
    path = listed(lines(server, "/here", "/other"))
    result = strest.measure("--urls-from-file", path, "-m", "1", "--requests", "10", "-t", "20s")
    assert {name: row["ok"] for name, row in rows(result).items()} == {f"GET {server.url}/here": 5, f"GET {server.url}/other": 5}
    assert result["books"]["attempts"] == server.counted == 15


def test_each_origin_goes_its_own_way(strest, scripted, listed):
    """One by connect-to, one by the environment's proxy, one directly."""
    direct, behind, moved = (scripted(always(answer())) for _ in range(3))
    by = scripted(proxy({"behind.test": ("127.0.0.1", behind.port)}))
    path = listed(f"{direct.url}/d\nhttp://behind.test/b\nhttp://moved.test/m\n")
    result = strest.measure("--urls-from-file", path, "--connect-to", f"moved.test:80:127.0.0.1:{moved.port}", "-m", "1", "--requests", "9", "-t", "20s", env={"HTTP_PROXY": by.url})
    assert result["errors"] == {}
    assert (direct.counted, behind.counted, moved.counted, by.counted) == (3, 3, 3, 3)
    assert {request.path for request in by.requests} == {"http://behind.test/b"}
    assert {tuple(request.values("Host")) for request in moved.requests} == {("moved.test",)}


def test_the_key_of_a_file_does_the_same(strest, server, listed):
    urls = listed(lines(server, "/a", "/b"))
    config = listed(f'urls_from_file = "{urls}"\n', "run.toml")
    strest.measure("--config", config, "-m", "1", "--requests", "4", "-t", "20s")
    assert [request.path for request in server.requests] == ["/a", "/b", "/a", "/b"]


def test_url_on_the_command_line_sets_the_list_of_a_file_aside(strest, server, listed):
    config = listed(f'urls_from_file = "{listed(lines(server, "/a"))}"\n', "run.toml")
    strest.measure("--config", config, "-u", server.url + "/only", "-m", "1", "--requests", "2", "-t", "20s")
    assert {request.path for request in server.requests} == {"/only"}


@pytest.mark.parametrize("text", ["{0}/a\r\n{0}/b\r\n", "{0}/a\n{0}/b", "  {0}/a  \n\t{0}/b\t\n"])
def test_line_ends_and_blanks_do_not_matter(strest, server, listed, text):
    strest.measure("--urls-from-file", listed(text.format(server.url)), "-m", "1", "--requests", "2", "-t", "20s")
    assert [request.path for request in server.requests] == ["/a", "/b"]


# ---- lists that are none

BAD = {
    "empty": ("", ["empty"]),
    "line 3 is empty": ("http://127.0.0.1:9/\nhttp://127.0.0.1:9/\n\nhttp://127.0.0.1:9/\n", ["urls.txt:3:", "empty"]),
    "line 1 is empty": ("\nhttp://127.0.0.1:9/\n", ["urls.txt:1:", "empty"]),
    "line 2 is no URL": ("http://127.0.0.1:9/\nnonsense\n", ["urls.txt:2:", "nonsense"]),
    "line 2 has another scheme": ("http://127.0.0.1:9/\nftp://127.0.0.1/\n", ["urls.txt:2:", "ftp"]),
    "line 2 has a method that is none": ("http://127.0.0.1:9/\nFETCH http://127.0.0.1:9/\n", ["urls.txt:2:", "no method"]),
    "line 2 has three words": ("http://127.0.0.1:9/\nGET http://127.0.0.1:9/ more\n", ["urls.txt:2:"]),
    "line 2 has a method only": ("http://127.0.0.1:9/\nGET\n", ["urls.txt:2:"]),
    "line 2 has a port that is none": ("http://127.0.0.1:9/\nhttp://127.0.0.1:99999/\n", ["urls.txt:2:", "port"]),
    "binary": (bytes(range(256)) * 20, ["urls.txt:1:"]),
    "nul bytes": (b"http://127.0.0.1:9/\nhttp://127.0.0.1:9/\0\n", ["urls.txt:2:"]),
    "the end of line 2 is missing": ("http://127.0.0.1:9/\nhttp://", ["urls.txt:2:", "host"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_list_with_a_bad_line_is_refused_by_its_number(strest, listed, case):
    text, words = BAD[case]
    finished = strest.run("--urls-from-file", listed(text))
    says(finished, CONFIG, "--urls-from-file", *words)
    assert len(finished.err) < 1000 and "\0" not in finished.err


def test_a_bad_line_does_not_show_its_password(strest, listed):
    finished = strest.run("--urls-from-file", listed(f"http://anna:{SECRET}@127.0.0.1:99999/\n"))
    says(finished, CONFIG, "urls.txt:1:")
    assert SECRET not in finished.err


def test_a_bad_list_on_standard_input_is_refused_by_its_number(strest, listed):
    path = listed("http://127.0.0.1:9/\n\n")
    finished = strest.run("--urls-from-file", "-", prefix=["sh", "-c", f'exec "$@" <{shlex.quote(str(path))}', "sh"])
    says(finished, CONFIG, "--urls-from-file", ":2:")


def test_nothing_on_standard_input_is_said(strest):
    says(strest.run("--urls-from-file", "-"), CONFIG, "--urls-from-file", "empty")


@pytest.mark.parametrize("name, words", [("none", "No such file"), ("", "")])
def test_a_list_that_cannot_be_read_is_said(strest, tmp_path, name, words):
    says(strest.run("--urls-from-file", os.path.join(tmp_path, name)), CONFIG, "--urls-from-file", tmp_path, words)


@pytest.mark.parametrize(
    "more, code, said",
    [
        (["-u", "http://127.0.0.1:9/"], USAGE, ["--url", "--urls-from-file"]),
        (["-Z", "/dev/null"], USAGE, ["--data-lines", "--urls-from-file"]),
    ],
)
def test_a_list_beside_what_it_excludes_is_refused(strest, listed, more, code, said):
    says(strest.run("--urls-from-file", listed("http://127.0.0.1:9/\n"), *more), code, *said)


def test_the_flag_form_of_another_program_is_refused_in_a_file(strest, listed):
    config = listed('url = "http://127.0.0.1:9/"\nurls_from_file = true\n', "run.toml")
    says(strest.run("--config", config), CONFIG, "urls_from_file")
