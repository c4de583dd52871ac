"""What an optimized program launches: read off its HLO text, so that it needs no profiler."""

import re
from dataclasses import dataclass

# These run nothing on the device.
FREE = {
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "add-dependency",
    "opt-barrier", "get-dimension-size", "partition-id", "replica-id",
}  # fmt: skip

_HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{\s*$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = (?:\(.*?\)|\S+) ([a-z][\w\-]*)\(")
_CALLED = re.compile(r"(?:to_apply|calls|called_computations)=\{?%?([\w.\-]+)")
_BODY = re.compile(r"body=%?([\w.\-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}|(?:true|false)_computation=%?([\w.\-]+)")


@dataclass(frozen=True)
class Launches:
    """Kernels (fusions, library calls, copies and single operations), and branches."""

    kernels: int = 0
    conditionals: int = 0

    def __add__(self, other):
        return Launches(self.kernels + other.kernels, self.conditionals + other.conditionals)


def computations(text):
    """The name of the entry, and name -> [(operation, line)]."""
    entry, found, lines = "", {}, []
    for line in text.splitlines():
        if head := _HEAD.match(line):
            lines = found[head[2]] = []
            entry = head[2] if head[1] else entry
        elif instruction := _INSTRUCTION.match(line):
            lines.append((instruction[1], line))
    if not entry:
        raise ValueError("no HLO text with an entry computation")
    return entry, found


def launches(text):
    """Of one run of the program; what a loop in it does counts once."""
    entry, found = computations(text)
    return _launches(entry, found)


def launches_per_step(text):
    """Of one turn of the program's loop, the first that it comes to."""
    entry, found = computations(text)
    body = _loop_of(entry, found)
    if body is None:
        raise ValueError("the program has no loop: it was unrolled, or computed while compiling")
    return _launches(body, found)


def _launches(name, found):
    return sum((_cost(operation, line, found) for operation, line in found[name]), Launches())


def _cost(operation, line, found):
    if operation in FREE or operation.endswith(("-done", "-update")):
        return Launches()
    if operation == "while":
        return _launches(_BODY.search(line)[1], found)
    if operation in ("call", "async-start"):  # a GPU's command buffer is a call
        return _launches(_CALLED.search(line)[1], found)
    if operation == "conditional":
        branches = [_launches(branch, found) for branch in _branches(line)]
        return Launches(0, 1) + max(branches, key=lambda branch: branch.kernels)
    return Launches(1)


def _branches(line):
    for several, one in _BRANCHES.findall(line):
        yield from (name.strip().lstrip("%") for name in (several or one).split(","))


def _loop_of(name, found):
    """The body of the first loop, in calls too."""
    for operation, line in found[name]:
        if operation == "while":
            return _BODY.search(line)[1]
        if operation == "call" and (body := _loop_of(_CALLED.search(line)[1], found)):
            return body
    return None
