"""Write a run's report again, or compare several: `python -m pixel_linguist.report FOLDER ...`."""

import argparse
import sys
from pathlib import Path

from pixel_linguist.report.compare import read_comparison
from pixel_linguist.report.html import write_page, write_report


def main(arguments: list[str]) -> None:
    """Parse the command line and write the report."""
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.report",
        description="Write report.html and plots/ from what a run, or pixel_linguist.evaluate, has "
        "left so far; from several folders, one page with their models side by side.",
    )
    parser.add_argument("folders", type=Path, nargs="+", help="the --workdir of a run, or --out")
    parser.add_argument("--out", type=Path, help="where a comparison goes")
    known = parser.parse_args(arguments)
    several = len(known.folders) > 1
    if several != (known.out is not None):
        parser.error("--out is needed for several folders, and for them only")
    try:
        if several:
            path = write_page(read_comparison(known.folders), known.out)
        else:
            path = write_report(known.folders[0])
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")
    print(f"report: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
