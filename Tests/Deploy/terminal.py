# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows as a picture: SGR sequences (ECMA-48, 8.3.117) become HTML, which the browser of the page's test draws.

    terminal.py TITLE PICTURE.png <TEXT-WITH-ESCAPES      (for example of `tmux capture-pane -e -p`)
"""
import base64
import html
import re
import sys
import tempfile

from browser import Browser

COLOURS = ["#3b4048", "#ff8a80", "#81c995", "#fdd663", "#8ab4f8", "#c6a5f5", "#7fd1d8", "#e8eaed"]
CUBE = [0, 95, 135, 175, 215, 255]


def indexed(number):
    if number < 16:
        return COLOURS[number % 8]
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    number -= 16
    return "#" + "".join(f"{CUBE[number // 6 ** power % 6]:02x}" for power in (2, 1, 0))


class Pen:
    def __init__(self):
        self.reset()

    def reset(self):
        self.front = self.back = None
        self.bold = self.dim = self.underline = self.inverse = False

    def take(self, codes):
        codes = [int(code or 0) for code in re.split("[;:]", codes)]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in (1, 2, 4, 7):
                setattr(self, {1: "bold", 2: "dim", 4: "underline", 7: "inverse"}[code], True)
            elif code in (22, 24, 27):
                for name in {22: ("bold", "dim"), 24: ("underline",), 27: ("inverse",)}[code]:
                    setattr(self, name, False)
            elif code in (38, 48) and codes:
                kind = codes.pop(0)
                if kind == 5 and codes:
                    colour = indexed(codes.pop(0))
                elif kind == 2 and len(codes) >= 3:
                    colour = "#" + "".join(f"{codes.pop(0):02x}" for _ in range(3))
                else:
                    continue
                setattr(self, "front" if code == 38 else "back", colour)
            elif code in (39, 49):
                setattr(self, "front" if code == 39 else "back", None)
            elif code // 10 in (3, 4, 9, 10) and code % 10 < 8:
                setattr(self, "front" if code // 10 in (3, 9) else "back", COLOURS[code % 10])

    def style(self):
        front, back = self.front or "#e8eaed", self.back
        if self.inverse:
            front, back = back or "#14161a", front
        return (f"color:{front}" + (f";background:{back}" if back else "") + (";font-weight:700" if self.bold else "")
                + (";opacity:.65" if self.dim else "") + (";text-decoration:underline" if self.underline else ""))


def page(text, title):
    pen, parts, end = Pen(), [], 0
    for found in re.finditer(r"\x1b\[([0-9;:]*)m|\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.", text):
        parts.append((pen.style(), text[end:found.start()]))
        if found.group(1) is not None:
            pen.take(found.group(1))
        end = found.end()
    parts.append((pen.style(), text[end:]))
    shown = "".join(f'<span style="{style}">{html.escape(part)}</span>' for style, part in parts if part)
    return (
        "<!doctype html><meta charset=utf-8><body style='margin:0;background:#14161a'><main style='display:inline-block'>"
        f"<div style='font:13px sans-serif;color:#a3abb4;background:#1c1f24;padding:6px 14px'>{html.escape(title)}</div>"
        "<pre style='margin:0;padding:12px 14px;font:14px/1.35 \"DejaVu Sans Mono\",monospace;color:#e8eaed'>" + shown + "</pre></main>")


title, picture = sys.argv[1:]
document = page(sys.stdin.read().rstrip("\n") + "\n", title)
with tempfile.TemporaryDirectory() as scratch:
    browser = Browser(scratch, port=9516)
    try:
        browser.open("data:text/html;base64," + base64.b64encode(document.encode()).decode())
        width, height = browser.run("const box = document.querySelector('main').getBoundingClientRect(); return [box.width, box.height]")
        browser.size(int(width) + 1, int(height) + 1)
        browser.picture(picture)
    finally:
        browser.close()
