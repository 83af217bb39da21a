"""Files and functions stay small: .c <= 500 lines, .h <= 200; a function <= 80 lines and nine in ten <= 40, at most 5 parameters.

Functions and their ends come from universal-ctags. script/checks/sizes.allow lists functions that may have more parameters,
because a library dictates their type: "file:function   reason".
"""
import json
import pathlib
import re
import subprocess
import sys

FILE_LINES = {".c": 500, ".h": 200}
FUNCTION_LINES = 80
USUAL_LINES = 40
USUAL_SHARE = 0.9
PARAMETERS = 5


def count_parameters(signature):
    """Counts the top-level parts of "(int a, void (*f)(int, int))"."""
    inner = signature.strip()[1:-1].strip()
    if inner in ("", "void"):
        return 0
    depth, commas = 0, 0
    for letter in inner:
        depth += (letter == "(") - (letter == ")")
        commas += letter == "," and depth == 0
    return commas + 1


def read_allowed(path):
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, reason = re.split(r"\s+", line, maxsplit=1)
            rows[name] = reason
    return rows


def find_functions(files):
    command = ["ctags-universal", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+neS", "--output-format=json", "-f", "-"]
    output = subprocess.run([*command, *map(str, files)], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def main():
    top = pathlib.Path(__file__).resolve().parents[2] / "src"
    allowed = read_allowed(pathlib.Path(__file__).with_name("sizes.allow"))
    files = sorted(path for path in top.rglob("*") if path.suffix in FILE_LINES)
    bad = [] if files else ["no file was looked at"]
    for path in files:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES[path.suffix]:
            bad.append(f"{path.relative_to(top)}: {lines} lines, at most {FILE_LINES[path.suffix]}")
    usual = total = 0
    used = set()
    for function in find_functions(files):
        where = f"{pathlib.Path(function['path']).relative_to(top)}:{function['name']}"
        if "end" not in function:
            bad.append(f"{where}: its end was not found")
            continue
        lines = function["end"] - function["line"] + 1
        total += 1
        usual += lines <= USUAL_LINES
        if lines > FUNCTION_LINES:
            bad.append(f"{where}: {lines} lines, at most {FUNCTION_LINES}")
        if count_parameters(function["signature"]) > PARAMETERS:
            if where in allowed:
                used.add(where)
            else:
                bad.append(f"{where}: {count_parameters(function['signature'])} parameters, at most {PARAMETERS}")
    bad += [f"sizes.allow: {name} is not needed" for name in allowed if name not in used]
    if total and usual < USUAL_SHARE * total:
        bad.append(f"only {usual} of {total} functions have at most {USUAL_LINES} lines")
    print("\n".join(bad) if bad else f"{len(files)} files, {total} functions, {usual} of them with at most {USUAL_LINES} lines")
    sys.exit(1 if bad else 0)


main()
