"""Draws sentences like PIXEL's renderer: one Pango layout and one surface for each.

benchmarks/render.py runs it in a Python with PyGObject (Debian: python3-gi, python3-gi-cairo,
gir1.2-pango-1.0). Each line of input is a JSON list of texts; each line of output has the CPU time
and the clock time of drawing them, in seconds.
"""

import json
import sys
import time

import cairo
import gi

gi.require_version("Pango", "1.0")
gi.require_version("PangoCairo", "1.0")
from gi.repository import Pango, PangoCairo  # noqa: E402

PATCHES, HEIGHT = 64, 16


def draw(text: str, font: "Pango.FontDescription") -> "memoryview":
    """Draw a text on white; returns its pixels, 4 bytes each."""
    surface = cairo.ImageSurface(cairo.FORMAT_RGB24, PATCHES * HEIGHT, HEIGHT)
    context = cairo.Context(surface)
    context.set_source_rgb(1, 1, 1)
    context.paint()
    context.set_source_rgb(0, 0, 0)
    layout = PangoCairo.create_layout(context)
    layout.set_font_description(font)
    layout.set_text(text, -1)
    context.move_to(2, (HEIGHT - layout.get_pixel_size()[1]) / 2)
    PangoCairo.show_layout(context, layout)
    surface.flush()
    return surface.get_data()


def main() -> None:
    """Draw lines of texts until the input ends."""
    font = Pango.FontDescription("Noto Sans 13.333px")
    for line in sys.stdin:
        texts = json.loads(line)
        start = time.process_time(), time.perf_counter()
        for text in texts:
            draw(text, font)
        print(time.process_time() - start[0], time.perf_counter() - start[1], flush=True)


if __name__ == "__main__":
    main()
