"""Runs a program on a pseudo-terminal of its own, as pty.ts asks, and tells what happened as JSON."""

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time

LONGEST_SECONDS = 30

request = json.load(sys.stdin)
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, request["columns"], 0, 0))


def own_terminal():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


child = subprocess.Popen(
    request["command"],
    cwd=request["cwd"],
    env=request["env"],
    stdin=slave if request["stdin"] == "terminal" else subprocess.DEVNULL,
    stdout=slave if request["stdout"] == "terminal" else subprocess.PIPE,
    stderr=slave if request["stderr"] == "terminal" else subprocess.DEVNULL,
    preexec_fn=own_terminal,
)
terminal = b""
piped = b""
seen = 0
steps = list(request["steps"])
deadline = time.monotonic() + LONGEST_SECONDS
sources = [master] + ([child.stdout] if child.stdout else [])
while time.monotonic() < deadline:
    ended = child.poll() is not None
    ready, _, _ = select.select(sources, [], [], 0.05)
    if master in ready:
        terminal += os.read(master, 65536)
    if child.stdout in ready:
        chunk = os.read(child.stdout.fileno(), 65536)
        piped += chunk
        if not chunk:
            sources.remove(child.stdout)
    if steps and steps[0]["after"].encode() in terminal[seen:]:
        step = steps.pop(0)
        seen = len(terminal)
        # The terminal is set to raw mode before or after the prompt; typing waits for that.
        until = time.monotonic() + 5
        is_prompt = "signal" not in step and not step.get("echoed")
        while is_prompt and termios.tcgetattr(slave)[3] & termios.ECHO and time.monotonic() < until:
            time.sleep(0.01)
        if "type" in step:
            typed = subprocess.run(step["type"], shell=True, input=terminal, stdout=subprocess.PIPE).stdout
            os.write(master, typed)
        if "send" in step:
            os.write(master, step["send"].encode())
        if "signal" in step:
            child.send_signal(getattr(signal, step["signal"]))
    if ended and not ready:
        break
timed_out = child.poll() is None
if timed_out:
    child.kill()
json.dump(
    {
        "status": child.wait(),
        "timedOut": timed_out,
        "terminal": terminal.decode("utf-8", "replace"),
        "stdout": piped.decode("utf-8", "replace"),
        "echoes": bool(termios.tcgetattr(slave)[3] & termios.ECHO),
        "stepsLeft": len(steps),
    },
    sys.stdout,
)
