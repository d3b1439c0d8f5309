"""The one entry for training: pictures and plots while a run goes on, and its report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.inference import Embedder
from pixel_linguist.render import Renderer
from pixel_linguist.report.examples import draw_examples
from pixel_linguist.report.page import write_report
from pixel_linguist.report.plot_style import save_plot
from pixel_linguist.report.run_record import read_run
from pixel_linguist.report.score_plots import score_plots
from pixel_linguist.report.text_pictures import save_images, save_pairs
from pixel_linguist.train.pictures import Report

# (original, perturbed) examples.
Pairs = Sequence[tuple[Example, Example]]
# View → patches uint8 [count, H, W] of each pair, as the model sees them.
Seen = Mapping[str, Sequence[np.ndarray]]


class RunReport(Report):
    """Leaves pictures, plots and a page in a run's folder; it has no state of its own."""

    def stage_started(
        self, folder: Path, name: str, renderer: Renderer, pairs: Pairs, seen: Seen
    ) -> None:
        """Write the first pairs of a stage to pairs/NAME.png in a run's folder."""
        save_pairs(renderer, pairs, seen, folder / "pairs" / f"{name}.png")

    def non_finite(self, renderer: Renderer, pairs: Pairs, seen: Seen, path: Path) -> None:
        """Write a PNG of a batch whose loss is not finite."""
        save_pairs(renderer, pairs, seen, path)

    def images(
        self,
        folder: Path,
        name: str,
        renderer: Renderer,
        images: Mapping[str, Sequence[np.ndarray]],
    ) -> None:
        """Write the pictures of a stage's objective to images/NAME.png in a run's folder."""
        save_images(renderer, images, folder / "images" / f"{name}.png")

    def scored(self, folder: Path) -> None:
        """Draw the scores in a run's scores.json so far into its plots/."""
        for name, figure in score_plots(read_run(folder)).items():
            save_plot(figure, folder / "plots" / f"{name}.svg")

    def finished(
        self,
        folder: Path,
        embedders: Sequence[Embedder],
        tasks: Mapping[str, Task],
        names: Sequence[str],
    ) -> Path:
        """Write examples/ and report.html into a run's folder, and return the path of the page."""
        draw_examples(folder / "examples", embedders, {name: tasks[name] for name in names})
        return write_report(folder)
