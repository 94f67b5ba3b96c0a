"""Known vulnerabilities of the pinned dependencies (constraints.txt), asked of the public advisory database by pip-audit.

Exit codes: 0 none known, or nobody could be asked and LEDGERBRIDGE_AUDIT is not `required`; 1 some are known; 2 the audit itself
is broken, or it is required and could not be made. What was not audited is never reported as sound.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AWAY = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|Timed? ?out|Could not connect|NameResolutionError|ProxyError|SSLError|HTTPError",
    re.IGNORECASE,
)
"""What pip-audit and the library below it say when the advisory database cannot be reached."""


def command(constraints: Path) -> list[str]:
    """How pip-audit is called: exact versions as they stand in the file, nothing resolved, nothing installed."""
    # The open vulnerability database is asked and not the package index: a mirror of an index seldom carries advisories, and
    # pip-audit reports what it then cannot find as skipped, with exit code 0.
    options = ["--service", "osv", "--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    return [sys.executable, "-m", "pip_audit", "-r", str(constraints), *options, "--timeout", "10"]


def judged(out: str, err: str, *, required: bool) -> tuple[int, list[str]]:
    """The exit code and what to say for what pip-audit printed."""
    try:
        dependencies = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = next((line.strip() for line in reversed(err.splitlines()) if line.strip()), "it printed nothing")
        if AWAY.search(err):
            return _unmade("no connection to the advisory database", required=required)
        return 2, [f"audit: pip-audit is broken: {why[:300]}"]
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in dependencies if "skip_reason" in one]
    known = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in dependencies
        for flaw in one.get("vulns", ())
    ]
    if known:
        return 1, [f"audit: {len(known)} known vulnerabilities", *known, *skipped]
    if skipped or not dependencies:
        code, lines = _unmade(f"{len(skipped)} of {len(dependencies)} packages were skipped", required=required)
        return code, [*lines, *skipped[:5]]
    return 0, [f"audit: no known vulnerability in {len(dependencies)} packages"]


def _unmade(why: str, *, required: bool) -> tuple[int, list[str]]:
    return (2 if required else 0), [
        f"audit: NOT AUDITED: {why}" + (" (LEDGERBRIDGE_AUDIT=required)" if required else "")
    ]


def main() -> int:
    """Audit the constraints file of this repository."""
    required = os.environ.get("LEDGERBRIDGE_AUDIT") == "required"
    done = subprocess.run(command(ROOT / "constraints.txt"), capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
    code, lines = judged(done.stdout, done.stderr, required=required)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
