#!/usr/bin/python3
"""Checks what junit.c writes, as the XML parser of Python's library reads it.

In: a program that writes a report of a kind to a path. Out: TAP; exit 0 if everything holds.
"""
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

TESTS = []


def test(check):
    TESTS.append(check)
    return check


def write(kind, path):
    return subprocess.run([sys.argv[1], kind, str(path)], capture_output=True, text=True)


def suite(kind, folder):
    """The one testsuite of a report of this kind."""
    path = folder / f"{kind}.xml"
    finished = write(kind, path)
    assert finished.returncode == 0, finished.stderr
    root = xml.parse(path).getroot()
    assert root.tag == "testsuites" and [child.tag for child in root] == ["testsuite"]
    return root[0]


def failures(found):
    return {case.get("name"): [f.get("message") for f in case.iter("failure")] for case in found.iter("testcase")}


@test
def each_threshold_is_a_case_and_a_missed_one_fails_with_its_value(folder):
    found = suite("plain", folder)
    assert failures(found) == {
        "p50<10ms": [],
        "p99<250ms": ["was never"],
        "p99.9<1s": ["was never (few samples)"],
        "errors<=5.5%": [],
        "errors<100": ["was 110"],
        "rps>=198": [],
        "stage.2.p90<6.8ms": [],
        "stage.3.max<1s": ["there was nothing to compare"],
    }
    assert {case.get("classname") for case in found} == {"strest.thresholds"}


@test
def the_suite_counts_its_cases(folder):
    found = suite("plain", folder)
    want = {"name": "strest GET http://127.0.0.1:3000/", "tests": "8", "failures": "4", "errors": "0", "skipped": "0", "time": "10.000",
            "timestamp": "2026-01-01T00:00:00"}
    assert dict(found.attrib) == want, found.attrib


@test
def strict_adds_the_verdict_as_a_case(folder):
    found = suite("strict", folder)
    assert (found.get("tests"), found.get("failures")) == ("9", "5")
    (message,) = failures(found)["verdict"]
    first, second = message.split("\n")
    assert first.startswith("limited by paused: ") and second.startswith("ports: "), message


@test
def a_report_without_thresholds_is_an_empty_suite(folder):
    found = suite("bare", folder)
    assert len(found) == 0 and found.get("tests") == "0" and found.get("failures") == found.get("errors") == "0"


def error(found):
    """The message of the one error of a suite, which is that of its last case, "measured"."""
    assert found.get("errors") == "1", found.attrib
    assert int(found.get("tests")) == len(found)
    assert int(found.get("failures")) == len(list(found.iter("failure")))
    (fault,) = found.iter("error")
    assert found[-1].get("name") == "measured" and found[-1][0] is fault
    return fault.get("message")


@test
def a_run_without_requests_is_an_error_and_its_rules_fail(folder):
    found = suite("empty", folder)
    assert error(found) == "nothing was measured: no request of the window ended"
    assert failures(found) == {"errors<=100%": ["there was nothing to compare"], "measured": []}


@test
def a_run_without_any_response_is_an_error_beside_its_rules(folder):
    found = suite("silent", folder)
    assert error(found) == "nothing was measured: no response at all"
    assert found.get("tests") == "9" and found.get("failures") == "4", "the rules are judged as ever"


@test
def books_that_do_not_balance_are_an_error(folder):
    message = error(suite("unbalanced", folder))
    assert message == "the books do not balance: planned 2001, but ok 1890 + failed 90 + open 5 + unsent 15", message


@test
def every_character_comes_back_or_as_a_question_mark(folder):
    found = suite("odd", folder)
    assert found.get("name") == "strest GET http://127.0.0.1:3000/?a=1&b=<2>"
    assert found[0].get("name") == "a<b&\"c'>d\te\nf ? grün ? ?? ??? \U0001f600 ]]>", found[0].get("name")


@test
def a_file_that_was_there_is_replaced_and_nothing_stays_behind(folder):
    path = folder / "report.xml"
    path.write_text("old" * 10000)
    old = path.stat().st_ino
    assert write("plain", path).returncode == 0
    assert xml.parse(path).getroot().tag == "testsuites"
    assert path.stat().st_ino != old, "not renamed"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(folder) == ["report.xml"]


@test
def a_link_stays_a_link(folder):
    (folder / "link.xml").symlink_to("real.xml")
    assert write("plain", folder / "link.xml").returncode == 0
    assert (folder / "link.xml").is_symlink()
    assert xml.parse(folder / "real.xml").getroot().tag == "testsuites"


@test
def what_cannot_be_written_is_an_error_with_its_path(folder):
    for path, words in ((folder / "nowhere" / "a.xml", "No such file"), (folder, "Is a directory")):
        finished = write("plain", path)
        assert finished.returncode == 1
        assert finished.stderr.startswith(f"cannot write '{path}': ") and words in finished.stderr, finished.stderr
    assert os.listdir(folder) == []


def main():
    os.umask(0o027)
    print(f"1..{len(TESTS)}")
    bad = 0
    for number, check in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(pathlib.Path(folder))
                print(f"ok {number} - {check.__name__}")
            except (AssertionError, xml.ParseError) as problem:
                bad += 1
                print(f"not ok {number} - {check.__name__}\n# {problem!r}")
    return 1 if bad else 0


sys.exit(main())
