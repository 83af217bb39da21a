"""The bytes that go out: what a server that notes everything has received."""

import os

import pytest

from conftest import group
from servers import always, answer

ONE = ["-m", "1", "--requests", "2", "-t", "20s"]


@pytest.fixture
def sent(strest, scripted):
    """sent(path, *args) loads a server that notes everything, and returns head and body of its requests, which must all be equal."""

    def send(path, *args, hosts=("127.0.0.1",), name=None):
        server = scripted(always(answer()), hosts=hosts)
        url = (f"http://{name}:{server.port}" if name else server.url) + path
        result = strest.measure("-u", url, *ONE, *args)
        assert server.counted == result["books"]["attempts"] == 2
        first, second = server.requests
        assert (first.head, first.body) == (second.head, second.body)
        first.port = server.port
        return first

    return send


def version(strest):
    return strest.run("--version").out.split()[1]


def test_a_plain_get_is_these_bytes(strest, sent):
    request = sent("/")
    assert request.head.decode() == (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{request.port}\r\nUser-Agent: strest-loadtest/{version(strest)}\r\nAccept: */*\r\n\r\n"
    )
    assert request.body == b""


@pytest.mark.option("accept", "content-type")
def test_a_full_request_is_these_bytes(strest, sent):
    request = sent("/items?a=1&b=%20", "-X", "post", "-A", "text/html", "-T", "application/json", "-H", "X-B: 2", "-H", "X-A: 1", "-d", '{"n":1}')
    assert request.head.decode() == (
        f"POST /items?a=1&b=%20 HTTP/1.1\r\nHost: 127.0.0.1:{request.port}\r\nUser-Agent: strest-loadtest/{version(strest)}\r\n"
        "Accept: text/html\r\nContent-Type: application/json\r\nX-B: 2\r\nX-A: 1\r\nContent-Length: 7\r\n\r\n"
    )
    assert request.body == b'{"n":1}'


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.option("method")
def test_every_method_goes_out_in_upper_case(sent, method):
    assert sent("/", "-X", method).method == method.upper()


def test_head_goes_out_as_head(strest, scripted):
    server = scripted(always(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
    strest.measure("-u", server.url, "-X", "HEAD", *ONE)
    assert [request.method for request in server.requests] == ["HEAD", "HEAD"]


@pytest.mark.parametrize("method, length", [("get", []), ("delete", []), ("options", []), ("post", ["0"]), ("put", ["0"]), ("patch", ["0"])])
def test_an_empty_body_has_a_length_only_where_a_body_is_expected(sent, method, length):
    """RFC 9110 section 8.6."""
    request = sent("/", "-X", method)
    assert request.values("Content-Length") == length
    assert request.body == b""


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.option("data")
def test_a_body_goes_with_every_method(sent, method):
    request = sent("/", "-X", method, "-d", "hello")
    assert request.values("Content-Length") == ["5"]
    assert request.body == b"hello"


def test_an_empty_text_is_a_body_that_was_set(sent):
    assert sent("/", "--data=").values("Content-Length") == ["0"]


@pytest.mark.option("headers")
def test_headers_keep_their_order_and_their_doubles(sent):
    request = sent("/", "-H", "X-Two: b", "-H", "X-One: a", "--headers", "X-Two: c", "--header=x-two:d")
    assert request.fields[-4:] == [("X-Two", "b"), ("X-One", "a"), ("X-Two", "c"), ("x-two", "d")]


def test_blanks_around_name_and_value_are_not_sent(sent):
    assert b"\r\nX-Padded: a b\r\n" in sent("/", "-H", "  X-Padded :   a b  ").head


def test_a_header_may_be_empty_or_contain_colons(sent):
    request = sent("/", "-H", "X-Empty:", "-H", "X-Time: 10:20:30")
    assert request.values("X-Empty") == [""]
    assert request.values("X-Time") == ["10:20:30"]


@pytest.mark.option("host")
def test_host_can_be_set(sent):
    assert sent("/", "--host", "example.org").values("Host") == ["example.org"]


def test_a_host_header_wins_and_stands_once(sent):
    request = sent("/", "--host", "one.example", "-H", "host: two.example")
    assert request.values("Host") == ["two.example"]


def test_an_accept_header_replaces_the_default(sent):
    assert sent("/", "-H", "Accept: image/png").values("Accept") == ["image/png"]


@pytest.mark.option("no-ua")
def test_no_ua_leaves_the_user_agent_out(sent):
    assert sent("/", "--no-ua", "--authorized").values("User-Agent") == []


def test_no_ua_needs_authorized(strest, scripted):
    server = scripted(always(answer()))
    finished = strest.run("-u", server.url, "--no-ua", *ONE)
    assert finished.code == 1
    assert "--authorized" in finished.err
    assert server.counted == 0


@pytest.mark.option("authorized")
def test_another_user_agent_needs_authorized(strest, scripted, sent):
    server = scripted(always(answer()))
    finished = strest.run("-u", server.url, "-H", "user-agent: browser", *ONE)
    assert finished.code == 1
    assert "--authorized" in finished.err
    assert server.counted == 0
    assert sent("/", "-H", "User-Agent: browser", "--authorized").values("User-Agent") == ["browser"]


@pytest.mark.option("data-file")
def test_a_body_from_a_file_goes_out_byte_for_byte(sent, tmp_path):
    data = os.urandom(100_000) + b"\r\n\0\xff\n"
    (tmp_path / "body").write_bytes(data)
    request = sent("/", "-X", "put", "-D", str(tmp_path / "body"))
    assert request.body == data
    assert request.values("Content-Length") == [str(len(data))]


def test_a_body_may_begin_with_a_dash(sent):
    assert sent("/", "--data=-x").body == b"-x"
    assert sent("/", "-d-y").body == b"-y"


def test_a_body_in_utf_8_is_counted_in_bytes(sent):
    request = sent("/", "-d", "grün")
    assert request.body == "grün".encode()
    assert request.values("Content-Length") == ["5"]


@pytest.mark.parametrize(
    "path, target",
    [
        ("", "/"),
        ("?q=1", "/?q=1"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/a%2Fb", "/a%2Fb"),
        ("/p#fragment", "/p"),
        ("//double", "//double"),
        ("/?", "/"),
        ("/a?b?c", "/a?b?c"),
    ],
)
@pytest.mark.option("url")
def test_the_path_goes_out_as_it_was_given(sent, path, target):
    assert sent(path).path in ({target, "/?"} if path == "/?" else {target})


def test_ipv6_addresses_work_and_stand_in_brackets(ipv6, sent):
    request = sent("/", hosts=["::1"])
    assert request.values("Host") == [f"[::1]:{request.port}"]


@pytest.mark.option("target listen")
def test_the_target_serves_ipv6(ipv6, strest, target):
    server = target(host="[::1]")
    result = strest.measure("-u", server.url + "/", *ONE)
    assert result["books"]["ok"] == 2
    assert group(result, "address")["name"] == f"[::1]:{server.port}"


def test_a_name_stands_in_host(strest, scripted, names):
    server = scripted(always(answer()))
    result = strest.measure("-u", f"http://one.test:{server.port}/", *ONE, prefix=names({"one.test": ["127.0.0.1"]}))
    assert server.requests[0].values("Host") == [f"one.test:{server.port}"]
    assert group(result, "address")["name"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("load", [["--requests", "300", "-r", "6"], ["--rate", "300", "-t", "1s", "--preconnect", "6"]])
def test_connections_go_round_the_addresses_of_a_name(ipv6, strest, scripted, names, load, threads):
    addresses = ["127.0.0.1", "127.0.0.2", "::1"]
    server = scripted(always(answer()), hosts=addresses)
    result = strest.measure("-u", f"http://several.test:{server.port}/", "-m", "6", "--threads", threads, *load,
                            prefix=names({"several.test": addresses}))
    each = result["connections"]["per_address"]
    assert sorted(address["address"] for address in each) == sorted(f"{a}:{server.port}" if ":" not in a else f"[{a}]:{server.port}" for a in addresses)
    assert [address["opened"] for address in each] == [2, 2, 2]
    assert all(address["ok"] > 0 for address in each)
    assert sum(address["ok"] for address in each) == server.counted == 300


@pytest.mark.parametrize("load", [["-r", "4"], ["--rate", "100"]])
def test_a_dead_address_of_a_name_is_passed_by(strest, scripted, names, load):
    server = scripted(always(answer()), hosts=["127.0.0.1"])
    result = strest.measure("-u", f"http://half.test:{server.port}/", "-m", "4", *load, "-t", "700ms",
                            prefix=names({"half.test": ["127.0.0.1", "127.0.0.2"]}))
    each = {address["address"].split(":")[0]: address for address in result["connections"]["per_address"]}
    assert result["errors"] == {}
    assert result["connections"]["connect_failed"] > 0
    assert (each["127.0.0.2"]["opened"], each["127.0.0.2"]["ok"]) == (0, 0)
    assert each["127.0.0.1"]["ok"] == result["books"]["planned"] > 0


def test_requests_do_not_depend_on_the_number_of_threads(strest, scripted):
    heads = set()
    for threads in (1, 4):
        server = scripted(always(answer()))
        strest.measure("-u", server.url, "--host", "same", "-m", "8", "-r", "8", "--threads", threads, "--requests", "50", "-t", "20s")
        heads |= {(request.head, request.body) for request in server.requests}
    assert len(heads) == 1
