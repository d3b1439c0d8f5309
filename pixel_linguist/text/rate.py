"""The rate every perturbation has: the expected share of its units that take part."""

from numbers import Real


def check_rate(rate: float, name: str = "rate") -> None:
    """Raise ValueError if rate is not a number from 0 to 1; `name` is what the message calls it."""
    if not isinstance(rate, Real) or not 0 <= rate <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {rate!r}")


def leaves_unchanged(text: str, rate: float) -> bool:
    """Whether there is nothing to perturb: rate is 0, or text is empty or all whitespace.

    Raises ValueError if rate is not a number from 0 to 1.
    """
    check_rate(rate)
    return rate == 0 or not text or text.isspace()
