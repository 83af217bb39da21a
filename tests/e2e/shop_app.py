"""A shop whose books are a SQLite file: an aiohttp server for the end-to-end tests. shop.py starts it.

    shop_app.py --database FILE [--items 100] [--stock 1000000] [--refuse-percent 0]

It listens on a free port of 127.0.0.1, says "listening on 127.0.0.1:PORT", and ends with SIGTERM. One thread, one connection to the file; writes are committed
ten times a second, at GET /flush, and at the end. GET /flush is counted nowhere.
"""

import argparse
import asyncio
import collections
import json
import secrets
import signal
import sqlite3
import traceback
import zlib

from aiohttp import web

COMMIT_PAUSE = 0.1  # seconds
SCHEMA = """
CREATE TABLE items (id INTEGER PRIMARY KEY, price INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0));
CREATE TABLE sessions (token TEXT PRIMARY KEY, user TEXT NOT NULL, password TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE refused (user TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, token TEXT NOT NULL REFERENCES sessions (token));
CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders (id), item INTEGER NOT NULL REFERENCES items (id), count INTEGER NOT NULL CHECK (count > 0));
CREATE TABLE hits (step TEXT, status INTEGER, count INTEGER NOT NULL, PRIMARY KEY (step, status)) WITHOUT ROWID;
"""


def refuses(user, percent):
    """Whether the shop refuses this account: always the same ones, about so many in a hundred."""
    return zlib.crc32(user.encode()) % 100 < percent


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status, words):
        self.status, self.words = status, words


def session_of(cookie):
    """The value of the cookie `session`."""
    for pair in cookie.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == "session":
            return value
    return None


class Shop:
    def __init__(self, path, items, stock, refuse_percent):
        self.items, self.refuse_percent = items, refuse_percent
        self.hits = collections.Counter()  # (step, status): how many
        self.sessions = {}  # token: [user, cart]; the cart is {item: count}
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;" + SCHEMA)
        self.do = self.database.execute
        self.do("BEGIN")
        self.database.executemany("INSERT INTO items VALUES (?, ?, ?)", ((n, 100 + n * 37 % 900, stock) for n in range(1, items + 1)))
        self.flush()
        self.steps = {
            ("POST", "/login"): ("login", self.login),
            ("GET", "/search"): ("search", self.search),
            ("POST", "/cart"): ("cart", self.cart),
            ("POST", "/checkout"): ("checkout", self.checkout),
            ("GET", "/profile"): ("profile", self.profile),
        }

    def flush(self):
        """Puts all that happened into the file; from here on everything goes into a new transaction."""
        self.database.executemany("INSERT OR REPLACE INTO hits VALUES (?, ?, ?)", ((*key, count) for key, count in self.hits.items()))
        self.do("COMMIT")
        self.do("BEGIN")

    async def flush_often(self):
        while True:
            await asyncio.sleep(COMMIT_PAUSE)
            self.flush()

    def close(self):
        self.flush()
        self.do("COMMIT")
        self.database.close()

    # ---- requests

    async def answer(self, request):
        """Every request comes through here, and is counted before it is answered."""
        path = request.path
        if path == "/flush":
            self.flush()
            return web.Response(text="ok\n")
        if path.startswith("/items/") and request.method == "GET":
            name, step = "item", self.item
        else:
            name, step = self.steps.get((request.method, path), ("other", self.other))
        fields = None
        body = await request.read()
        try:
            status, result, *fields = step(request, body)
        except Refusal as refusal:
            status, result = refusal.status, {"error": refusal.words}
        except Exception:  # a fault of the shop: in its log, and a count that no test expects
            traceback.print_exc()
            status, result = 500, {"error": "a fault of the shop"}
        self.hits[name, status] += 1
        return web.Response(status=status, body=json.dumps(result).encode(), content_type="application/json", headers=fields[0] if fields else None)

    def session(self, request):
        """The session that a request belongs to: token, [user, cart]."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            token = session_of(request.headers.get("Cookie", ""))
        if token not in self.sessions:
            raise Refusal(401, "log in first")
        return token, self.sessions[token]

    @staticmethod
    def read(body, **kinds):
        """The members of a JSON object, which must be of these kinds."""
        try:
            value = json.loads(body)
            members = [value[name] for name in kinds]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, "write a JSON object with " + ", ".join(kinds)) from None
        for member, kind in zip(members, kinds.values()):
            if type(member) is not kind:
                raise Refusal(400, "of another kind: " + json.dumps(member))
        return members

    # ---- steps: each returns status, result, and header fields if it has any

    def login(self, request, body):
        user, password = self.read(body, user=str, password=str)
        if refuses(user, self.refuse_percent):
            self.do("INSERT INTO refused VALUES (?)", (user,))
            raise Refusal(401, "this account is closed")
        token = secrets.token_hex(16)
        self.sessions[token] = [user, {}]
        self.do("INSERT INTO sessions VALUES (?, ?, ?)", (token, user, password))
        return 200, {"token": token}, {"Set-Cookie": f"session={token}; HttpOnly; Path=/"}

    def profile(self, request, body):
        _, (user, cart) = self.session(request)
        return 200, {"user": user, "cart": sum(cart.values())}

    def search(self, request, body):
        words = request.query.get("q", "")
        first = zlib.crc32(words.encode())
        ids = sorted({1 + (first + n) % self.items for n in range(3)})
        return 200, {"query": words, "results": [{"id": n} for n in ids]}

    def item(self, request, body):
        number = request.path[len("/items/"):]
        row = self.do("SELECT id, price, stock FROM items WHERE id = ?", (number,)).fetchone() if number.isdecimal() and len(number) < 10 else None
        if not row:
            raise Refusal(404, "no such item")
        return 200, dict(zip(("id", "price", "stock"), row))

    def cart(self, request, body):
        _, (_, cart) = self.session(request)
        item, count = self.read(body, item=int, count=int)
        if not 1 <= count <= 1000:
            raise Refusal(400, "count: from 1 to 1000")
        if not 1 <= item <= self.items:
            raise Refusal(404, "no such item")
        cart[item] = cart.get(item, 0) + count
        return 200, {"cart": sum(cart.values())}

    def checkout(self, request, body):
        token, session = self.session(request)
        cart = session[1]
        if not cart:
            raise Refusal(400, "the cart is empty")
        self.do("SAVEPOINT checkout")
        try:
            order = self.do("INSERT INTO orders (token) VALUES (?)", (token,)).lastrowid
            for item, count in cart.items():
                if self.do("UPDATE items SET stock = stock - ? WHERE id = ? AND stock >= ?", (count, item, count)).rowcount != 1:
                    self.do("ROLLBACK TO checkout")
                    raise Refusal(409, f"item {item} is sold out")
                self.do("INSERT INTO order_lines VALUES (?, ?, ?)", (order, item, count))
        finally:
            self.do("RELEASE checkout")
        session[1] = {}
        return 201, {"order": order}

    def other(self, request, body):
        raise Refusal(404, "no such path")


async def serve(shop):
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = web.ServerRunner(web.Server(shop.answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print("listening on 127.0.0.1:%d" % runner.addresses[0][1], flush=True)
    flushes = asyncio.create_task(shop.flush_often())
    await asyncio.wait((flushes, asyncio.create_task(ended.wait())), return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()
    if flushes.done():
        flushes.result()  # which raises what went wrong
    flushes.cancel()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--stock", type=int, default=1000000)
    parser.add_argument("--refuse-percent", type=int, default=0)
    options = parser.parse_args()
    shop = Shop(options.database, options.items, options.stock, options.refuse_percent)
    asyncio.run(serve(shop))
    shop.close()


if __name__ == "__main__":
    main()
