"""The command line of fine-tuning: `python -m pixel_linguist.train --init MODEL --pairs FILE`."""

import argparse
import sys
from pathlib import Path

from pixel_linguist.hub import open_model
from pixel_linguist.model.store import save_model
from pixel_linguist.train.finetune import Settings, fine_tune, read_pairs


def main(arguments: list[str]) -> None:
    """Fine-tune a model on a file of pairs and leave the best in WORKDIR/model."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.train",
        description="Fine-tune a model on pairs of texts: sentence1 and sentence2, or anchor and "
        "positive; with a column score (graded pairs) or negative (triplets).",
    )
    add = parser.add_argument
    add("--init", required=True, help="model folder, or name of one that comes with the package")
    add("--pairs", type=Path, required=True, help=".tsv, .jsonl or .parquet")
    add("--workdir", type=Path, help="default: runs/NAME, by the name of the file of pairs")
    add("--epochs", type=int, default=defaults.epochs)
    add("--batch-size", type=int, default=defaults.batch_size)
    add(
        "--peak",
        type=float,
        default=defaults.peak,
        help="highest learning rate; default: 2e-4, or 2e-3 of a model with a dictionary of "
        "windows, which stays as it is",
    )
    add("--held-out", type=float, default=defaults.held_out, help="share that is scored on")
    add("--patience", type=int, default=defaults.patience, help="epochs without a better score")
    add("--seed", type=int, default=defaults.seed)
    options = parser.parse_args(arguments)
    settings = Settings(
        options.epochs,
        options.batch_size,
        options.peak,
        options.held_out,
        options.patience,
        options.seed,
    )
    folder = (options.workdir or Path("runs") / options.pairs.stem) / "model"
    try:
        if folder.exists():
            raise ValueError(f"{folder} is there already; take another --workdir")
        pairs = read_pairs(options.pairs)
        tuned = fine_tune(open_model(options.init), pairs, settings)
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    save_model(folder, tuned.model)
    print(f"held-out {tuned.metric}: {', '.join(f'{score:.3f}' for score in tuned.scores)}")
    if tuned.scores[0] == max(tuned.scores):
        print("no epoch was better than the start, so that the model is the one it started from")
    print(f"model: {folder}")
