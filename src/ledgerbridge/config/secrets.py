"""Secrets by reference: a setting's value may be ``{ env = "NAME" }`` or ``{ file = "PATH" }``; a secret must be one of them.

Resolved values are remembered, so that logging can mask them wherever they turn up.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr

from ledgerbridge.errors import ConfigError

FILE_BYTES_MAX = 64 * 1024
PLACEHOLDER = "(not looked up)"


class Resolver:
    """Replaces references by what they refer to. `folder` is where relative files start; `environ` is read, never written.

    `offline`: nothing is looked up, every reference stands for a placeholder; for what needs a connector's facts only.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None, *, offline: bool = False) -> None:
        self._offline = offline
        self._folder = folder
        self._environ = os.environ if environ is None else environ
        self.found: dict[str, str] = {}
        """Where each resolved key came from: `environment variable NAME` or `file PATH`."""
        self.values: set[str] = set()
        """The resolved texts, for masking."""

    def resolve(self, value: Any, key: str) -> Any:
        """`value` with every reference below it replaced; ConfigError names the key, the reference and what to do."""
        if isinstance(value, dict):
            if self._offline and set(value) in ({"env"}, {"file"}):
                return PLACEHOLDER
            if set(value) == {"env"}:
                return self._remember(
                    key, self._from_environment(value["env"], key), f"environment variable {value['env']}"
                )
            if set(value) == {"file"}:
                return self._remember(key, self._from_file(value["file"], key), f"file {value['file']}")
            return {name: self.resolve(item, f"{key}.{name}") for name, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, f"{key}[{index}]") for index, item in enumerate(value)]
        return value

    def _remember(self, key: str, text: str, origin: str) -> str:
        self.found[key] = origin
        self.values.add(text)
        return text

    def _from_environment(self, name: object, key: str) -> str:
        value = self._environ.get(str(name))
        if not value:
            raise ConfigError(f"{key}: the environment variable {name} is not set; set it, or point {key} to a file")
        return value

    def _from_file(self, name: object, key: str) -> str:
        path = self._folder / str(name)
        try:
            if path.exists() and not path.is_file():  # a device or a pipe may never end
                raise ConfigError(f"{key}: {name} is no plain file; write the secret into one (mode 0600)")
            if path.stat().st_size > FILE_BYTES_MAX:
                raise ConfigError(f"{key}: {name} is too large to hold a secret")
            text = path.read_text("utf-8").strip()
        except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a name that no file can have
            raise ConfigError(
                f"{key}: cannot read {name}: {_plain(error)}; write the secret into it (mode 0600)"
            ) from None
        if not text:
            raise ConfigError(f"{key}: {name} is empty; write the secret into it")
        return text


def plain_secrets(model: type[BaseModel], raw: Mapping[str, Any], key: str) -> list[str]:
    """The keys whose field is a secret but whose value stands in the file itself."""
    found = []
    for name, info in model.model_fields.items():
        value = raw.get(name)
        if value is None:
            continue
        if is_secret(info.annotation):
            if isinstance(value, str):
                found.append(f"{key}.{name}")
            continue
        nested = model_of(info.annotation)
        items = value if isinstance(value, list) else [value]
        if nested is not None:
            for item in items:
                if isinstance(item, dict):
                    found += plain_secrets(nested, item, f"{key}.{name}")
    return found


def is_secret(annotation: object) -> bool:
    """Whether a field of this type holds a secret."""
    return any(issubclass(kind, SecretStr | SecretBytes) for kind in _types_in(annotation))


def model_of(annotation: object) -> type[BaseModel] | None:
    """The model that a field of this type holds, be it optional or in a list; None if it holds none."""
    return next((kind for kind in _types_in(annotation) if issubclass(kind, BaseModel)), None)


def _types_in(annotation: object) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _types_in(part)]


def _plain(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
