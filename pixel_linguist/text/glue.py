"""Spaces around punctuation that corpora of split tokens have, as SNLI and STS-B."""

# Applied in this order, as PIXEL prepares its inputs (xplip/pixel, `glue_strip_spaces`).
_GLUED = (
    " ,", " .", " !", " ?", " #", " /", ' "', '" ', " '", "' ", " n't", "( ", " )", "[ ", " ]",
)  # fmt: skip


def glue_spaces(text: str) -> str:
    """Join punctuation to its word: "I do n't , he said ." becomes "I don't, he said."."""
    for spaced in _GLUED:
        text = text.replace(spaced, spaced.strip())
    return text
