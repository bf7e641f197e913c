"""Names of blocks: their groups, their layers and short forms; and labels of distances."""
from __future__ import annotations

import os
import re
from typing import Sequence

# Labels of axes.
DISTANCES = {
    "js": "Jensen-Shannon divergence of spectra (nat)",
    "js_distance": "Jensen-Shannon distance of spectra (nat^½)",
    "js_raw": "Jensen-Shannon divergence of spectra, without the grid's step",
    "js_log": "Jensen-Shannon divergence of logarithms of spectra (nat)",
    "wasserstein": "Wasserstein distance of spectra (loss / parameter²)",
}
# The groups of `hessian.partition: group`, in the order of the figures.
GROUPS = ("Emb", "QK", "VO", "FFN", "Norm", "Conv", "Other")
MEANING = {"Emb": "embeddings and heads", "QK": "queries and keys", "VO": "values and outputs",
           "FFN": "feed-forward layers", "Norm": "normalisation", "Conv": "convolutions",
           "Other": "all others"}
# A result file has no roles, so groups come from the names that checkpoints use. The first
# pattern that is found in a name decides.
_PATTERNS = [(group, re.compile(pattern, re.IGNORECASE)) for group, pattern in (
    ("Norm", r"(^|[._])(ln|norm|bn)[._\d]|(^|[._])(ln_\w+|\w*layer_?norm\w*|\w*norm\d?)\.|norm"),
    ("QK", r"(^|[._])(query|key|[qk]_proj|[qk]_lin|w[qk]|[qk])([._]|$)"),
    ("VO", r"(^|[._])(value|v_proj|v_lin|w[vo]|v|o_proj|out_proj|out_lin)([._]|$)|"
           r"attn\.c_proj|attn\.proj|attention\.(output\.)?dense|attention\.output"),
    ("Emb", r"wte|wpe|embed|lm_head|patch|cls|position|classifier|pooler|score|^head\.|^heads\."),
    ("FFN", r"mlp|ffn|feed_forward|intermediate|output\.dense|\bfc\d?|gate_proj|up_proj|down_proj"
            r"|(^|\.)lin\d|(^|\.)w[123]\.|(^|\.)layers?\.\d+\.(weight|bias)|dense_(h|4h)"),
    ("Conv", r"conv|downsample|features\.\d"),
)]


def group_of(name: str) -> str:
    """Return the group of a block: Emb, QK, VO, FFN, Norm, Conv or Other."""
    if name in GROUPS:
        return name
    return next((group for group, pattern in _PATTERNS if pattern.search(name)), "Other")


def layer_of(name: str) -> int:
    """Return the first number in a name between dots, or -1."""
    found = re.search(r"(?:^|\.)(\d+)(?:\.|$)", name)
    return int(found.group(1)) if found else -1


def orders(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of the names in four orders: of the file, by layer, group and name."""
    places = range(len(names))
    layered = [at for at in places if layer_of(names[at]) >= 0]
    last = layered[-1] if layered else -1

    def by_layer(at: int) -> tuple[int, int]:
        layer = layer_of(names[at])
        return (layer if layer >= 0 else -1 if at < last else 10**9), at
    return {"by layer": sorted(places, key=by_layer),
            "by group": sorted(places, key=lambda at: (GROUPS.index(group_of(names[at])), at)),
            "by name": sorted(places, key=lambda at: natural(names[at])),
            "as in the file": list(places)}


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers in names by their value."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in re.split(r"(\d+)", name)]


def stem(names: Sequence[str]) -> str:
    """Return the words before dots with which all names begin."""
    found = os.path.commonprefix(list(names)) if len(names) > 1 else ""
    return found[:found.rfind(".") + 1]


# What checkpoints of Hugging Face write, without what every name has.
_SHORT = ((r"\.h\.(\d+)\.", r".\1."), (r"\.(encoder\.)?layers?\.(\d+)\.", r".\2."),
          (r"attn\.c_attn", "attn"), (r"\.weight\.(query|key|value)", r".\1"),
          (r"\.bias\.(query|key|value)", r".\1 bias"), (r"\.weight$", ""), (r"\.bias$", " bias"),
          (r"self_attn", "attn"))


def short_names(names: Sequence[str]) -> list[str]:
    """Return shorter names for legends and axes. They stay different from each other.

    Names longer than 34 characters lose their middle.
    """
    beginning = len(stem(names))
    if any(name[beginning:beginning + 1].isdigit() for name in names):  # "layers.0", not "0"
        beginning = max(0, names[0].rfind(".", 0, max(0, beginning - 1)) + 1)
    found = []
    for name in names:
        text = "." + name[beginning:]
        for pattern, to in _SHORT:
            text = re.sub(pattern, to, text)
        found.append(text[1:] or name)
    if len(set(found)) < len(set(names)):
        found = [name[beginning:] for name in names]
    cut = [text if len(text) <= 34 else f"{text[:10]}…{text[-23:]}" for text in found]
    return cut if len(set(cut)) == len(set(found)) else found


# Names on axes.

def common(names: Sequence[str]) -> str:
    """Return the stem of the names; empty if they are short with it."""
    return stem(names) if max(map(len, names), default=0) > 28 else ""


def short(name: str, length: int) -> str:
    """Cut a long name at its beginning, where names of blocks are alike."""
    return name if len(name) <= length else "…" + name[1 - length:]


def tick_names(names: Sequence[str], room: int) -> tuple[list[float], list[str], list[int]]:
    """Return places, labels and borders: a label for each block, or one for the blocks of a tensor
    together if there are many, and no more labels than there is room for."""
    groups = list(names)
    if len(names) > 24:
        groups = [re.sub(r"\.(neuron|head|token|row)\.\d+$", "", name) for name in names]
    starts = [i for i, group in enumerate(groups) if i == 0 or group != groups[i - 1]]
    borders = starts[1:] if len(starts) < len(names) else []
    beginning = len(common(groups))
    ticks: list[float] = []
    labels: list[str] = []
    for begin, end in zip(starts, [*starts[1:], len(names)]):
        place = (begin + end - 1) / 2
        if not ticks or (place - ticks[-1]) * room >= len(names):
            ticks.append(place)
            labels.append(short(groups[begin][beginning:], 28))
    return ticks, labels, borders
