"""Topic segmentation on articles of Wikipedia: boundaries, disarrayed copies, contrast of topics.

    ./run.sh train experiments/methods/segments.py --config.data_dir=DATA --workdir runs/segments

Three losses (Yu et al. 2023, arXiv 2310.11772): which sentences end a topic, in the document and in
a disarrayed copy of it; how sentences of the copy relate to their neighbours; and a contrast of a
sentence with those of other topics. Sentences are read one by one, as `SentenceEncoder.segment`
does; `--config.stages.segments.objective.page=true` reads a window as one page instead, at the
start's positions, repeated. Tasks find boundaries by the embeddings alone, without the tagger.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import part

# Sentences of a window, and patches for them.
SENTENCES, LENGTH = 12, 256
SPLITS = {"train": (2, 3, 4, 7, 8, 9), "dev": (0, 5), "test": (1, 6)}
# Documents of other kinds are for tests alone; the penalty of `best_boundaries` was chosen on
# Choi's of even numbers.
ELSEWHERE: dict[str, dict[str, Any]] = {
    "choi": {"path": "segmentation/choi.jsonl.gz", "remainders": (1,)},
    "qmsum": {"path": "segmentation/qmsum/dev.jsonl.gz"},
}


def articles(split: str, sentences: int = 0) -> dict[str, Any]:
    """Return the articles of a split, whole or in windows."""
    path = "topical/wikipedia.jsonl"
    shape = {"sentences": sentences, "remainders": SPLITS[split]}
    return {"name": "topics", "path": path, **shape}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.render.max_patches = LENGTH
    pairs = {"name": "disarrayed_topics", "sentences": SENTENCES}
    config.stages.segments = fine_tuned(
        {"articles": part(articles("train", SENTENCES), pairs)},
        objective={
            "name": "coherence",
            "sentences": SENTENCES,
            "page": False,
            "copy_weight": 1.0,
            "contrast_weight": 0.5,
            "relation_weight": 1.0,
        },
        adapter="to_longer",
        length=LENGTH,
        batch_size=8,
        steps=120,
    )
    config.order = ("segments",)
    for split in ("dev", "test"):
        config.tasks[split] = {"name": "segmentation", "source": articles(split)}
    for name, source in ELSEWHERE.items():
        config.tasks[name] = {"name": "segmentation", "source": {"name": "topics", **source}}
    config.evaluate.report_tasks = ("test", "choi")
    return config
