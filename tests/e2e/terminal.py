"""A terminal for a program: what it writes there, and what stands there afterwards."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time


class Terminal:
    """A pseudo-terminal of some columns and 24 lines; `raw` is all that was written to it."""

    def __init__(self, columns=80):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.columns, self.raw = columns, ""

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


class OnTerminal:
    """A program whose stderr (or everything) is a terminal."""

    def __init__(self, command, columns=80, env=None, everything=False, cwd=None):
        self.terminal = Terminal(columns)
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "STREST_LOG", "RUST_LOG")}
        end = self.terminal.slave
        self.process = subprocess.Popen(list(map(str, command)), stdin=end if everything else subprocess.DEVNULL,
                                        stdout=end if everything else subprocess.DEVNULL, stderr=end, env={**clean, "TERM": "xterm", **(env or {})}, cwd=cwd,
                                        start_new_session=everything)

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
