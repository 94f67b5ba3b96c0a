"""The one HTTP runner of all connectors: httpx and tenacity are imported here and nowhere else.

``call`` is data (what codecs build and read), ``runner`` carries it out: timeouts and a total deadline, connection reuse for
reads and a fresh connection for writes, retries for reads only, a shared call budget per system, one sign-in at a time, no
redirects, TLS verified, redaction. May import ``model``, ``log``, ``clock``, ``errors``.
"""

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
_modules.setdefault("httpx._main", None)
"""httpx's own command line, which httpx loads where click and rich are installed (typer brings rich) and does without where it
cannot be imported, as None here says: a tenth of a run with nothing new went into it."""
