"""SESA: job titles in a space whose dimensions are kinds of software, which explain each score.

    ./run.sh train experiments/methods/sesa.py --config.data_dir=DATA --workdir runs/sesa

A title and the name of its occupation are a pair; the dimensions are the 128 most frequent
commodities among O*NET's technology skills (Bogdanova and Yazdani 2017, arXiv 1708.03246; a patent
application of the method's title exists, US 2019/0095788). `objective.latent=true` is the contrast
in a space of the same width without names. `benchmarks.methods` measures codes and names.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import columns, info_nce, part

SPLITS = {"train": (2, 3, 4, 5, 6, 7, 8, 9), "dev": (1,), "test": (0,)}
CONCEPTS = 128


def titles(split: str, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the titles of a split, whose concepts have the numbers of these names."""
    paths = tuple(f"jobs/onet/{x}.tsv.gz" for x in ("occupations", "titles", "technology_skills"))
    source = {"name": "skill_lists", "paths": paths, "items": ("commodity",)}
    split_of = source | {"remainders": SPLITS[split]}
    return {
        "name": "named",
        "source": split_of,
        "column": "items",
        "names": names,
        "most": CONCEPTS,
    }


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    pairs = {"name": "with_concepts", "pairs": columns("title", "name")}
    config.stages.sesa = fine_tuned(
        {"titles": part(titles("train"), pairs)},
        objective=info_nce(hard_negatives=False)
        | {
            "name": "explicit_contrast",
            "concepts": CONCEPTS,
            "name_weight": 1.0,
            "latent": False,
        },
        window=4,
        length=16,
    )
    config.order = ("sesa",)
    for split in ("dev", "test"):
        config.tasks[split] = {
            "name": "column_retrieval",
            "source": titles(split),
            "query": "title",
            "document": "name",
        }
    config.evaluate.report_tasks = ("test",)
    return config
