#!/usr/bin/env python3
"""One long run against the shop, and the books of both sides. By hand, not a test: tests/e2e/shop_run.py [--rate 1000] [--seconds 30] [--users 200]

`--rate 0` is a closed loop. Exit 1 if the books do not agree. What strest gets further stands behind `--`.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import shop_flow
from conftest import BINARY
from shop import Shop


def show(result, counts, hits):
    """Both books, side by side."""
    print(f"{'':12}" + "".join(f"{word:>10}" for word in ("planned", "ok", "failed", "open", "unsent")))
    for name, one in (("requests", result["books"]), ("iterations", result["iterations"])):
        print(f"{name:12}" + "".join(f"{one[key]:>10}" for key in ("planned", "ok", "failed", "open", "unsent")))
    for step in result["steps"]:
        times = step["response_ns"]
        p50, p99 = (f"{times[key] / 1e6:.2f}" if isinstance(times[key], (int, float)) else times[key] for key in ("p50", "p99"))
        print(f"{step['name']:12}" + "".join(f"{step[key]:>10}" for key in ("planned", "ok", "failed", "open", "unsent")) +
              f"   shop: {hits.get(step['name'], {})}   p50 {p50} ms, p99 {p99} ms   {step['errors'] or ''}")
    print("shop:", {key: value for key, value in counts.items() if key != "left"})
    for kind in ("response_ns", "service_ns"):
        print(f"{kind}:", {key: round(value / 1e6, 2) if isinstance(value, (int, float)) else value for key, value in result[kind]["all"].items() if key != "count"})
    print("iteration ms:", {key: round(value / 1e6, 1) if isinstance(value, (int, float)) else value
                            for key, value in result["iterations"]["duration_ns"].items() if key != "count"})
    print("rate:", result["rate"], "verdict:", json.dumps(result["verdict"]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=1000, help="requests a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--users", type=int, default=shop_flow.USERS)
    parser.add_argument("--think", default="50ms")
    parser.add_argument("--refuse-percent", type=int, default=0)
    parser.add_argument("--on-failure", default="restart")
    parser.add_argument("more", nargs="*", metavar="-- OPTION", help="further options of strest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(folder, refuse_percent=options.refuse_percent)
        try:
            path = shop_flow.write_config(folder, shop.url, shop_flow.think(shop_flow.VISIT, options.think), on_failure=options.on_failure)
            command = [BINARY, "--config", path, "--json", "--no-charts", "-t", f"{options.seconds}s", "-m", options.users, "-r", options.users]
            command += [*(["--rate", options.rate] if options.rate else []), *options.more]
            finished = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": folder})
            if finished.returncode not in (0, 3):
                sys.exit(finished.returncode)
            result = json.loads(finished.stdout)
            show(result, shop.counts(), shop.hits())
            shop_flow.check_books(result)
            shop_flow.check_shop(result, shop)
            shop_flow.check_sessions(shop)
            print("the books agree")
        finally:
            shop.close()


if __name__ == "__main__":
    main()
