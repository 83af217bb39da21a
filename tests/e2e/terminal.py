"""A terminal for a program: what it writes there, and what stands there afterwards."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
from pathlib import Path


class Terminal:
    """A pseudo-terminal of some columns and lines; `raw` is all that was written to it."""

    def __init__(self, columns=80, lines=24):
        self.master, self.slave = pty.openpty()
        self.columns, self.raw = columns, ""
        self.resize(columns, lines)

    def resize(self, columns, lines):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def take(self, seconds=0.0):
        """Reads what was written, for so long."""
        end = time.monotonic() + seconds
        while True:
            left = max(0.0, end - time.monotonic())
            if select.select([self.master], [], [], left)[0]:
                self.raw += os.read(self.master, 65536).decode(errors="replace")
            elif not left:
                return self.raw

    def take_until(self, done, limit=20):
        """Reads until done(raw), at most so many seconds."""
        end = time.monotonic() + limit
        while not done(self.raw):
            assert time.monotonic() < end, f"not seen within {limit} s; there is: {self.raw[-2000:]!r}"
            self.take(0.05)
        return self.raw

    def type(self, text):
        os.write(self.master, text.encode())

    def rows(self):
        """What stands on the terminal, as rows without trailing blanks; it knows what strest writes: text, CR, LF, erase, colours."""
        rows, row, column, text = [[]], 0, 0, self.raw
        while text:
            if text.startswith("\033["):
                end = next(i for i in range(2, len(text)) if text[i].isalpha())
                if text[end] == "K":
                    del rows[row][column:]
                else:
                    assert text[end] == "m", f"an unknown sequence: {text[: end + 1]!r}"
                text = text[end + 1:]
                continue
            letter, text = text[0], text[1:]
            if letter == "\r":
                column = 0
            elif letter == "\n":
                row, column = row + 1, 0
                rows += [[]] if row == len(rows) else []
            else:
                if column == self.columns:
                    row, column = row + 1, 0
                    rows += [[]] if row == len(rows) else []
                rows[row] += [" "] * (column + 1 - len(rows[row]))
                rows[row][column] = letter
                column += 1
        return ["".join(r).rstrip() for r in rows]

    def close(self):
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def state_of(pid):
    """The states of the threads of a process as in ps, without doubles: "T" is stopped, "S" and "R" are not."""
    return "".join(sorted({p.read_text().rsplit(")", 1)[1].split()[0] for p in Path(f"/proc/{pid}/task").glob("*/stat")}))


def processor_time(pid):
    """The seconds that a process has had of a processor."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class OnTerminal:
    """A program whose stderr (or everything) is a terminal."""

    def __init__(self, command, columns=80, env=None, everything=False, cwd=None, lines=24, prepare=None):
        self.terminal = Terminal(columns, lines)
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "STREST_LOG", "RUST_LOG")}
        end = self.terminal.slave
        self.process = subprocess.Popen(list(map(str, command)), stdin=end if everything else subprocess.DEVNULL,
                                        stdout=end if everything else subprocess.DEVNULL, stderr=end, env={**clean, "TERM": "xterm", **(env or {})}, cwd=cwd,
                                        start_new_session=everything, preexec_fn=prepare)

    def wait(self, limit=30):
        """Reads until it ends, and returns its exit status."""
        end = time.monotonic() + limit
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it did not end within {limit} s; there is: {self.terminal.raw[-2000:]!r}"
            self.terminal.take(0.02)
        self.terminal.take(0.05)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.terminal.close()


class Window:
    """A shell with job control in a window of its own tmux."""

    def __init__(self, columns=100, rows=30):
        self.folder = tempfile.mkdtemp(prefix="strest-tmux-")
        sanitizers = [f"{name}={value}" for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")]
        shell = ["env", "-i", *sanitizers, f"HOME={self.folder}", f"PATH={os.environ['PATH']}", "LC_ALL=C.UTF-8", "PS1=$ ", "TERM=screen-256color", "sh"]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, shlex.join(shell))
        self.tmux("set", "-g", "status", "off")
        self.resize(columns, rows)
        self.until(r"\$")  # modes are set by then

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-u", "-S", f"{self.folder}/socket", *map(str, words)], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def run(self, *words, after=""):
        self.press("-l", f"{shlex.join(map(str, words))}{after}")
        self.press("Enter")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", columns, "-y", rows)

    def text(self, history=False):
        return self.tmux("capture-pane", "-p", "-J", *(["-S", "-"] if history else []))

    def until(self, words, limit=15):
        """Waits until a pattern is there, and returns all that is."""
        end = time.monotonic() + limit
        while not re.search(words, text := self.text()):
            assert time.monotonic() < end, f"'{words}' is not seen within {limit} s; there is:\n{text}"
            time.sleep(0.05)
        return text

    def modes(self):
        """What stty says of the terminal but for its size, which screen stands there, and whether the cursor is to be seen."""
        name, screen, cursor = self.tmux("display", "-p", "#{pane_tty} #{alternate_on} #{cursor_flag}").split()
        with open(name) as terminal:
            words = subprocess.run(["stty", "-a"], stdin=terminal, capture_output=True, text=True, check=True).stdout
        return re.sub(r"rows \d+; columns \d+", "", words), screen, cursor

    def program(self):
        """The process that the shell runs last, once it is there."""
        shell = int(self.tmux("display", "-p", "#{pane_pid}"))
        end = time.monotonic() + 15
        while True:
            if found := Path(f"/proc/{shell}/task/{shell}/children").read_text().split():
                return int(found[-1])
            assert time.monotonic() < end
            time.sleep(0.02)

    def close(self):
        self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)
