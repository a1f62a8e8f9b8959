#!/usr/bin/env python3
"""A terminal's screen as SVG: `tmux capture-pane -e -p -t PANE | assets/screen-to-svg.py > assets/console.svg`.

Knows what the console draws: characters one column wide, the sixteen colours, bold, dim, italic, underline, reverse.
"""

import re
import sys
from xml.sax.saxutils import escape

CELL_W, CELL_H, SIZE, PAD = 8.4, 18, 14, 14
PAPER, INK = "#101418", "#d5dbe1"
COLOURS = [
    "#2b3138", "#f0716b", "#7fc77f", "#e0b45a", "#6ea8f2", "#c792ea", "#62c7c7", "#c3cad1",
    "#76808b", "#ff9089", "#9fe09f", "#ffd479", "#93c1ff", "#dcb0ff", "#8ae6e6", "#ffffff",
]
PLAIN = {"fg": None, "bg": None, "bold": False, "dim": False, "italic": False, "under": False, "reverse": False}
FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "reverse"}
OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("under",), 27: ("reverse",)}


def apply(style, codes):
    style, codes = dict(style), list(codes)
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = dict(PLAIN)
        elif code in FLAGS:
            style[FLAGS[code]] = True
        elif code in OFF:
            for flag in OFF[code]:
                style[flag] = False
        elif code in (38, 48) and codes[:1] == [5]:
            style["fg" if code == 38 else "bg"] = COLOURS[codes[1] % 16]
            codes = codes[2:]
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style["fg"] = COLOURS[code - 30 if code < 90 else code - 82]
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style["bg"] = COLOURS[code - 40 if code < 100 else code - 92]
        elif code in (39, 49):
            style["fg" if code == 39 else "bg"] = None
    return style


def runs(lines):
    """Yields row, column, text and style of every run of one style."""
    style = dict(PLAIN)
    for row, line in enumerate(lines):
        column = 0
        for part in re.split(r"(\x1b\[[0-9;]*m|\x0e|\x0f)", line):
            if part.startswith("\x1b"):
                style = apply(style, [int(code or 0) for code in part[2:-1].split(";")])
            elif part and part not in "\x0e\x0f":
                yield row, column, part, style
                column += len(part)


def drawn(row, column, text, style):
    """One run of one style, `row` lines below the top."""
    out = []
    ink, paper = style["fg"] or INK, style["bg"]
    if style["reverse"]:
        ink, paper = paper or PAPER, ink
    x, y, w = PAD + column * CELL_W, PAD + row * CELL_H, len(text) * CELL_W
    if paper:
        out.append(f'<rect x="{x:.1f}" y="{y}" width="{w:.1f}" height="{CELL_H}" fill="{paper}"/>')
    if text.strip():
        kept = text.rstrip()
        lead = len(kept) - len(kept.lstrip())
        x, kept = x + lead * CELL_W, kept.lstrip()
        more = "".join(
            attribute
            for flag, attribute in (
                ("bold", ' font-weight="bold"'),
                ("dim", ' opacity="0.6"'),
                ("italic", ' font-style="italic"'),
                ("under", ' text-decoration="underline"'),
            )
            if style[flag]
        )
        out.append(
            f'<text x="{x:.1f}" y="{y + 13.5}" fill="{ink}"{more} textLength="{len(kept) * CELL_W:.1f}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(kept)}</text>'
        )
    return out


def rows(lines):
    """What is drawn for each line, as if it were the first."""
    each = [[] for _ in lines]
    for row, column, text, style in runs(lines):
        each[row] += drawn(0, column, text, style)
    return each


def head(width, height, label):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{label}">',
            f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
            f'<g font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="{SIZE}" '
            'xml:space="preserve">',
        ]
    )


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    plain = [re.sub(r"\x1b\[[0-9;]*m|[\x0e\x0f]", "", line) for line in lines]
    width = max(map(len, plain)) * CELL_W + 2 * PAD
    height = len(lines) * CELL_H + 2 * PAD
    out = [head(width, height, "the console of tminus")]
    for row, column, text, style in runs(lines):
        out += drawn(row, column, text, style)
    out.append("</g></svg>")
    print("\n".join(out))


if __name__ == "__main__":
    main()
