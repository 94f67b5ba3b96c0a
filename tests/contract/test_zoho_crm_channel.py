"""The notification channel against the emulator: made once, left alone while it lasts, renewed before it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from zoho_crm_desk import connected

from ledgerbridge.connectors.base import Subscribing, Write
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.errors import NotAllowed
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Receipt
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.zoho_crm import ZohoCrmEmulator, create

URL = "https://bridge.example.com/hooks/crm"
"""Where the emulator would post to; it sends nothing, its outbox is read."""


@pytest.fixture
def far() -> ZohoCrmEmulator:
    return create()


@pytest.fixture
def running(far: ZohoCrmEmulator) -> Iterator[Running]:
    with serve(far) as served:
        yield served


@pytest.fixture
def connector(running: Running) -> Iterator[ZohoCrm]:
    with connected(running, webhook_token="our-own-token") as made:
        yield made


def test_a_channel_is_made_and_left_alone_while_it_lasts(connector: ZohoCrm, far: ZohoCrmEmulator) -> None:
    assert isinstance(connector, Subscribing)
    until = connector.subscribe(URL, renew_before=timedelta(days=3))
    assert connector.subscribe(URL, renew_before=timedelta(days=3)) == until
    assert len(far.org.books.peek("watch")) == 1


def test_a_channel_that_ends_soon_is_replaced_not_doubled(connector: ZohoCrm, far: ZohoCrmEmulator) -> None:
    first = connector.subscribe(URL, renew_before=timedelta(days=3))
    assert connector.subscribe(URL, renew_before=timedelta(days=7)) >= first
    assert len(far.org.books.peek("watch")) == 1


def test_without_a_token_nothing_is_asked_for(running: Running, far: ZohoCrmEmulator) -> None:
    with connected(running) as plain, pytest.raises(NotAllowed, match="webhook_token"):
        plain.subscribe(URL, renew_before=timedelta(days=3))
    assert far.org.books.peek("watch") == []


def test_what_the_far_side_posts_is_a_hint_about_the_record(connector: ZohoCrm, far: ZohoCrmEmulator) -> None:
    connector.subscribe(URL, renew_before=timedelta(days=3))
    change = Change(action=Action.CREATE, system="crm", kind=Kind.CUSTOMER, entity="e1", because="a test")
    [outcome] = connector.push([Write(change, {"Account_Name": "客户甲", "ERP_Code": "C1"})])
    assert isinstance(outcome, Receipt)
    posts = far.take_posts()
    assert [post.url for post in posts] == [URL]
    hint = connector.hint({}, posts[0].body)
    assert hint is not None
    assert (hint.system, hint.kind, hint.external_ids) == ("crm", Kind.CUSTOMER, (outcome.ref.external_id,))
