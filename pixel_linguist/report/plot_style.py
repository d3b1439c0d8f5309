"""The look of plots: one size, one set of colours, and an SVG that has a dark variant."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import matplotlib
from matplotlib.figure import Figure

from pixel_linguist.files import write_whole

Draw = TypeVar("Draw", bound=Callable[..., Any])

WIDTH = 10.0  # inches
PAPER, INK, GRID, BAND = "#ffffff", "#24292f", "#d5dae0", "#f2f4f7"
# Each colour, and its variant on a dark page.
DARK_LINES = {
    "#1f6fd1": "#6aa9f7", "#d9580d": "#f59a5c", "#15825f": "#4fc9a0", "#b3399e": "#e488d3",
    "#8a6d00": "#d9b944", "#5b4fc9": "#a79df5", "#c2314b": "#f27f93", "#3f7896": "#8fbdd6",
}  # fmt: skip
LINES = tuple(DARK_LINES)
DARK = {PAPER: "#1b1f26", INK: "#d8dee6", GRID: "#3a414c", BAND: "#232933"} | DARK_LINES

# matplotlib writes colours into style attributes. A program that ignores this shows the light plot.
_DARK_RULES = "".join(
    f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
    for light, dark in DARK.items()
    for kind in ("fill", "stroke")
)
_DARK_STYLE = f"@media (prefers-color-scheme: dark){{{_DARK_RULES}}}</style>"

STYLE: Any = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "font.size": 9.0,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    # A "$" in the name of a stage or a task does not start a formula.
    "text.parse_math": False,
    # Equal figures are equal files.
    "svg.hashsalt": "pixel_linguist",
}


def plot_style(draw: Draw) -> Draw:
    """Let a function draw in the style of the report."""
    return matplotlib.rc_context(STYLE)(draw)


def line_style(number: int) -> dict[str, Any]:
    """Return the look of the n-th line: after the last colour, dashes begin."""
    dashes = ("solid", "dashed", "dotted", "dashdot")
    turn, color = divmod(number, len(LINES))
    return {"color": LINES[color], "linestyle": dashes[turn % len(dashes)]}


@plot_style
def save_plot(figure: Figure, path: Path) -> None:
    """Write a figure as SVG with a variant for dark pages, or, if the path ends so, as PNG."""
    buffer = io.BytesIO()
    kind = path.suffix.removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {}
    figure.savefig(buffer, format=kind, dpi=200, metadata=metadata)
    content = buffer.getvalue()
    if kind == "svg":
        content = content.replace(b"</style>", _DARK_STYLE.encode(), 1)
    write_whole(path, content)
