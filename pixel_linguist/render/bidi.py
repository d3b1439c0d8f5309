"""The Unicode bidirectional algorithm (Unicode Standard Annex 9), as far as one line needs it.

Names of rules (X1 to L2) are the annex's. Libraries give the reordered text; shaping needs the
levels.
"""

import unicodedata
from collections.abc import Sequence

_OPEN = "([{༺༼᚛⁅⁽₍⌈⌊〈❨❪❬❮❰❲❴⟅⟦⟨⟪⟬⟮⦃⦅⦇⦉⦋⦍⦏⦑⦓⦕⦗⧘⧚⧼⸢⸤⸦⸨⹕⹗⹙⹛〈《「『【〔〖〘〚﹙﹛﹝（［｛｟｢"
_CLOSE = ")]}༻༽᚜⁆⁾₎⌉⌋〉❩❫❭❯❱❳❵⟆⟧⟩⟫⟭⟯⦄⦆⦈⦊⦌⦐⦎⦒⦔⦖⦘⧙⧛⧽⸣⸥⸧⸩⹖⹘⹚⹜〉》」』】〕〗〙〛﹚﹜﹞）］｝｠｣"
# U+2329 and U+232A are the same brackets as U+3008 and U+3009.
_SAME = {"\u2329": "\u3008", "\u232a": "\u3009"}
_PAIR = dict(zip(_CLOSE, _OPEN, strict=True))
_DEPTH = 125
_STRONG_RIGHT = {"R", "AL"}
_ONE_WAY = {*_STRONG_RIGHT, "NSM", "BN", "WS", "S", "B", "ON", "ES", "ET", "CS"}
_ISOLATES = ("LRI", "RLI", "FSI")
_NEUTRAL = ("B", "S", "WS", "ON", *_ISOLATES, "PDI")
_REMOVED = ("LRE", "RLE", "LRO", "RLO", "PDF", "BN")


def levels(text: str) -> list[int]:
    """Return the level of each character of one line; odd ones run from right to left."""
    # A character that is not assigned yet counts as a letter of its neighbourhood: left to right.
    types = [unicodedata.bidirectional(c) or "L" for c in text]
    if _ONE_WAY.issuperset(types) and not _STRONG_RIGHT.isdisjoint(types):
        # Neither numbers nor letters from left to right: nothing is left to resolve.
        return [1] * len(types)
    base = _first_strong(types, 0, len(types)) or 0
    partner = _isolate_pairs(types)
    explicit, resolved = _explicit(types, partner, base)
    result = list(explicit)
    kept = [i for i, kind in enumerate(types) if kind not in _REMOVED]
    place = {i: number for number, i in enumerate(kept)}
    for sequence in _sequences(kept, types, partner, explicit):
        first, last = place[sequence[0]], place[sequence[-1]]
        before = explicit[kept[first - 1]] if first else base
        open_end = types[sequence[-1]] in _ISOLATES and sequence[-1] not in partner
        after = base if open_end or last + 1 == len(kept) else explicit[kept[last + 1]]
        level = explicit[sequence[0]]
        start, end = ("LR"[max(level, other) % 2] for other in (before, after))
        kinds = _weak([resolved[i] for i in sequence], start)
        marks = [types[i] == "NSM" for i in sequence]
        _brackets([text[i] for i in sequence], kinds, marks, "LR"[level % 2], start)
        _neutral(kinds, "LR"[level % 2], start, end)
        for i, kind in zip(sequence, kinds, strict=True):
            if level % 2:
                result[i] = level + (kind != "R")
            else:
                result[i] = level + {"L": 0, "R": 1}.get(kind, 2)
    _reset_ends(types, result, base)
    return result


def visual_order(levels: Sequence[int]) -> list[int]:
    """Return the positions of items from left to right, by their levels (L2)."""
    order = list(range(len(levels)))
    if len(set(levels)) < 2:
        return order[::-1] if levels and levels[0] % 2 else order
    odd = [level for level in levels if level % 2]
    for level in range(max(levels, default=0), min(odd, default=1) - 1, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = max(end, start + 1)
    return order


def _first_strong(types: Sequence[str], start: int, end: int) -> int | None:
    """P2, P3: the level that the first strong character asks for; isolates are skipped."""
    depth = 0
    for kind in types[start:end]:
        if kind in _ISOLATES:
            depth += 1
        elif kind == "PDI":
            if start and depth == 0:
                return None
            depth = max(depth - 1, 0)
        elif depth == 0 and kind in ("L", "R", "AL"):
            return int(kind != "L")
    return None


def _isolate_pairs(types: Sequence[str]) -> dict[int, int]:
    """BD9: isolate initiators with their matching PDI, and the other way round."""
    pairs: dict[int, int] = {}
    waiting: list[int] = []
    for i, kind in enumerate(types):
        if kind in _ISOLATES:
            waiting.append(i)
        elif kind == "PDI" and waiting:
            start = waiting.pop()
            pairs[start], pairs[i] = i, start
    return pairs


def _explicit(
    types: Sequence[str], partner: dict[int, int], base: int
) -> tuple[list[int], list[str]]:
    """X1 to X8: levels by embeddings, overrides and isolates, and the types they override."""
    result, resolved = [base] * len(types), list(types)
    stack: list[tuple[int, str, bool]] = [(base, "", False)]
    overflow_isolates = overflow_embeddings = valid_isolates = 0
    for i, kind in enumerate(types):
        if kind == "PDI":
            if overflow_isolates:
                overflow_isolates -= 1
            elif valid_isolates:
                overflow_embeddings = 0
                while not stack[-1][2]:
                    stack.pop()
                stack.pop()
                valid_isolates -= 1
        elif kind == "PDF" and not overflow_isolates:
            if overflow_embeddings:
                overflow_embeddings -= 1
            elif not stack[-1][2] and len(stack) > 1:
                stack.pop()
        level, override, _ = stack[-1]
        result[i] = level
        if override and kind not in _REMOVED:
            resolved[i] = override
        if kind in _ISOLATES or kind in _REMOVED[:4]:
            isolate = kind in _ISOLATES
            right = kind[0] == "R"
            if kind == "FSI":
                right = _first_strong(types, i + 1, partner.get(i, len(types))) == 1
            new = (level + 1) | 1 if right else (level + 2) & ~1
            if new <= _DEPTH and not overflow_isolates and not overflow_embeddings:
                valid_isolates += isolate
                stack.append((new, kind[0] if kind[2] == "O" else "", isolate))
            elif isolate:
                overflow_isolates += 1
            elif not overflow_isolates:
                overflow_embeddings += 1
    return result, resolved


def _sequences(
    kept: Sequence[int], types: Sequence[str], partner: dict[int, int], levels: Sequence[int]
) -> list[list[int]]:
    """X10: isolating run sequences, as positions."""
    runs: list[list[int]] = []
    for i in kept:
        if runs and levels[runs[-1][-1]] == levels[i]:
            runs[-1].append(i)
        else:
            runs.append([i])
    opened: dict[int, list[int]] = {}
    sequences = []
    for run in runs:
        first = run[0]
        if types[first] == "PDI" and partner.get(first, -1) in opened:
            sequence = opened.pop(partner[first])
            sequence.extend(run)
        else:
            sequence = list(run)
            sequences.append(sequence)
        last = sequence[-1]
        if types[last] in _ISOLATES and last in partner:
            opened[last] = sequence
    return sequences


def _weak(kinds: list[str], start: str) -> list[str]:
    """W1 to W7."""
    previous, strong = start, start
    for i, kind in enumerate(kinds):  # W1, W2, W3 (which needs W2's last strong type first)
        if kind == "NSM":
            kind = "ON" if previous in (*_ISOLATES, "PDI") else previous
        previous = kind
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kind = "AN"
        kinds[i] = kind
    kinds = ["R" if kind == "AL" else kind for kind in kinds]
    for i in range(1, len(kinds) - 1):  # W4
        left, right = kinds[i - 1], kinds[i + 1]
        if left == right and (
            (kinds[i] == "ES" and left == "EN") or (kinds[i] == "CS" and left in ("EN", "AN"))
        ):
            kinds[i] = left
    i = 0
    while i < len(kinds):  # W5, W6
        end = i
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        if end > i:
            numbers = (i > 0 and kinds[i - 1] == "EN") or (end < len(kinds) and kinds[end] == "EN")
            kinds[i:end] = ["EN" if numbers else "ON"] * (end - i)
        elif kinds[i] in ("ES", "CS"):
            kinds[i] = "ON"
        i = max(end, i + 1)
    strong = start
    for i, kind in enumerate(kinds):  # W7
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[i] = "L"
    return kinds


def _bracket_pairs(characters: Sequence[str], kinds: Sequence[str]) -> list[tuple[int, int]]:
    """BD16: positions of matching brackets, in the order of the opening ones."""
    pairs: list[tuple[int, int]] = []
    waiting: list[tuple[str, int]] = []
    for i, (character, kind) in enumerate(zip(characters, kinds, strict=True)):
        if kind != "ON":
            continue
        bracket = _SAME.get(character, character)
        if bracket in _OPEN:
            if len(waiting) == 63:
                return []
            waiting.append((bracket, i))
        elif bracket in _PAIR:
            for depth in range(len(waiting) - 1, -1, -1):
                if waiting[depth][0] == _PAIR[bracket]:
                    pairs.append((waiting[depth][1], i))
                    del waiting[depth:]
                    break
    return sorted(pairs)


def _strong(kind: str) -> str:
    return "R" if kind in ("R", "EN", "AN") else "L" if kind == "L" else ""


def _brackets(
    characters: Sequence[str], kinds: list[str], marks: Sequence[bool], own: str, start: str
) -> None:
    """N0: a pair of brackets goes with what it encloses, or with what stands before it."""
    for opening, closing in _bracket_pairs(characters, kinds):
        inside = {_strong(kind) for kind in kinds[opening + 1 : closing]} - {""}
        if not inside:
            continue
        direction = own
        if own not in inside:
            before = next(filter(None, map(_strong, reversed(kinds[:opening]))), start)
            direction = before if before != own else own
        for i in (opening, closing):
            kinds[i] = direction
            for j in range(i + 1, len(kinds)):
                if not marks[j]:
                    break
                kinds[j] = direction


def _neutral(kinds: list[str], own: str, start: str, end: str) -> None:
    """N1, N2: neutrals go with both neighbours where those agree, else with the level."""
    i = 0
    while i < len(kinds):
        if kinds[i] not in _NEUTRAL:
            i += 1
            continue
        stop = i
        while stop < len(kinds) and kinds[stop] in _NEUTRAL:
            stop += 1
        left = _strong(kinds[i - 1]) if i else start
        right = _strong(kinds[stop]) if stop < len(kinds) else end
        kinds[i:stop] = [left if left == right else own] * (stop - i)
        i = stop


def _reset_ends(types: Sequence[str], levels: list[int], base: int) -> None:
    """L1: separators, and white space before them and at the end, stand at the base level."""
    trailing = True
    for i in range(len(types) - 1, -1, -1):
        if types[i] in ("B", "S"):
            levels[i], trailing = base, True
        elif types[i] in ("WS", *_ISOLATES, "PDI", *_REMOVED):
            if trailing:
                levels[i] = base
        else:
            trailing = False
    # What X9 removes may still join letters: it stays, beside what stands before it.
    for i, kind in enumerate(types):
        if kind in _REMOVED:
            levels[i] = levels[i - 1] if i else base
