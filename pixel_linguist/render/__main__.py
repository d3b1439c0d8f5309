"""Installs fonts and shows how text is rendered; --help explains."""

import argparse

from pixel_linguist.render.fonts import manifest
from pixel_linguist.render.install import install


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pixel_linguist.render", description=__doc__)
    parser.add_argument(
        "--install-fonts",
        nargs="*",
        metavar="FAMILY",
        help="install the fonts of these families, or of all, from the manifest's packages",
    )
    arguments = parser.parse_args()
    if arguments.install_fonts is None:
        parser.print_help()
        return
    for line in install(arguments.install_fonts or list(manifest()["families"])):
        print(line)


if __name__ == "__main__":
    main()
