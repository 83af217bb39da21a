"""strest cleanup: what it deletes, and what it never does."""

import os
import subprocess
import time

import pytest

from test_charts import all_good, load


@pytest.fixture
def folder(tmp_path):
    """Logs of runs that are over, one of them old, and what is none of strest's business."""
    place = tmp_path / "tmp"
    place.mkdir()
    over = subprocess.Popen(["true"])
    over.wait()
    for number, age in enumerate((10, 7200)):
        log = place / f"metrics-{over.pid}-{number}-0.log"
        log.write_text("0,12,200,0,0\n")
        os.utime(log, (time.time() - age,) * 2)
    (place / "run-old").mkdir()
    (place / "run-old" / "deep").write_text("x")
    os.utime(place / "run-old", (time.time() - 7200,) * 2)
    (place / "notes.txt").write_text("mine")
    (place / "metrics-1.log.bak").write_text("mine")
    (place / "metrics-9-9-9.log").symlink_to("notes.txt")
    return place


def left(place):
    return sorted(path.name for path in place.iterdir() if path.name.startswith(("metrics", "run-")) and not path.is_symlink() and not path.name.endswith(".bak"))


def test_nothing_is_deleted_without_force(strest, folder):
    before = left(folder)
    finished = strest.run("cleanup", "--tmp-path", folder)
    assert finished.code == 0 and "without --force" in finished.out
    assert finished.out.count("Would remove ") == 4 and "Would remove 3 item(s)." in finished.out, "three lines and their sum"
    assert left(folder) == before


@pytest.mark.option("dry-run")
def test_dry_run_wins_over_force(strest, folder):
    before = left(folder)
    finished = strest.run("cleanup", "--tmp-path", folder, "--dry-run", "--force")
    assert finished.code == 0 and "Would remove" in finished.out and "without --force" not in finished.out
    assert left(folder) == before


@pytest.mark.option("force")
def test_force_deletes_logs_and_folders_of_runs_and_nothing_else(strest, folder):
    finished = strest.run("cleanup", "--tmp-path", folder, "--force")
    assert finished.code == 0 and finished.out.splitlines()[-1] == "Removed 3 item(s)."
    assert left(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["metrics-1.log.bak", "metrics-9-9-9.log", "notes.txt"]


@pytest.mark.option("older-than")
def test_only_what_is_older(strest, folder):
    finished = strest.run("cleanup", "--tmp-path", folder, "--force", "--older-than", "1h")
    assert finished.code == 0 and finished.out.splitlines()[-1] == "Removed 2 item(s)."
    assert len(left(folder)) == 1


def test_the_log_of_a_run_that_goes_on_is_kept(strest, target, tmp_path):
    place = tmp_path / "tmp"
    run = strest.start("-u", target().url, "--rate", "20", "-t", "30s", "--keep-tmp", "--tmp-path", place)
    end = time.monotonic() + 20
    while time.monotonic() < end and not place.exists():
        time.sleep(0.05)
    time.sleep(0.2)
    finished = strest.run("cleanup", "--tmp-path", place, "--force")
    assert finished.code == 0 and "its run goes on" in finished.out
    assert len(left(place)) == 1
    run.kill()
    assert strest.run("cleanup", "--tmp-path", place, "--force").out.splitlines()[-1] == "Removed 1 item(s)."


def test_a_folder_that_is_not_there_and_an_empty_one(strest, tmp_path):
    finished = strest.run("cleanup", "--tmp-path", tmp_path / "none", "--force")
    assert (finished.code, finished.out) == (0, f"There is no {tmp_path}/none.\n")
    (tmp_path / "empty").mkdir()
    finished = strest.run("cleanup", "--tmp-path", tmp_path / "empty", "--force")
    assert (finished.code, finished.out) == (0, f"Nothing to remove in {tmp_path}/empty.\n")


def test_the_default_lies_in_the_home_folder(strest, tmp_path):
    (tmp_path / ".strest" / "tmp").mkdir(parents=True)
    (tmp_path / ".strest" / "tmp" / "metrics-0-1-0.log").write_text("x")
    finished = strest.run("cleanup", "--force", env={"HOME": str(tmp_path)})
    assert finished.code == 0 and left(tmp_path / ".strest" / "tmp") == []


def test_what_cannot_be_deleted_is_said_and_the_rest_goes(strest, folder):
    """A mount point cannot be deleted, by anybody."""
    stuck = folder / "run-stuck"
    stuck.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", stuck], capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    finished = strest.run("cleanup", "--tmp-path", folder, "--force")
    subprocess.run(["umount", "-l", stuck], check=True)
    assert finished.code == 1 and f"cannot delete '{stuck}'" in finished.err
    assert left(folder) == ["run-stuck"] and finished.out.splitlines()[-1] == "Removed 3 item(s)."


def test_a_file_is_no_folder(strest, tmp_path):
    (tmp_path / "file").write_text("x")
    finished = strest.run("cleanup", "--tmp-path", tmp_path / "file", "--force")
    assert finished.code == 1 and "--tmp-path: cannot read the folder" in finished.err
    assert (tmp_path / "file").exists()


@pytest.mark.option("with-charts")
def test_charts_go_if_that_is_asked_for(strest, target, tmp_path):
    charts = tmp_path / "charts"
    assert strest.run(*load(target(), "--requests", "4", "-t", "20s", "-c", charts)).code == 0
    all_good(charts)
    (charts / "mine.txt").write_text("x")
    strest.run("cleanup", "--tmp-path", tmp_path / "none", "--charts-path", charts, "--force")
    assert len(list(charts.iterdir())) == 15
    finished = strest.run("cleanup", "--tmp-path", tmp_path / "none", "--charts-path", charts, "--force", "--with-charts")
    assert finished.code == 0 and finished.out.splitlines()[-1] == "Removed 14 item(s)."
    assert [path.name for path in charts.iterdir()] == ["mine.txt"]


def test_no_config_file_is_read_and_no_other_option_taken(strest, tmp_path):
    (tmp_path / "strest.toml").write_text("this is no toml")
    finished = strest.run("cleanup", "--tmp-path", tmp_path / "none", prepare=lambda: os.chdir(tmp_path))
    assert finished.code == 0
    finished = strest.run("cleanup", "--rate", "5")
    assert finished.code == 2 and "it belongs to 'strest'" in finished.err
    assert "--older-than" in strest.run("cleanup", "--help").out
