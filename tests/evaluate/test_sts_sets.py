"""Years of STS, STS across languages, and scores that are out of range."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.catalogue import find_tasks
from pixel_linguist.evaluate.similarity import paired_cosine
from pixel_linguist.evaluate.sts_year import STSYear, missing_sets


def test_a_year_is_scored_set_by_set_and_concatenated(shared: Path) -> None:
    data = shared / "data"
    task = make_task(data, find_tasks(data)["sts13"])
    assert isinstance(task, STSYear) and list(task.sets) == ["FNWN", "OnWN", "headlines"]
    embed = tfidf_embed(task)
    scores = task.score(embed)
    cosines, gold, each = [], [], []
    for name, part in task.sets.items():
        cosines.append(paired_cosine(embed(part.sentence1), embed(part.sentence2)))
        gold.append(part.gold)
        each.append(stats.spearmanr(cosines[-1], part.gold).statistic)
        assert scores[f"spearman/{name}"] == pytest.approx(each[-1], abs=1e-10)
    together = stats.spearmanr(np.concatenate(cosines), np.concatenate(gold)).statistic
    assert scores["spearman_concatenated"] == pytest.approx(together, abs=1e-10)
    assert scores["spearman_mean"] == pytest.approx(np.mean(each), abs=1e-10)


def test_what_a_year_lacks_is_said() -> None:
    assert missing_sets("sts13", ["FNWN", "OnWN", "headlines"]) == ""
    note = missing_sets("sts12", ["MSRpar", "SMTeuroparl", "OnWN", "SMTnews"])
    assert note == "sts12 is without MSRvid: not comparable with published figures"


def test_across_languages_the_second_sentence_comes_from_the_second_source(tmp_path: Path) -> None:
    (tmp_path / "en.tsv").write_text("score\tsentence1\tsentence2\n1\tcat\tdog\n5\tsun\tsun\n")
    (tmp_path / "de.tsv").write_text("score\tsentence1\tsentence2\n1\tKatze\tHund\n5\tA\tSonne\n")
    spec = {"name": "sts", "source": {"name": "tsv", "path": "en.tsv"}}
    spec["second"] = {"name": "tsv", "path": "de.tsv"}
    task = make_task(tmp_path, spec)
    assert task.texts() == ["cat", "sun", "Hund", "Sonne"]
    with pytest.raises(ValueError, match=r"record 1: the score '5' is not in 0\.\.4"):
        make_task(tmp_path, {**spec, "lowest": 0, "highest": 4})
    (tmp_path / "de.tsv").write_text("score\tsentence1\tsentence2\n1\tKatze\tHund\n")
    with pytest.raises(ValueError, match="2 first sentences, but 1 second ones"):
        make_task(tmp_path, spec)
