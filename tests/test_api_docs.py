"""docs/api is written from the docstrings: every public name is there, none is malformed, none is stale."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import jaxsched as js
from docs import api
from docs._docstring import parse
from docs._markdown import UnknownTargetError, docstring, inline
from docs._signature import signature

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ENTRIES = api.entries()
PAGES = api.pages()


def test_every_public_name_has_an_entry():
    expected = set()
    for module in (js, js.shapes, js.checks):
        inside = f"{module.__name__}.".removeprefix("jaxsched.")
        expected |= {
            inside + name
            for name, value in ((name, getattr(module, name)) for name in dir(module))
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        }
    names = {entry.name for entry in ENTRIES}
    assert len(expected) > 120
    assert not expected - names
    assert {"shapes.cosine", "shapes.Shape", "checks.positive", "interop.from_torch"} <= names


@pytest.mark.parametrize("module", [js.shapes, js.checks], ids=lambda module: module.__name__)
def test_what_a_module_says_is_public_is_what_is_documented(module):
    """And not the np and nx that it imports."""
    documented = {name for name, *_ in api.public_names(module) if not name.startswith("_")}
    assert module.__all__ == sorted(documented)
    space = {}
    exec(f"from {module.__name__} import *", space)
    assert space.keys() - {"__builtins__"} == documented


def test_no_name_stands_twice_and_none_is_private():
    names = [entry.name for entry in ENTRIES]
    assert len(names) == len(set(names))
    assert not [name for name in names if "._" in name or name.startswith("_")]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_docstring_is_well_formed_and_fits_the_signature(entry):
    assert api.problems(entry) == []


def takes(a, *items, key=1, **others):
    pass


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "no docstring"),
        ("Does.\n\nParams:\n  a: one.", "unknown section 'Params:'"),
        ("Does.\n\nArgs:\n  a: one.", "Args are ['a'], the signature has ['a', '*items', "),
        (
            "Does.\n\nArgs:\n  a: one.\n  *items: more.\n  **others: those.\n  key: it.",
            "Args are ['a', '*items', '**others', 'key'], the signature has",
        ),
        ("Does.\n\nRaises:\n  whatever happens.", "Raises: no item: 'whatever happens.'"),
        ("Does.\n\nReturns:\n  One.\n\nReturns:\n  Two.", "two sections 'Returns'"),
        ("Does.\n\nReturns: a number.", "text in the line of 'Returns'"),
        ("Does.\n\nReturns:\n\nRaises:\n  ValueError: no.", "empty section 'Returns'"),
        ("Does.\n\nReturns:\n  One.\n\nAnd more.", "text after the sections: 'And more.'"),
    ],
)  # fmt: skip
def test_a_malformed_docstring_is_found(text, problem):
    found = api.problems(api.Entry("takes", takes, "tools", parse(text)))
    assert [each for each in found if each.startswith(problem)], found


def test_a_good_docstring_is_not():
    text = (
        "Does.\n\nArgs:\n  a: one.\n  *items: more.\n  key: it,\n    whatever.\n  **others: those."
    )
    entry = api.Entry("takes", takes, "tools", parse(text))
    assert api.problems(entry) == []
    assert entry.doc.items("Args")[2] == ("key", "it, whatever.")
    assert signature(takes, "takes") == "takes(a, *items, key=1, **others)"


def test_roles_become_links_formulas_and_code():
    targets = {"Schedule": "own.md#schedule"}
    text = ":class:`Schedule` at :math:`t_0`, ``2**3`` < 2**31 - 1 of :func:`json.dumps`, <b>"
    assert inline(text, targets) == (
        "[`Schedule`](own.md#schedule) at $`t_0`$, `2**3` < 2\\*\\*31 - 1 of `json.dumps`, \\<b>"
    )
    with pytest.raises(UnknownTargetError, match="`NoSuch` is nothing public"):
        inline(":class:`NoSuch`", targets)


def test_blocks_become_fences():
    text = "One\nline.\n\n.. math:: a\n   b\n\nSo::\n\n    x = 1\n\n"
    text += "Example:\n  >>> 1\n  1\n\n  Or:\n\n  >>> 2\n  2"
    assert docstring(parse(text), {}) == [
        "One\nline.",
        "```math\na\nb\n```",
        "So:",
        "```python\nx = 1\n```",
        "**Example**",
        "```pycon\n>>> 1\n1\n```",
        "Or:",
        "```pycon\n>>> 2\n2\n```",
    ]


def test_the_pages_are_what_the_generator_writes():
    """Run `python docs/api.py` where this fails."""
    written = {path.name: path.read_text() for path in (DOCS / "api").iterdir()}
    assert written.keys() == PAGES.keys()
    assert [name for name, text in PAGES.items() if written[name] != text] == []


def test_every_picture_is_shown_beside_its_name():
    shown = re.findall(
        r"^## (\w+)\n\n!\[\1\]\(\.\./images/\1\.png\)$", "\n".join(PAGES.values()), re.MULTILINE
    )
    assert sorted(shown) == sorted(path.stem for path in (DOCS / "images").glob("*.png"))
    assert len(shown) > 60


def headings(text: str) -> list[str]:
    """The anchors of a page, as GitHub makes them."""
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", outside, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", text)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        assert page.exists(), target
        if anchor:
            assert anchor in headings(page.read_text()), target


def tables_without_a_head(text: str) -> list[str]:
    """The first lines of tables under which no line of dashes stands: Sphinx shows them as text."""
    lines = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).splitlines()
    return [
        line
        for above, line, below in zip(["", *lines], lines, [*lines[1:], ""], strict=False)
        if line.startswith("|")
        and not above.startswith("|")
        and not re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", below)
    ]


WRITTEN = [*sorted(DOCS.rglob("*.md")), *ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_row_is_cut_off_from_its_table(path):
    assert tables_without_a_head(path.read_text()) == []


def test_a_row_that_is_cut_off_would_be_found():
    table = "| a |\n| ---: |\n| 1 |\n"
    assert tables_without_a_head(f"Text.\n\n{table}\n{table}") == []
    assert tables_without_a_head(f"{table}\n| 2 |\n| 3 |\n") == ["| 2 |"]
    assert tables_without_a_head("```\n| x |\n```\n") == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable(name):
    text = PAGES[name]
    outside = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r":\w+:`", text)  # a role
    assert ".. math::" not in text
    assert "``" not in re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    assert text.count("\n```") % 2 == 0
    assert not re.search(r"0x[0-9a-f]{6}|<function|<class|ForwardRef|_core|_forms", outside)
    anchors = headings(text)
    assert len(anchors) == len(set(anchors))


def test_the_front_page_has_every_page():
    """Every page of docs, and those of docs/porting, is reached from docs/README.md."""
    linked = set(re.findall(r"\]\(([^)#\s]+)", (DOCS / "README.md").read_text()))
    pages = {path.relative_to(DOCS) for path in DOCS.rglob("*.md")}
    pages -= {Path("README.md"), *(Path("api") / name for name in PAGES if name != "README.md")}
    assert sorted(str(path) for path in pages if str(path) not in linked) == []


def test_it_is_written_with_jaxsched_alone():
    """No documentation tool is imported."""
    code = (
        "import sys; before = set(sys.modules); sys.path[:0] = ['docs', '.']; import api; api.pages();"
        "print(sorted({'sphinx', 'docutils', 'mkdocs', 'jinja2', 'markdown'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
