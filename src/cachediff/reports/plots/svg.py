"""What Lets-Plot draws, as SVG that a page can hold and colour, and as PNG of the same."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from importlib.resources import as_file, files
from textwrap import wrap
from xml.etree import ElementTree as ET

GRID = "#cccccc"
"""The colour in which the lines of the grid are drawn; in the SVG they are faint, in that of the text."""

# Lets-Plot reads links, formulas and fields in labels. Punctuation passes it as private characters,
# which no label can hold (`visible` escapes them), and is itself again in the SVG.
_VEIL = {ord(char): 0xE000 + ord(char) for char in string.punctuation if char not in "-_.,+@"}
_UNVEIL = {veiled: char for char, veiled in _VEIL.items()}

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_FRACTION = re.compile(r"-?\d+\.\d+(?:[eE]-?\d+)?")
_SIZE = re.compile(r"font-size:\s*([\d.]+)px")
_MARKS = {"rect": "width", "path": "d", "line": "x1", "circle": "r"}
_KEPT = {
    "g": ("transform",),
    "rect": ("x", "y", "width", "height", "fill"),
    "path": ("d", "transform", "fill", "stroke", "stroke-width"),
    "line": ("x1", "y1", "x2", "y2", "stroke", "stroke-width"),
    "circle": ("cx", "cy", "r", "fill"),
    "text": ("y", "dy", "text-anchor", "transform"),
    "tspan": ("x", "y", "dy"),
}

_TITLE_LETTERS, _TITLE_LINE = 88, 20
"""Letters in a line of a title, and its height in pixels."""


def veiled(label: str) -> str:
    """A label in which Lets-Plot finds nothing to read; `svg` lifts the veil."""
    return label.translate(_VEIL)


def svg(drawn: str, alternative: str, classes: Mapping[str, str]) -> str:
    """Make of what was drawn an element for a page, in which colours have `classes`."""
    # What is parsed was drawn here, a moment ago.
    root = ET.fromstring(drawn)  # noqa: S314
    width, height = _value(root.attrib["width"]), _value(root.attrib["height"])
    copy = ET.Element(
        "svg",
        {
            "xmlns": _NAMESPACE[1:-1],
            "class": "plot",
            "viewBox": f"0 0 {width} {height}",
            "width": width,
            "height": height,
            "role": "img",
            "aria-label": alternative,
            "font-family": "sans-serif",
        },
    )
    copy.extend(each for child in root for each in _cleaned(child, classes))
    return ET.tostring(copy, encoding="unicode")


def titled(svg: str, title: str) -> str:
    """An element of ours with a title above, broken into lines."""
    root = ET.fromstring(svg)  # noqa: S314
    lines = wrap(title, _TITLE_LETTERS)
    above = len(lines) * _TITLE_LINE + _TITLE_LINE // 2
    drawn = ET.Element(f"{_NAMESPACE}g", {"transform": f"translate(0 {above})"})
    drawn.extend(list(root))
    for child in list(root):
        root.remove(child)
    for number, line in enumerate(lines, 1):
        place = {"x": "4", "y": str(number * _TITLE_LINE), "fill": "currentColor"}
        ET.SubElement(root, f"{_NAMESPACE}text", place | {"font-size": "14"}).text = line
    root.append(drawn)
    height = float(root.attrib["height"]) + above
    root.attrib |= {"height": f"{height:g}", "viewBox": f"0 0 {root.attrib['width']} {height:g}"}
    ET.register_namespace("", _NAMESPACE[1:-1])
    return ET.tostring(root, encoding="unicode")


def png(svg: str) -> bytes:
    """Render an SVG of ours as PNG, with a font of ours, so that it looks the same everywhere."""
    import resvg_py

    with as_file(files("cachediff.reports.plots") / "fonts" / "Aileron-Regular.ttf") as font:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=svg,
                background="#ffffff",
                zoom=2,
                skip_system_fonts=True,
                font_files=[str(font)],
                sans_serif_family="Aileron",
            )
        )


def _cleaned(drawn: ET.Element, classes: Mapping[str, str]) -> list[ET.Element]:
    """An element without what would meddle with a page: styles, ids, names of classes; or none."""
    tag = drawn.tag.removeprefix(_NAMESPACE)
    if tag not in _KEPT:
        return []
    kept = {key: _value(value) for key, value in drawn.items() if key in _KEPT[tag]}
    children = [copy for child in drawn for copy in _cleaned(child, classes)]
    text = (drawn.text or "").strip().translate(_UNVEIL)
    if not (children or text or _MARKS.get(tag, "") in kept):
        return []
    copy = ET.Element(tag, kept)
    if tag == "text":
        size = _SIZE.search(drawn.get("style", ""))
        copy.attrib |= {"fill": "currentColor", "font-size": _value(size[1]) if size else "12"}
    elif kept.get("stroke") == GRID:
        copy.attrib |= {"stroke": "currentColor", "stroke-opacity": "0.15", "class": "plot-grid"}
    elif name := classes.get(kept.get("fill", "")) or classes.get(kept.get("stroke", "")):
        copy.set("class", name)
    copy.text = text or None
    copy.extend(children)
    return [copy]


def _value(value: str) -> str:
    if value.startswith("rgb("):
        return "#" + "".join(f"{int(part):02x}" for part in value[4:-1].split(","))
    return _FRACTION.sub(lambda number: f"{round(float(number[0]), 1) + 0:g}", value)
