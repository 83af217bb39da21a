#!/usr/bin/env python3
"""What a controller needs for many agents: fleet_many.py PROGRAM [--agents 500] [--seconds 20] [--freeze 7]

One true agent is recorded on its way to a controller; then so many simulated ones send a controller what it sent, one snapshot a second each, and their reports.
Printed: processor time and memory of that controller while they load, and whether the sum is so many times the recorded one. --freeze stops the controller for
that many seconds in the middle of the run (SIGSTOP). Simulated agents have no token and no TLS. All on loopback.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HELLO, READY, BEAT, SNAPSHOT, REPORT, WELCOME, CONFIG, START, TAKEN = 0, 1, 2, 3, 4, 7, 8, 9, 12
LIMIT = 120  # seconds


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Recorder:
    """Hands bytes on between an agent and a controller, and keeps the messages of the agent as (kind, body)."""

    def __init__(self, port):
        self.port, self.messages = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here = self.listener.accept()[0]
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self._pass, args=(there, here, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(here, there, bytearray()), daemon=True).start()

    def _pass(self, source, sink, held):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if held is not None:
                    held += data
                    self._take(held)
        except OSError:
            pass
        sink.close()

    def _take(self, held):
        while (end := held.find(b"\r\n\r\n")) >= 0:
            head = bytes(held[:end]).decode("latin-1").lower()
            size = int(match[1]) if (match := re.search(r"\ncontent-length: *(\d+)", head)) else 0
            if len(held) < end + 4 + size:
                return
            body = bytes(held[end + 4 : end + 4 + size])
            del held[: end + 4 + size]
            if kind := re.search(r"\nstrest-kind: *(\d+)", head):
                self.messages.append((int(kind[1]), body))


async def again(attempt):
    """A controller closes connections without an answer when too many of them have no session yet; an agent comes back a little later."""
    while True:
        try:
            return await attempt()
        except (asyncio.IncompleteReadError, ConnectionError):
            await asyncio.sleep(random.uniform(0.05, 0.5))


class Simulated:
    """An agent that sends what another one has sent."""

    def __init__(self, port, number, recorded):
        self.port, self.number = port, number
        self.snapshots = [split(body) for kind, body in recorded if kind == SNAPSHOT]
        self.report = split(next(body for kind, body in recorded if kind == REPORT))
        self.ready = json.loads(next(body for kind, body in recorded if kind == READY))
        self.lock, self.taken = asyncio.Lock(), asyncio.Event()

    async def ask(self, path, body=b"", fields=""):
        head = f"POST {path} HTTP/1.1\r\nHost: c\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
        async with self.lock:
            self.writer.write(head.encode() + body)
            answer = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            size = int(match[1]) if (match := re.search(r"content-length: *(\d+)", answer.lower())) else 0
            content = await self.reader.readexactly(size)
        assert answer.split()[1] in ("200", "204"), answer
        return content

    async def send(self, kind, value, tail=None):
        body = json.dumps(value).encode() + (b"" if tail is None else b"\n" + tail)
        await self.ask("/v1/message", body, f"Strest-Session: {self.session}\r\nStrest-Kind: {kind}\r\n")

    async def bytes_of_stream(self, count):
        while len(self.held) < count:
            line = await self.commands.readline()
            size = int(line, 16)
            self.held += await self.commands.readexactly(size)
            await self.commands.readexactly(2)
        data = bytes(self.held[:count])
        del self.held[:count]
        return data

    async def frame(self):
        size, kind = struct.unpack(">IB", await self.bytes_of_stream(5))
        return kind, await self.bytes_of_stream(size)

    async def beat(self):
        number = 0
        while not self.taken.is_set():
            number += 1
            await self.send(BEAT, {"t1": time.time_ns(), "t2": 0, "t3": 0, "seq": number, "cpu": 1.0, "in_flight": 1, "late": 0})
            await asyncio.sleep(0.02 if number < 5 else 1)

    async def load(self, run_id, start_ns):
        for i, (head, tail) in enumerate(self.snapshots):
            await asyncio.sleep(max(0, (start_ns + head["elapsed_ns"] - time.time_ns()) / 1e9))
            await self.send(SNAPSHOT, {**head, "run_id": run_id, "seq": i + 1}, tail)
        head, tail = self.report
        await self.send(REPORT, {**head, "run_id": run_id}, tail)

    async def join(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.session = (await self.ask("/v1/join")).decode()

    async def listen(self):
        self.commands, out = await asyncio.open_connection("127.0.0.1", self.port)
        out.write(f"GET /v1/commands HTTP/1.1\r\nHost: c\r\nStrest-Session: {self.session}\r\n\r\n".encode())
        head = await self.commands.readuntil(b"\r\n\r\n")
        assert b"200" in head.split(b"\r\n")[0] and b"chunked" in head.lower(), head
        return out

    async def live(self):
        await again(self.join)
        out = await again(self.listen)
        self.held, tasks = bytearray(), []
        hello = {"protocol": 1, "program": "0.1.0", "id": f"s{self.number}", "host": "simulated", "cpus": 1, "weight": 1, "run_id": ""}
        await self.send(HELLO, hello)
        while not self.taken.is_set():
            kind, body = await self.frame()
            if kind == WELCOME:
                tasks.append(asyncio.create_task(self.beat()))
            elif kind == CONFIG:
                config = json.loads(body)
                await self.send(READY, {**self.ready, "run_id": config["run_id"], "attempt": config["attempt"]})
            elif kind == START:
                order = json.loads(body)
                tasks.append(asyncio.create_task(self.load(order["run_id"], order["at_ns"])))
            elif kind == TAKEN:
                self.taken.set()
        for task in tasks[1:]:
            await task
        self.writer.close()
        out.close()


def split(body):
    head, tail = body.split(b"\n", 1)
    return json.loads(head), tail


def controller(program, port, agents, url, seconds, rate, folder, name):
    command = [program, "--controller-listen", f"127.0.0.1:{port}", "--min-agents", agents, "-u", url, "-m", 64, "--rate", rate, "-t", f"{seconds}s",
               "--stream-summaries", "--no-charts", "--json"]
    out, err = open(f"{folder}/{name}.json", "w+"), open(f"{folder}/{name}.err", "w+")
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    end = time.monotonic() + 20
    while "agents join at" not in open(err.name).read():
        assert process.poll() is None and time.monotonic() < end, open(err.name).read()
        time.sleep(0.02)
    return process


def result(process, folder, name):
    code = process.wait(LIMIT)
    text = open(f"{folder}/{name}.err").read()
    assert code == 0, (code, text[-3000:])
    return json.load(open(f"{folder}/{name}.json")), text


def record(program, folder, seconds, rate):
    """Returns the messages of a true agent, what it has counted, and the target."""
    target = subprocess.Popen([program, "target", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    url = "http://" + target.stdout.readline().split()[-1] + "/"
    port = free_port()
    process = controller(program, port, 1, url, seconds, rate, folder, "one")
    recorder = Recorder(port)
    agent = subprocess.Popen([program, "--agent-join", recorder.address, "--agent-id", "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    counted, _ = result(process, folder, "one")
    assert agent.wait(LIMIT) == 0
    recorder.listener.close()
    target.terminate()
    target.wait()
    return recorder.messages, counted, url


def cpu_seconds(pid):
    words = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) / 1024


class Meter(threading.Thread):
    """Reads the controller's times once the load has begun, and until it ends; freezes it in the middle if that is asked for."""

    def __init__(self, process, err, seconds, freeze):
        super().__init__(daemon=True)
        self.process, self.err, self.seconds, self.freeze = process, err, seconds, freeze

    def run(self):
        while "weights" not in open(self.err).read():
            time.sleep(0.05)
        time.sleep(3.5)  # the delay before the load
        begin, used = time.monotonic(), cpu_seconds(self.process.pid)
        if self.freeze:
            time.sleep(self.seconds / 4)
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(self.freeze)
            self.process.send_signal(signal.SIGCONT)
        time.sleep(max(0, begin + self.seconds - 1.5 - time.monotonic()))
        self.cores = (cpu_seconds(self.process.pid) - used) / (time.monotonic() - begin)
        self.memory = memory_mb(self.process.pid)
        while self.process.poll() is None:
            try:
                self.memory = max(self.memory, memory_mb(self.process.pid))
            except (OSError, TypeError):
                return
            time.sleep(0.05)


async def simulate(port, agents, recorded):
    await asyncio.wait_for(asyncio.gather(*(Simulated(port, i, recorded).live() for i in range(agents))), LIMIT)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("program")
    words.add_argument("--agents", type=int, default=500)
    words.add_argument("--seconds", type=int, default=20)
    words.add_argument("--rate", type=int, default=200, help="of each agent")
    words.add_argument("--freeze", type=float, default=0)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recorded, one, url = record(asked.program, folder, asked.seconds, asked.rate)
        sizes = [len(body) for kind, body in recorded if kind == SNAPSHOT]
        port = free_port()
        process = controller(asked.program, port, asked.agents, url, asked.seconds, asked.rate, folder, "many")
        meter = Meter(process, f"{folder}/many.err", asked.seconds, asked.freeze)
        meter.start()
        try:
            asyncio.run(simulate(port, asked.agents, recorded))
            many, text = result(process, folder, "many")
        finally:
            if process.poll() is None:
                process.kill()
            print(open(f"{folder}/many.err").read()[-1500:], file=sys.stderr)
        meter.join(10)
    sent = [sum(slot["sent"] for slot in r["series"]["slots"]) for r in (one, many)]
    print(f"{asked.agents} agents, {len(sizes)} snapshots each, of {min(sizes)} to {max(sizes)} bytes; controller: {meter.cores:.2f} cores, {meter.memory:.0f} MB")
    print(f"counted {many['books']['ok']} = {asked.agents} x {one['books']['ok']}; in the series {sent[1]} = {asked.agents} x {sent[0]}")
    whole = many["books"]["ok"] == asked.agents * one["books"]["ok"] and sent[1] == asked.agents * sent[0]
    print("nothing is lost" if whole else "SOMETHING IS LOST")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
