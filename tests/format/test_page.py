"""The page of the format says the same as the code, where both can be read by a machine."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.base.errors import ReconcilerError
from reconciler.repository import errors
from reconciler.repository.format import FOLDERS, Packed, Type
from reconciler.repository.root import RootRecord

PAGE = (Path(__file__).parents[2] / "docs" / "repository-format.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_code_for_a_refusal_is_one_of_the_program() -> None:
    known = {each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ReconcilerError)}
    told = set(re.findall(r"^\| `([a-z-]+)` \|", _section("What a reader refuses"), re.MULTILINE))
    assert told
    assert told <= known


def test_the_table_of_objects_names_every_folder() -> None:
    told = {name.split("/")[0] for name in re.findall(r"`([a-z]+/[^`]*)`", _section("Objects"))}
    assert set(FOLDERS) <= told


def test_every_type_and_compression_has_its_number_on_the_page() -> None:
    types = re.search(r"^Types: (.*?)\.$", _section("Sealing"), re.MULTILINE | re.DOTALL)
    assert types is not None
    assert {int(number) for number in re.findall(r"\b(\d+)\b", types.group(1))} == set(Type)
    assert set(re.findall(r"(\d) (none|zstd|gzip)", PAGE)) == {(str(int(each)), each.name.lower()) for each in Packed}


def test_every_field_of_a_root_stands_on_the_page() -> None:
    told = set(re.findall(r"[a-z_]+", _section("Roots")))
    assert set(RootRecord.__struct_fields__) <= told
