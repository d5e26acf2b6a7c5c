"""Reading YAML strictly: plain values, and the line that each of them stands on.

Read is what YAML 1.2 calls the core schema: `on`, `no` and `2025-04-20` are text. What would be taken
in silence, or could be a bomb, is refused: a key that is given twice, anchors, tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cachediff.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys, and places in lists from 0."""

_LONGEST_KEY = 200
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]{1,18}", "-+0123456789"),
    "float": (r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,2})?", "-+.0123456789"),
}  # fmt: skip


class _Loader(yaml.SafeLoader):
    """Written in Python: brackets alone could crash the one in C."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # of our own, not those of YAML 1.1

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        for name, sign in (("anchor", "anchors (&) and aliases (*)"), ("tag", "tags (!)")):
            if getattr(event, name, None):
                reason = f"{sign} are not taken: write it out or, if it is text, in quotes"
                raise yaml.MarkedYAMLError(problem=reason, problem_mark=event.start_mark)
        return super().compose_node(parent, index)


for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        _TAG + _name, re.compile(rf"(?:{_pattern})\Z"), list(_first) + [""] * (_name == "null")
    )


class Document:
    """A file's value, of plain dicts, lists and scalars, and the lines of its keys.

    Raises:
        ConfigError: it is not YAML, or is more than is taken; the message names the line and the key.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {}
        try:
            node = yaml.compose(content, _Loader)
            value = None if node is None else self._plain(node, ())
            self.value = {} if value is None else value
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            # Not the text of the error: it quotes the line, and there may be a password in it.
            reason = " ".join(filter(None, (error.context, error.problem)))
            raise ConfigError(f"{path}:{line}: this cannot be read: {reason}") from None
        except yaml.reader.ReaderError as error:
            raise ConfigError(
                f"{path} is not YAML in UTF-8: {error.reason} at {error.position}"
            ) from None
        except RecursionError:
            raise ConfigError(f"{path} is nested too deep") from None
        except (ValueError, OverflowError):
            raise ConfigError(f"{path} is not YAML: it escapes what is no character") from None

    def error(self, key: KeyPath, reason: str, hint: str = "") -> ConfigError:
        """What is wrong with the value at `key`, or that it is not there."""
        line = self._line(key)
        where = f"{self.path}:{line}" if line else f"{self.path}"
        return ConfigError(
            f"{where}: {written(key)}: {reason}" if key else f"{where}: {reason}", hint
        )

    def _line(self, key: KeyPath) -> int | None:
        """The line of a key or, where it is not there, of what it should stand in."""
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key)

    def _plain(self, node: yaml.Node, key: KeyPath) -> Any:
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, key))
        if not isinstance(node, yaml.SequenceNode):
            return self._scalar(node.tag.removeprefix(_TAG), node.value, key)
        values = []
        for place, item in enumerate(node.value):
            self._lines[(*key, place)] = item.start_mark.line + 1
            values.append(self._plain(item, (*key, place)))
        return values

    def _items(self, node: yaml.MappingNode, above: KeyPath) -> Iterator[tuple[str, Any]]:
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise self.error(above, "a key is text", "put it in quotes")
            if not name.value.isprintable() or "`" in name.value or len(name.value) > _LONGEST_KEY:
                raise self.error(above, f"{name.value[:_LONGEST_KEY]!r} is not a key")
            key = (*above, name.value)
            if key in self._lines:
                raise self.error(key, f"given twice, again in line {name.start_mark.line + 1}")
            self._lines[key] = name.start_mark.line + 1
            yield name.value, self._plain(value, key)

    def _scalar(self, tag: str, text: str, key: KeyPath) -> str | int | float | bool | None:
        match tag:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float":
                return float(text)
        if _SURROGATE.search(text):
            raise self.error(key, "half a character is escaped here")
        return text


def written(key: KeyPath) -> str:
    """A path of keys as it is told: `jobs.nightly.stacks[0]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
