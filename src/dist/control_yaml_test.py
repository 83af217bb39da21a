#!/usr/bin/python3
"""Checks docs/control.yaml: its paths, methods and codes are those of the control plane, and bodies are as their schemas say.

In: control_sample. Out: TAP; exit 0 if everything holds, 77 if the modules for YAML and JSON schemas are not installed.
"""
import json
import pathlib
import socket
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOKEN = "s3cret"
METHODS = ("GET", "POST", "PUT", "DELETE")
LIMIT_S = 30


def document():
    return yaml.safe_load((ROOT / "docs" / "control.yaml").read_text())


def resolve(document, node):
    """Follows references, and turns what OpenAPI 3.0 calls nullable into JSON schema."""
    if isinstance(node, list):
        return [resolve(document, child) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        return resolve(document, target)
    node = {key: resolve(document, child) for key, child in node.items()}
    if node.pop("nullable", False):
        node["type"] = [node["type"], "null"]
    return node


class Plane:
    """A control plane that runs while the block does."""

    def __init__(self, token="-", read_limit_ms=LIMIT_S * 1000):
        self.words = [sys.argv[1], token, str(read_limit_ms)]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        host, port = self.process.stdout.readline().strip().rsplit(":", 1)
        self.address = host, int(port)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(LIMIT_S) == 0
        self.process.stdout.close()

    def say(self, text):
        with socket.create_connection(self.address, LIMIT_S) as connection:
            connection.sendall(text.encode())
            heard = b""
            while piece := connection.recv(65536):
                heard += piece
        head, body = heard.decode().split("\r\n\r\n", 1)
        lines = head.split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        return int(lines[0].split()[1]), fields, body

    def ask(self, method, path, body="", fields=""):
        return self.say(f"{method} {path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}")


def operations(document):
    return [(path, method.upper(), operation) for path, item in document["paths"].items() for method, operation in item.items()]


def check_answer(operation, answer):
    status, fields, body = answer
    assert str(status) in operation["responses"], f"{status} is not in the document"
    told = operation["responses"][str(status)]
    content, = told["content"]
    assert fields["content-type"].split(";")[0] == content, fields
    for name in told.get("headers", {}):
        assert name.lower() in fields, name
    if content == "application/json":
        jsonschema.validate(json.loads(body), told["content"][content]["schema"])


def paths_and_methods_are_those_of_the_document(document):
    known = {(path, method) for path, method, _ in operations(document)}
    with Plane(TOKEN) as plane:
        for path in [*document["paths"], "/", "/openapi", "/start/"]:
            for method in METHODS:
                status, fields, _ = plane.ask(method, path)
                if (path, method) in known:
                    assert status == 200, (path, method, status)
                elif path in document["paths"] and path not in ("/start", "/stop"):
                    allowed = {m for p, m in known if p == path}
                    assert status == 405 and set(fields["allow"].split(", ")) == allowed, (path, method, status, fields)
                else:
                    assert status == 404, (path, method, status)


def every_code_happens_and_no_other(document):
    for path, method, operation in operations(document):
        said = set()

        def note(answer):
            check_answer(operation, answer)
            said.add(answer[0])

        with Plane(TOKEN) as plane:
            note(plane.ask(method, path))
            note(plane.say(f"{method} {path} HTTP/1.1\r\nno colon\r\n\r\n"))
            note(plane.say(f"{method} {path} HTTP/1.1\r\nX: {'a' * (1 << 20)}\r\n\r\n"))
            if path != "/healthz":
                note(plane.say(f"{method} {path} HTTP/1.1\r\n\r\n"))
                note(plane.say(f"{method} {path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"))
                note(plane.ask(method, path, "504"))
            if path == "/start":  # what the controller says
                for status in (400, 404, 409):
                    note(plane.ask(method, path, str(status)))
        if path != "/healthz":
            with Plane() as plane:
                note(plane.ask(method, path, "", "Origin: http://localhost\r\n"))
                note(plane.ask(method, path, "503"))
        with Plane(TOKEN, read_limit_ms=100) as plane:
            note(plane.say(f"{method} {path} HTT"))
        assert said == {int(code) for code in operation["responses"]}, (path, said ^ {int(code) for code in operation["responses"]})


def the_document_is_whole(document):
    assert document["openapi"].startswith("3.0.")
    for path, method, operation in operations(document):
        assert operation["summary"] and "200" in operation["responses"], (path, method)
        assert all(response["description"] for response in operation["responses"].values()), (path, method)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft4Validator.check_schema(schema)


TESTS = (the_document_is_whole, paths_and_methods_are_those_of_the_document, every_code_happens_and_no_other)


def main():
    whole = document()
    whole = resolve(whole, whole)
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        try:
            test(whole)
            print(f"ok {number} - {test.__name__}")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {test.__name__}")
            print(f"# {error!r}"[:2000])
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
