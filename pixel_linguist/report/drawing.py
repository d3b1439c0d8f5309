"""matplotlib as plots use it: two themes, one look of lines, one size of pictures."""

import dataclasses
import io
from typing import Any

try:
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, MaxNLocator
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "plots need matplotlib: pip install 'pixel-linguist[report]'"
    ) from error

# matplotlib is imported here alone, so that its absence is told once.
__all__ = ["Figure", "FuncFormatter", "Line2D", "LinearSegmentedColormap", "MaxNLocator"]

WIDTH = 10.0  # inches
DOTS_PER_INCH = 200


@dataclasses.dataclass(frozen=True)
class Theme:
    """The colours of a plot; `lines` are told apart by eye on `background`."""

    background: str
    ink: str
    faint: str
    band: str
    lines: tuple[str, ...]


LIGHT = Theme(
    background="#ffffff",
    ink="#24292f",
    faint="#d5dae0",
    band="#f2f4f7",
    lines=(
        "#1f6fd1",
        "#d9580d",
        "#15825f",
        "#b3399e",
        "#8a6d00",
        "#5b4fc9",
        "#c2314b",
        "#3f7896",
    ),
)
DARK = Theme(
    background="#1b1f26",
    ink="#d8dee6",
    faint="#3a414c",
    band="#232933",
    lines=(
        "#6aa9f7",
        "#f59a5c",
        "#4fc9a0",
        "#e488d3",
        "#d9b944",
        "#a79df5",
        "#f27f93",
        "#8fbdd6",
    ),
)


def in_theme(theme: Theme) -> Any:
    """Return the context in which figures are made in a theme."""
    settings: Any = {
        "figure.facecolor": theme.background,
        "axes.facecolor": theme.background,
        "axes.edgecolor": theme.faint,
        "axes.labelcolor": theme.ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": theme.faint,
        "grid.linewidth": 0.6,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "text.color": theme.ink,
        "font.size": 9.0,
        "lines.linewidth": 1.6,
        "legend.frameon": False,
        # A "$" in the name of a stage or a task is no formula.
        "text.parse_math": False,
    }
    return matplotlib.rc_context(settings)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def line(number: int, theme: Theme) -> dict[str, Any]:
    """Return the look of the n-th line; when colours run out, dashes begin."""
    dashes = ("solid", "dashed", "dotted", "dashdot")
    turn, color = divmod(number, len(theme.lines))
    return {"color": theme.lines[color], "linestyle": dashes[turn % len(dashes)]}
