"""--data-lines: request number k carries line k, whatever sends it; what the server received tells."""

from collections import Counter

import pytest

from servers import always, answer

LINES = ["one", '{"id": 2}', "", "vier\u00e9", "x" * 5000, "six", "seven"]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes("\n".join(LINES[:3]).encode() + b"\r\n" + "\n".join(LINES[3:]).encode() + b"\n")
    return path


def expected(requests):
    return Counter(LINES[k % len(LINES)].encode() for k in range(requests))


@pytest.mark.parametrize(
    "shape",
    [
        ["-m", "1"],
        ["-m", "4", "-r", "4", "--threads", "2"],
        ["-m", "4", "--rate", "500"],
        ["-m", "8", "--rate", "500", "--threads", "4"],
    ],
    ids=" ".join,
)
def test_each_line_is_sent_as_often_as_its_turn_comes(strest, scripted, lines, shape):
    server = scripted(always(answer()))
    books = strest.measure("-u", server.url + "/", "-X", "post", "-Z", lines, "--requests", "40", *shape)["books"]
    assert books["ok"] == 40
    assert Counter(request.body for request in server.requests) == expected(40)


@pytest.mark.option("data-lines")
def test_one_task_sends_the_lines_in_their_order(strest, scripted, lines):
    server = scripted(always(answer()))
    strest.measure("-u", server.url + "/", "-X", "put", "--data-lines", lines, "--requests", "16", "-m", "1")
    assert [request.body.decode() for request in server.requests] == [LINES[k % len(LINES)] for k in range(16)]
    assert all(request.values("Content-Length") == [str(len(request.body))] for request in server.requests)


@pytest.mark.parametrize(
    "content, words",
    [
        (None, ["--data-lines", "cannot open"]),
        (b"", ["--data-lines", "has no line"]),
    ],
)
def test_a_file_without_lines_is_refused(strest, tmp_path, content, words):
    path = tmp_path / "lines.txt"
    if content is not None:
        path.write_bytes(content)
    finished = strest.run("-u", "http://127.0.0.1:1/", "-Z", path)
    assert finished.code == 1
    assert all(word in finished.err for word in [*words, str(path)])


def test_one_body_only(strest, lines):
    finished = strest.run("-u", "http://127.0.0.1:1/", "-Z", lines, "-d", "x")
    assert finished.code == 2
    assert "--data-lines" in finished.err and "--data" in finished.err
