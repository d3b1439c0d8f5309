"""Shows how text is rendered, which scripts the fonts cover, and installs fonts.

python -m pixel_linguist.render "The quick brown fox" --out fox.png
    the text on its patch grid; what lies behind it is padding, a red bar marks a cut text
... --strategy words continuous bigrams mono --family noto serif unifont
    the same text in each strategy and family, one below the other
... --perturb keyboard_neighbours shuffle_words --seed 3
    the text as a model would see it in training
... --varied 12
    the text in 12 styles drawn by seed
python -m pixel_linguist.render --coverage noto
python -m pixel_linguist.render --install-fonts
"""

import argparse
import inspect
import sys
from pathlib import Path

import numpy as np

from pixel_linguist.render.coverage import describe
from pixel_linguist.render.fonts import manifest
from pixel_linguist.render.install import install
from pixel_linguist.render.renderer import STRATEGIES, Renderer
from pixel_linguist.render.styles import StyledRenderer
from pixel_linguist.render.visualize import Row, draw_rows, to_png


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pixel_linguist.render",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("text", nargs="*", help="texts to draw")
    add("--out", type=Path, default=Path("rendered.png"), help="the picture (rendered.png)")
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
    add("--no-captions", action="store_true")
    add("--coverage", nargs="*", metavar="FAMILY", help="list scripts and the fonts that draw them")
    add("--install-fonts", nargs="*", metavar="FAMILY", help="of these families, or of all")
    parsed = parser.parse_args(arguments)
    if not parsed.text and parsed.coverage is None and parsed.install_fonts is None:
        parser.print_help()
        parser.exit(2)
    if len(parsed.patch) > 2:
        parser.error("--patch takes one number, or height and width")
    if parsed.scale < 1:
        parser.error("--scale is at least 1")
    return parsed


def caption(text: str, length: int) -> np.ndarray:
    """Write small print, uint8 [height, width], with numbers of patches where it has room."""
    writer = Renderer("noto", "continuous", (14, 16), max_patches=4096, font_size=10.5)
    patches = writer([text], max(length, int(writer.count_patches([text])[0]))).patches[0]
    return patches.swapaxes(0, 1).reshape(14, -1)


def numbers(count: int, width: int) -> np.ndarray:
    """Write the number of each patch above it, uint8 [height, columns]."""
    writer = Renderer("noto", "continuous", (10, max(width, 4)), max_patches=2, font_size=7)
    labels = [str(number) if number % 5 == 0 else "" for number in range(count)]
    return writer(labels, 1).patches[:, 0].swapaxes(0, 1).reshape(10, -1)


def perturbed(text: str, name: str, seed: int) -> str:
    """Perturb a text once."""
    from pixel_linguist.text.perturb import PERTURBATIONS, compose

    if name not in PERTURBATIONS:
        raise SystemExit(f"no perturbation {name!r}; there are {', '.join(PERTURBATIONS)}")
    wanted = inspect.signature(PERTURBATIONS[name]).parameters
    keywords = {key: value for key, value in _PERTURBED.items() if key in wanted}
    return str(compose({name: keywords}, 1.0)(text, np.random.default_rng(seed)))


def make_rows(options: argparse.Namespace) -> list[Row]:
    """Draw each text in each family and strategy, perturbed and in other styles if asked for."""
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
                    about = ", ".join(f"{key} {style[key]}" for key in _STYLE)
                    rows += draw(Renderer(**style), text, f"{about}: ", options)
    return rows


# How strongly text is perturbed here.
_PERTURBED = {"rate": 0.3, "window": 3}
_STYLE = ("family", "font_size", "weight", "slant", "spacing")


def draw(renderer: Renderer, text: str, about: str, options: argparse.Namespace) -> list[Row]:
    """Draw one text, with its caption and its patches' numbers above it."""
    rendered = renderer([text], options.length)
    patches, count = rendered.patches[0], int(rendered.count[0])
    needed = int(renderer.count_patches([text])[0])
    about += f"{count} patches" if needed == count else f"{count} of {needed} patches"
    if rendered.stats.missing:
        about += f", {rendered.stats.missing} boxes"
    print(about)
    if options.no_captions:
        return [Row(patches, count, None, rendered.stats.cut > 0)]
    scale, width = options.scale, patches.shape[2]
    line = numbers(min(len(patches), 64), width * scale)
    head = caption(about, 1)
    columns = max(line.shape[1], head.shape[1])
    stacked = [np.pad(part, ((0, 0), (0, columns - part.shape[1]))) for part in (head, line)]
    return [Row(patches, count, np.concatenate(stacked), rendered.stats.cut > 0)]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    options = parse(arguments)
    try:
        run(options)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    """Do what is asked for."""
    every = list(manifest()["families"])
    if options.install_fonts is not None:
        for line in install(options.install_fonts or every):
            print(line, flush=True)
    if options.coverage is not None:
        for name in options.coverage or ["noto", "unifont"]:
            try:
                print(*describe(name), sep="\n")
            except FileNotFoundError as error:
                print(error)
    if options.text:
        options.out.write_bytes(to_png(draw_rows(make_rows(options), options.scale)))
        print(f"written to {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
