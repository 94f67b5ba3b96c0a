"""Webhooks prove where they come from, and say nothing that is trusted."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledgerbridge.connectors.base import Hinting, Surroundings
from ledgerbridge.connectors.fxiaoke import Fxiaoke
from ledgerbridge.connectors.fxiaoke.hooks import read_push
from ledgerbridge.connectors.fxiaoke.settings import FxiaokeSettings
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.connectors.zoho_crm.hooks import read_notification
from ledgerbridge.connectors.zoho_crm.settings import ZohoCrmSettings
from ledgerbridge.errors import BadReply, NotAllowed
from ledgerbridge.model.base import Kind

TOKEN = "our-own-token"
MODULES = {"Invoices": Kind.INVOICE}
OBJECTS = {"AccountObj": Kind.CUSTOMER}
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def notification(**changes: Any) -> bytes:
    told = {"module": "Invoices", "operation": "update", "ids": ["5500000000201"], "token": TOKEN, **changes}
    return json.dumps({name: value for name, value in told.items() if value is not ...}).encode()


def test_a_notification_names_records_to_read_again() -> None:
    hint = read_notification(notification(), token=TOKEN, modules=MODULES, system="zoho")
    assert hint is not None
    assert (hint.system, hint.kind, hint.external_ids) == ("zoho", Kind.INVOICE, ("5500000000201",))
    again = read_notification(notification(), token=TOKEN, modules=MODULES, system="zoho")
    assert again == hint
    other = read_notification(notification(ids=["2"]), token=TOKEN, modules=MODULES, system="zoho")
    assert other is not None
    assert other.event_id != hint.event_id


@pytest.mark.parametrize("token", ["", "our-own-toke", "OUR-OWN-TOKEN", 1, None, ..., ["our-own-token"]])
def test_a_notification_without_our_token_is_refused(token: object) -> None:
    with pytest.raises(NotAllowed) as refused:
        read_notification(notification(token=token), token=TOKEN, modules=MODULES, system="zoho")
    assert TOKEN not in str(refused.value)


def test_without_a_token_of_ours_all_is_refused() -> None:
    with pytest.raises(NotAllowed, match="webhook_token"):
        read_notification(notification(token=""), token=None, modules=MODULES, system="zoho")


def test_a_module_that_is_not_read_is_no_hint() -> None:
    assert read_notification(notification(module="Leads"), token=TOKEN, modules=MODULES, system="zoho") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b"[" * 100_000,
        notification(ids="5500"),
        notification(ids=[1]),
        notification(ids=[""]),
        notification(ids=["1"] * 1001),
        notification(module=...),
    ],
    ids=["empty", "list", "text", "deep", "ids-text", "ids-number", "ids-empty", "ids-many", "no-module"],
)
def test_what_is_no_notification_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(BadReply):
        read_notification(body, token=TOKEN, modules=MODULES, system="zoho")


def push(**changes: Any) -> bytes:
    stamp = int(NOW.timestamp() * 1000)
    told = {
        "event": "object.updated",
        "objectApiName": "AccountObj",
        "objectId": "5f",
        "timestamp": stamp,
        "nonce": "n" * 12,
    }
    return json.dumps({name: value for name, value in {**told, **changes}.items() if value is not ...}).encode()


def signed(body: bytes, secret: str = TOKEN) -> dict[str, str]:
    told = json.loads(body)
    text = f"{told['timestamp']}.{told['nonce']}.".encode() + body
    return {"x-fx-signature": hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}


def read(body: bytes, headers: dict[str, str], secrets: tuple[str, ...] = (TOKEN,), now: datetime = NOW) -> Any:
    return read_push(headers, body, secrets=secrets, objects=OBJECTS, system="fx", now=now)


def test_a_push_names_a_record_and_its_nonce_is_the_event() -> None:
    hint = read(push(), signed(push()))
    assert (hint.kind, hint.external_ids, hint.event_id) == (Kind.CUSTOMER, ("5f",), "n" * 12)


def test_a_secret_can_be_changed_without_losing_a_push() -> None:
    assert read(push(), signed(push(), "the-old-secret"), ("the-new-secret", "the-old-secret")) is not None
    with pytest.raises(NotAllowed):
        read(push(), signed(push(), "the-old-secret"), ("the-new-secret",))


def test_a_changed_body_a_missing_signature_and_no_secret_are_refused() -> None:
    for headers, body in [(signed(push()), push(objectId="60")), ({}, push()), ({"x-fx-signature": "é"}, push())]:
        with pytest.raises(NotAllowed):
            read(body, headers)
    with pytest.raises(NotAllowed, match="webhook_secret"):
        read(push(), signed(push()), ())


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_push_from_another_time_is_refused(seconds: int) -> None:
    with pytest.raises(NotAllowed, match="five minutes"):
        read(push(), signed(push()), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "changes", [{"timestamp": "1"}, {"timestamp": True}, {"nonce": "short"}, {"nonce": "n" * 65}, {"objectId": ""}]
)
def test_what_is_no_push_is_said_to_be_none(changes: dict[str, object]) -> None:
    body = push(**changes)
    with pytest.raises(BadReply):
        read(body, signed(body))


def test_both_connectors_hand_their_secrets_in() -> None:
    zoho = ZohoCrm(
        ZohoCrmSettings(client_id="1", client_secret="s", refresh_token="r", webhook_token=TOKEN),
        Surroundings("zoho"),
    )
    fxiaoke = Fxiaoke(
        FxiaokeSettings(
            app_id="FSAID_1",
            app_secret="s",
            permanent_code="p",
            acting_user="1000",
            webhook_secret=TOKEN,
        ),
        Surroundings("fx"),
    )
    assert isinstance(zoho, Hinting)
    assert isinstance(fxiaoke, Hinting)
    hint = zoho.hint({}, notification())
    assert hint is not None
    assert hint.system == "zoho"
    body = push(timestamp=int(datetime.now(UTC).timestamp() * 1000))
    told = fxiaoke.hint(signed(body), body)
    assert told is not None
    assert told.kind is Kind.CUSTOMER
