"""docs/mutation.md: how many mutants the tests kill, and why each survivor changes nothing."""

from __future__ import annotations

import textwrap
from itertools import chain

from _mutants import Mutant
from _mutation_ledger import FILES, ROOT, Ledger, mutants_of, outside

PAGE = ROOT / "docs" / "mutation.md"

HEAD = """\
# Mutation testing

A mutant is a small change of the code: `<` for `<=`, `+` for `-`, 2 for 1, a guard left out, the branches
of a `where` swapped. Of {made} in the files below the tests notice {killed}. {explained} survive, and stand
below, each with the reason why no test can or need notice it. {left}

Run by `python benchmarks/mutation.py --trace FILE` (extra `test`; not on Windows), on a CPU, and written by
`--write`. A run takes hours on one core; one that was interrupted goes on.

## How it is done

- The changes are in `benchmarks/_mutants.py`: of comparisons (the boundary, the negation), of operators and
  constants, `min` for `max`, `floor` for `ceil`, branches swapped, a condition that never holds, a keyword,
  a reassignment or the call around a value left out; and of the templates of which host code is made.
  Docstrings, annotations, decorators and the texts of errors stay as they are.
- Which are killed is kept in `benchmarks/mutation_killed.json`, by the function and the changed expression:
  one that is written anew is open again. The order is random: a run that is ended early has tried a fair
  sample.
- Which test runs which statement is traced first. Against a mutant the tests run that run its statement,
  some seconds of them at the most (`--budget`). A test that fails kills it, so does an import that fails,
  and tests that do not end; a crash, or a test that is not found, leaves it open. What is of float64 runs
  under x64 (`--x64`).
- The reasons are checked by numbers (`--audit FILE`): the schedules of the tests, each of them with other
  hyperparameters and joined with such, and reducers that see sequences of metrics. Of those that run a
  survivor's statement the values on the host are compared with the right ones, and, where it makes another
  program for the device, those that both programs give.
- Each mutant runs in a fork of a process that has imported JAX and computed nothing, with the changed
  module compiled in memory: it costs its tests alone. Of the ready tools, mutmut puts a trampoline in the
  place of each function, of whose name and signature schedules are made here, and cosmic-ray starts Python
  and JAX again for each mutant. Neither changes `where` or the templates.

## The files

| file | mutants | killed | survive | open |
| --- | ---: | ---: | ---: | ---: |
"""
UNDECIDED = """\
{left} are open: they were not tried yet, or survived the tests that were tried. Of a file with none
open every mutant is decided; of the others a share was tried so far."""
REST = """
The modules that are not in the table, and why:

"""
SURVIVORS = """
## What survives

"""


def page(ledger: Ledger, files: dict[str, list[Mutant]]) -> str:
    """What docs/mutation.md says of the mutants of each file."""
    made, killed, explained, left = _numbers(list(chain(*files.values())), ledger)
    undecided = "None is open." if not left else UNDECIDED.format(left=left)
    text = HEAD.format(made=made, killed=killed, explained=explained, left=undecided)
    for file, found in files.items():
        text += f"| `{file}` | " + " | ".join(map(str, _numbers(found, ledger))) + " |\n"
    text += REST
    for why, names in outside().items():
        listed = f"{why}: " + ", ".join(f"`{name}`" for name in names) + "."
        lines = textwrap.wrap(
            listed, 108, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
        )
        text += "\n".join(lines) + "\n" if names else ""
    sections = [_section(file, found, ledger) for file, found in files.items()]
    return text + SURVIVORS + "\n".join(filter(None, sections))


def found() -> dict[str, list[Mutant]]:
    """The mutants of today's code, of each file."""
    return {f"jaxsched/{name}.py": mutants_of(name)[1] for name in FILES}


def write() -> None:
    ledger, files = Ledger(), found()
    ledger.keep(list(chain(*files.values())))
    PAGE.write_text(page(ledger, files))


def _numbers(found: list[Mutant], ledger: Ledger) -> list[int]:
    killed = sum(map(ledger.is_killed, found))
    left = sum(map(ledger.is_open, found))
    return [len(found), killed, len(found) - killed - left, left]


def _section(file: str, found: list[Mutant], ledger: Ledger) -> str:
    why: dict[str, list[str]] = {}
    for mutant in found:
        if not ledger.is_killed(mutant) and mutant.name in ledger.reasons:
            change = mutant.name.removeprefix(f"{file}:")
            why.setdefault(ledger.reasons[mutant.name], []).append(change)
    lines = [f"### {file}", ""] if why else []
    for reason, changes in why.items():
        lines += [*textwrap.wrap(reason, 108), "", "```text", *changes, "```", ""]
    return "\n".join(lines)
