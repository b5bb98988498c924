"""Every value of a file knows where it stands."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.document import Foreign, Node, Source
from marginwatch.config.sourcefile import read_source
from marginwatch.config.tomlfile import parse_toml
from marginwatch.config.yamlfile import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRICKY_TOML = """\
# é comes first
"é".'two words'.c = "ünicode"
list = [ # comment
    { a = "in é table", b = [["deep", 'er'], [1, 2.5]] }, # another
    "text",
]
when = 1979-05-27T07:32:00Z
[table]
dotted.key = true
[table.below]
x = 0x10
[[many]]
name = "first"
[[many]]
name = "second"
[many.sub]
deep = "of the second"
[[many.parts]]
n = 1
[[many.parts]]
n = -2
inline = { k = { l = "m" } }
"""
TRICKY_YAML = """\
# é comes first
"é": {two words: {c: ünicode}}
list:
  - {a: in é table, b: [[deep, 'er'], [1, 2.5]]} # another
  - text
when: 1979-05-27T07:32:00Z
table:
  dotted: {key: true}
  below: {x: 16}
many:
- name: first
- name: second
  sub: {deep: of the second}
  parts: [{n: 1}, {n: -2, inline: {k: {l: m}}}]
empty:
"""


def leaves(node: Node) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for item in node.value.values():
            yield from leaves(item)
    elif isinstance(node.value, tuple):
        for item in node.value:
            yield from leaves(item)
    else:
        yield node


def raw(node: Node) -> str:
    return node.source.text[node.start : node.end]


def at(root: Node, *path: str | int) -> Node:
    for step in path:
        if isinstance(step, str):
            assert isinstance(root.value, dict)
            root = root.value[step]
        else:
            assert isinstance(root.value, tuple)
            root = root.value[step]
    return root


def parsed(name: str) -> Node:
    document = parse_toml(Source("x", TRICKY_TOML)) if name == "toml" else parse_yaml(Source("x", TRICKY_YAML))
    assert document.problems == ()
    assert document.root is not None
    return document.root


@pytest.mark.parametrize("name", ["toml", "yaml"])
def test_every_value_stands_where_it_says(name: str) -> None:
    """The text at a value's place is the value as written."""
    found = list(leaves(parsed(name)))
    assert len(found) >= 15
    for node in found:
        if isinstance(node.value, str):
            assert raw(node).strip("\"'") == node.value
        elif isinstance(node.value, bool):
            assert raw(node) == "true"
        elif isinstance(node.value, Decimal):
            assert node.value in {Decimal(16), Decimal(raw(node).replace("0x10", "16"))}
        elif isinstance(node.value, Foreign):
            assert raw(node) == "1979-05-27T07:32:00Z"
        else:
            assert raw(node) == ""
        assert node.key < node.start or node.value is None


@pytest.mark.parametrize("name", ["toml", "yaml"])
def test_every_key_stands_where_it_says(name: str) -> None:
    """The text at a key's place is the key as written, through tables, lists of tables and dots."""
    root = parsed(name)
    for path in (
        ("list",),
        ("list", 0, "b"),
        ("table", "below", "x"),
        ("many", 0, "name"),
        ("many", 1, "name"),
        ("many", 1, "sub", "deep"),
        ("many", 1, "parts", 1, "inline", "k", "l"),
    ):
        node = at(root, *path)
        assert node.source.text[node.key :].startswith(str(path[-1]))
    assert at(root, "many", 1, "name").key > at(root, "many", 0, "name").key


def test_a_tables_place_is_its_header() -> None:
    """What is wrong with a whole rule is shown at its header."""
    root = parsed("toml")
    places = [at(root, "many", number).place for number in (0, 1)]
    assert [(place.line, place.col) for place in places] == [(12, 1), (14, 1)]
    assert (at(root, "many", 1, "parts", 1).place.line, at(root, "table", "below").place.line) == (20, 10)


def test_lines_ended_by_carriage_returns_count_the_same(tmp_path: Path) -> None:
    """A file saved on Windows has the same places."""
    path = tmp_path / "rules.toml"
    path.write_bytes(TRICKY_TOML.replace("\n", "\r\n").encode())
    source = read_source(path)
    assert source == Source(str(path), TRICKY_TOML)


@pytest.mark.parametrize(
    ("text", "offset", "length", "place"),
    [
        ('"a or b"', 5, 1, (1, 11)),
        ("'''a or b'''", 5, 1, (1, 13)),
        ('"""\na or\nb"""', 5, 1, (3, 1)),
        (r'"a \"b\" c"', 6, 1, (1, 14)),
        (r'"\t b or c or b"', 12, 1, (1, 19)),
        (r'"a\u0062b"', 2, 1, (1, 5)),
        (r'"\"a\""', 3, 0, (1, 5)),
    ],
)
def test_a_part_of_a_text_has_a_place(text: str, offset: int, length: int, place: tuple[int, int]) -> None:
    """Exact where the text can be followed, else the start of the whole value."""
    root = parse_toml(Source("x", f"k = {text}")).root
    assert root is not None
    found = at(root, "k").place_within(offset, length)
    assert (found.line, found.col) == place


def test_a_part_of_no_text_has_the_place_of_the_whole() -> None:
    """A number has no parts."""
    root = parse_toml(Source("x", "k = 5")).root
    assert root is not None
    assert at(root, "k").place_within(3, 1) == at(root, "k").place


def test_kinds_have_words() -> None:
    """Messages name what stands there in plain words."""
    root = parsed("yaml")
    kinds = [at(root, *path).kind for path in ((), ("list",), ("when",), ("empty",), ("table", "below", "x"))]
    assert kinds == ["a table", "a list", "a date or time", "nothing", "a number"]
    assert at(root, "table", "dotted", "key").kind == "true or false"
    assert at(root, "list", 1).kind == "text"
