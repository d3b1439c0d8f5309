"""VacancySBERT: a job title against a part of the skills and tasks that the job takes.

    ./run.sh train experiments/methods/vacancy.py --config.data_dir=DATA --workdir runs/vacancy

The paper (Bocharova et al. 2023, arXiv 2307.16638) takes titles and skills of vacancies, which are
not public; here they are O*NET's titles, technology skills and tasks, split by occupation. A title
is to find the name of its occupation, alone or "described" with some skills.
`--config.stages.vacancy.objective.view_heads=true` gives titles and skills a linear map each.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import info_nce, part

SPLITS = {"train": (2, 3, 4, 5, 6, 7, 8, 9), "dev": (1,), "test": (0,)}
FILES = ("occupations", "titles", "technology_skills", "tasks")
TYPOS = {"keyboard": {"keyboard_neighbours": {"rate": 0.1}}}


def titles(split: str) -> dict[str, Any]:
    """Return the titles of a split, each with the items of its occupation."""
    paths = tuple(f"jobs/onet/{name}.tsv.gz" for name in FILES)
    return {"name": "skill_lists", "paths": paths, "remainders": SPLITS[split]}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.vacancy = fine_tuned(
        {"titles": part(titles("train"), {"name": "title_and_skills"})},
        objective=info_nce(hard_negatives=False) | {"view_heads": False},
        window=4,
    )
    config.order = ("vacancy",)
    names = {"name": "column_retrieval", "query": "title", "document": "name"}
    for split in ("dev", "test"):
        config.tasks[split] = names | {"source": titles(split)}
    config.tasks.described = names | {"source": titles("test"), "query": "described"}
    config.tasks.typos = {
        "name": "robustness",
        "task": config.tasks.test.to_dict(),
        "attacks": TYPOS,
        "strengths": (1.0,),
    }
    vacancies = {"name": "tsv", "path": "jobs/jobbert/dev.tsv.gz"}
    config.tasks.jobbert = names | {"source": vacancies, "document": "esco_title", "every": 5}
    for code in ("en", "es"):
        config.tasks[f"talentclef-{code}"] = {
            "name": "retrieval",
            "folder": f"jobs/talentclef_{code}",
        }
    config.evaluate.report_tasks = ("test", "described", "jobbert", "talentclef-en")
    return config
