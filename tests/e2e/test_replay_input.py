"""What a replay is given: files that are none, folders, options that mean nothing, places where no snapshot can lie. Numbers are counted by hand."""

import json
import math
import os
import random
import re
import subprocess
import tempfile
import time

import jsonschema
import pytest

from conftest import BINARY, ROOT, says
from test_replay import figures, kept, ladder, logs, replayed, write

REFERENCE = "0,12,200,0,0\n4,15,200,0,0\n9,31,503,0,0\n20,2000,500,1,0\n"
HEAD = "# strest "


def export_schema():
    return json.loads((ROOT / "docs/schema/export.json").read_text())


def as_nobody(*words):
    """Runs it without the rights of root; returns the exit status and stderr."""
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*user, BINARY, *map(str, words)], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


# ---- files


def test_a_pipe_is_refused_and_not_waited_for(strest, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for option in "--export-csv", "--export-json", "--export-jsonl":
        says(replayed(strest, option, tmp_path / "pipe", code=1), 1, option, "pipe", "into a file")
    says(replayed(strest, "--export-csv", "/dev/null", code=1), 1, "/dev/null", "into a file")


@pytest.mark.parametrize("option, form", [("--export-csv", "0,12,200,0,0"), ("--export-json", '"records"'), ("--export-jsonl", "in each line")])
def test_foreign_files_are_refused_in_one_sentence(strest, tmp_path, option, form):
    contents = {"noise": bytes(random.Random(1).randrange(256) for _ in range(5000)), "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3", "empty": b"", "blank": b"\n\n\r\n",
                "nul": b"\0" * 100, "page": b"<!doctype html>\n<p>1,2,3</p>\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        refused = replayed(strest, option, tmp_path / name, code=1)
        says(refused, 1, option, name, "no record", form)
        assert len(refused.err.splitlines()) == 1, refused


def test_a_huge_file_without_a_line_costs_no_memory(strest, tmp_path):
    with open(tmp_path / "sparse.csv", "wb") as f:
        f.truncate(300 << 20)
    refused = replayed(strest, "--export-csv", tmp_path / "sparse.csv", code=1)
    says(refused, 1, "no record", "1 line")
    assert refused.peak_kb < 100 * 1024


def test_numbers_that_are_none_are_counted(strest, tmp_path):
    lines = ["-5,1,200,0,0", "18446744073709551616,1,200,0,0", "18446744073709551615,1,200,0,0", "5,18446744073709551615,200,0,0", "5,1,70000,0,0", "5,1,-1,0,0"]
    done = replayed(strest, "--export-csv", write(tmp_path / "a.csv", "".join(line + "\n" for line in lines) + "1,1,200,0,0\n"))
    assert "6 lines" in done.err and figures(done.out)[1] == "Total Requests: 1"


def test_who_may_not_read_it_is_told(tmp_path):
    folder = tempfile.mkdtemp(prefix="strest-locked-")  # where others may look, unlike tmp_path
    try:
        os.chmod(folder, 0o755)
        with open(f"{folder}/a.csv", "w") as f:
            f.write(REFERENCE)
        os.chmod(f"{folder}/a.csv", 0o000)
        code, err = as_nobody("--replay", "--export-csv", f"{folder}/a.csv")
        assert code == 1 and "--export-csv: cannot read" in err and "Permission denied" in err
    finally:
        os.unlink(f"{folder}/a.csv")
        os.rmdir(folder)


def test_a_line_of_a_log_that_is_cut_off_is_no_request(strest, target, tmp_path):
    kept(strest, tmp_path, "-u", target().url, "--requests", "50", "-t", "20s")
    lines = logs(tmp_path)[0].read_text().splitlines()
    write(logs(tmp_path)[0], "\n".join(lines[:11]) + "\n" + ",".join(lines[11].split(",")[:2]) + ",20")
    done = replayed(strest, "--tmp-path", tmp_path)
    assert figures(done.out)[1:4] == ["Total Requests: 10", "Successful: 10 (100.00%)", "Errors: 0"]
    assert "1 line of the log is cut off" in done.err


# ---- folders


def test_only_files_with_the_name_of_a_log_are_logs(strest, tmp_path):
    write(tmp_path / "metrics-77-1767225600123-0.log", REFERENCE)
    (tmp_path / "metrics-78-1867225600123-0.log").mkdir()
    os.mkfifo(tmp_path / "metrics-79-1867225600123-0.log")
    os.symlink("nowhere", tmp_path / "metrics-80-1867225600123-0.log")
    for name in "metrics--1-1867225600123-0.log", "metrics-1-1867225600123-0.log.gz", "metrics-99999999999999999999-1867225600123-0.log":
        write(tmp_path / name, "0,1,200\n")
    assert figures(replayed(strest, "--tmp-path", tmp_path).out)[1] == "Total Requests: 4"
    listed = replayed(strest, "--tmp-path", tmp_path, "--run", "list").out.splitlines()
    assert len(listed) == 2 and listed[1].split() == ["1", "2026-01-01", "00:00:00", "77-1767225600123", "-", "-", "-"]


def test_a_process_that_only_has_the_number_writes_no_log(strest, tmp_path):
    write(tmp_path / f"metrics-{os.getpid()}-1767225600123-0.log", HEAD + '{"run_id":"abcd"}\n')
    assert replayed(strest, "--tmp-path", tmp_path, "--run", "list").out.splitlines()[1].split()[5:7] == ["cut", "off"]
    with open(logs(tmp_path)[0]):
        assert replayed(strest, "--tmp-path", tmp_path, "--run", "list").out.splitlines()[1].split()[5:7] == ["goes", "on"]


@pytest.mark.option("run")
def test_ten_thousand_logs(strest, tmp_path):
    for i in range(10000):
        write(tmp_path / f"metrics-{100 + i}-{1700000000000 + i * 1000}-0.log", f"0,{i},200,0,0\n")
    assert len(replayed(strest, "--tmp-path", tmp_path, "--run", "list").out.splitlines()) == 10001
    assert figures(replayed(strest, "--tmp-path", tmp_path).out)[9] == "Min/Max Latency (all): 9999ms / 9999ms"
    assert figures(replayed(strest, "--tmp-path", tmp_path, "--run", "10000").out)[9] == "Min/Max Latency (all): 0ms / 0ms"


@pytest.mark.option("run")
def test_the_beginning_of_two_ids_is_not_enough(strest, tmp_path):
    for i, identity in enumerate(("abcd1", "abcd2")):
        write(tmp_path / f"metrics-1-{1700000000000 + i}-0.log", f'{HEAD}{{"run_id":"{identity}"}}\n' + "0,1,200,0,0,0,0\n")
    says(replayed(strest, "--tmp-path", tmp_path, "--run", "abcd", code=1), 1, "--run", "several", "'abcd'")
    says(replayed(strest, "--tmp-path", tmp_path, "--run", "", code=1), 1, "--run", "list")


@pytest.mark.option("run")
@pytest.mark.parametrize("words", [("--json",), ("--replay-snapshot-out", "x"), ("--charts-path", "x"), ("--replay-start", "1s")])
def test_a_list_is_all_that_run_list_gives(strest, tmp_path, words):
    write(tmp_path / "metrics-77-1767225600123-0.log", REFERENCE)
    says(replayed(strest, "--tmp-path", tmp_path, "--run", "list", *words, code=1), 1, words[0], "--run list")


def test_what_a_log_says_of_its_run_is_no_order_to_the_terminal(strest, tmp_path):
    columns = ",".join(["0", "12", "200", "0", "0", "0", "0"])
    write(tmp_path / "metrics-77-1767225600123-0.log", HEAD + json.dumps({"target": "\x1b[2Jhttp://a/\x9b", "run_id": "\x1b]0;x\x07", "url_count": 2**31 - 1})
          + "\n" + columns + "\n" + logs_line())
    for words in ("--run", "list"), ():
        done = replayed(strest, "--tmp-path", tmp_path, *words)
        assert "http://a/" in done.out and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)
        assert done.seconds < 20 and done.peak_kb < 200 * 1024


def logs_line():
    """A record with all columns of a log: due at 0, 12 ms to the end."""
    return "0,12,200,0,0,0,0,0,0,0,0,12000000,12000000,0,0,0,0,ok,none,0,http/1.1,1,0,0\n"


def test_a_head_has_no_credentials(strest, target, tmp_path):
    place = target().url.rstrip("/").removeprefix("http://")
    urls = write(tmp_path / "urls.txt", f"http://u:SECRET1@{place}/a\nhttp://{place}/b\n")
    config = write(tmp_path / "s.toml", f'[scenario]\nbase_url = "http://u:SECRET2@{place}"\n[[scenario.steps]]\npath = "/x"\n'
                   f'headers = ["Authorization: Bearer SECRET3"]\n[[scenario.steps]]\nurl = "http://u:SECRET4@{place}/zz"\n')
    loads = {
        "url": ("-u", f"http://user:SECRET5@{place}/"),
        "headers": ("-u", f"http://{place}/", "--bearer", "SECRET6", "-H", "X-Key: SECRET7", "-H", "Cookie: s=SECRET8"),
        "password": ("-u", f"http://{place}/", "--basic-auth", "user:SECRET9", "-X", "POST", "-d", "SECRET10"),
        "proxy": ("-u", "http://localhost:1/", "-p", f"http://u:SECRET11@{place}/", "--proxy-header", "A: SECRET12"),
        "urls": ("--urls-from-file", urls),
        "scenario": ("--config", config, "--no-charts"),
    }
    for name, load in loads.items():
        kept(strest, tmp_path / name, *load, "--requests", "10", "-t", "10s")
        text = logs(tmp_path / name)[0].read_text()
        assert text.startswith(HEAD) and len(text.splitlines()) >= 12 and "SECRET" not in text, name


# ---- options


@pytest.mark.option("replay")
@pytest.mark.parametrize("words", [("--rate", "5"), ("-u", "http://localhost/"), ("--requests", "3"), ("--config", "x.toml"), ("-H", "a: b"), ("--keep-tmp",),
                                   ("-t", "3"), ("--warmup", "1s"), ("--label", "a=b"), ("--threshold", "p99<1ms"), ("--strict",), ("--junit", "x.xml"),
                                   ("--metrics-range", "0-5"), ("--metrics-max", "5"), ("--hdr-log", "x"), ("--db-url", "x"), ("--sink-listen", "127.0.0.1:0")])
def test_what_says_how_to_load_is_refused(strest, tmp_path, words):
    says(replayed(strest, "--export-csv", ladder(tmp_path), *words, code=1), 1, "leave it out", "replay")


@pytest.mark.option("replay-start", "replay-end")
def test_bounds_beside_the_data_are_told(strest, tmp_path):
    path = ladder(tmp_path)  # 0 ... 19.5 s
    done = replayed(strest, "--export-csv", path, "--replay-start", "100s", "--replay-end", "200s")
    assert figures(done.out)[1] == "Total Requests: 1" and "--replay-start 100s lies behind the last request" in done.err
    later = write(tmp_path / "later.csv", "5000,1,200,0,0\n6000,1,200,0,0\n")
    done = replayed(strest, "--export-csv", later, "--replay-end", "2s")
    assert figures(done.out)[1] == "Total Requests: 1" and "--replay-end 2s lies before the first request" in done.err
    for words in ("--replay-start", "max"), ("--replay-end", "min"), ("--replay-end", "1h"):
        assert "lies" not in replayed(strest, "--export-csv", path, *words).err


# ---- snapshots


@pytest.mark.option("replay-snapshot-interval", "replay-snapshot-start", "replay-snapshot-end")
def test_figures_of_snapshots_counted_by_hand(strest, tmp_path):
    dice = random.Random(4)
    rows = [(dice.randrange(20000), dice.randrange(1, 900), dice.choice([200] * 8 + [503, 404])) for _ in range(5000)]
    path = write(tmp_path / "a.csv", "".join(f"{a},{b},{c},0,0\n" for a, b, c in rows))
    first, last = min(rows)[0], max(rows)[0]
    parts = [(first + i * 700, min(first + i * 700 + 700, last)) for i in range(math.ceil((last - first) / 700))]
    replayed(strest, "--export-csv", path, "--replay-snapshot-interval", "700ms", "--replay-snapshot-out", tmp_path / "parts")
    found = {tuple(map(int, re.match(r"snapshot-(\d+)ms-(\d+)ms-\d{13}\.json$", p.name).groups())): json.loads(p.read_text()) for p in (tmp_path / "parts").iterdir()}
    assert sorted(found) == parts
    assert sum(f["summary"]["total_requests"] for f in found.values()) == 5000
    for (begin, end), document in found.items():
        jsonschema.validate(document, export_schema())
        mine = [r for r in rows if begin <= r[0] < end or r[0] == end == last]
        times = sorted(r[1] for r in mine)
        fine = sorted(r[1] for r in mine if r[2] == 200)
        summary = document["summary"]
        assert (summary["duration_ms"], summary["total_requests"], summary["successful_requests"]) == (end - begin, len(mine), len(fine))
        assert summary["avg_latency_ms"] == sum(times) // len(times)
        for q in 50, 90, 99:  # below 2048 ms the buckets of the original are 1 ms wide
            assert summary[f"p{q}_latency_ms"] == times[math.ceil(q / 100 * len(times)) - 1]
            assert summary[f"success_p{q}_latency_ms"] == fine[math.ceil(q / 100 * len(fine)) - 1]
        assert [(r["elapsed_ms"], r["latency_ms"], r["status_code"]) for r in document["records"]] == sorted(mine, key=lambda r: r[0])


def test_a_snapshot_has_the_requests_that_the_summary_counts(strest, tmp_path):
    # a byte of rubbish, CRLF, words for flags, and a last line without an end: three requests
    odd = write(tmp_path / "odd.csv", "elapsed_ms,latency_ms,status_code,timed_out,transport_error\r\n0,5,200,0,0\r\n\r\nx\r\n10,6,200,TRUE,false\r\n20,7,404,0,0")
    for kind, path in (("csv", odd), ("jsonl", write(tmp_path / "a.jsonl", '{"elapsed_ms":0,"latency_ms":5,"status_code":200}\nx\n'
                                                     '{"elapsed_ms":10,"latency_ms":6,"status_code":200}\n{"elapsed_ms":20,"latency_ms":7,"status_code":404}'))):
        done = replayed(strest, f"--export-{kind}", path, "--replay-snapshot-out", tmp_path / "out.json")
        document = json.loads((tmp_path / "out.json").read_text())
        jsonschema.validate(document, export_schema())
        assert figures(done.out)[1] == "Total Requests: 3" and [r["latency_ms"] for r in document["records"]] == [5, 6, 7]
        assert document["summary"]["run_id"] is None and document["summary"]["start"] is None  # the file does not say


@pytest.mark.option("replay-snapshot-out", "replay-snapshot-format")
def test_where_no_snapshot_can_lie(strest, tmp_path):
    path = ladder(tmp_path)
    before = path.read_text()
    done = replayed(strest, "--export-csv", path, "--replay-snapshot-out", path, "--replay-snapshot-format", "csv", "--replay-snapshot-end", "1s", code=1)
    assert "is what is being replayed" in done.err and path.read_text() == before and figures(done.out)[1] == "Total Requests: 40"
    for out in path / "x", tmp_path / "none" / "a.json":
        done = replayed(strest, "--export-csv", path, "--replay-snapshot-out", out, code=1)
        assert "--replay-snapshot-out: cannot make" in done.err and figures(done.out)[1] == "Total Requests: 40"
    done = replayed(strest, "--export-csv", path, "--replay-snapshot-out", tmp_path / "named.csv")
    assert "named as another format" in done.err and "--replay-snapshot-format csv" in done.err
    assert json.loads((tmp_path / "named.csv").read_text())["summary"]["total_requests"] == 40
    done = replayed(strest, "--export-csv", path, "--replay-snapshot-out", tmp_path / "named.csv", "--replay-snapshot-format", "csv")
    assert "named as" not in done.err


@pytest.mark.option("replay-snapshot-interval")
def test_intervals_at_their_ends(strest, tmp_path):
    path = write(tmp_path / "a.csv", "0,1,200,0,0\n500000,1,200,0,0\n")
    done = replayed(strest, "--export-csv", path, "--replay-snapshot-interval", "1ms", "--replay-snapshot-out", tmp_path / "many", code=1)
    assert "--replay-snapshot-interval" in done.err and "longer" in done.err and not (tmp_path / "many").exists()
    replayed(strest, "--export-csv", path, "--replay-snapshot-interval", "1h", "--replay-snapshot-out", tmp_path / "one")
    assert [p.name.rsplit("-", 1)[0] for p in (tmp_path / "one").iterdir()] == ["snapshot-0ms-500000ms"]
    says(replayed(strest, "--export-csv", path, "--replay-snapshot-interval", "0", code=2), 2, "--replay-snapshot-interval", "'0'")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
@pytest.mark.parametrize("size", ["64k", "900k", "1300k"])
def test_a_full_disk_leaves_no_half_snapshot(tmp_path, size):
    path = write(tmp_path / "a.csv", "".join(f"{i},1,200,0,0\n" for i in range(5000)))
    script = 'mount -t tmpfs -o size="$1" none "$2" || exit 77; "$3" --replay --export-csv "$4" --replay-snapshot-out "$2/a.json" >&2; code=$?; ls "$2"; exit $code'
    (tmp_path / "full").mkdir()
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", size, str(tmp_path / "full"), BINARY, str(path)], capture_output=True, text=True, timeout=30)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("may not mount")
    assert done.returncode == 1 and done.stdout == "", done
    assert "--replay-snapshot-out: cannot write" in done.stderr and "No space left" in done.stderr and "Total Requests: 5000" in done.stderr


def test_a_folder_without_rights(tmp_path):
    folder = tempfile.mkdtemp(prefix="strest-locked-")
    try:
        with open(f"{folder}/a.csv", "w") as f:
            f.write(REFERENCE)
        os.chmod(folder, 0o555)
        for out in folder, f"{folder}/new", f"{folder}/a.json":
            code, err = as_nobody("--replay", "--export-csv", f"{folder}/a.csv", "--replay-snapshot-out", out)
            assert code == 1 and "--replay-snapshot-out: cannot make" in err and "Permission denied" in err, err
    finally:
        os.chmod(folder, 0o755)
        os.unlink(f"{folder}/a.csv")
        os.rmdir(folder)


def test_a_log_that_is_being_written_can_be_cut_into_snapshots(strest, target, tmp_path):
    run = strest.start("-u", target().url, "--rate", "500", "-t", "30s", "--keep-tmp", "--tmp-path", tmp_path / "log")
    try:
        time.sleep(2)
        done = replayed(strest, "--tmp-path", tmp_path / "log", "--replay-snapshot-interval", "300ms", "--replay-snapshot-out", tmp_path / "parts")
        assert "its run goes on" in done.err and "cut off" not in done.err
        seen = [r["due_ns"] for p in (tmp_path / "parts").iterdir() for r in json.loads(p.read_text())["records"]]
        assert len(seen) > 100 and len(set(seen)) == len(seen)
    finally:
        run.kill()
