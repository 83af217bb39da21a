"""The servers that the tests load: the built-in target, nginx, and servers written out by hand.

All listen on loopback on free ports. Each class starts what it needs in its constructor and ends it in close().
"""

import array
import json
import mmap
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.request

START_LIMIT = 20  # seconds; a server that is not up by then failed


def free_port():
    """A port that nobody used a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, limit=START_LIMIT, what="the condition"):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {limit} s"
        time.sleep(0.005)


class Record:
    """The target's record file, read through a mapping: src/target/record.h has the layout."""

    MAGIC = 0x3174657365727473
    THREADS = 64
    STALLS = 65536
    ARRIVALS = 4194304

    def __init__(self, path):
        with open(path, "rb") as f:
            self.map = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        magic, self.head_bytes, self.started, self.threads = struct.unpack_from("<QQqQ", self.map, 0)
        assert magic == self.MAGIC

    def _thread(self, t):
        names = ("requests", "answered", "connections", "bytes_in", "bytes_out", "arrivals")
        return dict(zip(names, struct.unpack_from("<6Q", self.map, 64 + 64 * t)))

    def sum(self, name):
        return sum(self._thread(t)[name] for t in range(self.threads))

    @property
    def requests(self):
        return self.sum("requests")

    @property
    def connections(self):
        return self.sum("connections")

    def arrivals(self):
        """The read stamps of all threads in ns, in order."""
        stamps = array.array("q")
        for t in range(self.threads):
            begin = self.head_bytes + 8 * self.ARRIVALS * t
            stamps.frombytes(self.map[begin : begin + 8 * self._thread(t)["arrivals"]])
        return sorted(stamps)

    def close(self):
        self.map.close()

    def stalls(self):
        """The windows in which it stood still, as (begin, end) in ns."""
        count = struct.unpack_from("<Q", self.map, 32)[0]
        at = 64 + 64 * self.THREADS
        flat = struct.unpack_from(f"<{2 * count}q", self.map, at)
        return list(zip(flat[::2], flat[1::2]))


class Served:
    """A server that is a process of ours: self.process."""

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Ends it, stopped or not, and waits."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Target(Served):
    """strest target."""

    def __init__(self, binary, folder, *args, port=0, host="127.0.0.1"):
        self.record_path = os.path.join(folder, f"record-{time.monotonic_ns()}")
        command = [binary, "target", "--listen", f"{host}:{port}", "--record", self.record_path, *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (\S+):(\d+)\n", line)
        if not match:
            self.process.kill()
            raise AssertionError(f"the target did not start: {line!r} {self.process.communicate()}")
        self.port = int(match[2])
        self.url = f"http://{host}:{self.port}"
        self.record = Record(self.record_path)

    def counted(self):
        return self.record.requests

    def stats(self):
        """What it says of itself over HTTP."""
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(self.url + "/stats", timeout=10, context=unchecked if self.url.startswith("https:") else None) as answer:
            return json.load(answer)

    def close(self):
        self.end()
        self.process.communicate()
        self.record.close()
        os.unlink(self.record_path)


NGINX_CONF = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "ok\\n"; }}
        location /counts {{ stub_status; access_log off; }}
    }}
}}
"""


class Nginx(Served):
    """nginx as one process; what it counted stands in its access log and its stub_status page."""

    def __init__(self, folder, port=None):
        self.folder = str(folder)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.own = 0  # requests to the page of counts
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w") as f:
            f.write(NGINX_CONF.format(folder=self.folder, port=self.port))
        self.start()

    def start(self):
        self.own = 0
        command = ["nginx", "-p", self.folder, "-c", os.path.join(self.folder, "nginx.conf"), "-e", os.path.join(self.folder, "error.log")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._listens, what="nginx listening")

    def _listens(self):
        assert self.process.poll() is None, "nginx ended: " + open(os.path.join(self.folder, "error.log")).read()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def logged(self):
        """Lines of the access log."""
        try:
            with open(os.path.join(self.folder, "access.log"), "rb") as f:
                return sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))
        except FileNotFoundError:
            return 0

    def counted(self):
        """Requests by its status page, the page's own left out."""
        with urllib.request.urlopen(self.url + "/counts", timeout=10) as answer:
            text = answer.read().decode()
        self.own += 1
        # Active connections: 1 \nserver accepts handled requests\n 1 1 1 \n...
        return int(text.split("\n")[2].split()[2]) - self.own

    def close(self):
        self.end()


NGINX_WITH_CONF = """
daemon off;
master_process off;
worker_processes 1;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events { worker_connections 512; }
http {
    log_format all escape=json '{"client":"$remote_addr","connection":"$connection","on_connection":$connection_requests,"request":"$request",'
        '"host":"$http_host","status":$status,"sni":"$ssl_server_name","resumed":"$ssl_session_reused","user":"$remote_user",'
        '"authorization":"$http_authorization","proxy_authorization":"$http_proxy_authorization","x_via":"$http_x_via","agent":"$http_user_agent",'
        '"asked":"$http_accept_encoding","closes":"$http_connection","body":$body_bytes_sent,"encoding":"$sent_http_content_encoding"}';
    access_log FOLDER/access.log all;
    client_max_body_size 128m;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    SERVER
}
"""


class NginxWith(Served):
    """nginx with a server block of the test's own, in which PORT and FOLDER are replaced. lines() is its access log: a dict for each request."""

    def __init__(self, folder, block):
        self.folder, self.port = str(folder), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(f"{folder}/nginx.conf", "w") as f:
            f.write(NGINX_WITH_CONF.replace("SERVER", block).replace("FOLDER", self.folder).replace("PORT", str(self.port)))
        command = ["nginx", "-p", self.folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._listens, what="nginx listening")

    def _listens(self):
        if self.process.poll() is not None:
            with open(f"{self.folder}/error.log") as f:
                raise AssertionError("nginx ended: " + f.read())
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def lines(self):
        with open(f"{self.folder}/access.log") as f:
            return [json.loads(line) for line in f]

    def close(self):
        self.end()


class Request:
    """A request as it came over the wire."""

    def __init__(self, head, body, peer):
        self.head = head  # request line to blank line
        self.body = body
        self.connection, self.client = peer.number, peer.client
        line, *fields = head[:-4].split(b"\r\n")
        self.method, self.path, self.version = line.decode().split(" ")
        self.fields = [tuple(part.strip() for part in field.decode("latin-1").split(":", 1)) for field in fields]

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock, number, client=None):
        self.sock = sock
        self.number = number  # from 0, in the order of their coming
        self.client = client  # the address that it came from
        self.held = b""
        sock.settimeout(30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read_request(self):
        """The next request; None when the client has closed."""
        while b"\r\n\r\n" not in self.held:
            if not self._more():
                return None
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        head += b"\r\n\r\n"
        match = re.search(rb"\r\ncontent-length: *(\d+)\r\n", head, re.I)
        size = int(match[1]) if match else 0
        body = self._take(bytearray(), size)
        while len(body) < size:
            if not self._more():
                return None
            self._take(body, size)
        return Request(head, bytes(body), self)

    def _take(self, body, size):
        """Moves what was received into a body, up to its size."""
        missing = size - len(body)
        body += self.held[:missing]
        self.held = self.held[missing:]
        return body

    def _more(self):
        try:
            data = self.sock.recv(1 << 16)
        except OSError:
            return False
        self.held += data
        return len(data) > 0

    def send(self, data):
        """Sends all of it; False when the client has gone."""
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            return False

    def close(self):
        """Closes in order: first its own side, then after the client's close the rest."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(2)
            while self.sock.recv(1 << 16):
                pass
        except OSError:
            pass
        self.sock.close()

    def reset(self):
        """Throws the connection away."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Scripted:
    """A server whose every connection is one call of script(server, peer), on a thread of its own.

    read() of the server instead of the peer's notes the request in .requests.
    """

    def __init__(self, script, hosts=("127.0.0.1",), port=0):
        self.script = script
        self.lock = threading.Lock()
        self.requests = []
        self.peers = []
        self.problems = []
        self.threads = []
        self.listeners = []
        self.port = port
        for host in hosts:
            self.listen(host)
        host = f"[{hosts[0]}]" if ":" in hosts[0] else hosts[0]
        self.url = f"http://{host}:{self.port}"

    def listen(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, self.port))
        listener.listen(1024)
        self.port = listener.getsockname()[1]
        self.listeners.append(listener)
        self._start(self._accept, listener)

    def _start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self, listener):
        while True:
            try:
                sock, client = listener.accept()
            except OSError:
                return
            with self.lock:
                peer = Peer(sock, len(self.peers), client[0])
                self.peers.append(peer)
            self._start(self._serve, peer)

    def _serve(self, peer):
        try:
            self.script(self, peer)
        except OSError:
            pass  # the client has gone, or the test is over
        except Exception as problem:  # shown by close()
            self.problems.append(problem)
        finally:
            peer.sock.close()

    def read(self, peer):
        request = peer.read_request()
        if request:
            with self.lock:
                self.requests.append(request)
        return request

    @property
    def counted(self):
        with self.lock:
            return len(self.requests)

    def stop_listening(self):
        for listener in self.listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        self.listeners = []

    def drop_all(self):
        """Closes every connection under its script."""
        with self.lock:
            peers = list(self.peers)
        for peer in peers:
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.stop_listening()
        self.drop_all()
        for thread in self.threads:
            thread.join(10)
        assert not self.problems, self.problems


def answer(body=b"ok\n", status="200 OK", fields=()):
    """A complete response of fixed length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(response):
    """A script that gives every request the same bytes."""

    def script(server, peer):
        while server.read(peer):
            if not peer.send(response):
                return

    return script


def respond(handler):
    """A script that gives every request what handler(request) returns."""

    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            if not peer.send(handler(request)):
                return

    return script


def once(response):
    """A script that gives every connection's first request these bytes and closes."""

    def script(server, peer):
        if server.read(peer):
            peer.send(response)
        peer.close()

    return script
