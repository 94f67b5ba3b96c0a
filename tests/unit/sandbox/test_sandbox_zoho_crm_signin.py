"""OAuth, scopes and 401 bodies of the Zoho CRM emulator: zoho.md 2."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from zoho_desk import BASE, TOKEN_PATH, Desk, parsed, refusal

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.zoho_crm import create, credentials
from ledgerbridge.sandbox.zoho_crm.oauth import allows


def test_refresh_reply_is_the_documented_one() -> None:
    response = Desk(sign_in=False).grant()
    body = parsed(response)
    assert response.status == 200
    assert body.pop("access_token").startswith("1000.")
    assert "ZohoCRM.modules.ALL" in body.pop("scope").split()
    assert body == {"api_domain": BASE, "token_type": "Bearer", "expires_in": 3600}


def test_parameters_may_come_as_a_form() -> None:
    desk = Desk(sign_in=False)
    form = {key: credentials()[key] for key in ("client_id", "client_secret", "refresh_token")}
    body = urlencode({**form, "grant_type": "refresh_token"}).encode()
    desk.token = parsed(desk.raw("POST", TOKEN_PATH, body=body))["access_token"]
    assert desk.response("GET", "org").status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"refresh_token": "wrong"}, "invalid_code"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "wrong"}, "invalid_code"),
    ],
    ids=["secret", "client", "refresh_token", "grant_type", "code"],
)
def test_failures_come_with_200(changes: dict[str, str], error: str) -> None:
    response = Desk(sign_in=False).grant(**changes)
    assert (response.status, parsed(response)) == (200, {"error": error})


def test_get_is_no_way_to_ask_for_tokens() -> None:
    response = Desk(sign_in=False).raw("GET", TOKEN_PATH, {"grant_type": "refresh_token", **credentials()})
    assert response.status == 405
    assert "access_token" not in parsed(response)


def test_a_code_is_good_once_and_gives_a_refresh_token() -> None:
    desk = Desk(sign_in=False)
    first = parsed(desk.grant(grant_type="authorization_code", code=credentials()["code"]))
    again = parsed(desk.grant(grant_type="authorization_code", code=credentials()["code"]))
    assert again == {"error": "invalid_code"}
    assert "access_token" in parsed(desk.grant(refresh_token=first["refresh_token"]))


def test_a_code_expires_and_an_online_one_gives_no_refresh_token() -> None:
    desk = Desk(sign_in=False, code_life_s=60)
    late, online = desk.emulator.grant_code(), desk.emulator.grant_code(offline=False)
    assert "refresh_token" not in parsed(desk.grant(grant_type="authorization_code", code=online))
    desk.clock.advance(60)
    assert parsed(desk.grant(grant_type="authorization_code", code=late)) == {"error": "invalid_code"}


def test_consent_redirects_with_code_location_and_accounts_server() -> None:
    desk = Desk(sign_in=False)
    asked = {"client_id": credentials()["client_id"], "response_type": "code", "access_type": "offline"}
    response = desk.raw(
        "GET", "/oauth/v2/auth", {**asked, "redirect_uri": "http://127.0.0.1/cb", "scope": "ZohoCRM.org.READ"}
    )
    facts = {key: value[0] for key, value in parse_qs(urlsplit(response.headers["Location"]).query).items()}
    assert response.status == 302
    assert facts["accounts-server"] == BASE
    assert facts["location"] == "cn"
    tokens = parsed(desk.grant(grant_type="authorization_code", code=facts["code"]))
    assert tokens["scope"] == "ZohoCRM.org.READ"


def test_ten_tokens_in_ten_minutes_then_access_denied() -> None:
    desk = Desk(sign_in=False)
    assert all("access_token" in parsed(desk.grant()) for _ in range(10))
    response = desk.grant()
    assert response.status == 400
    assert parsed(response)["error"] == "Access Denied"
    assert parsed(response)["error_description"].startswith("You have made too many requests continuously.")
    desk.clock.advance(601)
    assert "access_token" in parsed(desk.grant())


def test_five_refresh_tokens_a_minute_and_twenty_in_all() -> None:
    desk = Desk(sign_in=False)
    for _ in range(4):
        for _ in range(5):
            assert "refresh_token" in parsed(
                desk.grant(grant_type="authorization_code", code=desk.emulator.grant_code())
            )
        sixth = desk.grant(grant_type="authorization_code", code=desk.emulator.grant_code())
        assert (sixth.status, parsed(sixth)["error"]) == (400, "Access Denied")
        desk.clock.advance(61)
    assert parsed(desk.grant()) == {"error": "invalid_code"}  # the first one was the oldest of 21


def test_only_thirty_access_tokens_live() -> None:
    desk = Desk(token_life_s=36000)
    first = desk.token
    for _ in range(3):
        desk.clock.advance(601)
        for _ in range(10):
            last = parsed(desk.grant())["access_token"]
    assert desk.emulator.accounts.live_access_tokens == 30
    desk.token = first
    assert refusal(desk.response("GET", "org"))[:2] == (401, "INVALID_TOKEN")
    desk.token = last
    assert desk.response("GET", "org").status == 200


def test_access_tokens_expire_by_the_clock() -> None:
    desk = Desk()
    desk.clock.advance(3599)
    assert desk.response("GET", "org").status == 200
    desk.clock.advance(1)
    response = desk.response("GET", "org")
    assert refusal(response) == (401, "INVALID_TOKEN", {})
    assert parsed(response)["message"] == "invalid oauth token"


def test_revoking_ends_the_refresh_token_and_its_access_tokens() -> None:
    desk = Desk()
    revoked = desk.raw("POST", "/oauth/v2/token/revoke", {"token": credentials()["refresh_token"]})
    assert (revoked.status, parsed(revoked)) == (200, {"status": "success"})
    assert refusal(desk.response("GET", "org"))[:2] == (401, "INVALID_TOKEN")
    assert parsed(desk.grant()) == {"error": "invalid_code"}
    assert desk.raw("POST", "/oauth/v2/token/revoke", {"token": "unknown"}).status == 400


@pytest.mark.parametrize("header", ["", "Bearer {}", "Zoho-oauthtoken ", "zoho-oauthtoken {}", "{}"])
def test_only_the_documented_header_prefix_is_usable(header: str) -> None:
    desk = Desk()
    response = desk.raw("GET", "/crm/v8/org", headers={"authorization": header.format(desk.token)})
    assert refusal(response) == (401, "AUTHENTICATION_FAILURE", {})
    assert parsed(response)["message"] == "Authentication failed"


def test_a_tenant_may_take_bearer() -> None:
    desk = Desk(strict_header_prefix=False)
    assert desk.raw("GET", "/crm/v8/org", headers={"authorization": f"Bearer {desk.token}"}).status == 200


@pytest.mark.parametrize(
    ("granted", "path", "allowed"),
    [
        ("ZohoCRM.modules.accounts.READ", "Accounts", True),
        ("ZohoCRM.modules.accounts.READ", "Invoices", False),
        ("ZohoCRM.modules.invoices.ALL", "Invoices", True),
        ("ZohoCRM.modules.custom.READ", "Payments", True),
        ("ZohoCRM.modules.ALL", "Payments", True),
        ("ZohoCRM.modules.ALL", "settings/fields", False),
        ("ZohoCRM.settings.fields.READ", "settings/fields", True),
        ("ZohoCRM.modules.ALL", "Accounts/search", False),
        ("ZohoCRM.modules.ALL,ZohoSearch.securesearch.READ", "Accounts/search", True),
        ("ZohoCRM.modules.ALL", "org/currencies", False),
    ],
)
def test_scopes_are_asked_for(granted: str, path: str, allowed: bool) -> None:
    desk = Desk(granted_scopes=granted)
    response = desk.response("GET", path, fields="Created_Time", module="Accounts", word="x")
    assert (response.status != 401) is allowed
    if not allowed:
        assert refusal(response)[1] == "OAUTH_SCOPE_MISMATCH"


def test_coql_has_a_scope_of_its_own() -> None:
    desk = Desk(granted_scopes="ZohoCRM.modules.ALL")
    assert refusal(desk.coql("select id from Accounts"))[:2] == (401, "OAUTH_SCOPE_MISMATCH")


def test_writing_needs_more_than_reading() -> None:
    desk = Desk(granted_scopes="ZohoCRM.modules.accounts.READ,ZohoCRM.modules.accounts.CREATE")
    record = {"data": [{"Account_Name": "Acme"}]}
    assert desk.response("POST", "Accounts", record).status == 201
    assert desk.response("POST", "Accounts/upsert", record).status == 401
    assert desk.response("DELETE", "Accounts", ids="1").status == 401


def test_missing_rights_of_the_profile() -> None:
    desk = Desk(no_permission=["Invoices.CREATE"])
    response = desk.response("POST", "Invoices", {"data": [{}]})
    assert refusal(response) == (403, "NO_PERMISSION", {"permissions": ["Crm_Implied_Create_Invoices"]})
    assert desk.response("GET", "Invoices", fields="Subject").status == 204


@pytest.mark.parametrize(
    ("granted", "wanted", "expected"),
    [
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.accounts.READ", True),
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.accounts.CREATE", False),
        ("ZohoCRM.settings.ALL", "ZohoCRM.settings.fields.READ", True),
        ("ZohoCRM.org.ALL", "ZohoCRM.org.READ", True),
        ("", "ZohoCRM.org.READ", False),
    ],
)
def test_what_a_scope_covers(granted: str, wanted: str, expected: bool) -> None:
    assert allows(granted, wanted) is expected


def test_an_expired_token_stays_expired() -> None:
    desk = Desk()
    desk.faults.fail_next(Fault.TOKEN_EXPIRED)
    assert refusal(desk.response("GET", "org"))[1] == "INVALID_TOKEN"
    assert refusal(desk.response("GET", "org"))[1] == "INVALID_TOKEN"
    desk.sign_in()
    assert desk.response("GET", "org").status == 200


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        (Fault.RATE_LIMITED, 400, "Access Denied"),
        (Fault.ERROR_IN_200, 200, "invalid_client"),
        (Fault.UNKNOWN_CODE, 400, "shard_moving"),
    ],
)
def test_faults_of_the_token_endpoint(fault: Fault, status: int, error: str) -> None:
    desk = Desk(sign_in=False)
    desk.faults.fail_next(fault, path=TOKEN_PATH)
    response = desk.grant()
    assert (response.status, parsed(response)["error"]) == (status, error)
    assert "access_token" in parsed(desk.grant())


def test_another_api_domain_can_be_told() -> None:
    assert parsed(Desk(sign_in=False, api_domain="http://127.0.0.1:9").grant())["api_domain"] == "http://127.0.0.1:9"


def test_unknown_switches_are_refused() -> None:
    with pytest.raises(ValueError, match="no switch colour"):
        create(switches={"colour": 1})
