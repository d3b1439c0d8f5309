"""Reading: scores are the task's own on pictures drawn by family, and words are told apart."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.baselines import check_reads, encoder_embed, tfidf_embed
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.bootstrap import interval
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.peers import OcrEncoder, Tesseract
from pixel_linguist.evaluate.reading import Pictures, WordReading
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.robustness import ATTACKS, Robustness, make_attack
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Task
from tests.fakes import ReadingEncoder

WORDS = ("river", "a quiet fox", "stone", "many tall old trees", "rain", "sea wind", "9 lamps")
FIRST = tuple(f"{a} and {b}" for a in WORDS for b in WORDS[:2])
SECOND = tuple(f"{b}, {a}" for a in WORDS for b in WORDS[:2])
SIMILARITY = STS(FIRST, SECOND, tuple(float(i % 5) for i in range(14)))
TASKS: dict[str, Task] = {
    "sts": SIMILARITY,
    "bitext": Bitext(FIRST, SECOND),
    "retrieval": Retrieval(
        {f"d{i}": text for i, text in enumerate(SECOND)},
        {f"q{i}": text for i, text in enumerate(FIRST[:5])},
        {f"q{i}": {f"d{i}": 1} for i in range(5)},
    ),
}
ENCODER = ReadingEncoder()
SETTINGS: dict[str, Any] = {"families": ("lora", "pt-narrow"), "sizes": (16, 24)}


def scored(task: Pictures, encoder: Any = ENCODER) -> dict[str, float]:
    return task.score(encoder_embed(encoder)(task))


@pytest.mark.parametrize("name", TASKS)
def test_scores_are_those_of_the_task_with_each_text_drawn(name: str) -> None:
    task = Pictures(TASKS[name], **SETTINGS, wear={"blur": 0.5, "tilt": 0.5}, layout="page", wrap=9)

    def expected(families: tuple[str, ...]) -> float:
        def embed(texts: Sequence[str]) -> np.ndarray:
            return ENCODER.encode_images(task.draw(texts, families))

        return TASKS[name].score(embed)[TASKS[name].metric]

    by_family = {family: expected((family,)) for family in task.families}
    values = list(by_family.values())
    assert scored(task) == {
        **by_family,
        "mean": pytest.approx(np.mean(values)),
        "worst": min(values),
        "mixed": expected(task.families),
    }


def test_choices_follow_the_seed_and_wear_alone_makes_no_other_choice() -> None:
    task = Pictures(SIMILARITY, **SETTINGS)
    pages = dataclasses.replace(task, layout="page", wrap=5)

    def pixels(task: Pictures) -> list[np.ndarray]:
        return [np.asarray(picture) for picture in task.draw(FIRST, task.families)]

    drawn = pixels(task)
    assert all(map(np.array_equal, drawn, pixels(task)))
    other = pixels(dataclasses.replace(task, seed=1))
    assert not any(map(np.array_equal, drawn, other))
    worn = pixels(dataclasses.replace(task, wear={"invert": 1.0}))
    assert all(np.array_equal(255 - a, b) for a, b in zip(drawn, worn, strict=True))
    # "river and river" in lines of at most five characters is three lines.
    tall = [page.shape[0] / line.shape[0] for page, line in zip(pixels(pages), drawn, strict=True)]
    assert tall[0] > 1.5


def test_queries_are_attacked_before_they_are_drawn() -> None:
    attack = make_attack(ATTACKS["leetspeak"], 1.0, 0)
    task = Pictures(SIMILARITY, **SETTINGS)
    assert task.attacked(attack) == Pictures(SIMILARITY.attacked(attack), **SETTINGS)


def test_the_interval_is_of_the_mean_over_families() -> None:
    embed = encoder_embed(ENCODER)(Pictures(SIMILARITY, **SETTINGS))
    one = Pictures(SIMILARITY, families=("lora",), sizes=(16,)).checked(embed).observations
    assert one and interval(one) == interval(SIMILARITY.checked(  # the same as of that family alone
        lambda texts: ENCODER.encode_images(
            Pictures(SIMILARITY, families=("lora",), sizes=(16,)).draw(texts, ("lora",))
        )
    ).observations)  # type: ignore[arg-type]  # fmt: skip
    both = Pictures(SIMILARITY, **SETTINGS).checked(embed)
    assert both.observations
    assert both.observations.statistic(*both.observations.values) == pytest.approx(
        both.scores["mean"]
    )


def test_embeddings_without_a_method_for_pictures_have_no_score() -> None:
    task = Pictures(SIMILARITY, **SETTINGS)

    class TextsAlone:
        def encode(self, sentences: list[str], /) -> Any:
            raise AssertionError

    for drawn in (task, Robustness(task, {"case": ATTACKS["case"]})):
        assert encoder_embed(TextsAlone())(drawn) is None and tfidf_embed(drawn) is None


def test_an_encoder_that_refuses_pictures_is_named_with_the_tasks() -> None:
    class Refuses(ReadingEncoder):
        def encode_images(self, pictures: Any, **settings: Any) -> np.ndarray:
            raise ValueError("letters only")

    with pytest.raises(ValueError, match=r"mine.*drawn.*letters only"):
        check_reads("mine", Refuses(), ["drawn"])
    check_reads("mine", Refuses(), [])
    check_reads("mine", ENCODER, ["drawn"])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"families": ("lora", "lorra")}, "lorra"),
        ({"families": ()}, "families"),
        ({"families": ("lora", "a/lora")}, "name"),
        ({"wear": {"blurr": 0.5}}, "blur"),
        ({"wear": {"blur": 1.5}}, "blur"),
        ({"layout": "book"}, "layout"),
        ({"wrap": 0}, "wrap"),
        ({"task": Pictures(SIMILARITY, **SETTINGS)}, "pictures"),
    ],
)
def test_bad_settings_are_refused(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Pictures(**{"task": SIMILARITY, **SETTINGS, **arguments})


def test_tesseract_reads_lines_and_pages() -> None:
    pytest.importorskip("tesserocr", reason="tesserocr is in the extra ocr")
    encoder = OcrEncoder(ENCODER, Tesseract(threads=2))
    for layout in ("line", "page"):
        task = Pictures(SIMILARITY, families=("lora",), sizes=(40,), layout=layout, wrap=12)
        expected = SIMILARITY.score(ENCODER.encode)["spearman"]
        assert scored(task, encoder)["mean"] == pytest.approx(expected)


def test_ocr_without_its_model_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tesserocr", reason="tesserocr is in the extra ocr")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="ocr"):
        Tesseract()


NOUNS = ("anchor", "bridge", "candle", "dragon", "engine", "forest", "garden", "harbor", "island")


def reading(**changes: Any) -> WordReading:
    source = [{"word": word} for word in [*NOUNS, "Capital", "x1"]]
    arguments: dict[str, Any] = {"size": 8, "families": ("noto", "mono")} | changes
    return WordReading.from_source(source, **arguments)


def test_a_reader_has_all_and_a_guesser_what_chance_gives() -> None:
    task = reading()
    known = {word: np.eye(16)[i] for i, word in enumerate(task.texts())}
    words = iter([*task.texts(), *task.texts()[:8], *task.texts()[:8]])

    def read(batch: Any) -> np.ndarray:
        return np.array([known[next(words)] for _ in batch])

    assert task.score(read) == {"mean": 1.0, "worst": 1.0, "noto": 1.0, "mono": 1.0}
    rng = np.random.default_rng(0)
    scores = [task.score(lambda batch: rng.normal(size=(len(batch), 8)))["mean"] for _ in range(40)]
    assert np.mean(scores) == pytest.approx(1 / 16, abs=0.03)


def test_neighbours_are_other_words() -> None:
    task = reading()
    texts = task.texts()
    assert len(set(texts)) == len(texts) == 16
    assert set(texts[:8]) <= set(NOUNS)
    assert reading().texts() == texts and reading(seed=1).texts() != texts
    with pytest.raises(ValueError, match="size"):
        reading(size=10)


def test_it_is_made_by_name(tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("text\n" + " ".join(NOUNS) + "\n")
    source = {"name": "words", "paths": ("words.tsv",), "columns": ("text",)}
    spec = {"name": "word_reading", "source": source, "size": 9, "families": ("noto",)}
    assert len(make_task(tmp_path, spec).texts()) == 18
