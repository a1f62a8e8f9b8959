#!/usr/bin/env python3
"""Flies the launch of docs/walkthrough.md in a real console (tmux) and writes the page from its template.

    assets/walkthrough.py TMINUS [--keep DIR] [--only-fly]

Every screen of the page is what the console showed; times and hashes differ from run to run, nothing else should.
The story stands in `story`; the words of the page in walkthrough.in.md, with a mark for each screen.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "assets" / "walkthrough.in.md"
PAGE = ROOT / "docs" / "walkthrough.md"
MARK = re.compile(r"^<!-- screen: ([a-z0-9-]+) -->$", re.MULTILINE)
PLAN = "config/onesource.toml"
LAUNCH = "onesource"
# How much faster idle time passes: 156 hours of launch in a few minutes.
SPEED = "3600"
# How much longer than on an idle machine something may take.
PATIENCE = float(os.environ.get("PATIENCE", "3"))
FAULTS = [
    # A gate that is red for a while.
    "errors=100%@T-78h..T-77h30m:staging-ready",
    # The new version fails one request in twenty in its first night, for long enough that a trigger fires.
    "errors=5%@T-20h..T-19h38m45s:canary-errors",
]


class Missed(Exception):
    """What was waited for did not come."""


class Terminal:
    """One terminal of the story: a tmux session of its own size."""

    def __init__(self, server, name, size, command, cwd, env):
        self.server, self.name = server, name
        width, height = size
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", name, "-x", str(width), "-y", str(height), "-c", cwd,
                  shlex.join(["env", *[f"{key}={value}" for key, value in env.items()], *command]))
        self.tmux("set-option", "-t", name, "remain-on-exit", "on")

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-L", self.server, *arguments], capture_output=True, text=True, check=False)
        return done.stdout

    def screen(self):
        lines = [line.rstrip() for line in self.tmux("capture-pane", "-p", "-t", self.name).splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def wait(self, pattern, limit=30, gone=False):
        """Until the screen shows the pattern (or, `gone`, no longer does); the screen."""
        wanted, end = re.compile(pattern), time.monotonic() + PATIENCE * limit
        while True:
            lines = self.screen()
            if any(wanted.search(line) for line in lines) != gone:
                return lines
            if time.monotonic() > end:
                what = "still there" if gone else "not seen"
                raise Missed(f"{self.name}: {what} in {limit} s: {pattern}\n" + "\n".join(lines))
            time.sleep(0.1)

    def press(self, *keys, then=None, limit=30):
        """Presses keys one by one; waits for what they should bring."""
        for key in keys:
            self.tmux("send-keys", "-t", self.name, key)
            time.sleep(0.05)
        return self.wait(then, limit) if then else None

    def write(self, text):
        self.tmux("send-keys", "-t", self.name, "-l", text)

    def checklist(self):
        """Brings the focus to the checklist: its corner and its title are drawn alike, whatever the theme; those of
        the other panes are not."""
        for _ in range(10):
            if "┌ Checklist" in self.tmux("capture-pane", "-e", "-p", "-t", self.name):
                return
            self.press("Tab")
            time.sleep(0.2)
        raise Missed("the checklist never had the focus\n" + "\n".join(self.screen()))

    def select(self, item):
        """Moves the checklist's selection to an item, whose name is over the detail pane."""
        at = re.compile(rf"┌ {re.escape(item)} ─")

        def there():
            return any(at.search(line) for line in self.screen())

        for start in (None, "Home"):
            if start:
                self.press(start)
                time.sleep(0.3)
            last, still = None, 0
            for _ in range(150):
                if there():
                    return
                self.press("j")
                time.sleep(0.08)
                now = self.screen()[5:30]
                still = still + 1 if now == last else 0
                if still > 3:
                    break
                last = now
        raise Missed(f"no item {item}\n" + "\n".join(self.screen()))


class Flight:
    """The launch, its terminals, and what was kept of their screens."""

    def __init__(self, binary, folder):
        self.folder, self.screens = Path(folder), {}
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "tminus").symlink_to(binary)
        (self.folder / "config").symlink_to(ROOT / "config")
        self.env = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder), "LANG": "C.UTF-8",
                    "TZ": "UTC"}
        self.server = f"tminus-walk-{os.getpid()}"
        self.terminals = []

    def open(self, name, command, size=(120, 36)):
        terminal = Terminal(self.server, name, size, shlex.split(command), str(self.folder), self.env)
        self.terminals.append(terminal)
        return terminal

    def keep(self, name, lines, rows=None):
        """Keeps a screen, or some of its rows (from 1, both included)."""
        if name in self.screens:
            raise Missed(f"two screens are called {name}")
        if rows:
            lines = lines[rows[0] - 1 : rows[1]]
        self.screens[name] = "\n".join(lines)
        print(f"--- {name}\n{self.screens[name]}\n", flush=True)

    def run(self, command, name=None):
        """A command of a second terminal; kept with its prompt where a name is given."""
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.env, capture_output=True, text=True,
                              timeout=120 * PATIENCE, check=False)
        if done.returncode:
            raise Missed(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        if name:
            lines = (done.stdout + done.stderr).rstrip().splitlines()
            self.keep(name, [f"$ {command}", *lines])
        return done.stdout

    def end(self):
        subprocess.run(["tmux", "-L", self.server, "kill-server"], capture_output=True, check=False)


def step(console, item):
    """Runs a step as the operator does: select, Enter, Enter; until it has passed."""
    console.select(item)
    console.press("Enter", then=r"┌ Sure\? ─")
    console.press("Enter")
    console.wait(r"┌ Sure\? ─", gone=True)
    console.wait(rf"┌ {re.escape(item)} ─+ attempt", 60)
    console.wait(r"│✓ pass in", 60)


def attest(flight, role, name, items, word="seen"):
    for item in items:
        flight.run(f"tminus attest {LAUNCH} {item} {shlex.quote(word)} --as {role} --name {name}")


def story(flight):
    run, keep = flight.run, flight.keep
    run(f"tminus check {PLAN} | grep -E 'sound|^  trigger'", "check")
    run(f"tminus check {PLAN} --env production | tail -1 | fold -s -w 118", "check-production")
    faults = " ".join(f"--fault {fault}" for fault in FAULTS)
    console = flight.open(
        "console", f"tminus rehearse {PLAN} --launch {LAUNCH} --as release --name Ada --speed {SPEED} {faults}"
    )
    console.wait(r"▶ counting", 20)
    keep("opened", console.wait(r"watching 43 of 43", 20))
    for chapter in (staging, canary, night, second_day, poll, rollout, end):
        chapter(flight, console)


def staging(flight, console):
    run, keep = flight.run, flight.keep
    console.wait(r"● Deploy the release.*Enter run", 60)
    console.select("staging-apply")
    console.press("Enter", then=r"┌ Sure\? ─")
    keep("sure", console.screen(), (5, 25))
    console.press("Enter")
    console.wait(r"‖ HOLD · gate staging", 60)
    console.select("staging-ready")
    keep("red-gate", console.screen())
    console.press("r", then=r"✓ pass in.*http")
    console.wait(r"P resumes")
    keep("run-again", console.screen(), (1, 17))
    console.press("P", then="▶ counting")

    # The ways back, drilled.
    for item in ("practise-weight", "drill-gradual", "practise-weight-again", "drill-canary"):
        step(console, item)
    keep("drill", console.screen(), (4, 22))
    step(console, "drill-emergency")
    step(console, "staging-flags-back")
    console.wait(r"● People see the numbers", 60)
    attest(flight, "oncall", "Cem", ["dashboards"], "on the wall, and they move")

    # Two days of soak, and a waiver.
    console.wait(r"● The suite asks for two days", 60)
    step(console, "staging-load")
    run(f'tminus attest {LAUNCH} staging-dark "the copy button is dark on dark" --failed --as frontend --name Bo', "failed")
    attest(flight, "frontend", "Bo", ["staging-tables", "staging-mobile"], "tried in Firefox and Chrome")
    run(f'tminus waive {LAUNCH} staging-dark "cosmetic; fixed in 2.1.1, ticket 812" --for 7days --as lead --name Dora', "waive")
    console.select("staging-dark")
    keep("waived", console.wait(r"fail, waived"))
    console.select("staging-48h")
    keep("soak", console.wait(r"soak .* [12]\d:\d\d of 48:00", 60), (1, 18))


def canary(flight, console):
    run, keep = flight.run, flight.keep
    console.wait(r"● T-26h", 90)
    run(f'tminus hold {LAUNCH} "the model provider reports an incident" --as oncall --name Cem', "hold")
    console.select("canary-apply")
    keep("held", console.wait(r"‖ HOLD · oncall"), (1, 17))
    run(f"tminus release {LAUNCH} --as oncall --name Cem", "release")
    console.wait(r"P resumes")
    console.press("P", then="▶ counting")
    step(console, "canary-apply")
    step(console, "canary-header")
    console.select("routing")
    console.wait(r"Space cho", 60)
    console.press("Space", then=r"┌ Choose ─")
    console.write("a tenth of everybody brings traffic enough")
    keep("choose", console.wait(r"traffic enough"), (15, 25))
    console.press("Enter", then=r"✓.*weight")
    step(console, "canary-weight")


def night(flight, console):
    run, keep = flight.run, flight.keep
    keep("fired", console.wait(r"TRIGGER canary-5xx fired", 60))
    watch = flight.open("watch", f"tminus watch {LAUNCH} --name Eli", (80, 24))
    watch.wait(r"VERIFIED", 60)
    keep("verified", console.wait(r"VERIFIED", 10))
    keep("watch", watch.screen())
    console.press("!", then=r"┌ ROLLBACK")
    keep("rollback-sheet", console.screen(), (14, 30))
    console.press("Escape")
    run(f'tminus note {LAUNCH} "20m ago support has three tickets: answers break off" --name Eli', "note")
    run(f'tminus incident {LAUNCH} open "one answer in twenty of the canary is a 5xx" --severity sev-1 '
        '--detected-by "trigger canary-5xx" --name Eli', "incident-open")
    console.press("a", then=r"taken on by Ada")
    keep("incident", console.screen(), (1, 9))
    run(f"tminus incident {LAUNCH} set 1 commander Dora --name Eli", "commander")
    console.select("canary-24h")
    console.press("b", then=r"┌ Playbooks?")
    keep("playbooks", console.screen())
    console.press("Escape")

    # Back to before the canary.
    console.press(":", then=r"┌ Actions")
    console.write("recycle")
    console.press("Enter", then=r"┌ Recycle")
    keep("recycle", console.screen(), (16, 25))
    console.press("Enter", then=r"HOLD · recycle")
    run(f"tminus release {LAUNCH} rollback --as lead --name Dora", "release-rollback")
    run(f"tminus release {LAUNCH} recycle --as lead --name Dora", "release-recycle")
    console.wait(r"P resumes")
    console.press("P", then="▶ counting")
    keep("recycled", console.screen(), (1, 8))
    console.press("W", then=r"┌ Why not GO")
    keep("why", console.screen(), (8, 33))
    console.press("Escape")
    for item in ("canary-apply", "canary-header", "canary-weight"):
        console.select(item)
        console.press("r", then=r"┌ Sure\? ─")
        console.press("Enter")
        console.wait(r"┌ Sure\? ─", gone=True)
        console.wait(rf"┌ {re.escape(item)} ─+ attempt 2", 60)
        lines = console.wait(r"│✓ pass in", 60)
        if item == "canary-apply":
            keep("again", lines, (9, 24))
            # What was looked at on the canary that was taken back proves nothing of this one.
            console.select("canary-ingress")
            keep("stale", console.wait(r"│~ "), (9, 24))
        console.press("R")
        time.sleep(3)
    for field, word in [("impact", "one answer in twenty of the tenth, for twenty minutes"),
                        ("mitigation", "canary out of the traffic; its pods had too small a pool"),
                        ("follow-up", "ticket 815: pool size in the manifests")]:
        run(f"tminus incident {LAUNCH} set 1 {field} {shlex.quote(word)} --name Eli")
    run(f"tminus incident {LAUNCH} set 1 acknowledge --as oncall --name Cem")
    run(f"tminus incident {LAUNCH} set 1 stage resolved --as oncall --name Cem")
    run(f"tminus incident {LAUNCH} show 1", "incident-end")


def second_day(flight, console):
    console.select("canary-24h")
    flight.keep("day-held", console.wait(r"✓ pass in", 90), (5, 22))
    attest(flight, "oncall", "Cem", ["user-reports", "session-completion"], "as before")


def poll(flight, console):
    run, keep = flight.run, flight.keep
    console.wait(r"● T-1h Before", 60)
    run(f'tminus judge {LAUNCH} not-now excluded "nothing else is going on tonight" --as lead --name Dora', "judge")
    attest(flight, "oncall", "Cem", ["dashboard-pictures"], "in the launch folder")
    console.press("v", then=r"┌ Vote ─")
    keep("vote", console.screen(), (14, 24))
    console.press("Enter", then=r"Release engineer +GO")
    run(f"tminus vote {LAUNCH} GO --as frontend --name Bo", "vote-frontend")
    run(f"tminus vote {LAUNCH} GO --as oncall --name Cem")
    run(f"tminus vote {LAUNCH} GO --as lead --name Dora")
    console.press("g")
    console.press("z", then=r"┌ Poll, criteria ─{60}")
    keep("poll", console.wait(r"Dora \(Engineering lead\)"), (1, 24))
    console.press("z")
    # Votes last two hours, which are two seconds of what a rehearsal skips: what is still to do is done at last.
    attest(flight, "oncall", "Cem", ["oncall-told"], "they know")
    keep("final-hold", console.wait(r"‖ HOLD", 20), (1, 5))
    console.press("P", then="▶")


def rollout(flight, console):
    run, keep = flight.run, flight.keep
    console.wait(r"after T-0", 30)
    console.checklist()
    console.select("half-then-all")
    keep("liftoff", console.screen())
    console.press("Enter", then=r"┌ Sure\? ─")
    keep("rollout-sure", console.screen(), (6, 31))
    console.press("Enter", then=r"│✓ pass in")
    step(console, "finish")
    keep("finish", console.screen(), (6, 18))
    run(f'tminus choose {LAUNCH} features enable "the traffic is low" --as release --name Ada', "features")
    step(console, "features-on")


def end(flight, console):
    run, keep = flight.run, flight.keep
    bash = ["tables", "copy", "mobile", "dark", "actions", "examples"]
    for mark, items in [(r"● T\+45m", [f"bash-{item}" for item in bash]),
                        (r"● T\+1h", [f"a11y-{item}" for item in ("keyboard", "focus", "labels", "contrast")])]:
        console.wait(mark, 60)
        attest(flight, "frontend", "Bo", items, "tried, and well")
    # Two days, with one look of a person each.
    watching(flight, console)


def watching(flight, console):
    run, keep = flight.run, flight.keep
    console.select("business")
    due, settled = r"● Sessions c", r"[●◐] T\+51h"
    for day in range(5):
        if any(re.search(settled, line) for line in console.wait(f"{due}|{settled}", 120)):
            break
        if day == 1:
            keep("watching", console.screen(), (1, 35))
        attest(flight, "lead", "Dora", ["business"], "as many sessions as before")
        console.wait(due, 10, gone=True)
    attest(flight, "lead", "Dora", ["post-mortems"], "incident 1: ticket 815")
    attest(flight, "frontend", "Bo", ["render-time"], "p95 is 121 ms in the field")
    console.select("repairs-settled")
    console.wait(r"✓ pass in", 60)
    console.select("second-go")
    for role, name in [("release", "Ada"), ("frontend", "Bo"), ("oncall", "Cem"), ("lead", "Dora")]:
        run(f"tminus vote {LAUNCH} GO --poll second-go --as {role} --name {name}",
            "second-go" if role == "release" else None)
    console.wait(r"│✓ pass in")
    console.press(":", then=r"┌ Actions")
    console.write("evidence")
    console.press("Enter", then=r"┌ Evidence")
    keep("evidence", console.screen(), (13, 25))
    console.press("Escape")
    run(f"tminus brief {LAUNCH} | head -25", "brief")
    run(f"tminus close {LAUNCH} --as lead --name Dora", "close")
    console.wait(r"^artifacts", 20)
    keep("left", [line for line in console.screen() if line and "Pane is dead" not in line][-13:])
    if "\nwhole: " not in run(f"tminus verify {LAUNCH} | fold -s -w 118", "verify"):
        raise Missed("what was flown does not verify")
    run(f"tminus log {LAUNCH} | grep -E 'TRIGGER|ROLLBACK|rollback run|recycled|WAIVED|CLOSED|T-0$' | cut -c1-118", "log")


def fill(screens):
    def block(match):
        name = match.group(1)
        if name not in screens:
            raise Missed(f"the template asks for a screen that was not kept: {name}")
        return f"{match.group(0)}\n```text\n{screens[name]}\n```"

    template = TEMPLATE.read_text()
    named = MARK.findall(template)
    unused = [name for name in screens if name not in named]
    if unused:
        print(f"kept for nothing: {', '.join(unused)}", file=sys.stderr)
    made = "<!-- Made by `just walkthrough` from assets/walkthrough.in.md: change that one. -->\n"
    return made + MARK.sub(block, template)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("tminus", type=Path)
    arguments.add_argument("--keep", type=Path, help="a new folder for the launch, which stays")
    arguments.add_argument("--only-fly", action="store_true", help="show the screens, write nothing")
    options = arguments.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="tminus-walk-"))
    folder.mkdir(parents=True, exist_ok=True)
    flight = Flight(options.tminus.resolve(), folder.resolve())
    try:
        story(flight)
        if not options.only_fly:
            PAGE.write_text(fill(flight.screens))
    except Missed as missed:
        sys.exit(f"the story broke off: {missed}")
    finally:
        flight.end()
        if not options.keep:
            time.sleep(1)
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
