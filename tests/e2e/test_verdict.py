"""The verdict: each cause on strest's own side is brought about here and must be named; a target that stands still never is one."""

import os
import resource
import signal
import subprocess
import time

import pytest

from conftest import check_result, without_rights
from quiet import on_a_quiet_machine
from servers import wait_for

INVALID = 4


def causes(result):
    """The names of the causes, in their order; the texts are looked at as well."""
    verdict = result["verdict"]
    names = [cause["name"] for cause in verdict["causes"]]
    assert verdict["limited_by"] == (names[0] if names else "none")
    for cause in verdict["causes"]:
        assert cause["text"].startswith(cause["name"] + ": ") and any(c.isdigit() for c in cause["text"]), cause
    return names


def finish(run):
    finished = run.wait()
    assert finished.code == 0, finished
    return check_result(finished)


def wait_for_load(server, requests=20):
    wait_for(lambda: server.counted() >= requests, 10, "the load")


class Neighbours:
    """Programs that do nothing but compute, all on one processor."""

    def __init__(self, count, cpu):
        self.count, self.cpu = count, cpu

    def __enter__(self):
        words = ["/bin/sh", "-c", "while :; do :; done"]
        self.programs = [subprocess.Popen(words, preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu})) for _ in range(self.count)]

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()
            program.wait()


class Quota:
    """A cgroup that gives its programs `share` of one processor: of version 2, or of version 1 where that one rules the processor."""

    def __init__(self, share):
        self.name = f"strest-test-{os.getpid()}-{time.monotonic_ns()}"
        mounts = [line.split() for line in open("/proc/mounts")]
        own = next((line.rstrip("\n").split("::", 1)[1] for line in open("/proc/self/cgroup") if line.startswith("0::")), "/")
        problem = "no cgroup is mounted"
        for mount in mounts:
            if mount[2] == "cgroup2":
                ways = [(self._make, parent) for parent in dict.fromkeys((mount[1], mount[1] + own))]  # a group that holds programs cannot share out, but for the root
            elif mount[2] == "cgroup" and "cpu" in mount[3].split(","):
                ways = [(self._make_old, mount[1])]
            else:
                continue
            for make, parent in ways:
                self.path = os.path.join(parent, self.name)
                try:
                    problem = make(parent, share)
                except OSError as refused:
                    self.close()
                    problem = str(refused)
                if problem is None:
                    return
        pytest.skip(f"no CPU quota can be set: {problem}")

    def _make(self, parent, share):
        if "cpu" not in open(os.path.join(parent, "cgroup.controllers")).read().split():
            return f"{parent} has no cpu controller"
        with open(os.path.join(parent, "cgroup.subtree_control"), "w") as f:
            f.write("+cpu")
        os.mkdir(self.path)
        with open(os.path.join(self.path, "cpu.max"), "w") as f:
            f.write(f"{int(share * 100_000)} 100000")

    def _make_old(self, _, share):
        os.mkdir(self.path)
        with open(os.path.join(self.path, "cpu.cfs_quota_us"), "w") as f:
            f.write(str(int(share * 100_000)))

    def enter(self):
        """Before the exec of a program: it runs under the quota."""
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write(str(os.getpid()))

    def throttled_ns(self):
        fields = dict(line.split() for line in open(os.path.join(self.path, "cpu.stat")))
        return int(fields["throttled_usec"]) * 1000 if "throttled_usec" in fields else int(fields["throttled_time"])

    def close(self):
        try:
            os.rmdir(self.path)
        except OSError:
            pass


@pytest.fixture
def quota():
    made = []

    def make(share):
        made.append(Quota(share))
        return made[-1]

    yield make
    for one in made:
        one.close()


@on_a_quiet_machine
def test_a_clean_run_has_no_cause(strest, target):
    result = strest.measure("-u", target().url + "/delay/5ms", "--rate", "300", "-t", "2s", "--strict")
    assert causes(result) == []
    machine = result["verdict"]["machine"]
    assert machine["wall_ns"] == pytest.approx(2e9, rel=0.1)
    assert machine["pauses"] == machine["no_local_port"] == machine["no_descriptor"] == 0
    assert machine["cpus"] == len(os.sched_getaffinity(0))
    assert 0 < machine["busiest_cpu"] < 0.9


@pytest.mark.slow
@on_a_quiet_machine
def test_a_stalling_target_is_no_cause(strest, target):
    result = strest.measure("-u", target("--stall", "200ms/1s").url + "/delay/5ms", "--rate", "500", "-t", "4s", "--strict")
    assert result["response_ns"]["ok"]["max"] > 150e6, "it did stall"
    assert causes(result) == []


@on_a_quiet_machine
def test_a_target_that_has_no_free_connection_is_no_cause(strest, target):
    result = strest.measure("-u", target().url + "/delay/100ms", "-m", "4", "--rate", "200", "-t", "1s", "--timeout", "3s", "--strict")
    assert result["parts_ns"]["blocked"]["max"] > 500e6
    assert causes(result) == []


@on_a_quiet_machine
def test_a_target_that_fails_is_no_cause(strest, target):
    result = strest.measure("-u", target().url + "/status/500", "--rate", "300", "-t", "1s", "--strict")
    assert result["books"]["ok"] == 0
    assert causes(result) == []


@pytest.mark.parametrize("load", [["--rate", "300"], ["-m", "8", "-r", "8"]])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_stopped_process_is_paused(strest, target, load, threads):
    server = target()
    run = strest.start("--json", "-u", server.url + "/delay/5ms", "-t", "1500ms", "--threads", threads, *load)
    wait_for_load(server)
    run.signal(signal.SIGSTOP)
    time.sleep(0.2)
    run.signal(signal.SIGCONT)
    result = finish(run)
    assert "paused" in causes(result)
    machine = result["verdict"]["machine"]
    assert machine["pauses"] >= 1
    assert 170e6 < machine["longest_pause_ns"] < 1e9, "200 ms, less the tick in which nobody had anything to do"


@pytest.mark.option("strict")
def test_strict_makes_a_cause_an_exit_status(strest, target):
    server = target()
    run = strest.start("-u", server.url + "/delay/5ms", "-t", "1500ms", "--rate", "300", "--strict")
    wait_for_load(server)
    run.signal(signal.SIGSTOP)
    time.sleep(0.2)
    run.signal(signal.SIGCONT)
    finished = run.wait()
    assert finished.code == INVALID, finished
    assert "paused" in finished.err and "--strict" in finished.err
    assert "\nverdict: limited by " in finished.out and "nothing on strest's side" not in finished.out
    assert "Total Requests: " in finished.out, "the results are printed all the same"


def test_a_duty_cycle_shows_as_pauses_and_late_requests(strest, target):
    """A quota as cpulimit makes it: stopped 170 ms of every 200."""
    server = target()
    run = strest.start("--json", "-u", server.url + "/", "-t", "2s", "--rate", "500")
    wait_for_load(server)
    end = time.monotonic() + 1.5
    while time.monotonic() < end and run.alive():
        run.signal(signal.SIGSTOP)
        time.sleep(0.17)
        run.signal(signal.SIGCONT)
        time.sleep(0.03)
    result = finish(run)
    assert {"paused", "late"} <= set(causes(result))
    assert result["verdict"]["machine"]["pauses"] >= 5
    late = next(cause["text"] for cause in result["verdict"]["causes"] if cause["name"] == "late")
    assert "paused up to " in late, "what explains it is said"


def test_a_cpu_quota_is_named(strest, target, quota):
    group = quota(0.1)
    run = strest.start("--json", "-u", target().url + "/", "-t", "2s", "--rate", "20000", prepare=group.enter)
    result = finish(run)
    assert causes(result)[0] == "throttled", "the kernel counts that time as waiting for a processor, too"
    machine = result["verdict"]["machine"]
    assert 500e6 < machine["throttled_ns"] <= group.throttled_ns(), "most of the window; what came before it is not in it"


@pytest.mark.timing
def test_busy_neighbours_on_the_core_are_named(strest, target):
    cpu = max(os.sched_getaffinity(0))
    server = target()
    with Neighbours(4, cpu):
        result = strest.measure("-u", server.url + "/", "-t", "2s", "--rate", "5000", "--threads", "1",
                                prepare=lambda: os.sched_setaffinity(0, {cpu}))
    machine = result["verdict"]["machine"]
    if machine["run_queue_ns"] is None:
        pytest.skip("this kernel does not tell how long a thread waited for a processor")
    assert "run_queue" in causes(result), result["verdict"]
    assert machine["run_queue_ns"] > 0.02 * machine["wall_ns"]
    assert machine["cpus"] == 1


def test_too_few_descriptors_are_named(strest, target):
    result = strest.measure("-u", target().url + "/delay/300ms", "-m", "200", "-r", "200", "-t", "900ms", prefix=without_rights("sys_resource"),
                            prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    assert "descriptors" in causes(result)
    assert result["verdict"]["machine"]["no_descriptor"] >= result["errors"]["connect"]["no_descriptor"] > 0


@pytest.mark.parametrize("load", [["-m", "60", "-r", "60"], ["-m", "60", "--rate", "300"]])
def test_exhausted_ports_are_named(strest, narrow, load):
    server = narrow(20)
    result = strest.measure("-u", server.url + "/delay/300ms", "-t", "900ms", "--threads", "1", *load, prefix=server.prefix)
    assert "ports" in causes(result)
    assert result["verdict"]["machine"]["no_local_port"] > 0
    assert result["books"]["ok"] > 0


@pytest.mark.timing
@on_a_quiet_machine
def test_a_worker_without_time_is_named_in_an_open_loop_and_noted_in_a_closed_one(strest, target):
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("needs a processor of its own for the target")
    server = target()
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        os.sched_setaffinity(int(task), {cpus[0]})
    base = ["-u", server.url + "/", "-t", "1s", "-m", "64", "--threads", "1", "--kernel-stamps", "all", "--timeout", "1s"]
    pinned = {"prepare": lambda: os.sched_setaffinity(0, {cpus[1]})}
    result = strest.measure(*base, "--rate", "2000000", "--arrival", "poisson", **pinned)
    busy = result["verdict"]["machine"]["busiest_cpu"]
    assert busy >= 0.9, "the target is the slower one here"
    assert "cpu" in causes(result)
    result = strest.measure(*base, "-r", "64", **pinned)
    assert result["verdict"]["machine"]["busiest_cpu"] >= 0.9
    assert "cpu" not in causes(result)
    assert any("the throughput is its own limit" in note for note in result["verdict"]["notes"])
