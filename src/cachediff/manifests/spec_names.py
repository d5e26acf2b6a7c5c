"""`specs.md` with `spec_files` and a parallel `spec_names`, beside their `spec-N.json` (2022)."""

from __future__ import annotations

from collections.abc import Mapping

from cachediff.manifests.format import UnreadableManifestError, list_items
from cachediff.manifests.interning import Interner
from cachediff.manifests.spec_json import read_spec_files
from cachediff.model.spec import Spec


class SpecNames:
    """`specs.md` with `spec_files` and `spec_names`."""

    page = "specs.md"

    def recognises(self, front_matter: Mapping[bytes, bytes]) -> bool:
        """Whether there are both lists."""
        return b"spec_files" in front_matter and b"spec_names" in front_matter

    def read(
        self,
        package: str,
        front_matter: Mapping[bytes, bytes],
        files: Mapping[str, bytes],
        interner: Interner,
    ) -> tuple[list[Spec], list[tuple[str, str]]]:
        """The specs and problems of one page; see `ManifestFormat.read`."""
        names = list_items(self.page, "spec_files", front_matter[b"spec_files"])
        texts = list_items(self.page, "spec_names", front_matter[b"spec_names"])
        if len(names) != len(texts):
            raise UnreadableManifestError(
                self.page, f"{len(names)} spec_files, but {len(texts)} spec_names"
            )
        listed = [(text.strip("'"), name) for text, name in zip(texts, names, strict=True)]
        return read_spec_files(self.page, package, listed, files, interner)
