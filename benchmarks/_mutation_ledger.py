"""What is known of the mutants: which of them the tests kill, and why the others change nothing.

mutation_killed.json has a digest of the name of each that is killed, mutation_survivors.json the names of
the others with their reasons. What is in neither is open.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from pathlib import Path

from _mutants import Mutant, mutants

ROOT = Path(__file__).parent.parent
FILES = [
    "_core/numerics",
    "_core/geometric",
    "_core/progress",
    "_core/periods",
    "_core/points",
    "_core/shape",
    "_core/per_piece",
    "_core/wave",
    "_core/host",
    "_core/bound",
    "_core/arithmetic",
    "_core/compose",
    "_core/random",
    "_forms/exponential",
    "_forms/power_law",
    "_forms/transition",
    "_forms/step_decay",
    "_forms/table",
    "_forms/restarts",
    "_forms/waves",
    "_operators/repeat",
    "_optimizer/plateau_rule",
    "_optimizer/improvement",
    "shapes",
    "_forms/measured",
    "_operators/noise",
    "_operators/clock",
    "_operators/warmup",
    "_operators/bounds",
    "_forms/knots",
    "_forms/tabulate",
    "_forms/cycles",
    "_forms/onecycle",
    "_forms/phases",
    "_forms/presets",
    "_forms/recipes",
]
OUTSIDE = {
    "They check, bind and keep hyperparameters, and hand a step to the forms": [
        "checks",
        "_core/decorators",
        "_core/form",
        "_core/frozen",
        "_core/near",
        "_core/operand",
        "_core/schedule",
        "_later",
    ],
    "Around the schedules: configuration and text, tools that measure and draw, other libraries' objects, "
    "and the state of an optimizer": [
        "_config/*",
        "_tools/*",
        "interop/*",
        "_optimizer/*",
        "__main__",
    ],
}
"""Why the other modules are not mutated; those that say only what is public are not named."""
KILLED = Path(__file__).parent / "mutation_killed.json"
REASONS = Path(__file__).parent / "mutation_survivors.json"


def outside() -> dict[str, list[str]]:
    """The modules that are not mutated, under the reason."""
    paths = sorted((ROOT / "jaxsched").rglob("*.py"))
    names = [path.relative_to(ROOT / "jaxsched").with_suffix("").as_posix() for path in paths]
    rest = [name for name in names if name not in FILES and not name.endswith("__init__")]
    found: dict[str, list[str]] = {
        why: [name for name in rest if any(map(partial(fnmatchcase, name), patterns))]
        for why, patterns in OUTSIDE.items()
    }
    named = Counter(chain(*found.values()))
    if named != Counter(rest):
        raise ValueError(
            f"without a reason, or with two: {named - Counter(rest)}, {Counter(rest) - named}"
        )
    return found


def mutants_of(name: str) -> tuple[ast.Module, list[Mutant]]:
    """The tree of one of the files, and its mutants."""
    return mutants(ROOT / "jaxsched" / f"{name}.py", ROOT)


class Ledger:
    def __init__(self) -> None:
        texts: dict[str, str] = json.loads(KILLED.read_text())
        self.killed = {file: set(text.split()) for file, text in texts.items()}
        self.reasons: dict[str, str] = {
            name: entry["why"]
            for entry in json.loads(REASONS.read_text())
            for name in entry["mutants"]
        }

    def is_killed(self, mutant: Mutant) -> bool:
        return _digest(mutant) in self.killed.get(mutant.file, ())

    def is_open(self, mutant: Mutant) -> bool:
        return not self.is_killed(mutant) and mutant.name not in self.reasons

    def add(self, killed: Mutant) -> None:
        self.killed.setdefault(killed.file, set()).add(_digest(killed))

    def keep(self, every: list[Mutant]) -> None:
        """Forgets the killed ones of code that is no more, and the reasons of such."""
        known = [mutant for mutant in every if self.is_killed(mutant)]
        self.killed = {}
        for mutant in known:
            self.add(mutant)
        self.save()
        surviving = {mutant.name for mutant in every} - {mutant.name for mutant in known}
        entries = json.loads(REASONS.read_text())
        for entry in entries:
            entry["mutants"] = [name for name in entry["mutants"] if name in surviving]
        kept = [entry for entry in entries if entry["mutants"]]
        REASONS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")

    def save(self) -> None:
        texts = {file: " ".join(sorted(self.killed[file])) for file in sorted(self.killed)}
        KILLED.write_text(json.dumps(texts, indent=0) + "\n")


def _digest(mutant: Mutant) -> str:
    return hashlib.sha256(mutant.name.encode()).hexdigest()[:7]
