"""Certificates for the tests of TLS, made by the openssl tool, and the TLS servers that show them.

What is wrong with a certificate is decided here, by how it is made; the tests say what strest must call it.
"""

import os
import re
import socket
import ssl
import subprocess

from servers import Served, free_port, wait_for

HOSTS = "DNS:localhost,IP:127.0.0.1,IP:::1"

CONFIG = """
[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
unique_subject = no
default_md = sha256
default_days = 2
policy = any
email_in_dn = no
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
"""


def openssl(*words):
    """Runs the tool and returns what it prints."""
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


class Pair:
    """A certificate (with the intermediate ones behind it) and its key."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def context(self, **more):
        """A Python server's view of it; `more` are attributes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        for name, value in more.items():
            setattr(context, name, value)
        return context


class Authority:
    """A certificate authority of its own: authority.cert is its root."""

    def __init__(self, folder, name):
        self.folder = str(folder)
        os.makedirs(self.folder)
        self.name = name
        self.config = self._file("openssl.cnf", CONFIG.format(folder=self.folder))
        self._file("index.txt", "")
        self._file("serial", "1000\n")
        self.count = 0
        self.key = self._key("ec")
        self.cert = f"{self.folder}/root.pem"
        openssl("req", "-x509", "-config", self.config, "-key", self.key, "-subj", f"/CN={name}", "-days", "30", "-out", self.cert,
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _file(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w") as f:
            f.write(text)
        return path

    def _key(self, kind):
        self.count += 1
        path = f"{self.folder}/{self.count}.key"
        how = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" else ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("genpkey", *how, "-out", path)
        return path

    def issue(self, name, hosts=HOSTS, usage="serverAuth", kind="ec", dates=None, by=None, is_authority=False):
        """A new pair, signed by the root, or by the pair `by`, which is put behind it. `dates`: from and to as YYYYMMDDHHMMSSZ."""
        key = self._key(kind)
        base = f"{self.folder}/{self.count}"
        extensions = ["basicConstraints=critical," + ("CA:TRUE" if is_authority else "CA:FALSE")]
        if hosts:
            extensions.append("subjectAltName=" + hosts)
        if usage:
            extensions.append("extendedKeyUsage=" + usage)
        with open(base + ".ext", "w") as f:
            f.write("\n".join(extensions) + "\n")
        openssl("req", "-new", "-config", self.config, "-key", key, "-subj", f"/CN={name}", "-out", base + ".csr")
        signer = by or self
        when = ["-startdate", dates[0], "-enddate", dates[1]] if dates else []
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", signer.cert, "-keyfile", signer.key, "-in", base + ".csr", "-out", base + ".pem",
                "-extfile", base + ".ext", *when)
        if by:
            with open(by.cert) as behind, open(base + ".pem", "a") as f:
                f.write(behind.read())
        return Pair(base + ".pem", key)

    def sign_itself(self, name, hosts=HOSTS):
        """A pair that nobody signed."""
        key = self._key("ec")
        path = f"{self.folder}/{self.count}.pem"
        openssl("req", "-x509", "-config", self.config, "-key", key, "-subj", f"/CN={name}", "-days", "2", "-out", path, "-addext", "subjectAltName=" + hosts)
        return Pair(path, key)

    def lock(self, pair, pass_phrase):
        """The same pair with an encrypted key."""
        path = pair.key + ".locked"
        openssl("pkey", "-in", pair.key, "-aes128", "-passout", "pass:" + pass_phrase, "-out", path)
        return Pair(pair.cert, path)


class Certificates:
    """All that the tests need."""

    def __init__(self, folder):
        root = self.root = Authority(folder / "root", "test root")
        self.stranger = Authority(folder / "stranger", "strange root")
        self.good = root.issue("good")
        self.rsa = root.issue("rsa", kind="rsa")
        self.intermediate = root.issue("intermediate", hosts=None, usage=None, is_authority=True)
        self.chained = root.issue("chained", by=self.intermediate)
        self.expired = root.issue("expired", dates=("20200101000000Z", "20200201000000Z"))
        self.future = root.issue("future", dates=("20450101000000Z", "20450201000000Z"))
        self.self_signed = root.sign_itself("self-signed")
        self.wrong_host = root.issue("wrong host", hosts="DNS:example.org,IP:192.0.2.1")
        self.name_only = root.issue("localhost", hosts="DNS:localhost")
        self.common_name = root.issue("localhost", hosts=None)
        self.for_clients = root.issue("for clients", usage="clientAuth")
        self.untrusted = self.stranger.issue("untrusted")
        self.client = root.issue("client", hosts=None, usage="clientAuth", by=self.intermediate)
        self.strange_client = self.stranger.issue("strange client", hosts=None, usage="clientAuth")


NGINX_CONF = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format tls "$connection $ssl_session_reused $ssl_protocol $ssl_server_name $ssl_client_verify $status";
    access_log {folder}/access.log tls;
    client_max_body_size 64m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        {more}
        location / {{ return 200 "ok\\n"; }}
    }}
}}
"""


class TlsNginx(Served):
    """nginx with TLS. lines() are its access log's: connection, r for resumed or ., protocol, SNI, client certificate, status."""

    def __init__(self, folder, pair, more=""):
        self.folder, self.port = str(folder), free_port()
        self.url = f"https://localhost:{self.port}"
        with open(f"{folder}/nginx.conf", "w") as f:
            f.write(NGINX_CONF.format(folder=folder, port=self.port, cert=pair.cert, key=pair.key, more=more))
        command = ["nginx", "-p", self.folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self), what="nginx listening")

    def lines(self):
        with open(f"{self.folder}/access.log") as f:
            return [line.split() for line in f]

    def close(self):
        self.end()


CADDYFILE = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    storage file_system {folder}/caddy
}}
https://localhost:{port}, https://127.0.0.1:{port} {{
    bind 127.0.0.1
    tls {cert} {key} {{
        protocols {versions}
    }}
    respond "ok"
}}
"""


class Caddy(Served):
    """caddy with TLS: Go's implementation."""

    def __init__(self, folder, pair, versions="tls1.2 tls1.3"):
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        with open(f"{folder}/Caddyfile", "w") as f:
            f.write(CADDYFILE.format(folder=folder, port=self.port, cert=pair.cert, key=pair.key, versions=versions))
        command = ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
        self.errors = open(f"{folder}/caddy.log", "w")
        self.process = subprocess.Popen(command, stdout=self.errors, stderr=self.errors, env={**os.environ, "HOME": str(folder)})
        wait_for(lambda: listens(self), what="caddy listening")

    def close(self):
        self.end()
        self.errors.close()


class OpensslServer(Served):
    """openssl s_server -www: one answer a connection, a page on the connection and the server's own counts."""

    def __init__(self, pair, *words):
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        command = ["openssl", "s_server", "-www", "-quiet", "-accept", f"127.0.0.1:{self.port}", "-cert", pair.cert, "-cert_chain", pair.cert, "-key", pair.key,
                   *words]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self), what="s_server listening")

    def page(self):
        """The page as the openssl client's neighbour sees it."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as line:
            line.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b""
            while True:
                try:
                    more = line.recv(65536)
                except ssl.SSLError:
                    break
                if not more:
                    break
                text += more
        return text.decode(errors="replace")

    def count(self, words):
        """A count of its page, such as "session cache hits"; the page's own connection is in it."""
        match = re.search(r"(\d+) " + re.escape(words), self.page())
        assert match, words
        return int(match[1])

    def close(self):
        self.end()


def listens(server):
    assert server.process.poll() is None, f"{server.process.args} ended"
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", server.port)) == 0


def over_tls(context, script):
    """A script for servers.Scripted that shakes hands first; context(peer) may choose by connection."""

    def wrapped(server, peer):
        chosen = context(peer) if not isinstance(context, ssl.SSLContext) else context
        try:
            peer.sock = chosen.wrap_socket(peer.sock, server_side=True)
        except (OSError, ssl.SSLError):
            return
        script(server, peer)

    return wrapped
