"""Runs programs on chosen cores and measures what they cost: the ground under the tables of run.py.

In: command lines. Out: what a client printed, its CPU seconds (user + system, from wait4), how busy its core was, who else was on it.
Processes are ended by their context managers; nothing outlives a table.
"""
import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUSY_ENOUGH = 0.90  # a client that did not use its core this much was not the bottleneck: its round is refused
QUIET_ENOUGH = 0.03  # more of a core than this used by others: the round is called noisy
TIME_WAIT_SECONDS = 60  # Linux has no setting for it


class BenchError(Exception):
    """Something that ends a table, in a sentence for people."""


def cores():
    """The core of the server and the core of the client."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("two cores are needed: one for the server, one for the client")
    return usable[0], usable[1]


def raise_files(wanted=0):
    """As many open files as this process may have, or `wanted` if that is more and it may raise its limit; its children inherit it. Returns the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < wanted:
        with contextlib.suppress(ValueError, OSError):  # no right to, or above fs.nr_open
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def spawn(command, core, **how):
    return subprocess.Popen([str(word) for word in command], preexec_fn=lambda: os.sched_setaffinity(0, {core}), **how)


def core_seconds(core):
    """CPU seconds used on a core so far, by anybody (idle, waiting for a disk and stolen time left out)."""
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            if line.startswith(f"cpu{core} "):
                user, nice, system, _, _, irq, softirq = map(int, line.split()[1:8])
                return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    raise BenchError(f"/proc/stat does not know core {core}")


def process_seconds(pid):
    """CPU seconds of a running process, all threads, to the nanosecond."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def rss_anon(pid):
    """Bytes of private memory of a running process; 0 when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


def make_certificate(folder):
    """A self-signed RSA-2048 certificate for 127.0.0.1: the files `cert` and `key`."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key", "-out", f"{folder}/cert", "-days", "2", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)


def time_waits():
    """Sockets in TIME_WAIT, anybody's."""
    with open("/proc/net/sockstat", encoding="ascii") as stat:
        return int(re.search(r"^TCP:.* tw (\d+)", stat.read(), re.MULTILINE).group(1))


def open_files(pid):
    """Descriptors of a running process; 0 when it is gone."""
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


class Server:
    """`strest target` on the server's core; a context manager. `address` is where it listens."""

    def __init__(self, program, *words):
        self.core = cores()[0]
        self.scheme = "https" if "--tls" in words else "http"
        self.process = spawn([program, "target", "--listen", "127.0.0.1:0", *words], self.core, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        self.address = line.rpartition(" ")[2]
        if not line.startswith("listening on "):
            self.__exit__()
            raise BenchError("the target did not start")

    def url(self, path="/"):
        return f"{self.scheme}://{self.address}{path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)


NGINX_CONF = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors crit;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
	server {{ listen 127.0.0.1:{port}{tls}; location / {{ return 200 "ok\\n"; }} }}
}}
"""
NGINX_TLS = """ ssl; ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256"""


class Nginx:
    """nginx with one worker on the server's core and a prepared answer: what a user would test against. With `tls`: TLS 1.3, AES-128-GCM."""

    def __init__(self, tls=False, http2=False):
        self.core = cores()[0]
        self.scheme = "https" if tls else "http"
        self.folder = tempfile.TemporaryDirectory(prefix="bench-nginx-")
        with socket.socket() as probe:  # nginx cannot tell which port it took, so a free one is sought for it
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        path = pathlib.Path(self.folder.name) / "conf"
        if tls:
            make_certificate(self.folder.name)
        extra = " http2" * http2 + (NGINX_TLS.format(folder=self.folder.name) if tls else "")
        path.write_text(NGINX_CONF.format(folder=self.folder.name, port=port, tls=extra), encoding="ascii")
        self.process = spawn(["/usr/sbin/nginx", "-c", path, "-e", f"{self.folder.name}/errors"], self.core, stderr=subprocess.DEVNULL)
        self.address = f"127.0.0.1:{port}"
        time.sleep(0.5)
        if self.process.poll() is not None:
            self.folder.cleanup()
            raise BenchError(f"nginx did not start on port {port}")

    def url(self, path="/"):
        return f"{self.scheme}://{self.address}{path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)
        self.folder.cleanup()


def end(process):
    """Ends a process that we started: kindly, then surely."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def watch_highest(watch, pid, stop, highest):
    while not stop.wait(0.05):
        for name, look in watch.items():
            highest[name] = max(highest[name], look(pid))


def measure(command, seconds, server=None, watch=None):
    """Runs a client on its core to its end. Returns a dict:

    text, status, wall, cpu (its own), busy (cpu / wall), server_cpu (s), others (what others used of the client's or the server's core, whichever is
    more, share of wall); and of each function in `watch`, by name, its highest value: it gets the client's pid.
    """
    server_core, core = cores()
    server_pid = server.process.pid if server else None
    stop, highest = threading.Event(), dict.fromkeys(watch or {}, 0)
    with tempfile.TemporaryFile() as output:
        before = core_seconds(server_core), core_seconds(core)
        server_before = server_workers_seconds(server_pid)
        start = time.monotonic()
        process = spawn(command, core, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        killer = threading.Timer(seconds * 3 + 30, process.send_signal, [signal.SIGKILL])
        killer.start()
        watcher = threading.Thread(target=watch_highest, args=(watch, process.pid, stop, highest)) if watch else None
        if watcher:
            watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            killer.cancel()
            stop.set()
            if watcher:
                watcher.join()
            if process.returncode is None:
                end(process)
        cpu = usage.ru_utime + usage.ru_stime
        server_cpu = server_workers_seconds(server_pid) - server_before
        others = max(core_seconds(server_core) - before[0] - server_cpu, core_seconds(core) - before[1] - cpu, 0) / wall
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    result = {"text": text, "status": process.returncode, "wall": wall, "cpu": cpu, "busy": cpu / wall, "others": others, "server_cpu": server_cpu}
    return result | highest


def server_workers_seconds(pid):
    """Of the server with its children (nginx has workers)."""
    if pid is None:
        return 0.0
    total = process_seconds(pid)
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            total += process_seconds(child)
    return total


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def in_turn(items, index):
    """The items of round `index`: reversed every other round, so that a drift of the machine favours nobody."""
    return list(items) if index % 2 == 0 else list(reversed(items))
