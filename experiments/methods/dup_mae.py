"""DupMAE (RetroMAE v2): a masked autoencoder of patches, and of embedding and words, adapted.

    ./run.sh train experiments/methods/dup_mae.py --config.data_dir=DATA --workdir runs/dup_mae

A small vision transformer is pretrained on English sentences, then on the documents of three test
collections, of which queries and judgements are not read (Xiao et al. 2023, arXiv 2305.02564).
Collections are ranked by the sentence's part of the embedding ("dense"), by the words' and by both,
with the words of documents cut and those of queries whole; the row NAME@192 is the sentence's part.
The bag of words from the embedding, without a decoder (Ma et al. 2024, arXiv 2401.11248), is
`config.model.word_buckets=0` and, in each stage's objective, `words_from_embedding=True` and
`embedding_weight=0`.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.small import english
from experiments.small import get_config as small
from pixel_linguist.recipe import masked_autoencoder, part, stage, words_fact

COLLECTIONS = ("cranfield", "cisi", "pubmedqa")
BUCKETS, TOP_WORDS = 4096, 128
WORD_WEIGHTS = {"dense": 0.0, "words": 1.0, "both": 0.5}
WORDS_OF_A_PASSAGE = 40


def documents(name: str) -> dict[str, Any]:
    """Return the part of the passages of a test collection."""
    corpus = {"name": "jsonl", "path": f"retrieval/{name}/corpus.jsonl", "columns": ("text",)}
    source = {"name": "cut_documents", "source": corpus, "text": "text", "size": WORDS_OF_A_PASSAGE}
    return part(source, {"name": "identity", "text": "text"})


def autoencoding(data: dict[str, Any], **changes: Any) -> ConfigDict:
    """Return a stage with all three parts of the loss, weighted as in the paper."""
    return stage(
        data=data,
        objective=masked_autoencoder(
            mask_ratio=0.3, embedding_weight=1.0, word_buckets=BUCKETS, word_weight=1.0
        ),
        facts=words_fact(BUCKETS),
        warmup=20,
        **changes,
    )


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = small()
    config.render.max_patches = 64
    # Queries keep all words; retrieval cuts those of documents.
    config.model.update({"word_buckets": BUCKETS, "top_words": BUCKETS})
    config.tasks = ConfigDict({"stsb-en": config.tasks["stsb-en"]})
    for name in COLLECTIONS:
        for kind, weight in WORD_WEIGHTS.items():
            relevance = {"width": config.model.width, "buckets": BUCKETS}
            relevance |= {"top_words": TOP_WORDS, "word_weight": weight}
            task = {"name": "retrieval", "folder": f"retrieval/{name}", "relevance": relevance}
            config.tasks[f"{name}-{kind}"] = task
    config.stages = ConfigDict(
        {
            "pretrain": autoencoding(english(), steps=400, peak=2e-3, batch_size=256, length=24),
            "adapt": autoencoding(
                {name: documents(name) for name in COLLECTIONS},
                init_from=("pretrain",),
                steps=400,
                peak=1e-3,
                batch_size=32,
                length=64,
            ),
        }
    )
    config.order = ("pretrain", "adapt")
    config.evaluate.report_tasks = tuple(config.tasks)
    config.evaluate.truncate_dims = (config.model.width,)
    return config
