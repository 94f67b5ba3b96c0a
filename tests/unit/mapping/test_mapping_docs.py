"""What docs/write-a-mapping.md says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mapping_desk import spec_of

from ledgerbridge.mapping.convert import CONVERTERS
from ledgerbridge.mapping.load import load_mapping, overlay
from ledgerbridge.mapping.spec import Head, ListRule, Rule, Source
from ledgerbridge.mapping.yamltext import read_yaml

TEXT = (Path(__file__).parents[3] / "docs" / "write-a-mapping.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)


def test_the_first_example_is_a_sound_mapping() -> None:
    spec = load_mapping(BLOCKS[0], "example.yaml")

    assert (spec.name, set(spec.lists)) == ("yonyou_u8/invoice.saleinvoice", {"references", "lines"})


@pytest.mark.parametrize("converter", CONVERTERS)
def test_every_converter_is_described_with_its_arguments(converter: str) -> None:
    table = TEXT.partition("## Converters")[2]
    row = re.search(rf"^\| `{converter}`.*$", table, flags=re.MULTILINE)

    assert row is not None
    assert ("⇄" in row[0].split("|")[1]) is (CONVERTERS[converter].writer is not None)
    shared = {"loose", "write_as", "currency_field", "unit", "round", "negate_if", "negative_if", "absolute"}
    own = {field.alias or name for name, field in CONVERTERS[converter].args.model_fields.items()}
    for name in own - shared:
        assert re.search(rf"\b{name}\b", row[0]), name
    for name in own & shared:
        assert f"`{name}" in TEXT


@pytest.mark.parametrize("form", [Head, Rule, ListRule, Source], ids=lambda form: str(form.__name__))
def test_every_key_of_the_language_is_described(form: type[Head | Rule | ListRule | Source]) -> None:
    for name, field in form.model_fields.items():
        assert f"`{field.alias or name}" in TEXT, name


def test_the_list_examples_load() -> None:
    for block in BLOCKS:
        for number, part in enumerate(re.split(r"\n\n(?=\w+\[\]:)", block)):
            if re.match(r"\w+\[\]:", part):
                document = read_yaml("fields:\n" + "".join(f"  {line}\n" for line in part.splitlines()))
                assert document.faults == [], number
                spec_of("invoice", document.data["fields"])


def test_the_overlay_example_loads() -> None:
    block = next(block for block in BLOCKS if "fax: null" in block)
    base = spec_of("customer", {"credit_code": "c", "fax": "f"})

    spec = overlay(base, block, "ws.yaml")

    assert spec.fields["credit_code"].wire == ("field_9Mc92__c",)
    assert "fax" not in spec.fields
