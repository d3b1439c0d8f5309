"""The whole recipe on the generated world: no download, a few minutes on two cores.

English comes first; its sister Aldish shows zero-shot transfer. Then comes Velian, a foreign
language, and with it its sister Narvian. Neither sister is ever trained, nor is Ashani, the control
in another script. `claims` says what the run is to show.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import PIVOT, claim, columns, part, stage, visual_alignment
from pixel_linguist.recipe import get_config as defaults

LANGUAGES = (PIVOT, "ald", "vel", "nar", "ash")
TRAINED = "vel"
BATCH, LENGTH = 128, 12
CONTROL = "ash"
# The task scored inside the stages.
DEV = "sts-en-dev"
ROUNDS = 2
LAST = f"nli_{ROUNDS}"

CHARACTERS = {
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.03},
    "delete_characters": {"rate": 0.03},
    "keyboard_neighbours": {"rate": 0.05},
}
SHUFFLED = {"shuffle_words": {"rate": 1.0}}
NEARLY_ORDERED = {"shuffle_words_within_window": {"rate": 1.0, "window": 2}}


def dropped(rate: float) -> dict[str, Any]:
    """Return the loss of words, without which one shared word tells a sentence from the others."""
    return {"drop_words": {"rate": rate}}


def world(task: str, *languages: str, split: str = "train", size: int = 200_000) -> dict[str, Any]:
    """Return the source of one task of the generated world."""
    return {
        "name": "toy",
        "task": task,
        "split": split,
        "size": size,
        "languages": languages or (PIVOT,),
        "seed": 0,
    }


def visual(*start: str, perturb: dict[str, Any], steps: int, peak: float, seed: int) -> ConfigDict:
    """Return one visual-alignment run: a sentence and itself, both perturbed."""
    return stage(
        init_from=start,
        data={"sentences": part(world("sentences"), {"name": "identity", "text": "text"})},
        perturb=perturb | dropped(0.4),
        evaluate_every=steps,
        seed=seed,
        steps=steps,
        peak=peak,
        warmup=steps // 4,
        batch_size=BATCH,
        length=LENGTH,
        report=False,
    )


def contrast(
    start: str, data: dict[str, Any], *, steps: int, peak: float = 2e-3, **changes: Any
) -> ConfigDict:
    """Return a stage on pairs of like meaning, of which the second is misspelled.

    A sister's cognates look like misspellings of the words that are known.
    """
    settings: dict[str, Any] = {
        "perturb": CHARACTERS | dropped(0.2),
        "perturb_views": ("positive",),
        "evaluate_tasks": (DEV,),
        "warmup": 20,
        "batch_size": BATCH,
        "length": LENGTH,
    }
    config = stage(init_from=(start,), data=data, steps=steps, peak=peak, **settings | changes)
    config.objective.temperature = 0.1
    return config


def words(start: str, steps: int, *lists: tuple[str, ...]) -> ConfigDict:
    """Return a stage on word lists: two forms for one concept, of which one patch is shown."""
    pairs = columns("word1", "word2")
    named = zip(("words", "foreign"), lists, strict=False)
    data = {name: part(world("words", *codes), pairs) for name, codes in named}
    small = {"batch_size": 4 * BATCH, "length": 1, "report": False}
    return contrast(start, data, steps=steps, perturb=CHARACTERS, **small)


def entailment(weight: float = 1.0) -> dict[str, Any]:
    """Return NLI's premises with what they entail, and their share of a stage."""
    return part(world("nli"), columns("premise", "entailment"), weight)


def translations(weight: float = 1.0) -> dict[str, Any]:
    """Return parallel sentences, and their share of a stage."""
    return part(world("parallel", PIVOT, TRAINED), columns("sentence1", "sentence2"), weight)


def tasks() -> dict[str, Any]:
    """Return similarity in every language and retrieval of translations, on test compositions.

    The geometry of sentences told in all languages gives the report its distances and its map.
    """
    found: dict[str, Any] = {}

    def sts(name: str, task: str, code: str, split: str = "test", size: int = 600) -> None:
        found[name] = {"name": "sts", "source": world(task, code, split=split, size=size)}

    sts(DEV, "similarity", PIVOT, "dev", 200)
    for code in LANGUAGES:
        sts(f"sts-{code}", "similarity", code)
    sts("sts-typos", "misspelled", PIVOT)
    sides = {"first": "original2", "second": "sentence2"}
    found["typos"] = {"name": "bitext", "source": found["sts-typos"]["source"], **sides}
    for code in LANGUAGES[1:]:
        source = world("parallel", PIVOT, code, split="test", size=300)
        sides = {"first": "sentence1", "second": "sentence2"}
        found[f"{PIVOT}-{code}"] = {"name": "bitext", "source": source, **sides}
    found["chance"] = {"name": "chance", "task": found[f"{PIVOT}-{CONTROL}"]}
    aligned = {code: world("translations", code, split="test", size=100) for code in LANGUAGES}
    found["geometry"] = {"name": "geometry", "sources": aligned}
    return found


def claims() -> tuple[dict[str, Any], ...]:
    """Return what the method is said to do, for the report to judge."""
    visual, transfer, rounds = "Visual alignment", "Zero-shot transfer", "Leapfrogging"
    typos, graded, sister, second = ("typos",), ("sts-typos",), ("sts-ald",), ("sts-nar",)
    untrained = "the untrained encoder"
    found = [
        claim(
            "a misspelled sentence is found nearest to its original",
            "visual",
            typos,
            [(untrained, "untrained", typos)],
            heading=visual,
        ),
        claim(
            "similarity to misspelled sentences follows meaning",
            "visual",
            graded,
            [(untrained, "untrained", graded)],
            heading=visual,
        ),
        claim(
            "English alone teaches its sister Aldish, which is never trained",
            "nli_0",
            sister,
            [
                ("the unrelated Ashani", "nli_0", (f"sts-{CONTROL}",)),
                (untrained, "untrained", sister),
            ],
            heading=transfer,
        ),
        claim(
            "it teaches more of Aldish than shared spelling gives",
            "nli_0",
            sister,
            [("TF-IDF", "tfidf", sister)],
            heading=transfer,
        ),
        claim(
            "Velian teaches its sister Narvian, which is never trained",
            LAST,
            second,
            [("nli_0", "nli_0", second), (untrained, "untrained", second)],
            heading=transfer,
        ),
        claim(
            "it teaches more of Narvian than shared spelling gives",
            LAST,
            second,
            [("TF-IDF", "tfidf", second)],
            heading=transfer,
        ),
        claim(
            "translations into the unrelated Ashani are found no more often than by chance",
            LAST,
            (f"{PIVOT}-{CONTROL}",),
            [("chance", LAST, ("chance",))],
            heading=transfer,
            chance=True,
        ),
    ]
    trained, pivot = (f"sts-{TRAINED}",), (f"sts-{PIVOT}",)
    for number in range(1, ROUNDS + 1):
        before, learned, back = f"nli_{number - 1}", f"languages_{number}", f"nli_{number}"
        raises = f"round {number} raises Velian"
        found.append(claim(raises, learned, trained, [(before, before, trained)], heading=rounds))
        gives = "NLI then gives English back"
        found.append(claim(gives, back, pivot, [(learned, learned, pivot)], heading=rounds))
    related = tuple(f"sts-{code}" for code in LANGUAGES if code != CONTROL)
    earlier = [f"nli_{number}" for number in reversed(range(ROUNDS))]
    best = "the last round is the best in the mean over the four related languages"
    found.append(claim(best, LAST, related, [(r, r, related) for r in earlier], heading=rounds))
    return tuple(found)


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    # A patch holds nearly every word whole, so that what it means is one map from its picture.
    config.train.log_every = 10
    config.render.patch_height, config.render.patch_width = 12, 48
    config.render.max_patches = 24
    config.model.update({"width": 128, "depth": 1, "heads": 4, "mlp_width": 256})
    config.model.update({"patch_hidden": 512, "dropout": 0.0})
    # The loss shapes the head's output; features before the head score lower on every task here.
    config.model.keep_head = True
    stages = visual_alignment(
        visual, CHARACTERS, SHUFFLED, NEARLY_ORDERED, start_steps=200, steps=10
    )
    spans = {"name": "spans", "text": "text", "shortest": 5, "longest": 11}
    stages["topical"] = stage(
        init_from=("visual",),
        data={"documents": part(world("documents"), spans)},
        evaluate_tasks=(DEV,),
        steps=40,
        peak=1e-3,
        warmup=10,
        batch_size=BATCH,
        length=LENGTH,
    )
    stages["words"] = words("topical", 400, (PIVOT,))
    stages["nli_0"] = contrast("words", {"nli": entailment()}, steps=450)
    stages["words_languages"] = words("nli_0", 400, (PIVOT,), (PIVOT, TRAINED))
    start = "words_languages"
    # Languages that are misspelled on both sides, or else what English sisters need is lost.
    both: dict[str, Any] = {"perturb_views": ("anchor", "positive")}
    for number in range(1, ROUNDS + 1):
        learned, back = f"languages_{number}", f"nli_{number}"
        stages[learned] = contrast(start, {"parallel": translations()}, steps=160, **both)
        # A third are translations, so that what was learned is not lost.
        mixed = {"nli": entailment(2.0), "parallel": translations()}
        stages[back] = contrast(learned, mixed, steps=120, peak=1e-3, **both)
        start = back
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.claims = claims()
    config.evaluate.report_tasks = tuple(name for name in tasks() if name != DEV)
    return config
