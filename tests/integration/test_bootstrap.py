"""What the settings say reaches the parts that they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledgerbridge.bootstrap import App, open_app
from ledgerbridge.errors import ConfigError, MappingError
from ledgerbridge.model.base import Kind

WORKSPACE = """
[workspace]
zone = "Asia/Tokyo"
base_currency = "USD"
[pull]
page_size = 7
sweep_loss_max_percent = 3
[systems.list]
connector = "sheets"
pull = ["invoice"]
[[systems.list.settings.files]]
path = "c.csv"
kind = "customer"
[[systems.list.settings.files]]
path = "i.csv"
kind = "invoice"
"""


def app(folder: Path, text: str = WORKSPACE) -> App:
    (folder / "ledgerbridge.toml").write_text(text, encoding="utf-8")
    return open_app(folder, environ={})


def test_a_pull_is_ordered_as_the_settings_and_the_command_say(tmp_path: Path) -> None:
    source = app(tmp_path).source("list", full=True, sweep=False)
    assert source.page_size == 7
    assert [order.kind for order in source.streams] == [Kind.INVOICE]
    order = source.streams[0]
    assert (order.full, order.sweep, order.audited) == (True, False, False)
    assert order.sweep_policy is not None
    assert order.sweep_policy.vanish_percent_max == 3


def test_kinds_that_are_named_go_before_the_settings_and_customers_before_invoices(tmp_path: Path) -> None:
    text = WORKSPACE.replace('pull = ["invoice"]\n', "")
    assert [order.kind for order in app(tmp_path, text).source("list", full=False, sweep=True).streams] == [
        Kind.CUSTOMER,
        Kind.INVOICE,
    ]
    named = app(tmp_path, text).source("list", [Kind.CUSTOMER], full=False, sweep=True).streams
    assert [(order.kind, order.sweep) for order in named] == [(Kind.CUSTOMER, True)]


def test_a_kind_that_a_system_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not payment"):
        app(tmp_path).source("list", [Kind.PAYMENT], full=False, sweep=False)


def test_mappings_are_told_the_companys_zone_and_currency(tmp_path: Path) -> None:
    context = app(tmp_path).context("list")
    assert (context.zone.key, context.base_currency) == ("Asia/Tokyo", "USD")


def test_the_fingerprint_changes_with_what_mappings_may_use(tmp_path: Path) -> None:
    before = app(tmp_path).decode_stream("list", Kind.INVOICE).fingerprint
    assert app(tmp_path).decode_stream("list", Kind.INVOICE).fingerprint == before
    assert app(tmp_path, WORKSPACE.replace("USD", "EUR")).decode_stream("list", Kind.INVOICE).fingerprint != before


def test_a_mapping_that_does_not_exist_says_where_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="write "):
        app(tmp_path).mapping("list", Kind.INVOICE, "nothing")
