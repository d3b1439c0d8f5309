"""One way in: `pixel-linguist VERB ...`, also as `python -m pixel_linguist` and `./run.sh`.

A verb is a module of this package with `parse(parser, arguments)`, which returns the options, and
`run(options)`. It is imported when it is used, because most verbs import JAX.
"""

import argparse
import contextlib
import importlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from pixel_linguist.files import local_path
from pixel_linguist.registry import did_you_mean

PROGRAM = "pixel-linguist"
# Errors of users' mistakes and of a machine's limits; any other one is a defect of this package.
ERRORS = (ValueError, OSError, ModuleNotFoundError, FloatingPointError)


# Verb → what it does, and an example of its arguments.
VERBS = {
    "train": (
        "train a model by a recipe of stages, or fine-tune one on your pairs",
        "experiments/quickstart.py --workdir runs/quickstart",
    ),
    "prepare": ("prepare the data sets of a recipe", "experiments/pixel_linguist.py --list"),
    "evaluate": (
        "score models on tasks, beside TF-IDF and other encoders",
        'tiny --tasks "stsb-*" --peers tfidf --data ../shared/data',
    ),
    "encode": ("encode texts of a file, or pictures of text", "corpus.jsonl vectors/"),
    "search": ("find the texts or pictures that are nearest to a query", "corpus.jsonl"),
    "preview": (
        "type a text and see what a model makes of it, on a page of this machine",
        '"The quick brown fox"',
    ),
    "render": ("draw text as a model sees it", '"The quick brown fox" --out fox.png'),
    "report": ("write the report of a run again, or compare runs", "runs/a runs/b --out both"),
    "convert": ("convert checkpoints of PIXEL and Pixel-Linguist, and back", "SRC DST"),
    "export": ("write an encoder as StableHLO", "tiny exported"),
    "methods": ("list the published methods, with their recipes", ""),
    "mteb": ("score a model on tasks of MTEB", "tiny --tasks STSBenchmark --out results"),
}


def overview() -> str:
    """Return the help on all verbs."""
    lines = [f"usage: {PROGRAM} VERB ...", ""]
    for name, (does, example) in VERBS.items():
        lines += [f"  {name:10}{does}", f"            {PROGRAM} {name} {example}"]
    return "\n".join([*lines, "", f"{PROGRAM} VERB --help explains a verb."])


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with status 2."""
        self.exit(2, f"error: {message} ({self.prog} --help explains)\n")


def path(argument: str) -> Path:
    """Read an argument as a path on this machine; argparse prints the error."""
    try:
        return local_path(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class Console(logging.Handler):
    """Prints the message alone: warnings and errors to stderr, the rest to stdout."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        # Looked up at each record, because stdout is redirected on all hosts but one.
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        print(self.format(record), file=stream, flush=True)


@contextlib.contextmanager
def plain_messages() -> Iterator[None]:
    """Print log records of the package, and warnings, as plain lines for the time inside."""
    logger = logging.getLogger("pixel_linguist")
    handler, level, formatwarning = Console(), logger.level, warnings.formatwarning
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # Libraries give the root logger a handler as well.
    logger.propagate = False
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True
        warnings.formatwarning = formatwarning


def write_any_text() -> None:
    """Let texts with lone surrogates, or letters that the locale lacks, be printed, as "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def error_line(error: BaseException) -> str:
    """Return an error as one line."""
    message = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        message = f"{error.filename}: {error.strerror}"
    return "error: " + " ".join(message.split())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb.

    Args:
        arguments: the verb and its own; those of the process by default.

    Raises:
        SystemExit: with status 2 for wrong arguments, 1 for any other error that is the user's to
            mend, 130 if it is interrupted.
    """
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help", "help"):
        print(overview())
        return
    if name not in VERBS:
        print(f"error: unknown verb {name!r}: {did_you_mean(name, VERBS)}", file=sys.stderr)
        sys.exit(2)
    write_any_text()
    try:
        # A verb that needs an extra fails here without it.
        module = importlib.import_module(f"pixel_linguist.cli.{name}")
        parser = Parser(
            prog=f"{PROGRAM} {name}",
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        options = module.parse(parser, rest)
        with plain_messages():
            module.run(options)
    except BrokenPipeError:
        # The reader of the pipe, such as `head`, has gone; Python's exit would flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ERRORS as error:
        sys.exit(error_line(error))
    except KeyboardInterrupt:
        sys.exit(130)
