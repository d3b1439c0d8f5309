"""DenseCLIP: patches against texts by slow loops, prompts, pages, localisation and heat maps."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.config import plain
from pixel_linguist.data.emoji_pages import EmojiPages, emoji_pages, on_page
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.views import OneStyle, ViewPipeline
from pixel_linguist.data.word_pages import word_pages
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.score_maps import ScoreMaps
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.score_map import ScoreMap, patch_cross_entropy, score_map
from pixel_linguist.render import Renderer
from pixel_linguist.text.spans import bare_word
from pixel_linguist.train import run
from pixel_linguist.train.pictures import objective_images
from pixel_linguist.train.preemption import Preemption
from tests.experiments.test_reading_recipes import of_shared_data
from tests.fakes import evaluate, facts_of

ROWS, PATCHES, WIDTH = 4, 6, 8
RNG = np.random.default_rng(0)
PLAIN = ScoreMap(prompting=False)
ENCODER: Any = SimpleNamespace(dimension=WIDTH, config=SimpleNamespace(head="none"))


def unit(x: Any) -> np.ndarray:
    return np.asarray(x, np.float64) / np.linalg.norm(x, axis=-1, keepdims=True)


def given() -> tuple[dict[str, Any], dict[str, Any]]:
    shapes = {"embedding": (ROWS, WIDTH), "patch_features": (ROWS, PATCHES, WIDTH)}
    picture = {name: RNG.normal(size=s).astype(np.float32) for name, s in shapes.items()}
    text = RNG.normal(size=(ROWS, WIDTH)).astype(np.float32)
    shown = np.array([[0, 0, 1, -1, 9, 2]] * ROWS, np.int32)
    facts = facts_of(ROWS, label=np.array([0, 1, 1, 3], np.int32), patch_labels=shown)
    return {"anchor": picture, "positive": text}, facts


@pytest.mark.parametrize("devices", [1, 2])
def test_the_loss_is_that_of_slow_loops(devices: int) -> None:
    embeddings, facts = given()
    z, t = unit(embeddings["anchor"]["patch_features"]), unit(embeddings["positive"])
    losses = []
    for i in range(ROWS // devices):
        for s, own in enumerate(facts["patch_labels"][i]):
            e = np.exp(z[i, s] @ t.T / 0.07)
            if right := [k for k, label in enumerate(facts["label"]) if label == own]:
                losses.append(-np.log(e[right].sum() / e.sum()))
    whole = {**embeddings, "anchor": embeddings["anchor"]["embedding"]}
    contrast = evaluate(InfoNCE(temperature=0.07), whole, facts)[0]
    found, metrics, _ = evaluate(PLAIN, embeddings, facts, params={}, devices=devices)
    alone = evaluate(ScoreMap(weight=0.0, prompting=False), embeddings, facts, params={})[0]
    assert float(alone) == pytest.approx(float(contrast), rel=1e-5)
    if devices == 1:
        # Patches of nothing, and of what no text names, do not count.
        assert len(losses) == 3 * ROWS
        assert float(metrics["patch_loss"]) == pytest.approx(np.mean(losses), rel=1e-5)
    dense = 0.4 * float(metrics["patch_loss"])
    assert float(found) == pytest.approx(float(contrast) + dense, rel=1e-5)


def test_one_patch_with_one_text_is_info_nce_and_none_costs_nothing() -> None:
    scores: Any = RNG.normal(size=(3, 1, 3))
    own, none = np.eye(3, dtype=bool)[:, None], np.zeros((3, 1, 3), bool)
    loss, _ = patch_cross_entropy(jnp.asarray(scores), jnp.asarray(own))
    expected = -np.log(np.exp(scores[:, 0]) / np.exp(scores[:, 0]).sum(1, keepdims=True))
    assert float(loss) == pytest.approx(np.diag(expected).mean(), rel=1e-5)
    assert patch_cross_entropy(jnp.asarray(scores), jnp.asarray(none)) == (0, 0)


@pytest.mark.slow
def test_prompts_start_from_the_plain_map_and_move_only_through_gamma() -> None:
    embeddings, facts = given()
    own = ScoreMap().init(jax.random.key(0), ENCODER, {}, {})[0]
    patches, texts = embeddings["anchor"]["patch_features"], embeddings["positive"]
    mapped = jax.jit(score_map)
    plain = mapped({}, patches, texts, patches)
    off = {**own, "gamma": np.zeros(WIDTH, np.float32)}
    np.testing.assert_allclose(mapped(off, patches, texts, patches), plain, atol=1e-6)
    np.testing.assert_allclose(
        mapped(off, patches, texts[::-1], patches), plain[..., ::-1], atol=1e-6
    )
    for params, moved in ((own, True), (off, False)):
        gradient = evaluate(ScoreMap(), embeddings, facts, params=params)[2][1]
        assert any(np.any(x) for x in jax.tree.leaves(gradient["decoder"])) == moved
        assert np.any(gradient["gamma"])


def test_pages_hold_what_their_labels_say() -> None:
    records = [
        {"name": f"n{i}", "group": i, "picture": np.full((64, 64, 3), i + 1, np.uint8)}
        for i in range(5)
    ]
    source = EmojiPages(records, 20, 0)
    for index in range(20):
        record = source[index]
        assert 2 <= len(record["names"]) <= 4
        for place, label in enumerate(record["patch_labels"]):
            row, column = divmod(place, 8)
            patch = record["picture"][16 * row :, 16 * column :][:16, :16]
            assert (patch == label + 1).all()
        assert {*record["patch_labels"]} - {-1} == {*record["labels"]}
    np.testing.assert_array_equal(source[3]["picture"], source[3]["picture"])
    example = on_page(record, np.random.default_rng(0))
    assert example.views["positive"] == f"n{example.facts['label']}"
    assert len(example.facts["group"]) == 4 and {*record["labels"]} <= {*example.facts["group"]}


TEXTS = (
    "Everyone has the right to life, liberty and (the) security of person: a right.",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً",
    "לכל אדם יש הזכות לחיים, לחירות ולביטחון אישי.",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है ।",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
)


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_where_their_pictures_match_the_page(text: str) -> None:
    """A word is where its picture stands, with four blank columns on either side."""
    records = [{"text": text, "language": "x"}, {"text": "other", "language": "y"}]
    for split in ("train", "dev", "test"):
        try:
            source = word_pages(records, split=split, size=4, keep={"language": ("x",)})
        except ValueError:
            continue
    drawn = Renderer("noto", patch=16)
    for record in (source[index] for index in range(len(source))):
        page = np.pad(record["picture"][..., 0], ((0, 0), (4, 4)))
        names = dict(zip(record["labels"], record["names"], strict=True))
        owner = np.full((4, 128), "", object)
        for word in set(text.split()):
            strip = np.concatenate(list(drawn([word]).patches[0]), axis=1)
            inked = np.flatnonzero(strip.any(axis=0))
            strip = np.pad(strip[:, inked[0] : inked[-1] + 1], ((0, 0), (4, 4)))
            for line in range(4):
                for x in range(128 + 8 - strip.shape[1] + 1):
                    if np.array_equal(page[16 * line :][:16, x:][:, : strip.shape[1]], strip):
                        owner[line, x : x + strip.shape[1] - 8] = bare_word(word)
        assert (owner != "").any(axis=1)[0]
        for place, label in enumerate(record["patch_labels"].tolist()):
            counts = Counter(owner[place // 8, 16 * (place % 8) :][:16])
            counts.pop("", None)
            best = max(counts.values(), default=0)
            most = {word for word, count in counts.items() if count == best >= 3}
            assert names[label] in most if label >= 0 else not most
        example = on_page(record, np.random.default_rng(0), most=32)
        assert names[example.facts["label"]] == example.views["positive"]
        assert len(example.facts["group"]) == 32


def test_a_heat_map_is_the_page_on_the_scores_of_its_text() -> None:
    page = RNG.integers(0, 30, (32, 48, 1)).astype(np.uint8)
    embeddings, _ = given()
    features = embeddings["anchor"]["patch_features"][:1]
    named = embeddings["positive"][:1]

    class Encodes:
        def encode(self, params: Any, patches: Any, outputs: Any = ()) -> dict[str, Any]:
            is_page = patches.pixels.shape[1] == PATCHES
            own = features[:, :1] if is_page else named[:, None]
            return {"embedding": jnp.asarray(own), "patch_features": jnp.asarray(features)}

    stage: Any = SimpleNamespace(
        objective=PLAIN,
        context=SimpleNamespace(encoder=Encodes()),
        views=ViewPipeline(OneStyle(Renderer("unifont", patch=16)), PLAIN.views),
        settings=SimpleNamespace(length=4),
        seed=0,
    )
    pair = on_page(
        {"picture": page, "names": ("word",), "labels": (3,), "patch_labels": [3] * PATCHES},
        np.random.default_rng(0),
    )
    found = objective_images(stage, {"encoder": {}, "objective": {}}, [(pair, pair)])
    assert [*found] == ["input", "query", "score map"] and found["query"][0].shape == (3, 16, 16)
    np.testing.assert_array_equal(found["input"][0][0], page[..., 0])
    scores = [float(unit(x) @ unit(named[0])) for x in features[0]]
    for place, score in enumerate(scores):
        heat = np.round(255 * 0.5 * np.exp((score - max(scores)) / 0.07))
        row, column = 16 * (place // 3), 16 * (place % 3)
        own = page[row:, column:, 0][:16, :16]
        shown = found["score map"][0][0][row:, column:][:16, :16]
        np.testing.assert_allclose(shown, np.maximum(own, heat), atol=1)


def test_localisation_is_counted_by_patch_and_by_thing() -> None:
    class Embed:
        def __call__(self, texts: Any) -> np.ndarray:
            return np.eye(2)[[int(text) for text in texts]]

        def patches(self, pictures: Any) -> np.ndarray:
            return np.eye(2)[[[0, 0, 1, 0, 1]] * len(pictures)]

    truth = np.array([5, 5, 5, 7, -1])
    task = ScoreMaps((np.zeros((2, 2, 3), np.uint8),), (("0", "1"),), ((5, 7),), (truth,))
    scores = task.score(Embed())
    # Of four patches of things two are right; 5 has two of four, 7 none.
    assert scores == {"patch_accuracy": 0.5, "iou": pytest.approx(0.25), "chance": 0.5}
    with pytest.raises(ValueError, match="patches"):
        task.score(lambda texts: np.ones((len(texts), 2)))


def test_bad_input_is_refused(shared: Path) -> None:
    embeddings, facts = given()
    with pytest.raises(ValueError, match="patch_labels"):
        wrong = {**facts, "patch_labels": facts["patch_labels"][:, :3]}
        evaluate(PLAIN, embeddings, wrong, params={})
    headed: Any = SimpleNamespace(dimension=WIDTH, config=SimpleNamespace(head="patches"))
    with pytest.raises(ValueError, match="head"):
        ScoreMap().init(jax.random.key(0), headed, {}, {})
    with pytest.raises(ValueError, match="pages"):
        emoji_pages(shared / "data", path="emoji", split="dev", size=0)
    for text, split, word in (("— … —", "train", "texts"), ("word", "every", "split")):
        with pytest.raises(ValueError, match=word):
            word_pages([{"text": text}], split=split, size=1)


def test_pages_of_each_script_are_of_a_split_s_words(tmp_path: Path, shared: Path) -> None:
    config = of_shared_data("word_spotting", shared, tmp_path)
    taught = make_source(config.data_dir, plain(config.stages.dense.data.pages.source))
    assert len(taught) == 20_000 and len(taught[0]["names"]) > 1
    for name in ("arabic", "wikipedia"):
        task: Any = make_task(config.data_dir, plain(config.tasks[name]))
        assert len(task.pictures) == 60 and task.pictures[0].shape == (64, 128, 1)
        assert all(word == bare_word(word) != "" for word in task.texts())


@pytest.mark.slow
def test_the_recipe_does_a_step_and_its_pages_are_scored(tmp_path: Path, shared: Path) -> None:
    config = of_shared_data("denseclip", shared, tmp_path)
    config.stages.dense.update(steps=1, batch_size=8)
    config.stages.dense.schedule.warmup = 0
    del config.stages.contrast, config.tasks.seen
    config.order, config.evaluate.report_tasks = ("dense",), ("test",)
    config.tasks.test.source.size = 4
    done = run.run_recipe(config.lock(), tmp_path / "run", Preemption())
    assert [row["model"] for row in done.scores()] == ["untrained", "dense"]
