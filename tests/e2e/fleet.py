"""A controller and its agents, each a process of the program under test on this machine."""

import http.client
import http.server
import json
import re
import struct
import threading
import time

from servers import free_port, wait_for

LIMIT = 50  # seconds; none of these runs takes half of it


class Fleet:
    """fleet.controller(...) and fleet.agent(...) start one each; fleet.run(...) does a whole run and checks that all went well."""

    def __init__(self, strest):
        self.strest = strest
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.count = 0

    def controller(self, *args, listens=True, **more):
        run = self.strest.start("--controller-listen", self.address, "--no-charts", *args, charts=True, **more)
        if listens:
            wait_for(lambda: "agents join at" in run.errors() or not run.alive(), what="the controller listening")
            assert run.alive(), run.wait(LIMIT)
        return run

    def agent(self, *args, name=None, join=None, **more):
        self.count += 1
        id_words = ["--agent-id", name or f"a{self.count}"] if name != "" else []
        return self.strest.start("--agent-join", join or self.address, *id_words, *args, charts=True, **more)

    def start(self, *args, agents=3, env=None, wait=True):
        """A controller that waits for all its agents, and these; `agents`: how many, or the words of each. They have joined, in this order."""
        words = [[]] * agents if isinstance(agents, int) else agents
        controller = self.controller("--min-agents", len(words), *args, env=env)
        members = []
        for i, more in enumerate(words):
            members.append(self.agent(*more, env=env))
            if wait and i + 1 < len(words):
                said(controller, f"{i + 1} there")
        return controller, members

    def run(self, *args, agents=3, code=0, agent_code=0, env=None):
        """A whole run. Returns the controller's end, with `agents` in it."""
        controller, members = self.start("--json", *args, agents=agents, env=env)
        finished = controller.wait(LIMIT)
        assert finished.code == code, finished
        finished.agents = [member.wait(LIMIT) for member in members]
        for member in finished.agents:
            assert member.code == agent_code, (member, finished)
        return finished


def said(run, words, limit=LIMIT):
    """Waits until a process that runs has said something on stderr."""
    wait_for(lambda: words in run.errors() or not run.alive(), limit, f"{words!r} on stderr")
    assert words in run.errors(), run.errors()


def started(controller):
    """Waits until START was sent; the load begins three seconds later."""
    said(controller, "weights")


def rounds(finished):
    """The least and the most that the clock of an agent may be wrong, and the spread of the starts, as the controller printed them: in ns."""
    match = re.search(r"the agents started within (\d+) us of each other; their clocks are known to (\d+) us", finished.err)
    assert match, finished
    return int(match[1]) * 1000, int(match[2]) * 1000


def whole(finished, target):
    """Checks the sum of a run without losses: what the target has counted is what the agents have sent. Returns the result."""
    result = finished.json
    books = result["books"]
    assert books["planned"] == books["ok"] + books["failed"] + books["open"] + books["unsent"], books
    assert target.counted() == books["attempts"], (target.counted(), books)
    return result


def write_json(path, value):
    path.write_text(json.dumps(value))
    return str(path)


class FakeAgent:
    """An agent written out by hand, without a token: what it says is up to the test."""

    HELLO, READY, BEAT, WELCOME, CONFIG, START = 0, 1, 2, 7, 8, 9
    DROPPED = 255

    def __init__(self, port, name):
        self.port, self.name, self.closed = port, name, False
        self.frames, self.thread = [], None
        answer = self._ask("POST", "/v1/join")
        self.session = answer.decode()
        self.stream = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        self.stream.request("GET", "/v1/commands", headers={"Strest-Session": self.session})
        self.answer = self.stream.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def _ask(self, method, path, body=b"", fields=None):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.request(method, path, body=body, headers=fields or {})
        answer = line.getresponse()
        content = answer.read()
        line.close()
        assert answer.status in (200, 204), (answer.status, content)
        return content

    def send(self, kind, value):
        self._ask("POST", "/v1/message", json.dumps(value).encode(), {"Strest-Session": self.session, "Strest-Kind": str(kind)})

    def hello(self, protocol=1, program="0.1.0"):
        self.send(self.HELLO, {"protocol": protocol, "program": program, "id": self.name, "host": "here", "cpus": 1, "weight": 1, "run_id": ""})

    def frame(self):
        """The next frame: kind and body."""
        head = self.answer.read(5)
        if len(head) < 5:
            return None, b""
        size, kind = struct.unpack(">IB", head)
        return kind, self.answer.read(size)

    def until(self, kind):
        while True:
            got, body = self.frame()
            assert got is not None, f"the stream ended before a frame of kind {kind}"
            if got == kind:
                return body

    def dropped(self):
        return self.until(self.DROPPED).decode()

    def play_dead_after_ready(self):
        """Answers CONFIG with READY, then only beats."""
        config = json.loads(self.until(self.CONFIG))
        self.send(self.READY, {"run_id": config["run_id"], "attempt": config["attempt"], "addresses": [], "threads": 1, "offset_ns": 0, "round_trip_ns": 1000})
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()

    def _beat(self):
        number = 0
        while not self.closed:
            number += 1
            try:
                self.send(self.BEAT, {"t1": time.time_ns(), "t2": 0, "t3": 0, "seq": number, "cpu": 0, "in_flight": 0, "late": 0})
            except (OSError, AssertionError, http.client.HTTPException):
                return
            time.sleep(0.5)

    def close(self):
        self.closed = True
        self.stream.close()
        self.answer.close()


class FakeController:
    """A controller written out by hand: it welcomes whoever comes, answers no beat, and keeps what it is told as (time, kind, value)."""

    def __init__(self):
        outer = self
        self.messages = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, body=b""):
                self.send_response(status)
                self.send_header("Strest-Link", "1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/v1/join":
                    return self.reply(200, b"session")
                outer.messages.append((time.monotonic(), int(self.headers["Strest-Kind"]), json.loads(body)))
                if outer.messages[-1][1] == FakeAgent.HELLO:
                    outer.welcomed.set()
                self.send_response(204)
                self.send_header("Strest-Link", "1")
                self.end_headers()

            def do_GET(self):
                welcome = {"protocol": 1, "program": "0.1.0", "clock_ns": time.time_ns(), "heartbeat_timeout_ms": 30000, "busy": False}
                self.send_response(200)
                self.send_header("Strest-Link", "1")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(struct.pack(">IB", 0, 254))
                if outer.welcomed.wait(20):
                    body = json.dumps(welcome).encode()
                    self.wfile.write(struct.pack(">IB", len(body), FakeAgent.WELCOME) + body)
                outer.closed.wait(LIMIT)

        self.welcomed, self.closed = threading.Event(), threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()
