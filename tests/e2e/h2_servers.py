"""Real servers that speak HTTP/2: nginx, caddy, nghttpd, haproxy, h2o. Each answers `/` with "ok" and tells what it received.

Each has .url, .words (strest's options for it), counted() (requests by its own log) and .connections() where its log tells.
"""

import json
import os

from proxies import Logged
from servers import NginxWith, free_port, wait_for

TRUST = "--cacert"


class NginxHttp2(NginxWith):
    """nginx over TLS (`pair`) or in plain. `more`: directives of the server."""

    def __init__(self, folder, pair=None, more="", cacert=None):
        files = f"ssl_certificate {pair.cert}; ssl_certificate_key {pair.key};" if pair else ""
        listen = "ssl http2" if pair else "http2"
        super().__init__(folder, f'server {{ listen 127.0.0.1:PORT {listen}; {files} {more} location / {{ return 200 "ok\\n"; }} }}')
        self.words = ["--http2", *([TRUST, cacert] if cacert else [])]
        if pair:
            self.url = f"https://localhost:{self.port}"

    def counted(self):
        return len(self.lines())

    def connections(self):
        return len({line["connection"] for line in self.lines()})


CADDYFILE = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    storage file_system {folder}/caddy
}}
https://localhost:{port} {{
    bind 127.0.0.1
    tls {cert} {key}
    log {{
        output file {folder}/access.log
        format json
    }}
    respond "ok"
}}
"""


class CaddyHttp2(Logged):
    """caddy over TLS."""

    def __init__(self, folder, pair, cacert):
        self.folder, self.port = str(folder), free_port()
        self.url = f"https://localhost:{self.port}"
        self.words = ["--http2", TRUST, cacert]
        with open(f"{folder}/Caddyfile", "w") as f:
            f.write(CADDYFILE.format(folder=folder, port=self.port, cert=pair.cert, key=pair.key))
        self.start(folder, "caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile", env={**os.environ, "HOME": self.folder})

    def lines(self):
        try:
            with open(f"{self.folder}/access.log") as f:
                return [json.loads(line)["request"] for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def counted(self):
        assert {line["proto"] for line in self.lines()} <= {"HTTP/2.0"}
        return len(self.lines())


class Nghttpd(Logged):
    """nghttp2's server, over TLS (`pair`) or in plain; files of its folder."""

    def __init__(self, folder, pair=None, cacert=None):
        self.port = free_port()
        self.url = f"http{'s' if pair else ''}://localhost:{self.port}"
        self.words = ["--http2", *([TRUST, cacert] if cacert else [])]
        os.makedirs(f"{folder}/files")
        with open(f"{folder}/files/index.html", "w") as f:
            f.write("ok\n")
        how = [str(self.port), pair.key, pair.cert] if pair else ["--no-tls", str(self.port)]
        self.start(folder, "nghttpd", "-v", "-a", "127.0.0.1", "-d", f"{folder}/files", *how)

    def counted(self):
        return self.said().count(":path: /")


HAPROXY_CONF = """
global
    nbthread 1
    log stdout format raw local0 info
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    log-format "request %HV %ST"
frontend all
    bind 127.0.0.1:{port} proto h2
    http-request return status 200 content-type text/plain string ok
"""


class HaproxyHttp2(Logged):
    """haproxy in plain, answering by itself."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.words = ["--http2"]
        with open(f"{folder}/haproxy.cfg", "w") as f:
            f.write(HAPROXY_CONF.format(port=self.port))
        self.start(folder, "haproxy", "-db", "-f", f"{folder}/haproxy.cfg")

    def counted(self):
        return self.said().count("request HTTP/2.0 200\n")


H2O_CONF = """
{user}
num-threads: 1
pid-file: {folder}/h2o.pid
error-log: {folder}/error.log
access-log:
  path: {folder}/access.log
  format: "%H %s"
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {port}
      ssl:
        certificate-file: {cert}
        key-file: {key}
    paths:
      /:
        file.dir: {folder}/files
"""


class H2o(Logged):
    """h2o over TLS; files of its folder."""

    def __init__(self, folder, pair, cacert):
        self.folder, self.port = str(folder), free_port()
        self.url = f"https://localhost:{self.port}"
        self.words = ["--http2", TRUST, cacert]
        os.makedirs(f"{folder}/files")
        with open(f"{folder}/files/index.html", "w") as f:
            f.write("ok\n")
        user = "user: root" if os.geteuid() == 0 else ""
        with open(f"{folder}/h2o.yaml", "w") as f:
            f.write(H2O_CONF.format(folder=folder, port=self.port, cert=pair.cert, key=pair.key, user=user))
        self.start(folder, "h2o", "-c", f"{folder}/h2o.yaml")

    def counted(self):
        with open(f"{self.folder}/access.log") as f:
            return f.read().count("HTTP/2 200\n")


def settled(server, wanted):
    """The server's count, which may come a moment after its answers."""
    try:
        wait_for(lambda: server.counted() >= wanted, limit=5, what="the log")
    except AssertionError:
        pass
    return server.counted()
