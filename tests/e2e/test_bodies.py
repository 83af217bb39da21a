"""Bodies: forms, large files, files that change under a run, and compressed answers."""

import email
import functools
import gzip
import hashlib
import json
import os
import subprocess
import zlib

import pytest

from certificates import over_tls
from conftest import check_result, group, need, reasons, says, without_rights
from servers import always, answer, respond, wait_for

ONE = ["-m", "1", "--requests", "3", "-t", "30s"]
USAGE, CONFIG = 2, 1
URL = "http://127.0.0.1:9/"


def fields_of(request):
    """A form as Python's parser of mail reads it: (name, file name, type, content) for each field."""
    whole = b"Content-Type: " + request.values("Content-Type")[0].encode() + b"\r\n\r\n" + request.body
    message = email.message_from_bytes(whole)
    assert message.get_content_type() == "multipart/form-data" and message.is_multipart(), request.head
    assert not message.defects, message.defects
    parts = message.get_payload()
    assert all(part.get_content_disposition() == "form-data" for part in parts)
    return [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part["Content-Type"], part.get_payload(decode=True)) for part in parts
    ]


@pytest.fixture
def server(scripted):
    return scripted(always(answer()))


@pytest.fixture
def sent(strest, server):
    """sent(*args) loads the server with these words and returns the one request that came, three times."""

    def send(*args):
        result = strest.measure("-u", server.url + "/form", *ONE, *args)
        assert result["books"]["ok"] == 3 == server.counted
        assert len({(request.head, request.body) for request in server.requests}) == 1
        assert server.requests[0].values("Content-Length") == [str(len(server.requests[0].body))]
        return server.requests[0]

    return send


# ---- --form


@pytest.mark.option("form")
def test_a_form_is_posted(sent):
    request = sent("-F", "name=Anna", "--form", "text=two words; and more = signs")
    assert request.method == "POST"
    assert fields_of(request) == [("name", None, None, b"Anna"), ("text", None, None, b"two words; and more = signs")]


@pytest.mark.option("form")
def test_a_form_may_be_put(sent):
    assert sent("-F", "a=1", "-X", "put").method == "PUT"


@pytest.mark.option("form")
def test_a_file_goes_byte_for_byte_with_its_name(sent, tmp_path):
    data = bytes(range(256)) * 100 + b"\r\n--\r\n"
    (tmp_path / "photo.bin").write_bytes(data)
    request = sent("-F", f"photo=@{tmp_path}/photo.bin", "-F", "after=x")
    assert fields_of(request) == [("photo", "photo.bin", "application/octet-stream", data), ("after", None, None, b"x")]


@pytest.mark.option("form")
def test_type_and_filename_are_the_users(sent, tmp_path):
    (tmp_path / "a").write_text("{}")
    request = sent("-F", f"one=@{tmp_path}/a;type=application/json", "-F", f"two=@{tmp_path}/a;type=text/x;filename=b.txt", "-F", "three=x;type=text/plain")
    assert fields_of(request) == [
        ("one", "a", "application/json", b"{}"),
        ("two", "b.txt", "text/x", b"{}"),
        ("three", None, "text/plain", b"x"),
    ]


@pytest.mark.option("form")
def test_names_are_quoted_as_browsers_do(sent):
    """HTML, "multipart form data": a quote is %22."""
    request = sent("-F", 'a"b=1', "-F", "grün=2")
    assert b'name="a%22b"' in request.body
    assert 'name="grün"'.encode() in request.body


@pytest.mark.option("form")
def test_an_empty_value_and_an_empty_file_are_fields(sent, tmp_path):
    (tmp_path / "none").write_bytes(b"")
    request = sent("-F", "a=", "-F", f"b=@{tmp_path}/none")
    assert [(name, content) for name, _, _, content in fields_of(request)] == [("a", b""), ("b", b"")]


@pytest.mark.option("form")
def test_curl_sends_the_same_form(strest, scripted, tmp_path):
    need("curl")
    (tmp_path / "f.bin").write_bytes(os.urandom(5000))
    words = ["-F", "a=1", "-F", f"b=@{tmp_path}/f.bin;type=image/png", "-F", f"c=@{tmp_path}/f.bin"]
    ours, curls = scripted(always(answer())), scripted(always(answer()))
    strest.measure("-u", ours.url, *words, *ONE)
    subprocess.run(["curl", "-s", "--max-time", "10", *words, curls.url], check=True, stdout=subprocess.DEVNULL)
    assert fields_of(ours.requests[0]) == fields_of(curls.requests[0])
    assert ours.requests[0].method == curls.requests[0].method


@pytest.mark.option("form")
def test_a_file_of_20_mb_goes_whole(strest, server, tmp_path):
    data = os.urandom(1 << 20) * 20
    (tmp_path / "large").write_bytes(data)
    finished = strest.run("--json", "-u", server.url, "-F", "before=1", "-F", f"large=@{tmp_path}/large", "-F", "after=2", "-m", "2", "-r", "2", "--requests", "4",
                          "-t", "30s")
    assert check_result(finished)["books"]["ok"] == 4, finished
    for request in server.requests:
        boundary = request.values("Content-Type")[0].split("boundary=")[1].strip('"').encode()
        parts = request.body.split(b"--" + boundary)
        assert len(parts) == 5
        content = parts[2].split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
        assert hashlib.sha256(content).digest() == hashlib.sha256(data).digest()
    assert finished.peak_kb < 150_000, "it is mapped once, not copied"


@pytest.mark.option("form")
def test_the_boundary_stands_in_no_value(strest, scripted):
    """Whatever text holds what the last run's boundary was."""
    first = scripted(always(answer()))
    strest.measure("-u", first.url, "-F", "a=x", *ONE)
    boundary = first.requests[0].values("Content-Type")[0].split("boundary=")[1].strip('"')
    second = scripted(always(answer()))
    strest.measure("-u", second.url, "-F", f"a=--{boundary}", *ONE)
    assert fields_of(second.requests[0]) == [("a", None, None, f"--{boundary}".encode())]


@pytest.mark.option("form")
def test_a_form_may_stand_in_a_file(strest, server, tmp_path):
    (tmp_path / "run.toml").write_text(f'url = "{server.url}/"\nform = ["a=1", "b=2;type=text/plain"]\n')
    strest.measure("--config", tmp_path / "run.toml", *ONE)
    assert fields_of(server.requests[0]) == [("a", None, None, b"1"), ("b", None, "text/plain", b"2")]


@pytest.mark.option("form")
@pytest.mark.parametrize("text", ["", "a", "=b", "a=@", "a=x;type=", "a=x;type=a\nb"])
def test_a_bad_field_is_refused(strest, server, text):
    says(strest.run("-u", server.url, "-F", text), USAGE, "--form")
    assert server.peers == []


@pytest.mark.option("form")
@pytest.mark.parametrize("name, words", [("none", "No such file"), ("", "")])
def test_a_file_of_a_form_that_is_none_is_said(strest, server, tmp_path, name, words):
    says(strest.run("-u", server.url, "-F", f"a=@{tmp_path}/{name}"), CONFIG, "--form", tmp_path, words)
    assert server.peers == []


@pytest.mark.option("form")
def test_a_file_of_a_form_that_may_not_be_read_is_said(strest, tmp_path):
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0)
    less = without_rights("dac_override", "dac_read_search")
    says(strest.run("-u", URL, "-F", f"a=@{tmp_path}/closed", prefix=less), CONFIG, "--form", tmp_path / "closed", "Permission denied")


@pytest.mark.option("form")
@pytest.mark.parametrize(
    "words, code, said",
    [
        (["-F", "a=1", "-d", "x"], USAGE, ["--form", "--data"]),
        (["-F", "a=1", "-D", "/dev/null"], USAGE, ["--form", "--data-file"]),
        (["-F", "a=1", "-Z", "/dev/null"], USAGE, ["--form", "--data-lines"]),
        (["-F", "a=1", "-T", "text/plain"], USAGE, ["--form", "--content-type"]),
        (["-F", "a=1", "-H", "content-type: text/plain"], CONFIG, ["--form", "ontent-"]),
    ],
)
def test_a_form_beside_another_body_is_refused(strest, words, code, said):
    says(strest.run("-u", URL, *words), code, *said)


@pytest.mark.option("form")
def test_a_file_that_is_deleted_in_the_run_is_still_sent(strest, server, tmp_path):
    path = tmp_path / "gone"
    path.write_bytes(b"x" * 100_000)
    run = strest.start("--json", "-u", server.url, "-F", f"a=@{path}", "-m", "1", "--rate", "50", "-t", "1s")
    wait_for(lambda: server.counted > 5)
    path.unlink()
    finished = run.wait()
    assert finished.code == 0, finished
    assert {fields_of(request)[0][3] for request in server.requests} == {b"x" * 100_000}


# ---- large bodies from a file


def hashing(server, peer):
    """A script that answers each request with the SHA-256 of its body, and keeps that instead of the body."""
    for request in iter(peer.read_request, None):
        digest = hashlib.sha256(request.body).hexdigest()
        with server.lock:
            server.requests.append(digest)
        peer.send(answer(digest.encode()))


@pytest.mark.option("data-file")
@pytest.mark.parametrize("load", [[], ["--disable-keepalive"]])
def test_a_body_of_64_mb_goes_from_the_file(strest, scripted, tmp_path, load, has_tsan):
    data = os.urandom(1 << 20) * 64
    (tmp_path / "body").write_bytes(data)
    server = scripted(hashing)
    finished = strest.run("--json", "-u", server.url, "-X", "put", "-D", tmp_path / "body", "-m", "2", "-r", "2", "--requests", "4", "-t", "40s", "--timeout", "40s", *load)
    result = check_result(finished)
    assert result["books"]["ok"] == 4, finished
    assert server.requests == [hashlib.sha256(data).hexdigest()] * 4
    assert result["bytes"]["sent"] > 4 * len(data)
    shadow_kb = 4 * len(data) // 1024 if has_tsan else 0  # at most four bytes for each of the mapped file
    assert finished.peak_kb < 150_000 + shadow_kb


@pytest.mark.option("data-file")
def test_a_large_body_goes_over_tls(strest, scripted, tmp_path, made):
    data = os.urandom(1 << 20) * 8
    (tmp_path / "body").write_bytes(data)
    server = scripted(over_tls(made.good.context(), hashing))
    result = strest.measure("-u", f"https://localhost:{server.port}/", "--cacert", made.root.cert, "-X", "post", "-D", tmp_path / "body", *ONE)
    assert result["books"]["ok"] == 3
    assert server.requests == [hashlib.sha256(data).hexdigest()] * 3


@pytest.mark.option("data-file")
@pytest.mark.parametrize("flag", ["-D", "-F"])
def test_a_file_that_is_cut_in_the_run_is_said_and_the_results_stand(strest, scripted, tmp_path, flag):
    path = tmp_path / "shrinking"
    path.write_bytes(b"x" * (8 << 20))
    server = scripted(hashing)
    run = strest.start("--json", "-u", server.url, "-X", "post", flag, path if flag == "-D" else f"a=@{path}", "-m", "2", "--rate", "20", "-t", "2s")
    wait_for(lambda: server.counted > 2)
    os.truncate(path, 5000)
    finished = run.wait()
    assert finished.code == 1, finished
    assert str(path) in finished.err
    result = json.loads(finished.out)
    assert result["books"]["balanced"] and result["books"]["ok"] > 2


# ---- --compressed

TEXT = b"".join(b"line %d of a text that compresses well, well, well\n" % i for i in range(4000))


def tool(*command):
    """Bytes through a program."""
    need(command[0])
    return lambda data: subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def raw_deflate(data):
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


ENCODINGS = {
    "gzip": ("gzip", gzip.compress),
    "gzip of the tool": ("gzip", lambda data: tool("gzip", "-c")(data)),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip in two members": ("gzip", lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", lambda data: tool("brotli", "-c")(data)),
    "zstd": ("zstd", lambda data: tool("zstd", "-c", "-q")(data)),
    "zstd in two frames": ("zstd", lambda data: tool("zstd", "-c", "-q")(data[:1000]) + tool("zstd", "-c", "-q")(data[1000:])),
    "gzip in capitals": ("GZIP", gzip.compress),
    "gzip, then deflate": ("gzip, deflate", lambda data: zlib.compress(gzip.compress(data))),
    "identity": ("identity", lambda data: data),
    "none": (None, lambda data: data),
}


def encoded(data, encoding):
    return answer(data, fields=[f"Content-Encoding: {encoding}"] if encoding else [])


@functools.lru_cache
def encode(kind):
    encoding, function = ENCODINGS[kind]
    return encoding, function(TEXT)


def spoken(server, encoding):
    """Skips an encoding that this build does not ask for."""
    asked = server.requests[0].values("Accept-Encoding")[0]
    if encoding in ("br", "zstd") and encoding not in asked:
        pytest.skip(f"built without {encoding}")


@pytest.mark.option("compressed")
@pytest.mark.parametrize("kind", ENCODINGS)
def test_a_body_is_decoded_and_counted_before_and_after(strest, scripted, kind):
    encoding, data = encode(kind)
    server = scripted(always(encoded(data, encoding)))
    finished = strest.run("--json", "-u", server.url, "--compressed", "-m", "2", "-r", "2", "--requests", "20", "-t", "20s")
    spoken(server, encoding)
    result = check_result(finished)
    assert result["errors"] == {} and result["books"]["ok"] == 20
    assert result["bodies"] == {"encoded_bytes": 20 * len(data), "decoded_bytes": 20 * len(TEXT)}
    assert group(result, "all")["bytes"] == 20 * len(data)
    assert {"gzip", "deflate"} <= {word.strip() for word in server.requests[0].values("Accept-Encoding")[0].split(",")}


@pytest.mark.option("compressed")
@pytest.mark.parametrize("kind", ["gzip", "raw deflate", "br", "zstd", "gzip, then deflate"])
def test_a_body_in_small_pieces_is_the_same(strest, scripted, kind):
    encoding, data = encode(kind)

    def script(server, peer):
        while server.read(peer):
            peer.send(f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for i in range(0, len(data), 97):
                peer.send(b"%x\r\n%b\r\n" % (len(data[i : i + 97]), data[i : i + 97]))
            peer.send(b"0\r\n\r\n")

    server = scripted(script)
    finished = strest.run("--json", "-u", server.url, "--compressed", *ONE)
    spoken(server, encoding)
    assert check_result(finished)["bodies"] == {"encoded_bytes": 3 * len(data), "decoded_bytes": 3 * len(TEXT)}


@pytest.mark.option("compressed")
def test_nginx_compresses_when_it_is_asked(strest, nginx_with, tmp_path):
    (tmp_path / "text.txt").write_bytes(TEXT)
    site = nginx_with(f"server {{ listen 127.0.0.1:PORT; root {tmp_path}; gzip on; gzip_min_length 1; gzip_types *; }}")
    result = strest.measure("-u", site.url + "/text.txt", "--compressed", "-m", "2", "-r", "2", "--requests", "20", "-t", "20s")
    assert result["books"]["ok"] == 20 == len(site.lines())
    assert {line["encoding"] for line in site.lines()} == {"gzip"}
    assert result["bodies"]["decoded_bytes"] == 20 * len(TEXT)
    assert 0 < result["bodies"]["encoded_bytes"] < 20 * len(TEXT) / 4
    plain = strest.measure("-u", site.url + "/text.txt", *ONE)
    assert site.lines()[-1]["encoding"] == site.lines()[-1]["asked"] == ""
    assert group(plain, "all")["bytes"] == 3 * len(TEXT)
    assert not plain.get("bodies")


@pytest.mark.option("compressed")
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_caddy_compresses_when_it_is_asked(strest, caddy, tmp_path, encoding):
    (tmp_path / "text.txt").write_bytes(TEXT)
    site = caddy(f"root * {tmp_path}\n encode {encoding}\n file_server")
    finished = strest.run("--json", "-u", site.url + "/text.txt", "--compressed", *ONE)
    if encoding not in site.said().rsplit('"Accept-Encoding":', 1)[1][:60]:
        pytest.skip(f"built without {encoding}")
    result = check_result(finished)
    assert result["books"]["ok"] == 3
    assert result["bodies"]["decoded_bytes"] == 3 * len(TEXT)
    assert 0 < result["bodies"]["encoded_bytes"] < 3 * len(TEXT) / 4


@pytest.mark.option("compressed")
def test_another_accept_encoding_is_the_users(strest, scripted):
    server = scripted(always(encoded(gzip.compress(TEXT), "gzip")))
    result = strest.measure("-u", server.url, "--compressed", "-H", "Accept-Encoding: gzip", *ONE)
    assert [request.values("Accept-Encoding") for request in server.requests] == [["gzip"]] * 3
    assert result["bodies"]["decoded_bytes"] == 3 * len(TEXT)


@pytest.mark.option("compressed")
def test_unasked_nothing_is_asked_for_and_nothing_decoded(strest, scripted):
    data = gzip.compress(TEXT)[:-20]
    server = scripted(always(encoded(data, "gzip")))
    result = strest.measure("-u", server.url, *ONE)
    assert server.requests[0].values("Accept-Encoding") == []
    assert result["books"]["ok"] == 3 and group(result, "all")["bytes"] == 3 * len(data)
    assert result["run"]["compressed"] is False


@pytest.mark.option("compressed")
@pytest.mark.parametrize("words, status", [(["-X", "head"], "200 OK"), (["-s", "204"], "204 No Content"), (["-s", "304"], "304 Not Modified")])
def test_an_answer_without_body_has_nothing_to_decode(strest, scripted, words, status):
    server = scripted(always(f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n{'' if '204' in status else 'Content-Length: 100' + chr(13) + chr(10)}\r\n".encode()))
    result = strest.measure("-u", server.url, "--compressed", *words, *ONE)
    assert result["errors"] == {} and result["books"]["ok"] == 3
    assert result["bodies"] == {"encoded_bytes": 0, "decoded_bytes": 0}


@pytest.mark.option("compressed")
def test_the_summary_tells_both_sizes(strest, scripted):
    server = scripted(always(encoded(gzip.compress(TEXT), "gzip")))
    finished = strest.run("-u", server.url, "--compressed", *ONE)
    assert finished.code == 0 and "decoded" in finished.out, finished


def flipped(data):
    """The same with one bit of its middle wrong."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


WRONG = {
    "not gzip at all": ("gzip", lambda: TEXT),
    "gzip cut": ("gzip", lambda: gzip.compress(TEXT)[:-9]),
    "gzip without its check": ("gzip", lambda: gzip.compress(TEXT)[:-8]),
    "gzip with a wrong check": ("gzip", lambda: gzip.compress(TEXT)[:-8] + b"\0" * 8),
    "gzip flipped": ("gzip", lambda: flipped(gzip.compress(TEXT))),
    "gzip and more": ("gzip", lambda: gzip.compress(TEXT) + b"more"),
    "deflate cut": ("deflate", lambda: zlib.compress(TEXT)[:-5]),
    "raw deflate cut": ("deflate", lambda: raw_deflate(TEXT)[:-5]),
    "br cut": ("br", lambda: encode("br")[1][:-5]),
    "br garbage": ("br", lambda: b"\xff" * 1000),
    "zstd cut": ("zstd", lambda: encode("zstd")[1][:-5]),
    "zstd garbage": ("zstd", lambda: b"\xff" * 1000),
    "unknown": ("lzma2", lambda: TEXT),
    "one of two is unknown": ("lzma2, gzip", lambda: gzip.compress(TEXT)),
}


@pytest.mark.option("compressed")
@pytest.mark.parametrize("case", WRONG)
def test_a_body_that_does_not_decode_is_an_encoding_error(strest, scripted, case):
    encoding, make = WRONG[case]
    good = encoded(gzip.compress(TEXT), "gzip")

    def handler(request):
        return encoded(make(), encoding) if server.counted % 2 else good

    server = scripted(respond(handler))
    result = strest.measure("-u", server.url, "--compressed", "-m", "1", "--requests", "10", "-t", "20s")
    assert reasons(result) == {"protocol/encoding": 5}
    assert result["books"]["ok"] == 5 and result["status"] == {"200": 10}


def zeros(megabytes, *functions):
    data = bytes(megabytes << 20)
    for function in functions:
        data = function(data)
    return data


BOMBS = {
    "gzip in gzip": ("gzip, gzip", lambda: zeros(64, gzip.compress, gzip.compress)),
    "deflate in gzip in gzip": ("deflate, gzip, gzip", lambda: zeros(64, zlib.compress, gzip.compress, gzip.compress)),
    "br": ("br", lambda: zeros(256, tool("brotli", "-c", "-q", "9"))),
    "zstd": ("zstd", lambda: zeros(256, tool("zstd", "-c", "-q"))),
}


@pytest.mark.option("compressed")
@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb_is_stopped(strest, scripted, case):
    encoding, make = BOMBS[case]
    data = make()
    assert len(data) < 20_000, "over 2,000 times as much comes out"
    server = scripted(always(encoded(data, encoding)))
    finished = strest.run("--json", "-u", server.url, "--compressed", *ONE)
    spoken(server, encoding)
    assert finished.code == 0, finished
    result = check_result(finished)
    assert reasons(result) == {"protocol/bomb": 3}
    assert finished.seconds < 20 and finished.peak_kb < 200_000
