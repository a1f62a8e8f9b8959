#!/usr/bin/env python3
"""Records the demo: `assets/demo.py target/debug/tminus assets/demo.cast`.

Flies a rehearsal in tmux and writes what the console draws there as an asciinema cast (version 2), with a marker at
each scene. It waits for what it must see and never for a time alone: keys follow texts.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

SIZE = (120, 36)
# Nothing of the story takes so long; a machine under load may.
PATIENCE = 60
# What the recording keeps of a pause, in seconds.
PAUSE = 1.2

# What is seen before the keys are pressed, the keys, and the scene that is marked once they have been.
STORY = [
    ("pass 3/3", ["j"], "the first gate is green; a check says what it expected and saw"),
    ("The API is up", ["F"], None),
    ("Faults of the rehearsal", ["Enter"], None),
    ("ON since", [], "a fault of the simulated target is switched on, live"),
    ("ON since", ["Escape"], None),
    ("frontend ≤30m", ["r"], None),
    ("fail 2/3", [], "the check fails, and the monitors see it too"),
    ("fail 2/3", ["F"], None),
    ("switch it off", ["Enter"], None),
    ("off, was on", ["Escape"], None),
    ("frontend ≤30m", ["r"], None),
    ("pass 3/3", [], "switched off, it passes again"),
    ("pass 3/3", ["!"], None),
    ("ROLLBACK: choose", ["1"], None),
    ("START IT", [], "the way back is one key away"),
    ("START IT", ["Enter"], None),
    ("VERIFIED", [], "and done only when its checks have verified it"),
]


class Tmux:
    def __init__(self, folder):
        self.socket = os.path.join(folder, "tmux")

    def __call__(self, *words):
        run = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=False)
        return run.stdout

    def sees(self, text):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            shown = self("capture-pane", "-p", "-t", "demo")
            if text in shown:
                return
            time.sleep(0.02)
        raise SystemExit(f"never seen: {text}\n{shown}")


class Recorder(threading.Thread):
    """Reads what the console writes to its terminal, and when."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.events, self.lock = pipe, [], threading.Lock()

    def run(self):
        left = b""
        with open(self.pipe, "rb", buffering=0) as written:
            while chunk := written.read(65536):
                # A character may be cut in two.
                text = (left + chunk).decode("utf-8", "ignore")
                left = (left + chunk)[len(text.encode()) :]
                with self.lock:
                    self.events.append([time.monotonic(), "o", text])

    def mark(self, label):
        with self.lock:
            self.events.append([time.monotonic(), "m", label])

    def settled(self):
        """What was drawn for the last key has come: nothing more does."""
        until, seen = time.monotonic() + 5, -1
        while time.monotonic() < until:
            with self.lock:
                count, newest = len(self.events), self.events[-1][0] if self.events else 0
            if count == seen and time.monotonic() - newest > 0.25:
                return
            seen = count
            time.sleep(0.05)


def written(events, path):
    """The cast, with long pauses cut short."""
    header = {"version": 2, "width": SIZE[0], "height": SIZE[1], "title": "tminus rehearse", "env": {"TERM": "xterm-256color"}}
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(header) + "\n")
        at, before = 0.0, events[0][0]
        for moment, kind, data in events:
            at, before = at + min(moment - before, PAUSE), moment
            out.write(json.dumps([round(at, 3), kind, data], ensure_ascii=False) + "\n")
            if kind == "m":
                # So long a scene is looked at.
                at += PAUSE


def main():
    program, cast = os.path.abspath(sys.argv[1]), sys.argv[2]
    folder = tempfile.mkdtemp(prefix="tminus-demo-")
    tmux = Tmux(folder)
    home = {"HOME": folder, "XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
    words = ["env", *(f"{name}={value}" for name, value in home.items()), program]
    words += ["rehearse", "--launch", os.path.join(folder, "launch"), "--name", "ana"]
    pipe = os.path.join(folder, "written")
    os.mkfifo(pipe)
    recorder = Recorder(pipe)
    try:
        size = ["-x", str(SIZE[0]), "-y", str(SIZE[1])]
        # It begins once it is listened to.
        started = f"stty -echo; echo ready; read begin; exec {' '.join(words)}"
        tmux("-f", "/dev/null", "new-session", "-d", "-s", "demo", *size, started)
        tmux.sees("ready")
        recorder.start()
        tmux("pipe-pane", "-t", "demo", f"cat >{pipe}")
        tmux("send-keys", "-t", "demo", "Enter")
        for seen, keys, scene in STORY:
            tmux.sees(seen)
            for key in keys:
                tmux("send-keys", "-t", "demo", key)
                recorder.settled()
            if scene:
                recorder.settled()
                recorder.mark(scene)
        with recorder.lock:
            events = list(recorder.events)
        written(events, cast)
    finally:
        tmux("kill-server")
        shutil.rmtree(folder, ignore_errors=True)


main()
