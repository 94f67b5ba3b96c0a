"""Sign-in with a refresh token: what is sent, what counts as success, which refusal means what."""

from __future__ import annotations

import json

import pytest

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.connectors.zoho_crm import codec
from ledgerbridge.connectors.zoho_crm.settings import DATA_CENTERS, DataCenter, ZohoCrmSettings
from ledgerbridge.connectors.zoho_crm.signin import sign_in
from ledgerbridge.errors import BadReply, ConnectorError, NotAllowed, QuotaUsedUp, RateLimited
from ledgerbridge.testing.fakes import FakeClock

GOOD = {
    "access_token": "1000.aa.bb",
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
    "expires_in": 3600,
}


def access(**more: object) -> ZohoCrmSettings:
    given = {"client_id": "1000.C", "client_secret": "the secret", "refresh_token": "1000.R"}
    return ZohoCrmSettings.model_validate({"data_center": "eu", **given, **more})


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(body).encode(), "r1", 0.01)


def signed(answer: Reply, **more: object) -> Signed:
    flow = sign_in(access(**more), "crm")
    next(flow)
    with pytest.raises(StopIteration) as stop:
        flow.send(answer)
    result = stop.value.value
    assert isinstance(result, Signed)
    return result


def refused(answer: Reply) -> ConnectorError:
    flow = sign_in(access(), "crm")
    next(flow)
    with pytest.raises(ConnectorError) as caught:
        flow.send(answer)
    return caught.value


def test_the_refresh_token_goes_to_the_data_centres_accounts_server_as_a_form() -> None:
    call = next(sign_in(access(), "crm"))
    assert (call.method, call.path, call.signed_in) == ("POST", "https://accounts.zoho.eu/oauth/v2/token", False)
    assert call.query == {}
    assert call.form == {
        "grant_type": "refresh_token", "refresh_token": "1000.R", "client_id": "1000.C", "client_secret": "the secret"
    }  # fmt: skip


def test_calls_go_where_the_reply_says_with_zohos_own_prefix() -> None:
    found = signed(reply(GOOD))
    assert found.headers == {"Authorization": "Zoho-oauthtoken 1000.aa.bb"}
    assert found.base_url == "https://www.zohoapis.eu"
    assert found.lifetime_s == 3600


def test_a_configured_api_url_stays() -> None:
    assert signed(reply(GOOD), api_url="https://sandbox.zohoapis.eu/").base_url == "https://sandbox.zohoapis.eu"


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"expires_in": 600}, 600),
        ({"expires_in": 3600000, "expires_in_sec": 3600}, 3600),
        ({}, 3600),
        ({"expires_in": -1}, 3600),
    ],
    ids=["seconds", "milliseconds beside seconds", "silent", "nonsense"],
)
def test_the_lifetime_is_in_seconds(times: dict[str, int], expected: int) -> None:
    body = {name: value for name, value in GOOD.items() if name != "expires_in"}
    assert signed(reply({**body, **times})).lifetime_s == expected


@pytest.mark.parametrize(
    ("body", "status", "kind", "advice"),
    [
        ({"error": "invalid_code"}, 200, NotAllowed, "connect again"),
        ({"error": "invalid_client"}, 200, NotAllowed, "data_center"),
        ({"error": "invalid_client"}, 400, NotAllowed, "client_secret"),
        ({"error": "shard_moving"}, 400, BadReply, "undocumented"),
        ({}, 200, BadReply, "undocumented"),
        ({"access_token": ""}, 200, BadReply, "undocumented"),
        ([], 200, BadReply, "no object"),
        ({"access_token": "1000.x"}, 200, BadReply, "no api_domain"),
    ],
)
def test_only_an_access_token_is_success(body: object, status: int, kind: type[ConnectorError], advice: str) -> None:
    error = refused(reply(body, status))
    assert type(error) is kind
    assert advice in str(error)
    assert "the secret" not in str(error)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (
            {"error": "Access Denied", "error_description": "You have made too many requests continuously."},
            400,
            QuotaUsedUp,
        ),
        ({}, 429, RateLimited),
        ({"error": "invalid_client"}, 400, None),
        ({"error": "invalid_code"}, 200, None),
    ],
)
def test_too_many_tokens_must_wait_out_the_window(
    body: object, status: int, expected: type[ConnectorError] | None
) -> None:
    judge = codec.judge(codec.Credits("crm", 100, FakeClock()), "crm")
    call = Call("POST", "https://accounts.zoho.eu/oauth/v2/token", signed_in=False)
    found = judge(call, reply(body, status))
    assert (None if found is None else type(found)) is expected
    if isinstance(found, QuotaUsedUp):
        assert found.retry_after_s == 600


@pytest.mark.parametrize("center", DataCenter)
def test_every_data_centre_has_both_servers_and_may_be_called(center: DataCenter) -> None:
    settings = access(data_center=center.value)
    hosts = DATA_CENTERS[center]
    assert settings.accounts_server == f"https://{hosts.accounts}"
    assert settings.first_api_url == f"https://www.{hosts.api_domain}"
    assert {hosts.accounts, f"www.{hosts.api_domain}", f"sandbox.{hosts.api_domain}"} <= settings.allowed_hosts
    assert "www.zohoapis.com.evil.example" not in settings.allowed_hosts
