"""The one HTTP runner of all connectors: httpx and tenacity are imported here and nowhere else.

``call`` is data (what codecs build and read), ``runner`` carries it out: timeouts and a total deadline, connection reuse for
reads and a fresh connection for writes, retries for reads only, a shared call budget per system, one sign-in at a time, no
redirects, TLS verified, redaction. May import ``model``, ``log``, ``clock``, ``errors``.
"""
