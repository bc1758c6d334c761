"""Runs a program: its lines as they are printed, signals, and its end."""

import json
import re
import signal
import subprocess
import threading

from support.wait import PATIENCE, wait_until


class Process:
    """A running program whose output is collected line by line."""

    def __init__(self, command, *, folder=None, environment=None):
        self.command = [str(word) for word in command]
        self.child = subprocess.Popen(
            self.command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.out, self.err = [], []
        self.readers = [
            threading.Thread(target=collect, args=(pipe, lines), daemon=True)
            for pipe, lines in ((self.child.stdout, self.out), (self.child.stderr, self.err))
        ]
        for reader in self.readers:
            reader.start()

    @property
    def stdout(self):
        return "\n".join(self.out)

    @property
    def stderr(self):
        return "\n".join(self.err)

    def is_running(self):
        return self.child.poll() is None

    def wait_for_line(self, pattern, *, of="err"):
        """The first line of stderr (or stdout: `of="out"`) that has the pattern."""
        lines = self.err if of == "err" else self.out

        def found():
            match = next((line for line in list(lines) if re.search(pattern, line)), None)
            if match is None and not self.is_running():
                self.finish()
                match = next((line for line in lines if re.search(pattern, line)), None)
                assert match is not None, f"it ended without {pattern!r}:\n{self.report()}"
            return match

        return wait_until(found, f"a line with {pattern!r} from {self.command}")

    def interrupt(self):
        """Ctrl-C."""
        self.child.send_signal(signal.SIGINT)

    def finish(self, patience=PATIENCE):
        """Waits for the end and returns the exit code."""
        try:
            code = self.child.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within {patience} s:\n{self.report()}") from None
        for reader in self.readers:
            reader.join(patience)
        return code

    def expect(self, code=0, patience=PATIENCE):
        """Waits for the end, which must have this exit code, and returns the process."""
        ended = self.finish(patience)
        assert ended == code, f"exit code {ended}, not {code}:\n{self.report()}"
        return self

    def published_outcomes(self):
        """The number of outcomes in the last complete line of `--json`; 0 without one."""
        lines = [line for line in self.out if line.endswith("}")]
        last = json.loads(lines[-1]) if lines else {}
        return sum(last.get(outcome, 0) for outcome in ("acked", "sent", "failed", "dropped"))

    def kill(self):
        """kill -9, where it still runs."""
        if self.is_running():
            self.child.kill()
        self.child.wait()
        for reader in self.readers:
            reader.join(PATIENCE)

    def report(self):
        """The command and its output, for failures."""
        return (
            f"$ {' '.join(self.command)}\n(exit code {self.child.poll()})\n"
            f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        )


def collect(pipe, lines):
    with pipe:
        for line in pipe:
            lines.append(line.rstrip("\n"))


def refused(process, place, *says):
    """One sentence on stderr that begins with the place, and nothing on stdout."""
    assert process.out == []
    assert process.err[0].startswith(f"{place}: "), process.report()
    for words in says:
        assert words in process.err[0], process.report()
