"""Write a run's report again, or before its end: `python -m pixel_linguist.report FOLDER`."""

import argparse
import sys
from pathlib import Path

from pixel_linguist.report.html import write_report


def main(arguments: list[str]) -> None:
    """Parse the command line and write the report."""
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.report",
        description="Write report.html and plots/ from what a run has left so far.",
    )
    parser.add_argument("folder", type=Path, help="the --workdir of the run")
    try:
        print(f"report: {write_report(parser.parse_args(arguments).folder)}")
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
