"""Runs MTEB tasks on a model; results are written in mteb's own layout.

pixel-linguist mteb tiny --tasks STSBenchmark SICK-R --out results
    needs the extra `mteb`, and PyTorch
"""

import argparse
from pathlib import Path

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import path
from pixel_linguist.evaluate.baselines import check_reads
from pixel_linguist.mteb_encoder import MtebEncoder


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("model", help="model folder, or name of a shipped model")
    add("--tasks", nargs="+", required=True, help="such as STSBenchmark SICK-R")
    add("--languages", nargs="+", help="ISO 639-3 codes (default: all)")
    add("--name", help="of the model in the results (default: its folder's)")
    add("--out", type=path, required=True, help="folder for results/")
    add("--batch-size", type=int, default=64)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Run the tasks and print the main scores."""
    import mteb

    encoder = SentenceEncoder.load(options.model)
    try:
        tasks = mteb.get_tasks(tasks=options.tasks, languages=options.languages)
    except KeyError as error:
        raise ValueError(error.args[0]) from error
    name = options.name or Path(options.model).resolve().name
    about = [task.metadata for task in tasks]
    check_reads(name, encoder, [task.name for task in about if "image" in task.modalities])
    result = mteb.evaluate(
        MtebEncoder(encoder, name),
        tasks,
        cache=mteb.ResultCache(options.out),
        encode_kwargs={"batch_size": options.batch_size},
    )
    for task in result.task_results:
        print(f"{task.task_name}  {task.get_score():.4f}")
    print(f"results: {options.out / 'results'}")
