"""Draws text as a model sees it, lists the scripts that fonts cover, and installs fonts.

pixel-linguist render "The quick brown fox" --out fox.png
    the text on its patch grid, padding behind it; a red bar marks a text that is cut
... --strategy words continuous bigrams mono --family noto serif unifont
    the same text in each strategy and family, one below the other
... --perturb keyboard_neighbours shuffle_words --seed 3
    the text as a model may see it in training
... --varied 12
    the text in 12 styles drawn by seed
pixel-linguist render --coverage noto
pixel-linguist render --install-fonts
"""

import argparse
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.cli.main import path
from pixel_linguist.registry import choose
from pixel_linguist.render.coverage import describe
from pixel_linguist.render.fonts import manifest
from pixel_linguist.render.install import install
from pixel_linguist.render.renderer import STRATEGIES, Renderer
from pixel_linguist.render.styles import StyledRenderer
from pixel_linguist.render.visualize import Row, draw_rows, to_png
from pixel_linguist.text.perturb import PERTURBATIONS, compose

# Of the perturbations.
STRENGTH = {"rate": 0.3, "window": 3}
# Settings that a style differs in.
STYLE = ("family", "font_size", "weight", "slant", "spacing")


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("text", nargs="*", help="texts to draw")
    add("--out", type=path, default=Path("rendered.png"), help="the picture (rendered.png)")
    add("--family", nargs="+", default=["noto"], help="of the manifest, or a font file or folder")
    add("--strategy", nargs="+", default=["words"], choices=STRATEGIES)
    add("--patch", type=int, nargs="+", default=[16], metavar="PIXELS", help="height and width")
    add("--max-patches", type=int, default=64, help="a longer text is cut (64)")
    add("--length", type=int, help="patches to which each text is padded or cut")
    add("--font-size", type=float, help="in pixels; default: the family's for this patch height")
    add("--end-patch", action="store_true", help="end each text with a black patch, as PIXEL does")
    add("--weight", type=int, default=400)
    add("--slant", type=int, default=0, help="degrees")
    add("--spacing", type=int, default=0, help="pixels between letters")
    add("--perturb", nargs="+", default=[], metavar="NAME", help="perturbations, one by one")
    add("--varied", type=int, default=0, metavar="N", help="the text in N styles drawn by seed")
    add("--seed", type=int, default=0)
    add("--scale", type=int, default=3, help="pixels on each side of a pixel (3)")
    add("--coverage", nargs="*", metavar="FAMILY", help="list scripts and the fonts that draw them")
    add("--install-fonts", nargs="*", metavar="FAMILY", help="of these families, or of all")
    parsed = parser.parse_args(arguments)
    if not parsed.text and parsed.coverage is None and parsed.install_fonts is None:
        parser.error("name a text, --coverage or --install-fonts")
    if len(parsed.patch) > 2:
        parser.error("--patch takes one number, or height and width")
    if parsed.scale < 1:
        parser.error("--scale is at least 1")
    return parsed


def run(options: argparse.Namespace) -> None:
    """Install fonts, list scripts, draw: whichever of these the options ask for."""
    if options.install_fonts is not None:
        print(install_fonts(options.install_fonts or list(manifest()["families"])))
    if options.coverage is not None:
        for name in options.coverage or ["noto", "unifont"]:
            try:
                print(*describe(name), sep="\n")
            except FileNotFoundError as error:
                print(error)
    if options.text:
        options.out.write_bytes(to_png(draw_rows(make_rows(options), options.scale)))
        print(f"written to {options.out}", file=sys.stderr)


def install_fonts(families: Sequence[str]) -> str:
    """Install the fonts of families; returns a line about them."""
    problems = dict(install(families))
    missing = [name for name, problem in problems.items() if problem]
    line = f"fonts: {len(problems) - len(missing)} of {len(problems)} are installed"
    if not missing:
        return line
    every = manifest()["fonts"]
    scripts = dict.fromkeys(script for name in missing for script in every[name]["scripts"])
    return (
        f"{line}; without {', '.join(missing)} there may be boxes for {', '.join(scripts)} "
        f"({problems[missing[0]]})"
    )


def caption(text: str) -> np.ndarray:
    """Draw a caption: uint8 [14, width]."""
    writer = Renderer("noto", "continuous", (14, 16), max_patches=4096, font_size=10.5)
    return writer([text]).patches[0].swapaxes(0, 1).reshape(14, -1)


def numbers(count: int, width: int) -> np.ndarray:
    """Draw the number of every fifth patch above it: uint8 [10, columns]."""
    writer = Renderer("noto", "continuous", (10, max(width, 4)), max_patches=2, font_size=7)
    labels = [str(number) if number % 5 == 0 else "" for number in range(count)]
    return writer(labels, 1).patches[:, 0].swapaxes(0, 1).reshape(10, -1)


def perturbed(text: str, name: str, seed: int) -> str:
    """Perturb a text once."""
    wanted = inspect.signature(choose("perturbation", PERTURBATIONS, name)).parameters
    keywords = {key: value for key, value in STRENGTH.items() if key in wanted}
    return str(compose({name: keywords}, 1.0)(text, np.random.default_rng(seed)))


def make_rows(options: argparse.Namespace) -> list[Row]:
    """Draw each text in each family and strategy, and its perturbed and varied versions."""
    rows = []
    for family in options.family:
        for strategy in options.strategy:
            renderer = Renderer(
                family,
                strategy,
                options.patch[0] if len(options.patch) == 1 else options.patch,
                options.max_patches,
                options.font_size,
                options.end_patch,
                options.weight,
                options.slant,
                options.spacing,
            )
            varied = StyledRenderer(renderer)
            for text in options.text:
                shown = [("", text)]
                shown += [(f", {p}", perturbed(text, p, options.seed)) for p in options.perturb]
                for note, version in shown:
                    about = f"{family}, {strategy}{note}: "
                    rows += draw(renderer, version, about, options)
                for seed in range(options.seed, options.seed + options.varied):
                    style = varied.style(seed)
                    about = ", ".join(f"{key} {style[key]}" for key in STYLE)
                    rows += draw(Renderer(**style), text, f"{about}: ", options)
    return rows


def draw(renderer: Renderer, text: str, about: str, options: argparse.Namespace) -> list[Row]:
    """Draw one text, with its caption and the numbers of its patches above it."""
    rendered = renderer([text], options.length)
    patches, count = rendered.patches[0], int(rendered.count[0])
    needed = int(renderer.count_patches([text])[0])
    about += f"{count} patches" if needed == count else f"{count} of {needed} patches"
    if rendered.stats.missing:
        about += f", {rendered.stats.missing} boxes"
    print(about)
    scale, width = options.scale, patches.shape[2]
    line = numbers(min(len(patches), 64), width * scale)
    head = caption(about)
    columns = max(line.shape[1], head.shape[1])
    stacked = [np.pad(part, ((0, 0), (0, columns - part.shape[1]))) for part in (head, line)]
    return [Row(patches, count, np.concatenate(stacked), rendered.stats.cut > 0)]
