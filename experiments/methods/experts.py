"""Experts by domain on the generated world: each language is a domain, with MLPs of its own.

    ./run.sh train experiments/quickstart.py --workdir runs/quickstart
    ./run.sh train experiments/methods/experts.py --workdir runs/experts \\
        --config.stages.experts.init_from=runs/quickstart/model

The experts are copies of a dense model's MLPs (the adapter `to_experts`), so that training starts
from its embeddings; attention, norms and embeddings of patches stay shared. Routing is enforced: a
part of the data notes its domain, and both texts of a pair are of it. Tasks of unknown domain read
the mean of the experts. --config.model.experts=false trains the dense model on the same pairs, the
baseline; domain tokens, the other ablation, need a start with a CLS token
(--config.model.domain_tokens=true --config.model.cls_token=true).

Source: Hallee et al. (arXiv 2401.15713): ModernBERT-base, five domains of abstracts, batch 16.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.quickstart import BATCH, DEV, LANGUAGES, LENGTH, world
from experiments.quickstart import get_config as quickstart
from pixel_linguist.recipe import part, stage

SPANS = {"name": "spans", "text": "text", "shortest": 6, "longest": 12}


def domain(number: int, language: str) -> dict[str, Any]:
    """Return the documents of a language, whose examples note its number."""
    pairs = {"name": "with_facts", "pairs": SPANS, "facts": {"domain": number}}
    return part(world("documents", language), pairs)


def get_config() -> ConfigDict:
    """Return the recipe, whose tasks, renderer and shape are the quickstart's."""
    config = quickstart()
    domains = {"domains": len(LANGUAGES), "experts": True, "domain_tokens": False}
    config.model.update({"name": "experts", **domains})
    config.stages = ConfigDict()
    config.stages.experts = stage(
        start_required=True,
        adapter="to_experts",
        data={code: domain(number, code) for number, code in enumerate(LANGUAGES)},
        encoder_options=("domain",),
        evaluate_tasks=(DEV,),
        steps=200,
        peak=5e-4,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.order = ("experts",)
    return config
