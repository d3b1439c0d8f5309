"""The model card: what a person finds in a model's folder."""

import jax
import numpy as np

from pixel_linguist.model.encoder import EncoderConfig, Params

CARD = """\
# A pixel sentence encoder

{about}The model draws a text as a picture, cuts it into patches, and a vision transformer encodes
the patches as one vector. There is no tokenizer and no vocabulary.

```python
from pixel_linguist import SentenceEncoder

encoder = SentenceEncoder.load("path/to/this/folder")
embeddings = encoder.encode(["A man is playing a guitar.", "A mna plays teh guitar"])
print(encoder.similarity(embeddings, embeddings))
```

| | |
|---|---|
| embedding | {dimension} numbers, compared by cosine |
| longest text | {max_patches} patches, {patch_height} x {patch_width} pixels each; more is cut |
| encoder | {depth} blocks, {heads} heads, MLP {mlp_width} |
| parameters | {count:,}, stored as {dtype} |
| languages of training | {languages} |
| languages kept out of training | {never_trained} |
| rendering | {rendering} |
| fonts | {fonts} |

The settings are in `config.json`, with the SHA-256 of each font; the weights are in
`weights.safetensors`.
"""


def model_card(
    config: EncoderConfig,
    params: Params,
    renderer: dict[str, object],
    fonts: dict[str, str],
    about: str,
    languages: tuple[str, ...],
    never_trained: tuple[str, ...],
    dtype: str,
) -> str:
    """Write a model's card as Markdown; `about` tells its data, scores and limits."""
    shown = {name: value for name, value in renderer.items() if value not in (None, 0, False)}
    return CARD.format(
        about=f"{about.strip()}\n\n" if about else "",
        count=sum(np.size(leaf) for leaf in jax.tree.leaves(params)),
        rendering=", ".join(f"{name} {value}" for name, value in shown.items()),
        fonts=", ".join(fonts),
        languages=", ".join(languages) or "not stated",
        never_trained=", ".join(never_trained) or "not stated",
        dtype=dtype,
        **{
            name: getattr(config, name)
            for name in (
                "dimension",
                "max_patches",
                "patch_height",
                "patch_width",
                "depth",
                "heads",
            )
        },
        mlp_width=config.mlp_width,
    )
