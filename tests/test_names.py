"""Names of snapshots: taken apart, put in order, and what is said to a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.sources import SnapshotName, choose, close_names, newest_first, parse_name, until
from cachediff.sources.names import newest_few

WELL_FORMED = [
    # text, source, collection, back, when
    ("develop", None, "develop", 0, None),
    ("develop-2025-04-20", None, "develop-2025-04-20", 0, None),
    ("v0.22.1", None, "v0.22.1", 0, None),
    ("cache:develop", "cache", "develop", 0, None),
    ("a:b:develop", "a:b", "develop", 0, None),
    ("develop-*", None, "develop-*", 0, None),
    ("develop-*~1", None, "develop-*", 1, None),
    ("cache:develop-*~12@HEAD~3", "cache", "develop-*", 12, "HEAD~3"),
    ("v0.2?.[0-9]~2", None, "v0.2?.[0-9]", 2, None),
    ("develop~1", None, "develop~1", 0, None),
    ("develop-*~x", None, "develop-*~x", 0, None),
    ("*", None, "*", 0, None),
    ("develop@HEAD~1", None, "develop", 0, "HEAD~1"),
    ("develop@origin/feature/x", None, "develop", 0, "origin/feature/x"),
    ("develop@v1.0^{commit}", None, "develop", 0, "v1.0^{commit}"),
    ("develop@@{upstream}", None, "develop", 0, "@{upstream}"),
    ("develop@2025-04-20", None, "develop", 0, "2025-04-20"),
    ("develop@2025-04-20T10:30:00+02:00", None, "develop", 0, "2025-04-20T10:30:00+02:00"),
    ("develop@2025-04-20 10:30", None, "develop", 0, "2025-04-20 10:30"),
    ("develop@previous", None, "develop", 0, "previous"),
    ("-rf", None, "-rf", 0, None),
    ("--upload-pack=x@--all", None, "--upload-pack=x", 0, "--all"),
    ("..", None, "..", 0, None),
    ("naïve-ключ", None, "naïve-ключ", 0, None),
]


@pytest.mark.parametrize(
    ("text", "source", "collection", "back", "when"),
    WELL_FORMED,
    ids=[row[0] for row in WELL_FORMED],
)
def test_a_name_is_taken_apart(
    text: str, source: str | None, collection: str, back: int, when: str | None
) -> None:
    assert parse_name(text) == SnapshotName(text, source, collection, back, when)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        ":",
        "@HEAD",
        "develop@",
        ":develop",
        "cache:",
        "cache:@HEAD",
        "develop\n",
        "develop\nHEAD:secret",
        "develop@HEAD\nHEAD:secret",
        "develop\0",
        "develop\x1b[2J",
        "develop\u2028",
        "develop\u202e",
        "develop\udcff",
    ],
    ids=repr,
)
def test_what_is_no_name_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a snapshot") as caught:
        parse_name(text)
    assert caught.value.message.isprintable()
    assert "[SOURCE:]COLLECTION[@WHEN]" in caught.value.hint


@given(st.text())
def test_any_text_is_a_name_or_a_usage_error(text: str) -> None:
    try:
        name = parse_name(text)
    except UsageError:
        return
    assert name.collection
    assert name.text == text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("collection", "is_glob"),
    [("develop", False), ("develop-*", True), ("v?", True), ("v[01]", True), ("v]", False)],
)
def test_globs_are_recognised(collection: str, is_glob: bool) -> None:
    assert parse_name(collection).is_glob is is_glob


MOMENTS = [
    ("2025-04-20", datetime(2025, 4, 20, 23, 59, 59, tzinfo=UTC)),
    ("2025-04-20T10:30", datetime(2025, 4, 20, 10, 30, tzinfo=UTC)),
    ("2025-04-20 10:30:15", datetime(2025, 4, 20, 10, 30, 15, tzinfo=UTC)),
    ("2025-04-20T10:30:15Z", datetime(2025, 4, 20, 10, 30, 15, tzinfo=UTC)),
    ("2025-04-20T01:30+02:00", datetime(2025, 4, 19, 23, 30, tzinfo=UTC)),
    ("2025-04-20T23:30:00-0100", datetime(2025, 4, 21, 0, 30, tzinfo=UTC)),
    ("2024-02-29", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
]


@pytest.mark.parametrize(("when", "moment"), MOMENTS, ids=[row[0] for row in MOMENTS])
def test_dates_and_times_are_moments_in_utc(when: str, moment: datetime) -> None:
    found = until(when)
    assert found == moment
    assert found is not None
    assert found.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "when", ["HEAD", "2025", "2025-04", "20250420", "v2025-04-20", "2025-04-20x", "2025-4-2", "now"]
)
def test_what_has_not_the_form_of_a_date_is_left_to_git(when: str) -> None:
    assert until(when) is None


@pytest.mark.parametrize(
    "when",
    [
        "2025-13-45",
        "2025-02-29",
        "0000-01-01",
        "2025-04-20T25:00",
        "2025-04-20T10:61:00",
        "2025-04-20T10:00+25:00",
        "9999-12-31T23:59-01:00",
        "0001-01-01T00:00+01:00",
    ],
)
def test_a_date_that_does_not_exist_is_named(when: str) -> None:
    with pytest.raises(UsageError, match="is not a date or time") as caught:
        until(when)
    assert repr(when) in caught.value.message


IN_ORDER = [
    "v0.9",
    "v0.9.1",
    "v0.22.1",
    "v1.0.0-rc1",
    "v1.0.0",
    "v1.0.1",
]
DATED = ["develop-2024-06-09", "develop-2024-12-01", "develop-2025-04-06", "develop-2025-04-20"]


@pytest.mark.parametrize("names", [*permutations(IN_ORDER[-4:]), IN_ORDER, DATED, DATED[::-1]])
def test_newest_is_by_the_numbers_in_a_name(names: list[str]) -> None:
    expected = [name for name in [*IN_ORDER, *DATED] if name in names][::-1]
    assert newest_first(names) == expected


@given(st.lists(st.text("v019.-²٣d", max_size=6), unique=True))
def test_the_order_is_total(names: list[str]) -> None:
    assert newest_first(names) == newest_first(sorted(names)) == newest_first(reversed(names))
    assert sorted(newest_first(names)) == sorted(names)


def test_a_number_of_any_length_has_its_place() -> None:
    assert newest_first(["v9", "v" + "9" * 5000]) == ["v" + "9" * 5000, "v9"]


COLLECTIONS = ["develop", *DATED, "v0.9", "v0.22.1"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("develop", "develop"),
        ("v0.9", "v0.9"),
        ("develop-*", "develop-2025-04-20"),
        ("develop-*~0", "develop-2025-04-20"),
        ("develop-*~1", "develop-2025-04-06"),
        ("develop-*~3", "develop-2024-06-09"),
        ("develop-2024-*", "develop-2024-12-01"),
        ("v*", "v0.22.1"),
        ("v*~1", "v0.9"),
        ("v0.[0-9]", "v0.9"),
    ],
)
def test_a_collection_is_chosen(text: str, chosen: str) -> None:
    for known in (COLLECTIONS, COLLECTIONS[::-1]):
        assert choose(parse_name(text), known, "the cache") == chosen


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("developp", "there is no collection 'developp' in the cache", "did you mean develop"),
        ("develop-2025-04-2", "there is no collection", "develop-2025-04-20"),
        (
            "DEVELOP-*",
            "no collection in the cache matches 'DEVELOP-*'",
            "there are develop, develop-2025",
        ),
        ("zzz", "there is no collection 'zzz'", "there are develop, develop-2025-04-20, "),
        ("zzz", "there is no collection 'zzz'", " and 2 more"),
        (
            "develop-*~4",
            "only 4 collections in the cache match",
            "the oldest is develop-2024-06-09",
        ),
    ],
)
def test_a_wrong_collection_is_told_close_names(text: str, message: str, hint: str) -> None:
    with pytest.raises(NameNotFoundError) as caught:
        choose(parse_name(text), COLLECTIONS, "the cache")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_of_many_collections_develop_is_not_hidden() -> None:
    names = ["develop", *(f"develop-2025-03-{day}" for day in range(10, 20))]
    assert close_names("zzz", names) == (
        "there are develop, develop-2025-03-19, develop-2025-03-18, develop-2025-03-17,"
        " develop-2025-03-16 and 6 more"
    )
    of_a_source = [f"cache:{name}" for name in names]
    assert newest_few(of_a_source)[:2] == ["cache:develop", "cache:develop-2025-03-19"]


def test_close_names_of_nothing_is_nothing() -> None:
    assert close_names("develop", []) == ""
