"""Coverage of scripts by the fonts of a family, by samples of each script."""

from collections.abc import Iterator

from pixel_linguist.render.fallback import BOX_FONT, Chain
from pixel_linguist.render.fonts import family, manifest

# Mostly the first words of the Universal Declaration of Human Rights.
SAMPLES = {
    "Latin": "Tous les êtres humains naissent libres ǝ ŵ ỗ",
    "Greek": "Όλοι οι άνθρωποι ἄνθρωπος",
    "Cyrillic": "Все люди рождаются ѓ ґ ў",
    "Armenian": "Բոլոր մարդիկ",
    "Georgian": "ყველა ადამიანი",
    "Hebrew": "כל בני האדם בְּרֵאשִׁית",
    "Arabic": "يولد جميع الناس پ چ ڤ",
    "Devanagari": "सभी मनुष्यों को क्ष",
    "Bengali": "সমস্ত মানুষ",
    "Gurmukhi": "ਸਾਰਾ ਮਨੁੱਖੀ",
    "Gujarati": "સર્વ માનવો",
    "Oriya": "ସମସ୍ତ ମନୁଷ୍ୟ",
    "Tamil": "மனிதப் பிறிவியினர்",
    "Telugu": "మానవులెల్లరును",
    "Kannada": "ಎಲ್ಲಾ ಮಾನವರೂ",
    "Malayalam": "മനുഷ്യരെല്ലാവരും",
    "Sinhala": "සියලු මනුෂ්‍යයෝ",
    "Thai": "มนุษย์ทั้งหลาย",
    "Lao": "ມະນຸດທຸກຄົນ",
    "Khmer": "មនុស្សទាំងអស់",
    "Burmese": "လူတိုင်းသည်",
    "Tibetan": "འགྲོ་བ་མིའི་རིགས",
    "Ethiopic": "የሰው ልጅ ሁሉ",
    "Cherokee": "ᏂᎦᏓ ᎠᏂᏴᏫ",
    "Han": "人人生而自由 漢字 國語",
    "Kana": "すべての カタカナ",
    "Hangul": "모든 인간은",
    "Emoji": "😀👨‍👩‍👧👍🏽❤️🇩🇪",
    "Mathematics": "𝒜𝔅ℂ ∑∫√≠",
    "Full width": "ＦＵＬＬ１２",
    "N'Ko": "ߒߞߏ",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ",
    "Canadian syllabics": "ᐃᓄᒃᑎᑐᑦ",
}


def coverage(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield script, the fonts of a family that draw it, and missing letters ("" for none)."""
    chain = Chain(family(name), 16)
    for script, sample in SAMPLES.items():
        parts = chain.split(sample.replace(" ", ""))
        numbers = [n for part in parts for n in (part.font, *(font for _, font in part.marks))]
        fonts = dict.fromkeys(chain.names[number] for number in numbers if number != BOX_FONT)
        yield script, ", ".join(fonts), "".join(p.text for p in parts if p.font == BOX_FONT)


def describe(name: str) -> Iterator[str]:
    """Yield lines on the scripts that a family covers, and the fonts that would cover more."""
    yield f"{name}: {manifest()['families'].get(name, {}).get('about', 'by path, then Noto')}"
    for script, fonts, missing in coverage(name):
        drawn = [fonts] if fonts else []
        boxes = [f"boxes for {missing}"] if missing else []
        yield f"  {script:20}{'; '.join(drawn + boxes)}"
    for font in Chain(family(name), 16).absent:
        scripts = ", ".join(manifest()["fonts"][font]["scripts"])
        yield f"  not installed: {font} ({scripts})"
