"""Transfer: was a task's language trained, is it related to a trained one, or unseen?"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import regex

from pixel_linguist.evaluate.suite import Task
from pixel_linguist.model.store import Model
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
    "af": "afr", "am": "amh", "ar": "ara", "az": "aze", "be": "bel", "bg": "bul", "bn": "ben",
    "br": "bre", "bs": "bos", "ca": "cat", "cs": "ces", "cy": "cym", "da": "dan", "de": "deu",
    "el": "ell", "en": "eng", "es": "spa", "et": "est", "eu": "eus", "fa": "pes", "fi": "fin",
    "fr": "fra", "ga": "gle", "gd": "gla", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun",
    "hy": "hye", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat",
    "kk": "kaz", "km": "khm", "kn": "kan", "ko": "kor", "la": "lat", "lg": "lug", "lt": "lit",
    "lv": "lav", "mk": "mkd", "ml": "mal", "mn": "mon", "mr": "mar", "ms": "msa", "nb": "nob",
    "ne": "npi", "nl": "nld", "nn": "nno", "oc": "oci", "pa": "pan", "pl": "pol", "ps": "pus",
    "pt": "por", "ro": "ron", "ru": "rus", "rw": "kin", "sk": "slk", "sl": "slv", "sq": "sqi",
    "sr": "srp", "st": "sot", "sv": "swe", "sw": "swa", "ta": "tam", "te": "tel", "tg": "tgk",
    "th": "tha", "tk": "tuk", "tl": "tgl", "tn": "tsn", "tr": "tur", "tt": "tat", "ug": "uig",
    "uk": "ukr", "ur": "urd", "uz": "uzb", "vi": "vie", "xh": "xho", "yi": "yid", "zh": "cmn",
    "zu": "zul",
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


def iso_639_3(code: str) -> str:
    """Return the code of three letters of a language; others stay as they are."""
    return _SAME.get(code, code)


def languages_of(task: str) -> list[str]:
    """Return the languages in a task's name: of "stsb-en-de" eng and deu."""
    return [iso_639_3(part) for part in task.split("-") if part in _BRANCH]


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
    known = {iso_639_3(name) for name, _, _ in tags}
    if language in known:
        return TRAINED
    related = _BRANCH.get(language) in {_BRANCH.get(name) for name in known}
    return RELATED if related and scripts <= {script for _, _, script in tags} else UNSEEN


def mark(
    name: str, task: Task, trained: Sequence[str], renderer: Renderer, never: Sequence[str] = ()
) -> str:
    """Return what limits a score: "trained", "related" or "unseen", "kept out", "no font 12%".

    Args:
        name: of the task, with its languages; the furthest of several counts.
        task: of texts.
        trained: languages of the model's card, as in `relation`; without any, nothing is told.
        renderer: of the model.
        never: languages that were kept out of its training.
    """
    every = task.texts()
    places = np.linspace(0, len(every) - 1, min(len(every), LOOKED_AT)).astype(int)
    texts = [every[place] for place in places]
    scripts = scripts_of(texts)
    found = [relation(code, scripts, trained) for code in languages_of(name) if trained]
    words = [max(found, key=(TRAINED, RELATED, UNSEEN).index)] if found else []
    if {iso_639_3(code) for code in never} & set(languages_of(name)):
        words.append("kept out")
    boxed = sum(bool(missing_letters(renderer.family, text)) for text in texts)
    if boxed:
        share = boxed / len(texts)
        words.append(f"no font {share:.0%}")
    return ", ".join(words)


def marks(tasks: Mapping[str, Task], model: Model, renderer: Renderer) -> dict[str, str]:
    """Return task → its mark for a model, of those that have one."""
    found = {
        name: mark(name, task, model.languages, renderer, model.never_trained)
        for name, task in tasks.items()
    }
    return {name: text for name, text in found.items() if text}
