"""Boxes for operators that no block and no name has put into one.

TensorBoard draws all nodes of a box side by side, and a hundred of them are unreadable. If a box
has too many operators, they are put into boxes of their own:

- Layers that are numbered by their stage, in one box for each stage: `conv1_1`, `relu1_1`, `pool1`
  in `conv1`.
- Operators whose results only one operator uses, with that operator: the twelve that prepare the
  inputs of `concat0`, and `concat0`, are drawn as one box.

Neither makes the graph of boxes cyclic if the graph of operators is not.
"""
from __future__ import annotations

import re
from collections import Counter
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

# A person can read a box of up to this many operators; a larger one is divided.
_READABLE = 30
# An operator with at least this many inputs joins parts that are worth a box each.
_JOINS = 8

_STAGE = re.compile(r"([a-z]+)(\d+)(?:_\d+)*$")


def with_boxes(nodes: Sequence[Mapping[str, Any]], names: Dict[int, str],
               heads: Iterable[int]) -> Dict[int, str]:
    """`names` of operators by index, those in boxes too large to be read with boxes inserted.

    nodes: with "op", "name" and "inputs", in an order in which each follows its inputs.
    heads: the nodes that are outputs of the network.
    """
    count = Counter(_box(name) for name in names.values())
    found = dict(names)
    for box, number in count.items():
        if number > _READABLE:
            inside = [index for index in sorted(names) if _box(names[index]) == box]
            places = _stages(nodes, names, inside)
            rest = [index for index in inside if index not in places]
            if len(rest) > _READABLE:
                places.update(_parts(nodes, names, rest, set(heads)))
            for index, place in places.items():
                found[index] = "/".join(filter(None, (box, place, _leaf(names[index]))))
    return found


def _stages(nodes: Sequence[Mapping[str, Any]], names: Mapping[int, str],
            inside: Sequence[int]) -> Dict[int, str]:
    """The stage of layers such as `conv1_1` and `relu1_1`, where several in a row are of one."""
    runs: List[Tuple[str, str, List[int]]] = []
    for index in inside:
        match = _STAGE.match(_leaf(names[index]))
        if match is None or _is_automatic(nodes[index]["op"], match.group(1)):
            runs.append(("", "", []))
        elif runs and runs[-1][1] == match.group(2):
            runs[-1][2].append(index)
        else:
            runs.append((match.group(1), match.group(2), [index]))
    return {index: kind + stage for kind, stage, members in runs if len(members) > 1
            for index in members}


def _is_automatic(operator: str, name: str) -> bool:
    """Whether MXNet has named an operator without a name: by its kind, with a running number."""
    return name == re.sub("[^a-z]", "", operator.lower())


def _parts(nodes: Sequence[Mapping[str, Any]], names: Mapping[int, str], inside: Sequence[int],
           heads: Set[int]) -> Dict[int, str]:
    """The box of each operator that only the operators of one box use."""
    members = set(inside)
    users: Dict[int, Set[int]] = {}
    for index, node in enumerate(nodes):
        for source in {entry[0] for entry in node["inputs"]}:
            users.setdefault(source, set()).add(index)
    places: Dict[int, str] = {}
    size: "Counter[str]" = Counter()
    for index in reversed(inside):
        following = users.get(index, set())
        boxes = {places[user] for user in following} if following <= members else set()
        place = _leaf(names[index])
        if len(boxes) == 1 and index not in heads:
            box, = boxes
            if len(following) == 1 and _joins(nodes, members, *following):
                place = f"{box}/{place}"
            elif size[box] < _READABLE:
                place = box
        places[index] = place
        size[place] += 1
    return {index: _shared(place, size) for index, place in places.items() if _shared(place, size)}


def _joins(nodes: Sequence[Mapping[str, Any]], members: Set[int], index: int) -> bool:
    return len({entry[0] for entry in nodes[index]["inputs"]} & members) >= _JOINS


def _shared(place: str, size: Mapping[str, int]) -> str:
    """The innermost box of `place` that holds more than one operator or box."""
    while place and size[place] < 2 and not any(other.startswith(f"{place}/") for other in size):
        place = _box(place)
    return place


def _box(name: str) -> str:
    return name.rpartition("/")[0]


def _leaf(name: str) -> str:
    return name.rpartition("/")[2]
