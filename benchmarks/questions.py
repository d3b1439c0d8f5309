"""The questions that people ask of such models: our scores beside what they may take instead.

    python -m benchmarks.questions --model tiny --data ../shared/data

Needs the extra "peers". Prints the scores as a line of JSON, with the ratio to the best peer, and
`--page docs/evaluation.md` puts them between its marks. The peers: TF-IDF; fastText's skip-grams
with letter n-grams, trained here on WordNet and Wikipedia; a static model that model2vec runs,
made of all-MiniLM-L6-v2 as in its first recipe; that model; and that model after a spell checker.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.minilm import folder as minilm_folder
from benchmarks.pages import fill_page
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import open_records, read_table
from pixel_linguist.evaluate.baselines import EmbedFor, encoder_embed
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.catalogue import find_tasks
from pixel_linguist.evaluate.peers import MINILM, TFIDF, frozen_index, load_peer
from pixel_linguist.evaluate.similarity import CachedEmbed
from pixel_linguist.evaluate.suite import Task

# Task → the scores shown, the first of which counts.
QUESTIONS = {
    "word-order": ("accuracy", "same", "changed"),
    "negation": ("accuracy", "same", "changed"),
    "misspelled-words": ("accuracy_forward", "mrr_forward", "rank_forward", "cosine"),
    "jfleg": ("accuracy", "csls_accuracy", "cosine"),
    "cranfield": ("ndcg@10", "recall@10"),
    "typos-cranfield": ("attacked", "drop"),
}
FASTTEXT, STATIC, SPELL = "fastText", "model2vec", f"spell:{MINILM}"
# Numbers of a static vector, and Zipf's weights, as model2vec's first release had them.
STATIC_WIDTH = 256


def train_fasttext(data: Path, folder: Path) -> str:
    """Train fastText (100 numbers, its own settings) on 1.9 million words; return its file."""
    import fasttext

    if (folder / "model.bin").is_file():
        return str(folder / "model.bin")
    folder.mkdir(parents=True, exist_ok=True)
    texts = [row["definition"] for row in read_table(data / "definitions/wordnet.tsv")]
    for article, _ in open_records(data / "topical/wikipedia.jsonl"):
        texts += [text for section in article["sections"] for text in section["paragraphs"]]
    (folder / "texts").write_text("\n".join(" ".join(text.split()) for text in texts))
    model = fasttext.train_unsupervised(str(folder / "texts"), bucket=200_000, thread=2, verbose=0)
    model.save_model(str(folder / "model.bin"))
    return str(folder / "model.bin")


def make_static(folder: Path) -> str:
    """Make a static model: MiniLM's vector of each token alone, PCA, Zipf's weights."""
    from model2vec import StaticModel
    from sentence_transformers import SentenceTransformer
    from sklearn.decomposition import PCA
    from tokenizers import Tokenizer

    if (folder / "config.json").is_file():
        return str(folder)
    tokenizer = Tokenizer.from_file(f"{minilm_folder()}/tokenizer.json")
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda x: x[1])]
    alone = SentenceTransformer(minilm_folder(), device="cpu").encode(tokens, batch_size=256)
    vectors = PCA(STATIC_WIDTH, random_state=0).fit_transform(alone)
    vectors *= np.log(1 + np.arange(len(tokens)))[:, None]
    StaticModel(vectors.astype(np.float32), tokenizer, normalize=True).save_pretrained(str(folder))
    return str(folder)


def cached(contender: EmbedFor) -> EmbedFor:
    """Return a contender that embeds each text once for all tasks; none of them has pictures."""
    known: list[CachedEmbed] = []

    def embed_for(task: Task) -> CachedEmbed:
        if not known:
            known.append(CachedEmbed(contender(task)))
        return known[0]

    return embed_for


def speed(embed: Any, texts: list[str]) -> int:
    """Return texts a second, of the faster of two halves; the model is warm."""
    embed(texts[:64])
    best = 0.0
    for half in (texts[64::2], texts[65::2]):
        start = time.perf_counter()
        embed(half)
        best = max(best, len(half) / (time.perf_counter() - start))
    return round(best)


def table(results: dict[str, dict[str, dict[str, float]]], speeds: dict[str, int]) -> str:
    """Return the scores as Markdown: a row a task and score, a column a model."""
    lines = [f"| | {' | '.join(results)} |", f"|---|{'---|' * len(results)}"]
    for task, metrics in QUESTIONS.items():
        for metric in metrics:
            found = [own.get(task, {}).get(metric) for own in results.values()]
            cells = ("" if score is None else f"{score:.3g}" if "rank" in metric else f"{score:.3f}"
                     for score in found)  # fmt: skip
            lines.append(f"| {task}: {metric} | {' | '.join(cells)} |")
    rates = (f"{speeds[name]:,}" if name in speeds else "" for name in results)
    return "\n".join([*lines, f"| sentences a second | {' | '.join(rates)} |"]) + "\n"


def main() -> None:
    """Score, time, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tasks", nargs="+", default=list(QUESTIONS))
    parser.add_argument("--work", type=Path, help="folder in which the peers' models are kept")
    parser.add_argument("--page", type=Path, help="a page of Markdown with the marks")
    options = parser.parse_args()
    known = find_tasks(options.data)
    tasks = make_tasks(options.data, {name: known[name] for name in options.tasks})
    work = options.work or Path(tempfile.mkdtemp())
    fasttext, static = train_fasttext(options.data, work / "fasttext"), make_static(work / "static")
    ours = cached(encoder_embed(SentenceEncoder.load(options.model)))
    minilm = cached(load_peer(MINILM))
    contenders = {
        options.model: ours,
        f"{options.model} in {MINILM}": frozen_index(ours, minilm),
        TFIDF: load_peer(TFIDF),
        FASTTEXT: cached(load_peer(f"fasttext:{fasttext}")),
        STATIC: cached(load_peer(f"model2vec:{static}")),
        MINILM: minilm,
        SPELL: cached(load_peer(SPELL)),
    }
    results: dict[str, dict[str, dict[str, float]]] = {name: {} for name in contenders}
    for task_name, task in tasks.items():
        for name, contender in contenders.items():
            if (embed := contender(task)) is not None:
                results[name][task_name] = task.score(embed)
    rows = read_table(options.data / "sts/stsb/en/test.tsv")
    texts = list(dict.fromkeys(row["sentence1"] for row in rows))
    timed = (options.model, FASTTEXT, STATIC, MINILM, SPELL)
    some = next(iter(tasks.values()))
    # Words of one half may be known from the other, as they are from any text to the next.
    speeds = {name: speed(contenders[name](some), texts) for name in timed}
    line: dict[str, Any] = {"benchmark": f"questions, {options.model}", "speed": speeds}
    for task_name in tasks:
        metric = QUESTIONS[task_name][0]
        own = {
            name: found[task_name][metric] for name, found in results.items() if task_name in found
        }
        figure, joined = own.pop(options.model), own.pop(f"{options.model} in {MINILM}", None)
        peers = {name: round(score, 4) for name, score in own.items()}
        ratio = round(figure / max(peers.values()), 3)
        line[task_name] = {"ours": round(figure, 4), "peers": peers, "ratio": ratio}
        if joined is not None:
            line[task_name][f"in {MINILM}"] = round(joined, 4)
    print(json.dumps(line | {"load": os.getloadavg()[0]}))
    if options.page:
        fill_page(options.page, {"questions": table(results, speeds)})


if __name__ == "__main__":
    main()
