"""`index.md` with a list of one-key maps `"<spec string>": spec-N.json`, beside those files (2021).

It is not valid YAML: the spec strings hold unescaped quotes (`fflags="-qzerosize"`). Spec strings
repeat, so nothing is keyed by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cachediff.manifests.format import UnreadableManifestError, list_items, quoted
from cachediff.manifests.interning import Interner
from cachediff.manifests.spec_json import read_spec_files
from cachediff.model.spec import Spec

_ITEM = re.compile(r'"(?P<text>.*)": (?P<name>spec-[0-9]+\.json)')


class SpecIndex:
    """`index.md`."""

    page = "index.md"

    def recognises(self, front_matter: Mapping[bytes, bytes]) -> bool:
        """Whether there is a `spec_files`."""
        return b"spec_files" in front_matter

    def read(
        self,
        package: str,
        front_matter: Mapping[bytes, bytes],
        files: Mapping[str, bytes],
        interner: Interner,
    ) -> tuple[list[Spec], list[tuple[str, str]]]:
        """The specs and problems of one page; see `ManifestFormat.read`."""
        listed = []
        for text in list_items(self.page, "spec_files", front_matter[b"spec_files"]):
            item = _ITEM.fullmatch(text)
            if item is None:
                raise UnreadableManifestError(
                    self.page, f"spec_files: not a spec and its file: {quoted(text)}"
                )
            listed.append((item["text"], item["name"]))
        return read_spec_files(self.page, package, listed, files, interner)
