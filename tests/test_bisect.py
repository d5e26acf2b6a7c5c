"""`cachediff bisect`: the commit in which a statement became true, against reading every commit."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachediff.config import find_settings
from cachediff.demo import demo_history
from cachediff.errors import UsageError
from cachediff.model.bisection import Statement, Unknown, Verb
from cachediff.queries import Catalogue
from cachediff.queries.bisecting import FEW, bisect
from cachediff.queries.statements import is_true, parse_statement
from cachediff.queries.turns import all_turns, one_turn
from cachediff.sources import import_history
from commands import cachediff, refuses, succeeds
from conftest import MakeRepository
from pages import Record, dag_hash, page, record
from repositories import add_commits, git, symlink, write_repository
from strategies import manifest, spec, unreadable

PATH = "_cache/develop/hdf5/specs.md"
BROKEN = "---\nspec_details: [{\n---"


def hdf5(*stacks: str, version: str = "1.14.5") -> str:
    """A manifest of a spec in each of these stacks, all of one version."""
    return page([record(f"{version}/{stack}", version, stacks=[stack, "root"]) for stack in stacks])


IN, OUT, GONE = hdf5("e4s", "hep"), hdf5("hep"), None
OTHER = {f"_cache/{name}/xz/specs.md": page([record("xz")], "xz") for name in ("develop", "other")}
AWAY = "the whole collection is not there"


def story(*states: str | None) -> list[dict[str, Any]]:
    """Commits that make of hdf5 what is said, each with something else that changes."""
    return [
        {"_cache/develop": None}
        if state == AWAY
        else {
            PATH: state,
            "_cache/develop/xz/specs.md": page([record(f"xz/{number}")], "xz"),
        }
        for number, state in enumerate(states)
    ]


def found(*arguments: str, folder: Path, code: int = 0) -> Any:
    done = cachediff("bisect", *arguments, "--format", "json", folder=folder)
    assert done.code == code, done
    document = json.loads(done.out)
    assert document["schema"] == "cachediff/bisect/1"
    assert done.out.isascii()
    assert (document["outcome"] == "found") == (document["turn"] is not None) == (code == 0)
    return document


def day(point: Any) -> str:
    return str(point["committed_at"][:10])


# Statements


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("hdf5 left e4s", {"package": "hdf5", "verb": Verb.LEFT, "stack": "e4s"}),
        ("hdf5 joined e4s", {"package": "hdf5", "verb": Verb.JOINED, "stack": "e4s"}),
        ("  hdf5   added ", {"package": "hdf5", "verb": Verb.ADDED}),
        ("hdf5 removed", {"package": "hdf5", "verb": Verb.REMOVED}),
        ("hdf5 unreadable", {"package": "hdf5", "verb": Verb.UNREADABLE}),
        ("hdf5@1.14 added", {"package": "hdf5", "verb": Verb.ADDED, "version": "1.14"}),
        ("hdf5@=1.14 removed", {"package": "hdf5", "verb": Verb.REMOVED, "version": "1.14"}),
        ("hdf5/2xgit5k removed", {"package": "hdf5", "verb": Verb.REMOVED, "hash": "2xgit5k"}),
        ("hdf5 /2xgit5k added", {"package": "hdf5", "verb": Verb.ADDED, "hash": "2xgit5k"}),
        ("/2xgit5k added", {"package": None, "verb": Verb.ADDED, "hash": "2xgit5k"}),
    ],
)
def test_a_statement_is_read(text: str, statement: dict[str, Any]) -> None:
    assert parse_statement(text) == Statement(text=" ".join(text.split()), **statement)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "says nothing"),
        ("hdf5", "says nothing"),
        ("hdf5 leave e4s", "says nothing"),
        ("left e4s", "what is it that was left?"),
        ("hdf5 left", "left which stack?"),
        ("hdf5 left e4s hep", "a stack is one word"),
        ("hdf5 left root", "root is the union of all stacks"),
        ("hdf5 added e4s", "nothing can follow added"),
        ("hdf5@1.14 left e4s", "added or removed, not left"),
        ("hdf5/2xgit5k unreadable", "added or removed, not unreadable"),
        ("hdf5/NOHASH added", "no hash"),
        ("@1.14 added", "does not say of which package"),
        ("../hdf5 added", "no package, version or hash"),
        ("hdf5 xz added", "no package, version or hash"),
        ("-hdf5 added", "no package, version or hash"),
        ("hdf* added", "no package, version or hash"),
    ],
)
def test_what_is_no_statement_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")) as refused:
        parse_statement(text)
    assert refused.value.hint


def test_a_misspelt_verb_is_proposed() -> None:
    with pytest.raises(UsageError) as refused:
        parse_statement("hdf5 joins e4s")
    assert refused.value.hint.startswith("did you mean joined?")


HDF5 = manifest(spec("a", "1.14.5"), spec("b", "1.12.3", stacks="hep root"))
UNTOLD = manifest(spec("a", stacks=None), spec("b", stacks="hep root"))


@pytest.mark.parametrize(
    ("text", "there", "truth"),
    [
        ("hdf5 joined e4s", HDF5, True),
        ("hdf5 joined ml", HDF5, False),
        ("hdf5 left ml", HDF5, True),
        ("hdf5 joined e4s", None, False),
        ("hdf5 left e4s", None, True),
        ("hdf5 left e4s", UNTOLD, None),
        ("hdf5 joined hep", UNTOLD, True),
        ("hdf5 added", HDF5, True),
        ("hdf5 added", None, False),
        ("hdf5 removed", None, True),
        ("hdf5 removed", manifest(), True),
        ("hdf5@1_14_5 added", HDF5, True),
        ("hdf5@1.14.5 added", HDF5, True),
        ("hdf5@1.14 added", HDF5, False),
        ("hdf5@1.12.3 removed", HDF5, False),
        ("hdf5/aaa added", HDF5, True),
        ("hdf5/ab added", HDF5, False),
        ("hdf5 unreadable", HDF5, False),
        ("hdf5 unreadable", None, False),
        ("hdf5 unreadable", unreadable(), True),
        ("hdf5 removed", unreadable(), None),
        ("hdf5 left e4s", unreadable(), None),
    ],
)
def test_whether_a_statement_is_true_of_a_manifest(
    text: str, there: Any, truth: bool | None
) -> None:
    assert is_true(parse_statement(text), there) is truth


# Searching

TRUTHS = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=12)


@given(truths=TRUTHS)
def test_every_turn_is_found(truths: list[bool | None]) -> None:
    turns = all_turns(truths)
    expected = [
        (before, place)
        for before in range(len(truths))
        for place in range(before + 1, len(truths))
        if truths[before] is False
        and truths[place] is True
        and all(truth is None for truth in truths[before + 1 : place])
    ]
    assert turns == expected


@given(truths=TRUTHS)
def test_halving_finds_one_of_the_turns(truths: list[bool | None]) -> None:
    truths = [False, *truths, True]
    assert one_turn(0, len(truths) - 1, truths.__getitem__) in all_turns(truths)


@given(size=st.integers(2, 5000), turn=st.data())
def test_halving_asks_no_more_than_it_must(size: int, turn: Any) -> None:
    first = turn.draw(st.integers(1, size - 1))
    asked = set()

    def truth(place: int) -> bool:
        asked.add(place)
        return bool(place >= first)

    assert one_turn(0, size - 1, truth) == (first - 1, first)
    assert len(asked) <= math.ceil(math.log2(size))


STATES = st.lists(
    st.sampled_from([IN, IN, OUT, OUT, GONE, BROKEN, AWAY, hdf5("e4s", version="1.12.3")]),
    min_size=2,
    max_size=9,
)
STATEMENTS = ("hdf5 left e4s", "hdf5 joined e4s", "hdf5 removed", "hdf5@1.12.3 added")


def truth_at(text: str, state: str | None) -> bool | None:
    """The same worked out by hand from what `story` was given."""
    if state in (BROKEN, AWAY):
        return None
    in_e4s, is_old = state is not None and '"e4s"' in state, state is not None and "1.12.3" in state
    return {
        "hdf5 left e4s": not in_e4s,
        "hdf5 joined e4s": in_e4s,
        "hdf5 removed": state is None,
        "hdf5@1.12.3 added": is_old,
    }[text]


@settings(deadline=None, max_examples=60)
@given(states=STATES, text=st.sampled_from(STATEMENTS), limit=st.sampled_from([FEW, 0]))
def test_it_agrees_with_reading_every_commit(
    tmp_path_factory: pytest.TempPathFactory,
    states: Sequence[str | None],
    text: str,
    limit: int,
) -> None:
    """With everything read, and (limit 0) by halving."""
    if set(states) <= {GONE, AWAY} or states[-1] == AWAY:
        return
    folder = tmp_path_factory.mktemp("history")
    repository = write_repository(folder / "cache", [OTHER, *story(*states)])
    commits = git(repository, "rev-list", "--reverse", "HEAD").split()
    truths = [truth_at(text, state) for state in (None, *states)]
    turns = [(commits[before], commits[place]) for before, place in all_turns(truths)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cachediff.queries.bisecting.FEW", limit)
        names = Catalogue(find_settings(folder, None, str(repository)), folder / "home")
        result = bisect(names, parse_statement(text))
        names.close()
    last = next((truth for truth in reversed(truths) if truth is not None), None)
    if result.turn:
        told = [*result.others, result.turn]
        assert last is True
        places = [commits.index(turn.commit.commit) for turn in told]
        assert set(places) <= {commits.index(place) for _, place in turns}
        if result.whole:
            assert places == [commits.index(place) for _, place in turns]
        for turn in told:
            before, place = commits.index(turn.before.commit), commits.index(turn.commit.commit)
            assert truths[before] is False
            between = states[before : place - 1]
            same = states[before - 1] if before else None
            assert all(state in (BROKEN, AWAY, same) for state in between)
            assert set(turn.reasons) == {
                Unknown.AWAY if state == AWAY else Unknown.UNREADABLE
                for state in between
                if state != same
            }
    else:
        assert last is not True or not turns
        assert result.outcome == ("always" if last else "not-true")


@pytest.mark.parametrize("turn", [1, 40, 70, 129])
def test_of_many_commits_few_manifests_are_read(make_repository: MakeRepository, turn: int) -> None:
    states = [
        page([record(str(number), stacks=("hep",) if number >= turn else ("e4s", "hep"))])
        for number in range(130)
    ]
    repository = make_repository(story(*states))
    told = found("hdf5", "left", "e4s", folder=repository)
    assert told["commits"] == 129 > FEW
    assert told["read"] <= math.ceil(math.log2(130)) + 2
    assert not told["whole"]
    commits = git(repository, "rev-list", "--reverse", "HEAD").split()
    assert told["turn"]["commit"]["commit"] == commits[turn]
    text = succeeds("bisect", "hdf5 left e4s", folder=repository)
    assert "It may have become true at other times too" in text


def test_of_many_commits_that_end_as_they_begin_all_are_read(
    make_repository: MakeRepository,
) -> None:
    stacks = [("e4s",) if number == 50 else ("hep",) for number in range(80)]
    states = [page([record(str(number), stacks=each)]) for number, each in enumerate(stacks)]
    repository = make_repository(story(*states))
    told = found("hdf5 left e4s", folder=repository)
    commits = git(repository, "rev-list", "--reverse", "HEAD").split()
    assert told["turn"]["commit"]["commit"] == commits[51]
    assert (told["whole"], told["read"]) == (True, 80)


# What is told


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "upstream.git"
    import_history(path, demo_history())
    return path


@pytest.mark.parametrize(
    ("text", "night"),
    [
        ("trilinos left e4s", "2025-04-01"),
        ("zlib-ng@2.2.4 added", "2025-03-13"),
        ("zlib-ng@2.2.3 removed", "2025-03-13"),
        ("py-nose removed", "2025-03-19"),
        ("likwid added", "2025-03-04"),
        ("likwid joined hep", "2025-03-04"),
        ("paraview unreadable", "2025-04-02"),
    ],
)
def test_the_demo(demo: Path, text: str, night: str) -> None:
    told = found(text, folder=demo)
    assert day(told["turn"]["commit"]) == night
    assert told["turn"]["unknown"] == 0
    assert told["read"] <= told["commits"] + 1


def test_it_says_what_happened_and_how_to_see_more(demo: Path) -> None:
    text = succeeds("bisect", "trilinos", "left", "e4s", folder=demo)
    headline, change, *_ = text.splitlines()
    assert headline == "trilinos left e4s: became true in 295511277c72 of 2025-04-01 03:53:36 UTC"
    assert change == "  trilinos: 6 removed, 5 restacked; left e4s; 36 specs now"
    (command,) = [line.strip() for line in text.splitlines() if "cachediff compare" in line]
    assert succeeds(*shlex.split(command)[1:], folder=demo).startswith("trilinos left e4s")


def test_the_change_is_that_of_a_comparison(demo: Path) -> None:
    told = found("zlib-ng@2.2.4 added", folder=demo)
    commit = told["turn"]["commit"]["commit"]
    names = f"develop@{commit}~1", f"develop@{commit}"
    compared = json.loads(succeeds("compare", *names, "zlib-ng", "--format", "json", folder=demo))
    (package,) = compared["packages"]
    assert told["change"]["versions_added"] == package["versions"]["added"]
    assert told["change"]["versions_removed"] == package["versions"]["removed"]
    counts = {kind: compared["summary"]["specs"][kind] for kind in told["change"]["counts"]}
    assert told["change"]["counts"] == counts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hdf5 added", "true from the beginning on: hdf5 is there at 7c849a161bb1"),
        ("hdf5 left e5s", "true from the beginning on: hdf5 is not in e5s at"),
        ("trilinos left hep", "not true at the end: trilinos is in hep at 4612442d34ae"),
        ("hdf5@1.14.9 added", "not true at the end: hdf5@1.14.9 is not there at 4612442d34ae"),
        ("hdf5 unreadable", "not true at the end: the manifest of hdf5 can be read at"),
        (
            "paraview removed",
            "not known at the end: when last known, paraview is there at f5d7f28b2d74",
        ),
        ("paraview added", "true from the beginning on: paraview is there at 7c849a161bb1"),
    ],
)
def test_what_did_not_become_true_is_said(demo: Path, text: str, said: str) -> None:
    done = cachediff("bisect", text, folder=demo)
    assert done.code == 1
    assert done.out.startswith(f"{text}: {said}")


def test_that_the_end_is_not_known_is_said_whatever_became_true_before(demo: Path) -> None:
    done = cachediff("bisect", "paraview added", folder=demo)
    assert "\nNot known at the end: last known at f5d7f28b2d74 of 2025-03-15" in done.out
    assert "Not known" not in cachediff("bisect", "hdf5 added", folder=demo).out


def test_what_did_not_change_is_known_at_the_end(make_repository: MakeRepository) -> None:
    repository = make_repository([*story(IN), OTHER])
    told = found("hdf5 removed", folder=repository, code=1)
    assert (told["commits"], day(told["known"])) == (0, "2025-01-02")
    for text in ("hdf5 added", "hdf5 removed"):
        assert "known" not in cachediff("bisect", text, folder=repository).out


def test_what_was_seen_nowhere_has_close_names(demo: Path) -> None:
    assert "did you mean e4s?" in cachediff("bisect", "hdf5 left e5s", folder=demo).err
    assert "did you mean 1.14.6" in cachediff("bisect", "hdf5@1.14.9 added", folder=demo).err
    unknown = cachediff("bisect", "hdf5/zz removed", folder=demo)
    assert (unknown.code, "true from the beginning on" in unknown.out) == (1, True)
    assert "no manifest of hdf5 that was read has a hash that begins with zz" in unknown.err
    assert "did you mean hdf5?" in refuses("bisect", "hdf6 removed", folder=demo)
    said = refuses("bisect", "hdf5 removed", "--collection", "develp", folder=demo)
    assert "did you mean develop" in said


def test_the_last_of_several_times_is_told_with_the_others(
    make_repository: MakeRepository,
) -> None:
    repository = make_repository(story(IN, OUT, IN, GONE, IN, BROKEN, OUT))
    told = found("hdf5 left e4s", folder=repository)
    assert day(told["turn"]["commit"]) == "2025-01-07"
    assert day(told["turn"]["before"]) == "2025-01-05"
    assert [day(turn["commit"]) for turn in told["others"]] == ["2025-01-02", "2025-01-04"]
    assert (told["turn"]["unknown"], told["unread"]) == (1, 1)
    text = succeeds("bisect", "hdf5 left e4s", folder=repository)
    assert "at the latest: in between, at 1 commit the manifest could not be read" in text
    assert "It became true before, and did not stay so" in text
    assert "~1" not in text
    ended = found("hdf5 joined e4s", folder=repository, code=1)
    assert [day(turn["commit"]) for turn in ended["others"]] == ["2025-01-03", "2025-01-05"]


def test_nothing_is_known_of_a_package_that_cannot_be_read(
    make_repository: MakeRepository,
) -> None:
    repository = make_repository(story(BROKEN, BROKEN + "\n"))
    told = found("hdf5 removed", folder=repository, code=1)
    assert (told["outcome"], told["unread"]) == ("unknown", 2)


def test_what_is_no_folder_is_unreadable(make_repository: MakeRepository) -> None:
    link = {"_cache/develop/hdf5": symlink("../xz")}
    repository = make_repository([*story(IN), {PATH: None, **link}])
    assert day(found("hdf5 unreadable", folder=repository)["turn"]["commit"]) == "2025-01-02"
    assert found("hdf5 removed", folder=repository, code=1)["outcome"] == "not-true"


def test_a_night_without_the_collection_says_nothing(make_repository: MakeRepository) -> None:
    repository = make_repository([OTHER, *story(IN, AWAY, IN)])
    assert found("hdf5 removed", folder=repository, code=1)["others"] == []


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(IN, GONE, "hdf5 removed"), (IN, GONE, "hdf5 left e4s"), (GONE, IN, "hdf5 added")],
)
def test_a_collection_that_came_back_otherwise_tells_of_its_packages(
    make_repository: MakeRepository, before: str | None, after: str | None, text: str
) -> None:
    repository = make_repository([OTHER, *story(before, AWAY, after)])
    told = found(text, folder=repository)
    assert day(told["turn"]["commit"]) == "2025-01-04"
    assert day(told["turn"]["before"]) <= "2025-01-02"
    assert told["turn"]["reasons"] == told["reasons"] == {"away": 1}
    said = succeeds("bisect", text, folder=repository)
    assert "at the latest: in between, at 1 commit the collection was not there" in said
    assert "could not be read" not in said
    (command,) = [line.strip() for line in said.splitlines() if "cachediff compare" in line]
    succeeds(*shlex.split(command)[1:], folder=repository)


def test_stacks_that_are_not_told_are_not_called_unreadable(
    make_repository: MakeRepository,
) -> None:
    untold = record("untold")
    told_by_others = page([untold], stacks=[], num_specs_by_stack={})
    spec_details = json.dumps([{key: untold[key] for key in untold if key != "stacks"}])
    before, _ = told_by_others.split("spec_details: ")
    repository = make_repository(story(IN, f"{before}spec_details: {spec_details}\n---", OUT))
    told = found("hdf5 left e4s", folder=repository)
    assert told["turn"]["reasons"] == told["reasons"] == {"untold": 1}
    assert told["unread"] == 0
    said = succeeds("bisect", "hdf5 left e4s", folder=repository)
    assert said.count("at 1 commit the stacks were not told") == 2
    assert "could not be read" not in said


def test_a_commit_at_which_most_is_missing_is_suspect(make_repository: MakeRepository) -> None:
    many = {f"_cache/develop/p{n}/specs.md": page([record(f"p{n}")], f"p{n}") for n in range(5)}
    lost = dict.fromkeys(list(many)[:4], None)
    repository = make_repository([OTHER, *story(IN), many, {PATH: None, **lost}, {PATH: IN}])
    said = succeeds("bisect", "hdf5 removed", "--to", "HEAD~1", folder=repository)
    assert "\n  suspect: develop lost 5 of its 7 manifests\n" in said
    again = found("hdf5 added", folder=repository)
    assert again["turn"]["suspect"] is None


def test_a_name_from_the_repository_does_not_reach_the_terminal(
    make_repository: MakeRepository,
) -> None:
    paths = [{"_cache/rel\x1b[31mx/hdf5/specs.md": state} for state in (IN, OUT)]
    said = succeeds(
        "bisect", "hdf5 left e4s", "--collection", "rel*", folder=make_repository(paths)
    )
    assert "Look further" in said
    assert "\x1b" not in said


# From, to, and where


@pytest.fixture
def several(make_repository: MakeRepository) -> Path:
    """In, out, in, out: on the first four days of 2025."""
    return make_repository(story(IN, OUT, IN, OUT))


@pytest.mark.parametrize(
    ("options", "turn", "others"),
    [
        ((), "2025-01-04", 1),
        (("--to", "2025-01-02"), "2025-01-02", 0),
        (("--to", "HEAD~2"), "2025-01-02", 0),
        (("--since", "2025-01-04"), "2025-01-04", 0),
        (("--since", "2025-01-03T12:00:00Z"), "2025-01-04", 0),
        (("--since", "2025-01-04T12:00:00Z"), "2025-01-04", 0),
        (("--since", "2025-01-04T12:00Z"), "2025-01-04", 0),
        (("--since", "HEAD~1"), "2025-01-04", 0),
        (("--since", "2025-01-01"), "2025-01-04", 1),
    ],
)
def test_the_ends_of_the_search(
    several: Path, options: tuple[str, ...], turn: str, others: int
) -> None:
    told = found("hdf5 left e4s", *options, folder=several)
    assert (day(told["turn"]["commit"]), len(told["others"])) == (turn, others)


def test_a_date_before_history_is_its_beginning(several: Path) -> None:
    done = cachediff("bisect", "hdf5 left e4s", "--since", "2020-02-02", folder=several)
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "there is no commit at or before 2020-02-01" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "nope"), "there is no revision 'nope'"),
        (("--since", ""), "there is no revision ''"),
        (("--to", ""), "there is no revision ''"),
        (("--since", "2025-02-30"), "is not a date"),
        (("--to", "2020-02-02"), "there is no commit at or before"),
        (("--since", "HEAD", "--to", "HEAD~1"), "is not among the commits before"),
        (("--collection", "develop@HEAD"), "is one commit"),
    ],
)
def test_ends_that_there_are_not(several: Path, options: tuple[str, ...], said: str) -> None:
    assert said in refuses("bisect", "hdf5 left e4s", *options, folder=several)


def test_after_the_last_commit_nothing_became_true(several: Path) -> None:
    told = found("hdf5 left e4s", "--since", "2025-02-01", folder=several, code=1)
    assert (told["outcome"], told["commits"]) == ("always", 0)
    said = cachediff("bisect", "hdf5 left e4s", "--since", "2025-02-01", folder=several).err
    assert "no commit is later than --since 2025-02-01: the last is" in said
    at_once = cachediff("bisect", "hdf5 left e4s", "--since", "2025-01-04", folder=several)
    assert at_once.err == ""


def test_a_rewritten_history_is_said(several: Path) -> None:
    lost = git(several, "rev-parse", "HEAD")
    git(several, "reset", "--hard", "--quiet", "HEAD~1")
    add_commits(several, story(OUT), start=8)
    said = refuses("bisect", "hdf5 left e4s", "--since", lost, folder=several)
    assert "rewrote its history" in said


def test_a_shallow_clone_is_said(several: Path, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{several}", str(clone))
    done = cachediff("bisect", "hdf5 left e4s", folder=clone)
    assert done.code == 0
    assert "git fetch --unshallow" in done.err


def test_a_missing_commit_is_said(several: Path) -> None:
    first, lost = git(several, "rev-parse", "HEAD~3", "HEAD~2").split()
    objects = several / ".git" / "objects"
    for pack in list((objects / "pack").glob("*.pack")):
        moved = pack.rename(several / pack.name)
        git(several, "unpack-objects", "-q", stdin=moved.read_bytes())
    for left in (objects / "pack").iterdir():
        left.unlink()
    (objects / lost[:2] / lost[2:]).unlink()
    steps = ("compare", f"develop@{first}", "develop", "--steps")
    for command in (("bisect", "hdf5 left e4s"), steps):
        assert "a commit or tree is missing here" in refuses(*command, folder=several)


def test_the_mirror_of_an_upstream_fetches_what_it_reads(several: Path, tmp_path: Path) -> None:
    git(several, "config", "uploadpack.allowFilter", "true")
    git(several, "config", "uploadpack.allowAnySHA1InWant", "true")
    options = ("--repo", f"file://{several}")
    done = cachediff("bisect", "hdf5 left e4s", *options, "--format", "json", folder=tmp_path)
    assert done.code == 0, done
    assert day(json.loads(done.out)["turn"]["commit"]) == "2025-01-04"


def test_a_merged_branch_is_one_commit(several: Path) -> None:
    git(several, "checkout", "--quiet", "-b", "side", "HEAD~1")
    path = several / PATH
    for number in range(3):
        path.write_text(page([record(f"side/{number}", stacks=("hep",))]))
        git(several, "-c", "user.name=T", "-c", "user.email=t@cache.example", "commit", "-qam", "s")
    git(several, "reset", "--quiet", "--hard", "main~1")
    merge = ("merge", "--quiet", "--no-ff", "-m", "merge", "side@{1}")
    git(several, "-c", "user.name=T", "-c", "user.email=t@cache.example", *merge)
    told = found("hdf5 left e4s", folder=several)
    assert told["turn"]["commit"]["commit"] == git(several, "rev-parse", "HEAD")


def test_the_only_collection_is_meant(make_repository: MakeRepository) -> None:
    old = [{"_cache/hdf5/specs.md": state} for state in (IN, OUT)]
    repository = make_repository(old)
    assert found("hdf5 left e4s", folder=repository)["collection"] == "default"
    two = {f"_cache/{name}/hdf5/specs.md": IN for name in ("one", "two")}
    said = refuses("bisect", "hdf5 left e4s", folder=make_repository([two]))
    assert "--collection" in said


def test_a_glob_means_the_newest_collection(demo: Path) -> None:
    told = found("hdf5 added", "--collection", "develop-*", folder=demo, code=1)
    assert told["collection"] == "develop-2025-03-30"


# Hashes


def records(*names: str) -> str:
    return page([Record(record(name)) for name in names])


def test_a_hash_by_its_beginning(make_repository: MakeRepository) -> None:
    repository = make_repository(story(records("a", "b"), records("a")))
    gone = dag_hash("b")
    told = found(f"hdf5/{gone[:7]} removed", folder=repository)
    assert day(told["turn"]["commit"]) == "2025-01-02"


def test_a_beginning_of_several_hashes_is_refused(make_repository: MakeRepository) -> None:
    by_first: dict[str, list[str]] = {}
    for number in range(40):
        by_first.setdefault(dag_hash(str(number))[0], []).append(str(number))
    first, names = max(by_first.items(), key=lambda item: len(item[1]))
    repository = make_repository(story(records(*names[:2]), records(names[0])))
    said = refuses("bisect", f"hdf5/{first} removed", folder=repository)
    assert f"several hashes begin with {first}" in said
    assert dag_hash(names[0]) in said
    assert dag_hash(names[1]) in said


def test_the_package_of_a_hash_is_looked_up_in_what_is_stored(
    make_repository: MakeRepository,
) -> None:
    repository = make_repository(story(records("a", "b"), records("a")))
    gone = dag_hash("b")
    cachediff("snapshot", "develop@HEAD~1", folder=repository)
    told = found(f"/{gone[:9]} removed", folder=repository)
    assert (told["statement"]["package"], told["statement"]["hash"]) == ("hdf5", gone)
    assert day(told["turn"]["commit"]) == "2025-01-02"
    said = refuses("bisect", "/aaaaaaa removed", folder=repository)
    assert "PACKAGE/aaaaaaa removed" in said


def test_a_hash_that_was_seen_elsewhere_is_not_looked_for_in_develop(
    make_repository: MakeRepository,
) -> None:
    rel = {"_cache/rel/xz/specs.md": page([record("in rel")], "xz", "rel")}
    repository = make_repository([*story(records("a")), rel])
    for name in ("develop", "rel"):
        succeeds("snapshot", name, folder=repository)
    seen = dag_hash("in rel")
    said = refuses("bisect", f"/{seen} added", folder=repository)
    assert "was not seen in repository0:develop" in said
    assert "it is or was in repository0:rel: say which with --collection" in said
    asked = found(f"/{seen} added", "--collection", "rel", folder=repository, code=1)
    assert (asked["collection"], asked["statement"]["package"]) == ("rel", "xz")
    # Asked for, it is looked for there.
    other = found(f"/{dag_hash('xz/0')} added", "--collection", "rel", folder=repository, code=1)
    assert other["outcome"] == "not-true"


def test_a_hash_of_two_packages_is_of_neither(make_repository: MakeRepository) -> None:
    both = {"_cache/develop/xz/specs.md": page([record("a")], "xz")}
    repository = make_repository([{**story(records("a"))[0], **both}])
    succeeds("snapshot", "develop", folder=repository)
    said = refuses("bisect", f"/{dag_hash('a')} removed", folder=repository)
    assert "is listed by several packages: hdf5, xz" in said


def test_of_many_commits_it_is_said_what_was_not_looked_at(make_repository: MakeRepository) -> None:
    states = [
        page([record(str(number), "2.0" if 10 <= number < 20 else "1.0")]) for number in range(70)
    ]
    repository = make_repository(story(*states))
    done = cachediff("bisect", "hdf5@2.0 added", folder=repository)
    assert (done.code, done.err) == (1, "")
    assert "It may have been true in between: not every manifest was read" in done.out
    begun = dag_hash("69")[:6]
    said = succeeds("bisect", f"hdf5/{begun} added", folder=repository)
    assert f"other times too, and for other hashes that begin with {begun}: not every" in said
    named = succeeds("bisect", f"hdf5/{dag_hash('69')} added", folder=repository)
    assert "at other times too: not every" in named


# Nothing is written


def test_a_clone_stays_as_it_is_and_nothing_is_stored(several: Path, tmp_path: Path) -> None:
    before = sorted(several.rglob("*"))
    succeeds("bisect", "hdf5 left e4s", folder=several)
    assert sorted(several.rglob("*")) == before


def test_help_has_the_grammar(tmp_path: Path) -> None:
    text = succeeds("bisect", "--help", folder=tmp_path)
    for verb in Verb:
        assert verb in text
