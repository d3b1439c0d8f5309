"""What a model has to beat: TF-IDF of character n-grams."""

from typing import Any

from scipy import sparse

from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.evaluate.suite import Task


def tfidf_embed(task: Task) -> Embed:
    """Return TF-IDF of character 2- to 4-grams inside words, fitted on the task's own texts.

    Raises:
        ModuleNotFoundError: without scikit-learn, naming the extra.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the TF-IDF baseline needs scikit-learn: pip install 'pixel-linguist[report]'"
        ) from error
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(task.texts())

    def embed(texts: Any) -> sparse.csr_array:
        return sparse.csr_array(vectorizer.transform(texts))

    return embed
