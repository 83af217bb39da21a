"""Scenario files for tests, and what must hold in every result of one.

In a test: path = flow(server.url, [{"path": "/a"}, ...], vars={...}, data=[...], top={...}) writes a config file (JSON) and returns its path; mix() does so for several.
"""

import json

from conftest import check_result


def scenario(url, steps, **more):
    """One scenario; a step that is a text is its path."""
    return {"base_url": url, **more, "steps": [{"path": step} if isinstance(step, str) else step for step in steps]}


class Flows:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    def __call__(self, url, steps, data=(), top=None, **more):
        return self.write({"scenario": scenario(url, steps, **more), **({"data": list(data)} if data else {}), **(top or {})})

    def mix(self, **scenarios):
        return self.write({"scenarios": scenarios})

    def write(self, whole):
        self.count += 1
        return self.put(f"flow-{self.count}.json", json.dumps(whole))

    def put(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


def check_flow(result):
    """The books of iterations, scenarios and steps, by themselves and against those of the requests. Returns the steps by their names."""
    books, iterations, steps = result["books"], result["iterations"], result["steps"]
    for row in [iterations, *result["scenarios"]]:
        assert row["planned"] == row["ok"] + row["failed"] + row["open"] + row["unsent"], row
        assert row["duration_ns"]["count"] == row["ok"] + row["failed"], row
    assert iterations["balanced"] is True
    for row in steps:
        assert row["planned"] == row["ok"] + row["failed"] + row["open"] + row["unsent"], row
        assert sum(sum(reasons.values()) for reasons in row["errors"].values()) == row["failed"] + row["open"], row
    for key in ("planned", "ok", "failed", "open", "unsent"):
        assert sum(row[key] for row in steps) == books[key], (key, steps, books)
        if result["scenarios"]:
            assert sum(row[key] for row in result["scenarios"]) == iterations[key], (key, result["scenarios"], iterations)
    return {row["name"]: row for row in steps}


def measure(strest, path, *args, code=0, **more):
    """Runs a scenario file with --json, checks all books, and returns the result."""
    finished = strest.run("--json", "--no-charts", "--config", path, *args, **more)
    assert finished.code == code, finished
    result = check_result(finished)
    check_flow(result)
    return result


def one(strest, path, iterations=1, steps=1, **more):
    """One user after the other, so many iterations of so many steps."""
    return measure(strest, path, "-m", "1", "--requests", iterations * steps, "-t", "20s", **more)


def step_errors(row):
    """What failed in a step, as {"outcome/reason": count}."""
    return {f"{outcome}/{reason}": count for outcome, by_reason in row["errors"].items() for reason, count in by_reason.items()}
