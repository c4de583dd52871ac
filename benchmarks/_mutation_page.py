"""docs/mutation.md: the results of a run, and why each survivor changes nothing that is promised."""

from __future__ import annotations

import importlib.metadata
import json
import textwrap
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "mutation.md"
KNOWN = Path(__file__).parent / "mutation_survivors.json"

HEAD = """\
# Mutation testing

A mutant is a small change of the code: `<` for `<=`, `+` for `-`, 2 for 1, a guard left out, the branches
of a `where` swapped. Of {made} in the files below {total} were tried, and the tests notice {killed}. Of the
others {survivors} stand below, each with the reason why no test can or need notice it; {undecided} are
undecided: they survived the first few tests, and have not been run against more of them yet.

Written by `python benchmarks/mutation.py --results FILE`, and then with `--write` (extra `test`; not on
Windows), with jax {jax} on a CPU. A run takes hours on one core; one that was interrupted goes on.

## How it is done

- The changes are in `benchmarks/_mutants.py`: of comparisons (the boundary, the negation), of operators and
  constants, `min` for `max`, `floor` for `ceil`, branches swapped, a condition that never holds, a keyword,
  a reassignment or the call around a value left out; and of the templates of which host code is made.
  Docstrings, annotations, decorators and the texts of errors stay as they are.
- The order is random: a run that is ended early has tried a fair sample. Of the files marked with * not all
  mutants were tried, and of some more files (`SAMPLED` in `benchmarks/mutation.py`) none yet. Code that was
  changed since counts as not tried.
- Which test runs which statement is traced first. Against a mutant the tests run that run its statement,
  {budget:.0f} seconds of them at the most. A test that fails kills it, so does an import that fails, and
  tests that do not end. What survived was run against all tests of its own file, and where it is of float64
  under x64 (`--again`, `--budget`, `--x64`).
- Each mutant runs in a fork of a process that has imported JAX and computed nothing, with the changed
  module compiled in memory: it costs its tests alone. Of the ready tools, mutmut puts a trampoline in the
  place of each function, of whose name and signature schedules are made here, and cosmic-ray starts Python
  and JAX again for each mutant. Neither changes `where` or the templates.

## The files

| file | mutants | tried | killed | of these by time | survive | undecided |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""
SURVIVORS = """
## What survives

"""


def reasons() -> list[dict[str, Any]]:
    """What is known: patterns of mutants' names, and why they change nothing."""
    return json.loads(KNOWN.read_text())


def write(rows: dict[str, dict[str, Any]], made: dict[str, int], budget: float) -> None:
    """Writes the page; refuses to while a survivor of all tests of its file has no reason."""
    known, unknown = reasons(), []
    undecided: set[str] = set()
    used = [0] * len(known)
    why: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.values():
        if row["result"] == "killed":
            continue
        for i, entry in enumerate(known):
            if any(_matches(row["name"], pattern) for pattern in entry["mutants"]):
                used[i] += 1
                change = row["name"].split(": ", 1)[1]
                why[row["file"]][entry["why"]].append(f"{row['function']}: {change}")
                break
        else:
            unknown += [row["name"]] if row.get("again") else []
            undecided.add(row["name"])
    if unknown:
        raise SystemExit("without a reason in mutation_survivors.json:\n" + "\n".join(unknown))
    for entry, count in zip(known, used, strict=True):
        if not count:
            print(f"no survivor any more: {entry['mutants']}")
    table = [_line(file, number, rows, undecided) for file, number in made.items()]
    killed = sum(row["result"] == "killed" for row in rows.values())
    text = HEAD.format(
        made=sum(made.values()),
        total=len(rows),
        killed=killed,
        survivors=len(rows) - killed - len(undecided),
        undecided=len(undecided),
        jax=importlib.metadata.version("jax"),
        budget=budget,
    )
    text += "\n".join(table) + "\n" + SURVIVORS
    text += "\n".join(_section(file, why[file]) for file in made if file in why)
    PAGE.write_text(text)


def _matches(name: str, pattern: str) -> bool:
    literal = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(name, literal) if pattern.endswith("*") else name == pattern


def _line(file: str, made: int, rows: dict[str, dict[str, Any]], undecided: set[str]) -> str:
    tried = [row for row in rows.values() if row["file"] == file]
    killed = [row for row in tried if row["result"] == "killed"]
    late = sum(row["test"] == "time" for row in killed)
    mark = "*" if len(tried) < made else ""
    open_ = sum(row["name"] in undecided for row in tried)
    numbers = [made, len(tried), len(killed), late, len(tried) - len(killed) - open_, open_]
    return f"| `{file}`{mark} | " + " | ".join(map(str, numbers)) + " |"


def _section(file: str, why: dict[str, list[str]]) -> str:
    lines = [f"### {file}", ""]
    for reason, changes in why.items():
        lines += [*textwrap.wrap(reason, 108), "", "```text"]
        lines += changes
        lines += ["```", ""]
    return "\n".join(lines)
