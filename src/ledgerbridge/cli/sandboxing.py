"""`sandbox`: the emulated far sides on loopback, and a workspace that is connected to them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ledgerbridge.errors import ConfigError

from .main import Json
from .output import plain

SECRET_FIELDS = frozenset({"app_secret", "permanent_code", "client_secret", "refresh_token"})


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("sandbox")(sandbox)


def sandbox(
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 1,
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 60,
    months: Annotated[int, typer.Option(min=1, max=120, help="How many months of business.")] = 6,
    port: Annotated[int, typer.Option(min=0, max=65000, help="The first port; 0: any free ones.")] = 0,
    folder: Annotated[Path, typer.Option(help="Where files, truth, sandbox.json and a workspace go.")] = Path(
        "sandbox"
    ),
    only: Annotated[list[str] | None, typer.Option(help="Only these systems.")] = None,
    as_json: Json = False,
) -> None:
    """Start emulators of Yonyou U8, YonBIP, Fxiaoke and Zoho CRM on loopback, with seeded business data, until Ctrl-C."""
    from ledgerbridge.sandbox.launch import run_forever

    def say(text: str) -> None:
        if text.startswith("ready"):
            made = make_workspace(folder / "sandbox.json", folder / "workspace")
            if as_json:
                told = {"ready": True, "settings": folder / "sandbox.json", "workspace": made}
                print(json.dumps(plain(told), ensure_ascii=False), flush=True)
                return
            print(f"workspace    {made}: ledgerbridge --help; try: ledgerbridge pull --workspace {made}", flush=True)
        print(text, file=sys.stderr if as_json else sys.stdout, flush=True)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        run_forever(
            seed=seed, customers=customers, months=months, base_port=port, folder=folder, only=only or None, say=say
        )
    except (ValueError, OSError) as error:
        raise ConfigError(f"the sandbox cannot be started: {error}") from None


def make_workspace(sandbox_json: Path, folder: Path) -> Path:
    """A workspace whose systems are the sandbox that `sandbox_json` describes; secrets go into files of their own.

    An existing workspace file there is replaced (ports change with every start); the database and mappings stay.
    """
    told = json.loads(sandbox_json.read_text("utf-8"))
    (folder / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "mappings").mkdir(exist_ok=True)
    parts = [_HEAD.format(name=_quoted(told["own_name"]))]
    for system, facts in told["systems"].items():
        settings = _SETTINGS[system](facts["url"], facts["credentials"])
        parts.append(_section(folder, _NAMES[system], system, settings))
    files = {name: (sandbox_json.parent / path).resolve() for name, path in told["files"].items()}
    parts.append(_sheet_section(files))
    parts += [
        _flow_sections(_NAMES[system])
        for system in ("fxiaoke", "zoho_crm")
        if {"yonyou_u8", system} <= told["systems"].keys()
    ]
    (folder / "ledgerbridge.toml").write_text("\n".join(parts), encoding="utf-8")
    return folder


_NAMES = {"yonyou_u8": "erp", "yonyou_bip": "bip", "fxiaoke": "crm", "zoho_crm": "zoho"}

_HEAD = """\
# Connected to the sandbox on loopback; written anew at each start of it.
[workspace]
name = {name}
"""

# The emulators are on this machine and set no quotas by default: the vendors' call budgets would only make one wait.
_LOCAL = {"allow_plain_http": True, "in_flight_max": 4, "retry_wait_max_s": 0.5}


def _u8(url: str, keys: Mapping[str, str]) -> dict[str, Any]:
    names = ("from_account", "to_account", "app_key", "app_secret")
    return {"base_url": url, **{name: keys[name] for name in names}, "calls_per_second": 100, "http": _LOCAL}


def _bip(url: str, keys: Mapping[str, str]) -> dict[str, Any]:
    names = ("tenant_id", "app_key", "app_secret")
    return {"discovery_url": url, **{name: keys[name] for name in names}, "calls_per_minute": 6000, "http": _LOCAL}


def _fxiaoke(url: str, keys: Mapping[str, str]) -> dict[str, Any]:
    names = ("app_id", "app_secret", "permanent_code")
    return {
        "base_url": url,
        **{name: keys[name] for name in names},
        "acting_user": keys["user_id"],
        "calls_per_second": 5,
        "http": _LOCAL,
    }


def _zoho(url: str, keys: Mapping[str, str]) -> dict[str, Any]:
    names = ("client_id", "client_secret", "refresh_token")
    return {"accounts_url": url, "api_url": url, **{name: keys[name] for name in names}, "http": _LOCAL}


_SETTINGS: dict[str, Callable[[str, Mapping[str, str]], dict[str, Any]]] = {
    "yonyou_u8": _u8,
    "yonyou_bip": _bip,
    "fxiaoke": _fxiaoke,
    "zoho_crm": _zoho,
}


def _section(folder: Path, name: str, connector: str, settings: Mapping[str, Any]) -> str:
    lines = [f"[systems.{name}]", f"connector = {_quoted(connector)}", f"[systems.{name}.settings]"]
    for key, value in settings.items():
        if key in SECRET_FIELDS:
            path = folder / "secrets" / f"{name}_{key}"
            path.write_text(value, encoding="utf-8")
            path.chmod(0o600)
            lines.append(f'{key} = {{ file = "secrets/{path.name}" }}')
        else:
            lines.append(f"{key} = {_toml(value)}")
    return "\n".join([*lines, ""])


def _sheet_section(files: Mapping[str, Path]) -> str:
    return "\n".join(
        [
            "# A salesperson's own lists. Their header 发票号码 heads our document number, not the tax invoice's.",
            "[systems.sheet]",
            'connector = "sheets"',
            "[[systems.sheet.settings.files]]",
            f"path = {_quoted(str(files['sheet_customers']))}",
            'kind = "customer"',
            "[[systems.sheet.settings.files]]",
            f"path = {_quoted(str(files['sheet_invoices']))}",
            'kind = "invoice"',
            'columns = { "发票号码" = "number" }',
            "",
        ]
    )


def _flow_sections(crm: str) -> str:
    """The flows between the leading ERP and one CRM; docs/flows.md says what goes without saying."""
    return "\n".join(
        [
            f"[flows.customers_{crm}]",
            'kind = "customer"',
            'left = "erp"',
            f"right = {_quoted(crm)}",
            'direction = "two_way"',
            "# Whose customer it is, each system says in its own people's codes.",
            'ignore = ["sales_owner"]',
            f"[flows.invoices_{crm}]",
            'kind = "invoice"',
            'left = "erp"',
            f"right = {_quoted(crm)}",
            f"[flows.payments_{crm}]",
            'kind = "payment"',
            'left = "erp"',
            f"right = {_quoted(crm)}",
            "",
        ]
    )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string
