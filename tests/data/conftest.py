"""What tests of the loader and of views share."""

import pytest
from absl import flags


@pytest.fixture
def parsed_flags() -> None:
    """Let Grain start processes outside an absl application."""
    flags.FLAGS.mark_as_parsed()
