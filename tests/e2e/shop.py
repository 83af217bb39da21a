"""A real shop to load: shop_app.py behind nginx, both on free ports, and its books, read from the SQLite file.

In a test: shop = keep(Shop(folder("shop"), refuse_percent=5)); strest loads shop.url; then shop.check(), shop.counts(), shop.hits("login").
"""

import importlib.util
import re
import sqlite3
import subprocess
import sys
import urllib.request
import zlib
from pathlib import Path

import pytest

from conftest import need
from servers import NginxWith, Served, free_port, wait_for

NGINX = """
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events { worker_connections 8192; }
http {
    log_format short '$status $request_method $request_uri $connection $upstream_response_time';
    access_log FOLDER/access.log short buffer=64k flush=1s;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    keepalive_requests 100000000;
    upstream app {
        server 127.0.0.1:APP max_fails=0;
        keepalive 256;
        keepalive_requests 100000000;
    }
    server {
        listen 127.0.0.1:PORT backlog=1024;
        location / {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }
        location = /flush { return 404; }
    }
}
"""


class App(Served):
    """shop_app.py; its .port."""

    def __init__(self, folder, *args):
        self.log = open(f"{folder}/app.log", "w")
        command = [sys.executable, str(Path(__file__).with_name("shop_app.py")), *map(str, args)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not match:
            self.close()
            raise AssertionError(f"the shop did not start: {line!r} {Path(self.log.name).read_text()}")
        self.port = int(match[1])

    def close(self):
        self.end()
        self.process.stdout.close()
        self.log.close()


class Front(NginxWith):
    """nginx before the app."""

    def __init__(self, folder, app_port):
        self.folder, self.port = str(folder), free_port()
        conf = NGINX.replace("APP", str(app_port)).replace("PORT", str(self.port)).replace("FOLDER", self.folder)
        Path(self.folder, "nginx.conf").write_text(conf)
        command = ["nginx", "-p", self.folder, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._listens, what="nginx listening")


class Shop:
    """The shop. Its folder keeps access.log and error.log of nginx, app.log, and shop.db.

    refuse_percent: about so many accounts in a hundred are refused at the login, always the same ones: refuses(user) says which.
    """

    def __init__(self, folder, items=100, stock=1000000, refuse_percent=0):
        need("nginx")
        if not importlib.util.find_spec("aiohttp"):
            pytest.skip("needs python3-aiohttp (script/bootstrap test)")
        self.folder, self.items, self.stock, self.refuse_percent = Path(folder), items, stock, refuse_percent
        self.path = self.folder / "shop.db"
        self.app = App(folder, "--database", self.path, "--items", items, "--stock", stock, "--refuse-percent", refuse_percent)
        try:
            self.nginx = Front(folder, self.app.port)
        except BaseException:
            self.app.close()
            raise
        self.url = f"http://127.0.0.1:{self.nginx.port}"

    def refuses(self, user):
        return zlib.crc32(user.encode()) % 100 < self.refuse_percent

    def rows(self, statement, *values):
        """What the file says, all requests that were answered so far included; after close(), too."""
        if self.app.process.poll() is None:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.app.port}/flush", timeout=10):
                pass
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()

    def counts(self):
        """sessions, users (with a session), refused (logins), orders, lines, sold (pieces, by the order lines), left ({item: stock})."""
        names = ("sessions", "users", "refused", "orders", "lines", "sold")
        tables = ("count(*) FROM sessions", "count(DISTINCT user) FROM sessions", "count(*) FROM refused", "count(*) FROM orders",
                  "count(*) FROM order_lines", "coalesce(sum(count), 0) FROM order_lines")
        row = self.rows("SELECT " + ", ".join(f"(SELECT {table})" for table in tables))[0]
        return {**dict(zip(names, row)), "left": dict(self.rows("SELECT id, stock FROM items"))}

    def hits(self, step=None):
        """Requests that the app answered: {status: count} of a step (login, search, item, cart, checkout, profile, other), or {step: {status: count}}."""
        found = {} if step is None else {step: {}}
        for name, status, count in self.rows("SELECT step, status, count FROM hits WHERE ?1 IS NULL OR step = ?1", step):
            found.setdefault(name, {})[status] = count
        return found if step is None else found[step]

    def check(self, pieces=None):
        """Asserts that the books balance; with `pieces`, that every order has so many."""
        counts, login, checkout = self.counts(), self.hits("login"), self.hits("checkout")
        sold = {item: self.stock - left for item, left in counts["left"].items()}
        by_lines = dict(self.rows("SELECT item, sum(count) FROM order_lines GROUP BY item"))
        assert {item: count for item, count in sold.items() if count} == by_lines
        assert sum(sold.values()) == counts["sold"]
        assert pieces is None or counts["sold"] == pieces * counts["orders"]
        assert min(counts["left"].values()) >= 0
        assert self.rows("SELECT id FROM orders WHERE token NOT IN (SELECT token FROM sessions)") == []
        assert self.rows("SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM order_lines)") == []
        assert (login.get(200, 0), login.get(401, 0)) == (counts["sessions"], counts["refused"])
        assert checkout.get(201, 0) == counts["orders"]
        return counts

    def close(self):
        self.nginx.close()
        self.app.close()
