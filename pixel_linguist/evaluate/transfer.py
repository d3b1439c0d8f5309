"""Transfer: was a task's language trained, is it related to a trained one, or unseen?"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import regex

from pixel_linguist.evaluate.suite import Task
from pixel_linguist.render import Renderer
from pixel_linguist.render.coverage import missing_letters

TRAINED, RELATED, UNSEEN = "trained", "related", "unseen"
# Texts of a task whose scripts and letters are looked at, at most.
LOOKED_AT = 500
# Branches of families: languages of one are related. ISO 639-3, and 639-1 where it is used here.
BRANCHES = {
    "Germanic": "afr ang dan deu de eng en fao fry gsw isl nds nld nl nno nob swe swg yid",
    "Romance": "ast cat fra fr glg ita it lad lat oci pms por pt ron ro spa es",
    "Slavic": "bel bos bul ces cs csb dsb hrv hsb mkd orv pol pl rus ru slk slv srp ukr",
    "Baltic": "lav lit lvs",
    "Celtic": "bre cor cym gla gle",
    "Iranian": "ckb kur pes fas prs ps tgk",
    "Indo-Aryan": "awa ben hin hi mar npi pan urd",
    "Dravidian": "kan mal tam tel",
    "Turkic": "aze kaz tat tuk tur tr uig uzb",
    "Uralic": "est fin fi hun hu mhr",
    "Semitic": "amh ara ar arb arq arz heb",
    "Berber": "ber kab",
    "Sinitic": "cmn zh wuu yue",
    "Malayo-Polynesian": "ceb cha dtp ind id jav kzj max msa pam tgl war zsm",
    "Bantu": "kin lug nso sot swa sw tsn xho zul",
    "Constructed": "epo ido ile ina lfn nov",
}
# Languages without a relative here, so that names of tasks are read.
ALONE = "cbk ell el eus hau hye jpn ja kat khm kor ko mon sqi tha th tzl vie vi"
_BRANCH = {code: branch for branch, codes in BRANCHES.items() for code in codes.split()}
_BRANCH |= {code: code for code in ALONE.split()}
# ISO 639-1 → 639-3.
_SAME = {
    "ar": "ara", "cs": "ces", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fi": "fin",
    "fr": "fra", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor",
    "nl": "nld", "pl": "pol", "ps": "pus", "pt": "por", "ro": "ron", "ru": "rus", "sw": "swa",
    "th": "tha", "tr": "tur", "vi": "vie", "zh": "cmn",
}  # fmt: skip
# ISO 15924.
_SCRIPTS = {
    code: regex.compile(rf"\p{{Script={code}}}")
    for code in (
        "Latn", "Cyrl", "Grek", "Arab", "Hebr", "Armn", "Geor", "Deva", "Beng", "Guru", "Gujr",
        "Taml", "Telu", "Knda", "Mlym", "Sinh", "Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Ethi",
        "Cher", "Hani", "Hira", "Hang", "Mong",
    )
}  # fmt: skip


def languages_of(task: str) -> list[str]:
    """Return the languages in a task's name: of "stsb-en-de" eng and deu."""
    return [_SAME.get(part, part) for part in task.split("-") if part in _BRANCH]


def scripts_of(texts: Iterable[str]) -> set[str]:
    """Return the scripts, by ISO 15924, of at least a tenth of the letters of texts."""
    whole = " ".join(texts)
    counts = {code: len(pattern.findall(whole)) for code, pattern in _SCRIPTS.items()}
    return {code for code, count in counts.items() if count > sum(counts.values()) / 10}


def relation(language: str, scripts: set[str], trained: Sequence[str]) -> str:
    """Tell how a language in some scripts relates to those that a model was trained on.

    Args:
        language: ISO 639.
        scripts: ISO 15924.
        trained: tags such as "en-Latn".

    Returns:
        "trained", if the language is among them; "related", if one of its branch of the family is,
        and its scripts (to an encoder of pictures another script is another world); else "unseen".
    """
    tags = [tag.partition("-") for tag in trained]
    known = {_SAME.get(name, name) for name, _, _ in tags}
    if language in known:
        return TRAINED
    related = _BRANCH.get(language) in {_BRANCH.get(name) for name in known}
    return RELATED if related and scripts <= {script for _, _, script in tags} else UNSEEN


def mark(name: str, task: Task, trained: Sequence[str], renderer: Renderer) -> str:
    """Return what limits a score: "trained", "related" or "unseen", and "no font 12%".

    Args:
        name: of the task, with its languages; the furthest of several counts.
        task: of texts.
        trained: languages of the model's card, as in `relation`; without any, nothing is told.
        renderer: of the model.
    """
    every = task.texts()
    places = np.linspace(0, len(every) - 1, min(len(every), LOOKED_AT)).astype(int)
    texts = [every[place] for place in places]
    scripts = scripts_of(texts)
    found = [relation(code, scripts, trained) for code in languages_of(name) if trained]
    words = [max(found, key=(TRAINED, RELATED, UNSEEN).index)] if found else []
    boxed = sum(bool(missing_letters(renderer.family, text)) for text in texts)
    if boxed:
        share = boxed / len(texts)
        words.append(f"no font {share:.0%}")
    return ", ".join(words)


def marks(tasks: Mapping[str, Task], trained: Sequence[str], renderer: Renderer) -> dict[str, str]:
    """Return task → its mark for a model, of those that have one."""
    found = {name: mark(name, task, trained, renderer) for name, task in tasks.items()}
    return {name: text for name, text in found.items() if text}
