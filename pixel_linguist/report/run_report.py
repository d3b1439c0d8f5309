"""The one entry for training: pictures and plots while a run goes on, and its report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pixel_linguist.data.views import Pair
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.inference import Embedder
from pixel_linguist.render import Renderer
from pixel_linguist.report.examples import draw_examples
from pixel_linguist.report.page import write_report
from pixel_linguist.report.plot_style import save_plot
from pixel_linguist.report.run_record import read_run
from pixel_linguist.report.score_plots import score_plots
from pixel_linguist.report.text_pictures import save_images, save_pairs
from pixel_linguist.train.pictures import Images, Report


class RunReport(Report):
    """Leaves pictures, plots and a page in a run's folder; it has no state of its own."""

    def pairs(self, path: Path, renderer: Renderer, pairs: Sequence[Pair], seen: Images) -> None:
        """Write a PNG of pairs as they are and as the model sees them."""
        save_pairs(renderer, pairs, seen, path)

    def images(self, path: Path, renderer: Renderer, images: Images) -> None:
        """Write a PNG of an objective's pictures."""
        save_images(renderer, images, path)

    def scored(self, folder: Path) -> None:
        """Draw the scores in a run's scores.json so far into its plots/."""
        for name, figure in score_plots(read_run(folder)).items():
            save_plot(figure, folder / "plots" / f"{name}.svg")

    def finished(
        self, folder: Path, embedders: Sequence[Embedder], tasks: Mapping[str, Task]
    ) -> Path:
        """Write examples/ and report.html into a run's folder, and return the path of the page."""
        draw_examples(folder / "examples", embedders, tasks)
        return write_report(folder)
