"""Writes report.html and plots/ from the results so far of a run, or of `evaluate --out`.

pixel-linguist report runs/small
    the report of one folder again
pixel-linguist report runs/a runs/b --out runs/both
    one page with the models of several folders side by side
"""

import argparse

from pixel_linguist.cli.main import path
from pixel_linguist.report.page import write_page, write_report
from pixel_linguist.report.run_record import read_comparison


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser.add_argument(
        "folders", type=path, nargs="+", help="--workdir of train, --out of evaluate"
    )
    parser.add_argument("--out", type=path, help="folder of a comparison")
    options = parser.parse_args(arguments)
    if (len(options.folders) > 1) != (options.out is not None):
        parser.error("--out is needed for several folders, and for them only")
    return options


def run(options: argparse.Namespace) -> None:
    """Write the page."""
    if options.out:
        path = write_page(read_comparison(options.folders), options.out)
    else:
        path = write_report(options.folders[0])
    print(f"report: {path}")
