"""Names in many languages, from Unicode's Common Locale Data Repository: its permissive licence.

Debian's package unicode-cldr-core has it. What an emoji is called ("red apple"), what else it makes
one think of ("apple, fruit, red"), countries, languages, months and days of the week: everyday
words, that news and captions lack.
"""

from pathlib import Path
from xml.etree import ElementTree

FOLDER = Path("/usr/share/unicode/cldr/common")
# Stands where a language has no name of its own.
INHERITED = "↑↑↑"
# Places in a language's file.
NAMES = {
    "country": "localeDisplayNames/territories/territory",
    "language": "localeDisplayNames/languages/language",
    "month": "dates/calendars/calendar[@type='gregorian']/months/monthContext[@type='format']"
    "/monthWidth[@type='wide']/month",
    "day": "dates/calendars/calendar[@type='gregorian']/days/dayContext[@type='format']"
    "/dayWidth[@type='wide']/day",
}


def read_names(folder: Path, language: str) -> dict[tuple[str, str], str]:
    """Return the names that a language has for things, by what kind they are of and by their code.

    Raises:
        FileNotFoundError: saying what brings them.
    """
    roots = []
    for path in (folder / f"{part}/{language}.xml" for part in ("annotations", "main")):
        if not path.is_file():
            raise FileNotFoundError(f"no {path}; `apt-get install unicode-cldr-core` brings it")
        roots.append(ElementTree.parse(path).getroot())
    annotations, main = roots
    found = {}
    for note in annotations.iterfind("annotations/annotation"):
        kind = "name" if note.get("type") == "tts" else "thoughts"
        found[kind, note.get("cp", "")] = (note.text or "").replace(" | ", ", ")
    for kind, place in NAMES.items():
        for name in main.iterfind(place):
            if name.get("alt") is None:
                found[kind, name.get("type", "")] = name.text or ""
    return {key: name for key, name in found.items() if name.strip() and name != INHERITED}


def paired_names(folder: Path, language: str) -> list[tuple[str, str]]:
    """Return what things are called in English and in another language, each pair once."""
    english, others = read_names(folder, "en"), read_names(folder, language)
    pairs = ((english[key], name) for key, name in others.items() if key in english)
    return list(dict.fromkeys(pairs))
