"""What each ingredient of reading and of meaning gives: arms of the recipes at equal minutes.

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.ablation --data ../shared/data \
        --page docs/ablation.md

Reading: stems from scratch by experiments/reading.py, which lack an ingredient or have another.
Meaning: transformers above the stem of tiny-untaught, by stages of experiments/tiny.py (the extra
"peers" for the text model). The clock starts after the first step, which compiles; rates follow
their schedules by the share of the minutes. Scores are of development splits, and of families that
no arm has seen. Results are kept in benchmarks/ablation.jsonl, a line an arm, so that an
interrupted benchmark goes on.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from benchmarks import minilm
from benchmarks.methods import ROOT, keep_result, known_results, rounded, spread, train
from benchmarks.pages import fill_page
from experiments import reading, tiny
from experiments.methods import untaught
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.recipe import info_nce, part
from pixel_linguist.train.context import make_context
from pixel_linguist.train.stage import start_result

RESULTS = ROOT / "benchmarks" / "ablation.jsonl"
BATCH, LENGTH = 256, 24
# The arm that others differ from by one ingredient each, and the start of all arms.
WHOLE, START = "all", "the start"
WORN = {"blur": 0.5, "noise": 0.5, "jpeg": 0.5, "low_contrast": 0.5}
Arm = Callable[[], ConfigDict]


def reader(**changes: Any) -> ConfigDict:
    """Return reading.py with other settings of its stage."""
    config = reading.get_config()
    config.stages.words.batch_size = BATCH
    # A fifth of the steps, as they are few.
    config.stages.words.schedule.warmup = config.stages.words.steps // 5
    with config.ignore_type():
        for name, value in changes.items():
            config.stages.words[name] = ConfigDict(value) if isinstance(value, dict) else value
    config.tasks.reading.size = 500
    config.tasks.worn = config.tasks.reading.to_dict() | {"wear": WORN}
    return config


def of_families(*families: str) -> ConfigDict:
    """Return reading.py with other families."""
    config = reader()
    config.stages.words.styles.family.families = families
    return config


def without_neighbours() -> ConfigDict:
    """Return reading.py without hard negatives: each word and itself, against the batch."""
    config = reader(objective=info_nce(hard_negatives=False) | {"learnable_temperature": True})
    for each in config.stages.words.data.values():
        each.pairs = ConfigDict({"name": "identity", "text": "word"})
    return config


def of_sentences() -> ConfigDict:
    """Return reading.py on sentences in place of words, each and itself, misspelled."""
    texts = {
        "name": "sentences",
        "paths": (tiny.WORDNET,),
        "columns": ("definition", "examples"),
    }
    config = reader(
        data={"sentences": part(texts, {"name": "identity", "text": "text"})},
        objective=info_nce(hard_negatives=False) | {"learnable_temperature": True},
        length=12,
    )
    # Of about as many pictures as a batch of words.
    config.stages.words.update({"perturb": ConfigDict(tiny.TYPOS), "batch_size": BATCH // 4})
    return config


def of_model(changes: Mapping[str, Any]) -> ConfigDict:
    """Return reading.py with another encoder."""
    config = reader()
    config.model.update(changes)
    return config


def of_optimizer() -> ConfigDict:
    """Return reading.py with AdamW's usual second beta, and no weight decay."""
    config = reader()
    config.stages.words.optimizer.update({"b2": 0.999, "weight_decay": 0.0})
    return config


READING: dict[str, Arm] = {
    WHOLE: reader,
    "one family": lambda: of_families("noto"),
    "four families": lambda: of_families("noto", "serif", "mono", "kalam"),
    "no wear": lambda: reader(augment={}),
    "no hard negatives": without_neighbours,
    "sentences, not words": of_sentences,
    "narrower convolutions": lambda: of_model({"stem_channels": (16, 32, 96, 160)}),
    "bfloat16": lambda: of_model({"dtype": "bfloat16"}),
    "second beta 0.999, no weight decay": of_optimizer,
}


def meaning(config: ConfigDict) -> ConfigDict:
    """Return a recipe of one stage of texts, above the stem of tiny-untaught."""
    config.update({"init_from": (untaught.START,), "adapter": "stem_only"})
    config.update({"length": LENGTH, "length_buckets": 1, "batch_size": BATCH})
    recipe = tiny.get_config()
    recipe.model.stem_hidden = untaught.defaults_of_start().model.stem_hidden
    recipe.stages, recipe.order = ConfigDict({"texts": config}), ("texts",)
    sickr = {"name": "tsv", "path": "sts/sickr/dev.tsv"}
    stsb = recipe.tasks[tiny.DEV].to_dict()
    recipe.tasks = ConfigDict({"stsb": stsb, "sickr": {"name": "sts", "source": sickr}})
    return recipe


def contrast(*without: str) -> ConfigDict:
    """Return the contrast of pairs that mean the same, without some of its parts."""
    config = tiny.contrasted((), steps=1000)
    for name in without:
        del config.data[name]
    return meaning(config)


def all_words() -> ConfigDict:
    """Return the contrast without dropped words."""
    config = contrast()
    config.stages.texts.perturb = ConfigDict()
    return config


def in_batch() -> ConfigDict:
    """Return the contrast without the contradictions of NLI as hard negatives."""
    config = contrast()
    texts = config.stages.texts
    texts.objective = info_nce(hard_negatives=False)
    texts.data.nli.pairs.negative = None
    return config


def taught() -> ConfigDict:
    """Return the distillation of a text model's vectors of the texts of the contrast."""
    names = ("captions", "nli", "sts", "entries")
    data = {name: tiny.taught(*tiny.TEXTS[name]) for name in names}
    return meaning(tiny.distilled((), data, steps=1000))


MEANING: dict[str, Arm] = {
    WHOLE: contrast,
    "no NLI": lambda: contrast("nli"),
    "NLI without hard negatives": in_batch,
    "no captions": lambda: contrast("captions", "more_captions"),
    "no dictionary": lambda: contrast("definitions", "synonyms"),
    "no dropped words": all_words,
    "a text model's vectors instead": taught,
}
TABLES = {"reading": READING, "meaning": MEANING}
COLUMNS = {
    "reading": {
        "mean": "reading/mean",
        "worst": "reading/worst",
        "worn": "worn/mean",
    },
    "meaning": {"STS-B": "stsb/spearman", "SICK-R": "sickr/spearman"},
}


def clock(seconds: float) -> Callable[[int], float]:
    """Return the share of the seconds since the first call, which is after the first step."""
    began: list[float] = []

    def share(patches: int) -> float:
        began.append(time.perf_counter())
        return (began[-1] - began[0]) / seconds

    return share


def measured(table: str, arm: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train and score an arm, unless it is known, and return its line."""
    key = {"table": table, "arm": arm, "seed": options.seed, "minutes": options.minutes}
    for line in known_results(RESULTS):
        if all(line[name] == value for name, value in key.items()):
            return line
    config = TABLES[table][WHOLE if arm == START else arm]()
    config.data_dir, config.seed = str(options.data), options.seed
    for each in config.stages[config.order[0]].data.values():
        if each.annotate.get("model") == tiny.TEACHER:
            # The same weights, from a package: no network is needed.
            each.annotate.model = f"st:{minilm.folder()}"
    context = make_context(config.lock(), folder)
    counts: dict[str, int] = {"steps": 0, "patches": 0}
    if arm == START:
        start, _ = start_result(context, config.stages[config.order[0]], lambda *_: {})
        params = start.encoder
    else:
        trained, counts = train(config, folder, clock(60 * options.minutes))
        params = trained["encoder"]
    embed = context.embedder(params)
    scores: dict[str, float] = {}
    for name, task in make_tasks(options.data, config.tasks).items():
        scores |= {f"{name}/{metric}": score for metric, score in task.score(embed).items()}
    line = {**key, **counts, "scores": rounded(scores)}
    keep_result(RESULTS, line)
    return line


def markdown(table: str, lines: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of arms, each with its scores, of several seeds with the deviation."""
    columns = COLUMNS[table]
    rows = [f"| | seeds | steps | {' | '.join(columns)} |", f"|---|{'---|' * (2 + len(columns))}"]
    for arm in (START, *TABLES[table]):
        own = [line for line in lines if (line["table"], line["arm"]) == (table, arm)]
        if own:
            scores = [spread([line["scores"][name] for line in own]) for name in columns.values()]
            cells = [arm, str(len(own)), f"{own[0]['steps']:,}", *scores]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Train and score what is not known, and fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--minutes", type=float, default=3.0, help="of training, an arm (3)")
    parser.add_argument("--seeds", type=int, default=2, help="of the whole recipes (2)")
    parser.add_argument("--page", type=Path, help="a page of Markdown with the marks")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for table in options.tables:
            runs = [(arm, 0) for arm in (START, *TABLES[table])]
            runs += [(WHOLE, seed) for seed in range(1, options.seeds)]
            for arm, options.seed in runs:
                own = Path(folder) / f"{table}-{arm}-{options.seed}".replace(" ", "_")
                lines.append(measured(table, arm, options, own))
    if options.page:
        fill_page(options.page, {table: markdown(table, lines) for table in options.tables})


if __name__ == "__main__":
    main()
