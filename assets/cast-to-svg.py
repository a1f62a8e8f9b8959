#!/usr/bin/env python3
"""A cast's scenes as one animated SVG: `assets/cast-to-svg.py assets/demo.cast > assets/demo.svg`.

Plays the cast (asciinema, version 2) to each of its markers in a tmux pane and draws the screen that is there. A line
that several scenes share is drawn once. Without animation the first scene is seen.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 3.2
PATIENCE = 30


def screens():
    """`screen-to-svg.py`, which draws one screen."""
    spec = importlib.util.spec_from_file_location("screens", os.path.join(HERE, "screen-to-svg.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def play(cast, goes):
    """Inside the pane: writes the cast, stops at each marker, says so by its title and waits for a word."""
    count = 0
    with open(cast, encoding="utf-8") as lines, open(goes, encoding="utf-8") as word:
        next(lines)
        for line in lines:
            _, kind, data = json.loads(line)
            if kind == "o":
                sys.stdout.write(data)
            elif kind == "m":
                sys.stdout.write(f"\x1b]2;scene {count}\x07")
                sys.stdout.flush()
                count += 1
                word.readline()


def captured(cast):
    """Each scene's name and its lines, as tmux has them."""
    with open(cast, encoding="utf-8") as lines:
        header = json.loads(next(lines))
        names = [json.loads(line)[2] for line in lines if '"m"' in line and json.loads(line)[1] == "m"]
    folder = tempfile.mkdtemp(prefix="tminus-cast-")
    socket, goes = os.path.join(folder, "tmux"), os.path.join(folder, "goes")
    os.mkfifo(goes)

    def tmux(*words):
        return subprocess.run(["tmux", "-S", socket, *words], capture_output=True, text=True, check=False).stdout

    try:
        player = f"stty -echo; exec python3 {os.path.abspath(__file__)} --play {os.path.abspath(cast)} {goes}"
        size = ["-x", str(header["width"]), "-y", str(header["height"])]
        tmux("-f", "/dev/null", "new-session", "-d", "-s", "cast", *size, player)
        scenes = []
        with open(goes, "w", encoding="utf-8") as word:
            for at, name in enumerate(names):
                until = time.monotonic() + PATIENCE
                # tmux reads in order: once it has the title, it has the screen before it.
                while tmux("display-message", "-p", "-t", "cast", "#{pane_title}").strip() != f"scene {at}":
                    if time.monotonic() > until:
                        raise SystemExit(f"the cast never came to scene {at}")
                    time.sleep(0.02)
                scenes.append((name, tmux("capture-pane", "-e", "-N", "-p", "-t", "cast").rstrip("\n").split("\n")))
                word.write("on\n")
                word.flush()
        return header, scenes
    finally:
        tmux("kill-server")
        shutil.rmtree(folder, ignore_errors=True)


def main():
    if sys.argv[1] == "--play":
        return play(sys.argv[2], sys.argv[3])
    draw = screens()
    header, scenes = captured(sys.argv[1])
    # The name of a scene stands below the screen.
    width = header["width"] * draw.CELL_W + 2 * draw.PAD
    height = (header["height"] + 2) * draw.CELL_H + 2 * draw.PAD
    whole, count = SECONDS * len(scenes), len(scenes)
    style = [".s{visibility:hidden}.s0{visibility:visible}@media (prefers-reduced-motion:no-preference){"]
    for at in range(count):
        begin, end = 100 * at / count, 100 * (at + 1) / count
        shown = [f"{begin:.3f}%{{visibility:visible}}"]
        if at > 0:
            shown.insert(0, "0%{visibility:hidden}")
        if at < count - 1:
            shown.append(f"{end:.3f}%{{visibility:hidden}}")
        style.append(f"@keyframes k{at}{{{''.join(shown)}}}.s{at}{{animation:k{at} {whole:.1f}s step-end infinite}}")
    style.append("}")
    kept, frames = {}, []
    for at, (name, lines) in enumerate(scenes):
        uses = []
        for row, parts in enumerate(draw.rows(lines)):
            if not parts:
                continue
            mark = kept.setdefault("".join(parts), f"l{len(kept)}")
            uses.append(f'<use href="#{mark}" y="{row * draw.CELL_H}"/>')
        below = (header["height"] + 1) * draw.CELL_H + draw.PAD + 13.5
        uses.append(
            f'<text x="{draw.PAD}" y="{below}" fill="{draw.COLOURS[8]}">{at + 1}/{count} · {escape(name)}</text>'
        )
        frames.append(f'<g class="s s{at}">{"".join(uses)}</g>')
    print(draw.head(width, height, "a rehearsal in the console of tminus"))
    print(f"<style>{''.join(style)}</style>\n<defs>")
    for line, mark in kept.items():
        print(f'<g id="{mark}">{line}</g>')
    print("</defs>")
    print("\n".join(frames))
    print("</g></svg>")
    return None


sys.exit(main())
