#!/usr/bin/python3
"""Checks the forms of form.c: what the MIME parser of Python's library reads in them, and that curl -F sends the same bytes.

In: a program that writes a form. Out: TAP; exit 0 if everything holds.
"""
import email.policy
import http.server
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

BINARY = bytes(range(256)) * 300 + b"\r\n--strest-\r\n"


def ours(folder, fields):
    """Content-Type and body as form.c makes them."""
    finished = subprocess.run([pathlib.Path(sys.argv[1]).resolve(), *fields], cwd=folder, capture_output=True)
    assert finished.returncode == 0, finished.stderr
    content_type, body = finished.stdout.split(b"\n", 1)
    return content_type.decode(), body


def curls(folder, fields):
    """The same of curl -F."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    got = []
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        words = [word for field in fields for word in ("-F", field)]
        subprocess.run(["curl", "-sS", "--noproxy", "*", "-H", "Expect:", "-m", "10", f"http://127.0.0.1:{server.server_port}/", *words],
                       cwd=folder, check=True, timeout=20)
        thread.join(10)
    return got[0]


def boundary_of(content_type):
    kind, _, boundary = content_type.partition("; boundary=")
    assert kind == "multipart/form-data", content_type
    return boundary.encode()


def read_parts(content_type, body):
    """(name, file name, type, bytes) of each part."""
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    assert message.is_multipart() and not message.defects, message.defects
    parts = []
    for part in message.iter_parts():
        assert part.get_content_disposition() == "form-data"
        kind = part.get_content_type() if "Content-Type" in part else None
        parts.append((part.get_param("name", header="content-disposition"), part.get_filename(), kind, part.get_payload(decode=True)))
    return parts


def python_reads_every_part(folder):
    fields = ["a=1", "b=", "c=x;y=z", "d=line\nline;type=text/csv", "f=@binary", "g=@empty;type=image/png", "h=@plain.txt;filename=other.txt"]
    assert read_parts(*ours(folder, fields)) == [
        ("a", None, None, b"1"),
        ("b", None, None, b""),
        ("c", None, None, b"x;y=z"),
        ("d", None, "text/csv", b"line\nline"),
        ("f", "binary", "application/octet-stream", BINARY),
        ("g", "empty", "image/png", b""),
        ("h", "other.txt", "application/octet-stream", b"plain\n"),
    ]


def curl_sends_the_same_bytes(folder):
    cases = [
        ["a=1"],
        ["a=1", "b=", "c=two\nlines", "a=again"],
        ["a=1;type=text/plain", "b=2;type=application/json", "c=3;type=text/plain;charset=utf-8"],
        ["f=@binary;type=application/octet-stream"],
        ["f=@binary;type=image/png;filename=x.png", "g=@empty;type=text/plain", "h=i", "j=@plain.txt;type=text/plain;filename=x\"y"],
        ["na\"me=v", "\u00fc=\u00e4"],
    ]
    for fields in cases:
        (our_type, our_body), (curls_type, curls_body) = ours(folder, fields), curls(folder, fields)
        assert our_body == curls_body.replace(boundary_of(curls_type), boundary_of(our_type)), fields


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "binary").write_bytes(BINARY)
        (folder / "plain.txt").write_bytes(b"plain\n")
        (folder / "empty").write_bytes(b"")
        tests = [python_reads_every_part]
        if shutil.which("curl"):
            tests.append(curl_sends_the_same_bytes)
        print(f"1..{len(tests)}")
        failed = 0
        for number, check in enumerate(tests, 1):
            try:
                check(folder)
                print(f"ok {number} - {check.__name__}")
            except Exception as problem:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} - {check.__name__}: {problem!r}")
        return failed > 0


if __name__ == "__main__":
    sys.exit(main())
