"""Writes the reference of every public name from its docstring.

    python docs/api.py

writes `docs/api/*.md`; nothing but jaxsched is needed. `tests/test_api_docs.py` runs the same code:
a page that is not what this writes fails, and so does a docstring that is malformed or does not fit
its signature.
"""

import argparse
import ast
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [path for path in (str(FOLDER), str(FOLDER.parent)) if path not in sys.path]

import _markdown  # noqa: E402 (the path is set for the script's sake)
from _docstring import Docstring, parse  # noqa: E402 (likewise)
from _signature import is_constraint, parameters_as_written, parameters_of, signature  # noqa: E402 (likewise)

import jaxsched  # noqa: E402 (likewise)

# page -> (title, what it holds, the modules whose names stand there)
PAGES = {
    "schedules": ("Schedules", "Schedules by name.", ("_forms.", "_core.compose")),
    "shapes": ("Shapes", "How a transition gets from 1 to 0: `jaxsched.shapes`.", ("shapes",)),
    "operators": (
        "Operators",
        "What takes schedules and gives another.",
        ("_operators.", "_core.arithmetic"),
    ),
    "own": (
        "Your own schedules",
        "The type, and the decorators that make it of a function.",
        ("_core.schedule", "_core.decorators"),
    ),
    "checks": ("Checks", "What a hyperparameter may be: `jaxsched.checks`.", ("checks",)),
    "optimizer": (
        "Optimizer and plateau",
        "Reducing on a plateau, and reading the rate in use.",
        ("_optimizer.",),
    ),
    "configuration": (
        "Configuration",
        "Schedules as plain data and text, and the length of a run.",
        ("_config.",),
    ),
    "tools": ("Tools", "Looking at schedules, finding rates, reading losses.", ("_tools.",)),
    "interop": (
        "Interop",
        "Schedulers of other frameworks as schedules with the same curve: `jaxsched.interop`.",
        ("interop",),
    ),
}


@dataclass(frozen=True)
class Entry:
    """A public name.

    Attributes:
      name: as a user writes it after `jaxsched.`, or of a member after its class.
      value: the object.
      page: the page on which it stands.
      doc: its docstring.
      members: of a class, its public methods and properties.
    """

    name: str
    value: Any
    page: str
    doc: Docstring
    members: tuple["Entry", ...] = ()

    @property
    def heading(self) -> str:
        """The name on its page. `Schedule` and `schedule` would have the same anchor otherwise."""
        name = self.name.removeprefix("shapes.").removeprefix("checks.").removeprefix("interop.")
        return f"class {name}" if inspect.isclass(self.value) else name

    @property
    def anchor(self) -> str:
        """The place of the heading, as GitHub names it."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")


def public_names(module: ModuleType) -> Iterator[tuple[str, str, str | None]]:
    """(name, module it comes from, docstring if it is a constant) of what a module offers.

    That is what it defines or imports as itself (`from x import a as a`), and documented constants.
    """
    body = ast.parse(inspect.getsource(module)).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname == alias.name:
                    yield alias.name, node.module or "", None
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, module.__name__, None
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(after, ast.Expr):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and isinstance(after.value, ast.Constant):
                yield target.id, module.__name__, str(after.value.value)


def page_of(module: str) -> str:
    """The page for names that come from a module."""
    inside = module.removeprefix("jaxsched.")
    return next(
        page for page, (_, _, starts) in PAGES.items() if any(map(inside.startswith, starts))
    )


def members_of(cls: type, name: str, page: str) -> tuple[Entry, ...]:
    """The public methods and properties that a class of ours has from us."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if base.__module__.startswith("jaxsched"):
            for key, value in vars(base).items():
                ours = isinstance(value, property) or inspect.isfunction(value)
                if ours and not key.startswith("_"):
                    found.setdefault(key, value)
    return tuple(
        Entry(f"{name}.{key}", value, page, parse(inspect.getdoc(value)))
        for key, value in found.items()
    )


def entries() -> list[Entry]:
    """Every public name: of the package, of its public modules and of the interop modules."""
    package = (jaxsched, importlib.import_module("jaxsched._later"))
    modules = [*package, jaxsched.shapes, jaxsched.checks]
    interop = importlib.import_module("jaxsched.interop")
    names = sorted(m.name for m in pkgutil.iter_modules(interop.__path__) if m.name[0] != "_")
    modules += [interop, *(importlib.import_module(f"jaxsched.interop.{name}") for name in names)]
    found, seen = [], set[int]()
    for module in modules:
        home = jaxsched if module in package else module
        for key, origin, text in public_names(module):
            value = getattr(home, key)
            if key.startswith("_") or isinstance(value, ModuleType):
                continue
            if id(value) in seen:  # a module of `interop` and `interop` itself have it
                continue
            seen.add(id(value))
            page = page_of(origin if home is jaxsched else module.__name__)
            name = f"{home.__name__}.{key}".removeprefix("jaxsched.")
            doc = parse(inspect.cleandoc(text) if text else inspect.getdoc(value))
            members = members_of(value, name, page) if inspect.isclass(value) else ()
            found.append(Entry(name, value, page, doc, members))
    return sorted(found, key=lambda entry: entry.name.lower())


def problems(entry: Entry) -> list[str]:
    """What is wrong with a docstring, in itself or beside its signature."""
    doc, value = entry.doc, entry.value
    documented = [name for name, _ in doc.items("Args")]
    attributes = [name for name, _ in doc.items("Attributes")]
    doc.items("Raises")
    found = list(dict.fromkeys(doc.problems))
    if inspect.isfunction(value) or documented:
        allowed = [[] if is_constraint(value) else parameters_of(value)]
        if inspect.isfunction(value):
            allowed.append(parameters_as_written(value))
        if documented not in allowed:
            found.append(f"Args are {documented}, the signature has {allowed[0]}")
    fields = getattr(value, "_fields", None) or tuple(getattr(value, "__dataclass_fields__", ()))
    expected = [name for name in fields if not name.startswith("_")]
    if expected and not documented and attributes != expected:
        found.append(f"Attributes are {attributes}, the class has {expected}")
    return found + [problem for member in entry.members for problem in problems(member)]


def links() -> dict[str, str]:
    """What a role in a docstring may name -> the place of its entry."""
    found = {f"jaxsched.{page}": f"{page}.md" for page in ("shapes", "checks", "interop")}
    for entry in entries():
        for one in (entry, *entry.members):
            for name in (one.name, f"jaxsched.{one.name}", one.name.rpartition(".")[2]):
                found.setdefault(name, f"{one.page}.md#{one.anchor}")
    return found


def rendered(entry: Entry, targets: dict[str, str], level: str = "##") -> str:
    """An entry as Markdown."""
    parts = [f"{level} {entry.heading}"]
    if (FOLDER / "images" / f"{entry.name}.png").exists():  # drawn by gallery.py
        parts.append(f"![{entry.name}](../images/{entry.name}.png)")
    is_class = inspect.isclass(entry.value)
    if (inspect.isfunction(entry.value) and not is_constraint(entry.value)) or (
        is_class and "Args" in entry.doc.sections
    ):
        parts.append(f"```python\n{signature(entry.value, entry.name)}\n```")
    parts += _markdown.docstring(entry.doc, targets)
    parts += [rendered(member, targets, "###") for member in entry.members]
    return "\n\n".join(parts)


def pages() -> dict[str, str]:
    """File name -> its text, the index included."""
    found, targets = entries(), links()
    written, index = (
        {},
        ["# Reference", "Every public name, from its docstring: `python docs/api.py`."],
    )
    for page, (title, about, _) in PAGES.items():
        on_page = [entry for entry in found if entry.page == page]
        rows = [
            f"| [`{e.name}`]({page}.md#{e.anchor}) | {_markdown.inline(e.doc.summary, targets)} |"
            for e in on_page
        ]
        overview = "| name | |\n| --- | --- |\n" + "\n".join(
            row.replace("\\|", "|") for row in rows
        )
        index += [f"## [{title}]({page}.md)", about, overview]
        body = [rendered(entry, targets) for entry in on_page]
        written[f"{page}.md"] = "\n\n".join([f"# {title}", about, *body]) + "\n"
    written["README.md"] = "\n\n".join(index) + "\n"
    return written


def main() -> None:
    """Writes the pages, and removes those that are no more."""
    argparse.ArgumentParser(description=__doc__.split("\n\n")[0]).parse_args()
    wrong = {entry.name: found for entry in entries() if (found := problems(entry))}
    if wrong:
        raise SystemExit("\n".join(f"{name}: {'; '.join(found)}" for name, found in wrong.items()))
    folder, written = FOLDER / "api", pages()
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (folder / name).write_text(text)
    print(f"{len(entries())} names on {len(written)} pages in {folder.relative_to(FOLDER.parent)}")


if __name__ == "__main__":
    main()
