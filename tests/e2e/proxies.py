"""Proxies between strest and a server: haproxy, tinyproxy, nginx, and ones written out by hand; and a caddy that serves what a test says.

Each notes what reached it, so that a test can tell what went by the proxy from what came to the target.
"""

import base64
import os
import re
import select
import socket
import ssl
import subprocess

from servers import Served, free_port, wait_for

LIMIT = 30  # seconds; nothing of a test's waits longer


def basic(userinfo):
    """The value of Authorization for "user:password" (RFC 7617)."""
    return "Basic " + base64.b64encode(userinfo.encode()).decode()


def listens(server):
    """Whether somebody listens on the server's port."""
    assert server.process.poll() is None, f"{server.process.args} ended: {server.said()}"
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", server.port)) == 0


class Logged(Served):
    """A process whose output goes into a file."""

    def start(self, folder, *command, **more):
        self.path = f"{folder}/output"
        with open(self.path, "w") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **more)
        wait_for(lambda: listens(self), what=f"{command[0]} listening")

    def said(self):
        with open(self.path) as f:
            return f.read()

    def close(self):
        self.end()


TINYPROXY_CONF = """
Port {port}
Listen 127.0.0.1
Timeout 30
LogLevel Info
MaxClients 100
Filter "{folder}/filter"
FilterDefaultDeny Yes
"""


class Tinyproxy(Logged):
    """tinyproxy for the loopback only, and for CONNECT to these ports only. requests() are the request lines it got."""

    def __init__(self, folder, userinfo=None, connect_ports=()):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(f"{folder}/filter", "w") as f:
            f.write("^127\\.0\\.0\\.1$\n^localhost$\n")
        with open(f"{folder}/tinyproxy.conf", "w") as f:
            f.write(TINYPROXY_CONF.format(port=self.port, folder=folder))
            f.writelines(f"ConnectPort {port}\n" for port in connect_ports)
            if userinfo:
                f.write("BasicAuth {} {}\n".format(*userinfo.split(":")))
        self.start(folder, "tinyproxy", "-d", "-c", f"{folder}/tinyproxy.conf")

    def requests(self):
        return re.findall(r"Request \(file descriptor \d+\): (.*)", self.said())


HAPROXY_CONF = """
global
    log stdout format raw local0 info
defaults
    mode http
    log global
    option http-use-proxy-header
    option dontlognull
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 30s
    log-format "%HM %HU %ST via=%[capture.req.hdr(0)] agent=%[capture.req.hdr(1)] sni=%[ssl_fc_sni] cert=%[ssl_c_used]"
userlist people
    user {user} insecure-password {password}
frontend proxy
    bind 127.0.0.1:{port} {tls}
    http-request capture req.hdr(X-Via) len 64
    http-request capture req.hdr(User-Agent) len 64
    {auth}
    default_backend next
backend next
    server next 127.0.0.1:{next_port}
"""


class Haproxy(Logged):
    """haproxy, with TLS and a password if they are given, in front of another proxy. requests() are dicts of what it got."""

    def __init__(self, folder, next_port, pair=None, userinfo=None):
        self.port = free_port()
        self.url = f"{'https' if pair else 'http'}://localhost:{self.port}"
        tls = ""
        if pair:
            with open(f"{folder}/pair.pem", "w") as both, open(pair.cert) as cert, open(pair.key) as key:
                both.write(cert.read() + key.read())
            tls = f"ssl crt {folder}/pair.pem"
        user, password = (userinfo or "nobody:nothing").split(":")
        auth = "http-request auth realm proxy unless { http_auth(people) }" if userinfo else ""
        with open(f"{folder}/haproxy.cfg", "w") as f:
            f.write(HAPROXY_CONF.format(port=self.port, tls=tls, user=user, password=password, auth=auth, next_port=next_port))
        self.start(folder, "haproxy", "-db", "-f", f"{folder}/haproxy.cfg")

    def requests(self):
        pattern = r"(\S+) (\S+) (\d+) via=(.*) agent=(.*) sni=(.*) cert=(.*)"
        names = ("method", "url", "status", "via", "agent", "sni", "cert")
        return [dict(zip(names, match)) for match in re.findall(pattern, self.said())]


def forward_block(userinfo):
    """The server block of an nginx that forwards requests with a whole URL, those of this user only."""
    wanted = f'if ($http_proxy_authorization != "{basic(userinfo)}") {{ return 407; }}' if userinfo else ""
    return f"""
    server {{
        listen 127.0.0.1:PORT;
        location / {{
            {wanted}
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_pass http://$http_host$request_uri;
        }}
    }}"""


CADDYFILE = """
{{
    admin off
    auto_https off
    skip_install_trust
    storage file_system {folder}/caddy
}}
{scheme}://localhost:{port}, {scheme}://127.0.0.1:{port} {{
    bind 127.0.0.1
    {tls}
    log {{
        output stdout
        format json
    }}
    {text}
}}
"""


class CaddyWith(Logged):
    """caddy with this text in its site, over TLS if a certificate is given."""

    def __init__(self, folder, text, pair=None):
        self.port = free_port()
        scheme = "https" if pair else "http"
        self.url = f"{scheme}://localhost:{self.port}"
        tls = f"tls {pair.cert} {pair.key}" if pair else ""
        with open(f"{folder}/Caddyfile", "w") as f:
            f.write(CADDYFILE.format(folder=folder, scheme=scheme, port=self.port, tls=tls, text=text))
        self.start(folder, "caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile", env={**os.environ, "HOME": str(folder)})


# ---- proxies by hand, for servers.Scripted


def splice(one, other):
    """Carries bytes both ways until both ends have closed."""
    ends = {one: other, other: one}
    while ends:
        ready = [sock for sock in ends if isinstance(sock, ssl.SSLSocket) and sock.pending()]
        ready = ready or select.select(list(ends), [], [], LIMIT)[0]
        if not ready:
            return
        for sock in ready:
            data = sock.recv(1 << 16)
            if data:
                ends[sock].sendall(data)
            else:
                return


def reach(places, authority, default_port):
    """A connection to where this proxy's own names lead."""
    match = re.fullmatch(r"\[?(.*?)\]?(?::(\d+))?", authority)
    host, port = match[1], int(match[2] or default_port)
    return socket.create_connection(places.get(authority) or places.get(host) or (host, port), LIMIT)


def proxy(places=None, userinfo=None):
    """A script that forwards whole URLs and opens tunnels. `places`: {"target.test": (address, port)} for names that only the proxy knows."""

    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            if userinfo and request.values("Proxy-Authorization") != [basic(userinfo)]:
                peer.send(b'HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
            elif request.method == "CONNECT":
                with reach(places or {}, request.path, 443) as target:
                    peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
                    splice(peer.sock, target)
                return
            else:
                forward(places or {}, request, peer)

    return script


def forward(places, request, peer):
    """Takes one request to its target, on a connection of its own, and the answer back."""
    match = re.fullmatch(r"http://([^/?]+)(.*)", request.path)
    assert match, f"not a whole URL: {request.path}"
    hop = ("proxy-authorization", "connection", "x-via")
    lines = [f"{request.method} {match[2] or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in request.fields if name.lower() not in hop)]
    with reach(places, match[1], 80) as target:
        target.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + request.body)
        text = b""
        while b"\r\n\r\n" not in text:
            text += more(target)
        head, _, body = text.partition(b"\r\n\r\n")
        size = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        assert size, "the targets of these tests send a length"
        while len(body) < int(size[1]) and request.method != "HEAD":
            body += more(target)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    peer.send(b"\r\n".join([*kept, b"", body]))


def more(sock):
    """The next bytes; there must be some."""
    data = sock.recv(1 << 16)
    assert data, "the target closed too soon"
    return data
