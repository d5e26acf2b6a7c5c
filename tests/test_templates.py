"""Templates of the user's: in place of ours, block by block; sandboxed, escaped, and all documented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, meta, nodes

from cachediff.changelog import arrange
from cachediff.errors import ReportError
from cachediff.jobs.world import write_templates
from cachediff.reports import FORMATS, Layout
from cachediff.reports.templating import check_templates, originals, render
from commands import cachediff, refuses, succeeds
from report_cases import CASES, HOSTILE, hostile

DOCS = Path(__file__).parents[1] / "docs" / "templates.md"
ENTRY = "comparison.md.j2"
TEMPLATES = {
    "comparison.md.j2": "markdown",
    "comparison.html.j2": "html",
    "release-notes.md.j2": "release-notes",
}
"""Templates that make a whole report, and its format."""


def folder(path: Path, **templates: str | bytes) -> Path:
    """A folder of templates, each named by what stands before `.j2`, with `_` for dots."""
    path.mkdir(parents=True, exist_ok=True)
    for name, text in templates.items():
        content = text if isinstance(text, bytes) else text.encode()
        (path / f"{name.replace('_', '.')}.j2").write_bytes(content)
    return path


def markdown(templates: Path, case: str = "every-kind") -> str:
    return FORMATS["markdown"](CASES[case](), arrange, Layout(templates=templates))


# In place of ours.


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_originals_change_nothing(tmp_path: Path, name: str) -> None:
    write_templates(tmp_path / "all")
    for case in ("every-kind", "problems", "suspect-new"):
        ours = FORMATS[TEMPLATES[name]](CASES[case](), arrange, Layout())
        again = FORMATS[TEMPLATES[name]](CASES[case](), arrange, Layout(templates=tmp_path / "all"))
        assert again == ours


def test_a_template_takes_the_place_of_ours(tmp_path: Path) -> None:
    mine = folder(tmp_path, comparison_md="{{ title }}: {{ headline }}\n")
    assert markdown(mine).startswith("`develop-2025-04-13` → ")
    assert markdown(mine).count("\n") == 1
    # The others stay ours.
    for form in ("release-notes", "html"):
        layout = Layout(templates=mine)
        whole = CASES["every-kind"]()
        assert FORMATS[form](whole, arrange, layout) == FORMATS[form](whole, arrange, Layout())


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_block_can_be_replaced(tmp_path: Path, name: str) -> None:
    source = Environment(autoescape=True).parse(originals()[name].decode())
    blocks = [block.name for block in source.find_all(nodes.Block)]
    assert len(blocks) >= 3
    whole = CASES["every-kind"]()
    for block in blocks:
        text = (
            f'{{% extends "original/{name}" %}}'
            f"{{% block {block} %}}before {{{{ super() }}}} after{{% endblock %}}"
        )
        (tmp_path / name).write_text(text)
        mine = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-{block}"))
        report = FORMATS[TEMPLATES[name]](whole, arrange, Layout(templates=mine))
        assert re.search(r"before [^\0]* after", report), block
        mine.rename(tmp_path)


def test_parts_can_be_included(tmp_path: Path) -> None:
    mine = folder(tmp_path, comparison_md='{% include "part.md.j2" %}\n', part_md="<{{ title }}>")
    assert markdown(mine).startswith("<`develop-2025-04-13`")


# Escaped.


def test_whatever_html_includes_is_escaped(tmp_path: Path) -> None:
    mine = folder(tmp_path, comparison_html='{{ title }}{% include "part" %}{% include "x.txt" %}')
    (mine / "part").write_text("{{ title }}")
    (mine / "x.txt").write_text("{{ title }}")
    evil = hostile("<script>alert(1)</script>")
    report = FORMATS["html"](evil, arrange, Layout(templates=mine))
    assert "<script" not in report
    assert report.count("&lt;script&gt;") >= 3


def test_what_markdown_is_given_is_escaped_already(tmp_path: Path) -> None:
    mine = folder(tmp_path, comparison_md="{{ title }}\n{{ headline }}\n{{ sections }}\n")
    for line in FORMATS["markdown"](hostile(HOSTILE), arrange, Layout(templates=mine)).split("\n"):
        assert line.isprintable()


# Sandboxed, and errors that say where.


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "not a template": (
        "{% block x %}\n\n{{ a",
        r"comparison\.md\.j2:3: unexpected end of template",
    ),
    "no such tag": ("\n{% nothing %}", r"comparison\.md\.j2:2: Encountered unknown tag 'nothing'"),
    "no such filter": ("{{ title | nothing }}", r"\.md\.j2:1: No filter named 'nothing'"),
    "no such variable": ("\n\n{{ nothing }}", r"comparison\.md\.j2:3: 'nothing' is undefined"),
    "no such attribute": (
        "{{ sections[0].nothing }}",
        r"\.md\.j2:1: .* has no attribute 'nothing'",
    ),
    "not a number": ("{{ 1 / 0 }}", r"comparison\.md\.j2:1: division by zero"),
    "the class": ("{{ title.__class__ }}", r"\.md\.j2:1: access to attribute '__class__'"),
    "the globals": ("\n{{ title.__init__.__globals__ }}", r"\.md\.j2:2: access to attribute"),
    "a format": ("{{ '{0.__class__}'.format(title) }}", r"\.md\.j2:1: access to attribute"),
    "a filter": ("{{ title | attr('__class__') }}", r"\.md\.j2:1: access to attribute '__class__'"),
    "a change": ("{{ sections.append(1) }}", r"\.md\.j2:1: access to attribute 'append'"),
    "a long loop": ("{% for _ in range(10**9) %}{% endfor %}", r"\.md\.j2:1: Range too big"),
    "itself": ('{% extends "comparison.md.j2" %}', r"\.md\.j2:1: it extends or includes itself"),
    "nowhere": ('\n{% include "no.j2" %}', r"\.md\.j2:2: there is no template no\.j2"),
    "above": ('{% include "../secret" %}', r"\.md\.j2:1: there is no template \.\./secret"),
    "at the root": ('{% include "/etc/hostname" %}', r"\.md\.j2:1: there is no template /etc"),
    "bytes": (b"\xff\xfe\x00", r"comparison\.md\.j2: 'utf-8' codec can't decode"),
    "a call": ("{{ title() }}", r"\.md\.j2:1: 'str' object is not callable"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_template_that_fails_is_told_by_file_and_line(tmp_path: Path, case: str) -> None:
    text, reason = BROKEN[case]
    (tmp_path / "secret").write_text("secret")
    mine = folder(tmp_path / "mine", comparison_md=text)
    with pytest.raises(ReportError, match=reason) as caught:
        markdown(mine)
    assert str(mine / ENTRY) in caught.value.message
    assert "\n" not in caught.value.message


def test_a_part_that_fails_is_named_itself(tmp_path: Path) -> None:
    mine = folder(tmp_path, comparison_md='{% include "part" %}')
    (mine / "part").write_text("\n\n{{ nothing }}")
    with pytest.raises(ReportError, match=r"/part:3: 'nothing' is undefined"):
        markdown(mine)


def test_what_ours_needs_and_a_block_unsets_is_told(tmp_path: Path) -> None:
    text = '{% extends "original/comparison.md.j2" %}{% block title %}{{ ttile }}{% endblock %}'
    with pytest.raises(ReportError, match=r"comparison\.md\.j2:1: 'ttile' is undefined"):
        markdown(folder(tmp_path, comparison_md=text))


def test_a_folder_that_is_misspelt_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"there is no folder .*nowhere of templates"):
        markdown(tmp_path / "nowhere")
    with pytest.raises(ReportError, match="takes the place of one of ours") as caught:
        markdown(folder(tmp_path / "mine", comparision_md="x"))
    assert ENTRY in caught.value.hint


def test_a_block_that_is_misspelt_is_told(tmp_path: Path) -> None:
    extends = '{% extends "original/comparison.md.j2" %}'
    misspelt = folder(tmp_path / "a", comparison_md=extends + "{% block sumary %}{% endblock %}")
    with pytest.raises(ReportError, match="has no block 'sumary'") as error:
        check_templates(misspelt)
    assert "did you mean 'summary'?" in error.value.hint
    own = "{% block summary %}{% block ours %}{% endblock %}{% endblock %}"
    check_templates(folder(tmp_path / "b", comparison_md=extends + own))


def test_ours_are_rendered_from_values_alone() -> None:
    assert render("feed.xml.j2", None, id="<&", updated="x", entries=[]).count("&lt;&amp;") == 1


# The command.


def test_init_writes_the_originals_and_replaces_nothing(tmp_path: Path) -> None:
    out = succeeds("init", "--templates", folder=tmp_path)
    written = {path.name: path.read_bytes() for path in (tmp_path / "templates").iterdir()}
    assert written == originals()
    assert "--templates templates" in out
    changed = tmp_path / "templates" / ENTRY
    changed.write_text("mine")
    (tmp_path / "templates" / "index.html.j2").unlink()
    message = refuses("init", "--templates", folder=tmp_path)
    assert "is there already" in message
    assert changed.read_text() == "mine"
    assert not (tmp_path / "templates" / "index.html.j2").exists()
    succeeds("init", "--templates", "own words/templates", folder=tmp_path)
    assert (tmp_path / "own words" / "templates" / ENTRY).read_bytes() == originals()[ENTRY]
    (tmp_path / "file").write_text("kept")
    assert "cannot be written" in refuses("init", "--templates", "file", folder=tmp_path)
    assert not (tmp_path / "config.yaml").exists()


def test_a_broken_template_is_no_traceback(tmp_path: Path) -> None:
    folder(tmp_path / "mine", comparison_md="\x1b[31m{{ nothing }}")
    (tmp_path / "c.json").write_text(FORMATS["json"](CASES["every-kind"](), arrange, Layout()))
    arguments = ("render", "c.json", "-f", "markdown", "--templates")
    message = refuses(*arguments, "mine", folder=tmp_path)
    assert "template mine/comparison.md.j2:1: 'nothing' is undefined" in message
    assert "there is no folder nowhere" in refuses(*arguments, "nowhere", folder=tmp_path)
    assert cachediff(*arguments, "mine", "-f", "text", folder=tmp_path).code == 0


# Documented.


def documented() -> dict[str, set[str]]:
    """By template, all that stands in backticks below its heading."""
    sections = re.split(r"^## `(.*)`$", DOCS.read_text(), flags=re.MULTILINE)[1:]
    return {
        name: set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", " ".join(re.findall(r"`([^`\n]+)`", text))))
        for name, text in zip(sections[::2], sections[1::2], strict=True)
    }


def names_in(template: str) -> dict[str, set[str]]:
    source: Any = Environment(autoescape=True).parse(originals()[template].decode())
    imported = {
        name if isinstance(name, str) else name[1]
        for found in source.find_all(nodes.FromImport)
        for name in found.names
    }
    macros = {macro.name for macro in source.find_all(nodes.Macro)}
    local = {target.name for found in source.find_all(nodes.Macro) for target in found.args}
    return {
        "variables": meta.find_undeclared_variables(source) - imported - local - macros,
        "blocks": {block.name for block in source.find_all(nodes.Block)},
        "macros": macros,
        "attributes": {
            found.attr
            for found in source.find_all(nodes.Getattr)
            if not (isinstance(found.node, nodes.Name) and found.node.name == "loop")
        }
        - {"format", "items"},
    }


def test_every_template_is_documented() -> None:
    assert list(documented()) == sorted(originals())


@pytest.mark.parametrize("template", sorted(originals()))
@pytest.mark.parametrize("kind", ["variables", "blocks", "macros", "attributes"])
def test_every_name_is_documented(template: str, kind: str) -> None:
    assert names_in(template)[kind] - documented()[template] == set()


@pytest.mark.parametrize("template", sorted(originals()))
def test_nothing_else_is_documented(template: str) -> None:
    """What is listed as a variable or block is one."""
    text = DOCS.read_text().partition(f"## `{template}`\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    names = names_in(template)
    assert listed == names["variables"] | names["blocks"] | names["macros"]
