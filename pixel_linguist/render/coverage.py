"""Which scripts the fonts of a family cover, by a sentence or two of each."""

from collections.abc import Iterator

from pixel_linguist.render.fonts import Chain, family, manifest

# The first letters of the Universal Declaration of Human Rights, or of the script.
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
    """Yield script, the fonts of a family that draw it, and what is missing ("" for nothing)."""
    chain = Chain(family(name), 16)
    for script, sample in SAMPLES.items():
        fonts: dict[str, None] = {}
        missing = ""
        for part in chain.split(sample.replace(" ", "")):
            if part.font < 0:
                missing += part.text
            else:
                fonts[chain.names[part.font]] = None
                fonts.update((chain.names[font], None) for _, font in part.marks)
        yield script, ", ".join(fonts), missing


def describe(name: str) -> Iterator[str]:
    """Yield lines that say what a family covers, and what would cover more."""
    yield f"{name}: {manifest()['families'].get(name, {}).get('about', 'by path, then Noto')}"
    for script, fonts, missing in coverage(name):
        if not missing:
            yield f"  {script:20}{fonts}"
        else:
            drawn = f"{fonts}; " if fonts else ""
            yield f"  {script:20}{drawn}boxes for {missing}"
    for font in Chain(family(name), 16).absent:
        scripts = ", ".join(manifest()["fonts"][font]["scripts"])
        yield f"  not installed: {font} ({scripts})"
