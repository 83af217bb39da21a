"""Adds up real results: the TAP lines of every unit test program and the cases of pytest's report.

    count_tests.py testlog.json e2e.xml     prints "N passed, N failed"; exit 1 if anything failed or a half did not run
"""
import json
import os
import re
import sys
import xml.etree.ElementTree


def count_unit(path):
    """Meson's log holds one JSON object a line, one per test program."""
    passed = failed = 0
    if not os.path.exists(path):
        print("no unit tests ran")
        return 0, 1
    with open(path, encoding="utf-8") as log:
        for program in map(json.loads, log):
            lines = (program.get("stdout") or "").splitlines()
            good = [line for line in lines if re.match(r"ok\b", line) and "# SKIP" not in line]
            bad = [line for line in lines if re.match(r"not ok\b", line)]
            passed += len(good)
            failed += len(bad)
            if not bad and (program.get("result") != "OK" or not good):
                failed += 1  # crashed, timed out, found by a sanitizer, or empty
                bad = ["ended with " + str(program.get("result")), *(program.get("stderr") or "").splitlines()[-40:]]
            if bad:
                print("\n".join(["FAILED unit test " + program["name"], *bad]))
    return passed, failed if passed + failed else 1


def count_e2e(path):
    """A case failed when it, its set-up or its tear-down did; skipped ones count as neither."""
    if not os.path.exists(path):
        print("no end-to-end tests ran")
        return 0, 1
    failed = {}
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            continue
        name = (case.get("classname"), case.get("name"))
        bad = case.find("failure") is not None or case.find("error") is not None
        failed[name] = failed.get(name, False) or bad
    if not failed:
        print("no end-to-end tests ran")
        return 0, 1
    return list(failed.values()).count(False), list(failed.values()).count(True)


def main():
    unit, e2e = count_unit(sys.argv[1]), count_e2e(sys.argv[2])
    print(f"unit tests: {unit[0]} passed, {unit[1]} failed; end-to-end tests: {e2e[0]} passed, {e2e[1]} failed")
    print(f"{unit[0] + e2e[0]} passed, {unit[1] + e2e[1]} failed")
    sys.exit(1 if unit[1] + e2e[1] else 0)


main()
