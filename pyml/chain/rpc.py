"""JSON-RPC over HTTP: time-outs, a few retries, and errors that never carry the secrets of the URL.

web3's ``HTTPProvider`` does the transport. Its own retry and its exceptions are not used, because they put
the full URL, API key included, into messages; the debug loggers of web3 and urllib3 do the same and get a
filter here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from pyml.errors import ChainError

_TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})


class RpcUnavailableError(ChainError):
    """The node did not answer: refused, timed out, or an HTTP error."""


class RpcError(ChainError):
    """The node answered with an error object; ``data`` holds revert bytes when there are any."""

    def __init__(self, shown_url: str, method: str, code: int, text: str, data: bytes | None) -> None:
        self.code = code
        self.text = text
        self.data = data
        super().__init__(f"node {shown_url} refused {method}: {text} (code {code})")

    @property
    def is_revert(self) -> bool:
        """True if the EVM ran and reverted, rather than the node declining to run."""
        return self.code == 3 or self.data is not None or "revert" in self.text.lower()


class Rpc:
    """One node. Safe to share between threads (web3 keeps a session for each)."""

    def __init__(self, url: str, *, timeout_s: float = 10.0, retries: int = 2) -> None:
        self.shown = redact_url(url)
        self._secrets = url_secrets(url)
        options: dict[str, Any] = {"timeout": timeout_s}
        if urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}:
            options["proxies"] = {"http": None, "https": None, "all": None}  # never send loopback to a proxy
        self._provider = HTTPProvider(url, request_kwargs=options, exception_retry_configuration=None)
        self._provider.global_ccip_read_enabled = False  # a contract must not choose URLs for us to fetch (EIP-3668)
        self._timeout_s = timeout_s
        self._retries = retries
        self.web3 = Web3(self._provider)
        _hide_in_logs(self._secrets)

    def __repr__(self) -> str:
        return f"Rpc({self.shown})"

    def request(self, method: str, *params: object, on_repeat: Callable[[], None] | None = None) -> Any:
        """The ``result`` of one call; raises ``RpcUnavailableError`` after retries, ``RpcError`` on an error object.

        Every method used here may be repeated without harm: a signed transaction handed over twice is the same one.
        ``on_repeat`` is called before each repetition, after which an earlier try may have taken effect unseen.
        """
        for attempt in range(self._retries):
            try:
                return self._once(method, params)
            except RpcUnavailableError:
                if on_repeat is not None:
                    on_repeat()
                time.sleep(0.1 * 4**attempt)
        return self._once(method, params)

    def _once(self, method: str, params: tuple[object, ...]) -> Any:
        try:
            response = cast(dict[str, Any], self._provider.make_request(cast(Any, method), list(params)))
        except requests.Timeout:
            raise RpcUnavailableError(
                f"node {self.shown} did not answer {method} in time", expected=f"an answer in {self._timeout_s} s"
            ) from None
        except requests.HTTPError as error:
            response = self._http_error(error)
        except (requests.RequestException, OSError) as error:
            raise RpcUnavailableError(
                f"node {self.shown} cannot be reached ({type(error).__name__})",
                hint="Start it, check the URL, or leave out --rpc to use the embedded devnet.",
            ) from None
        except (ValueError, Web3Exception):
            raise ChainError(f"{self.shown} does not answer as a JSON-RPC node") from None
        return self._result(method, response)

    def _result(self, method: str, response: dict[str, Any]) -> Any:
        error = response.get("error")
        if error is not None:
            fields = cast(dict[str, Any], error) if isinstance(error, dict) else {"message": str(error)}
            code = fields.get("code")
            text = self._redact(str(fields.get("message", "no message")))
            raise RpcError(
                self.shown, method, code if isinstance(code, int) else 0, text, revert_bytes(fields.get("data"))
            )
        if "result" not in response:
            raise ChainError(f"{self.shown} answered {method} with neither result nor error")
        return response["result"]

    def _http_error(self, error: requests.HTTPError) -> dict[str, Any]:
        """The JSON-RPC error object that some nodes send with an HTTP error status; else raises."""
        status = error.response.status_code
        try:
            body = error.response.json()
        except ValueError:
            body = None
        if isinstance(body, dict) and "error" in body and "jsonrpc" in body:
            return cast(dict[str, Any], body)
        problem = f"node {self.shown} answered HTTP {status}"
        if status in _TRANSIENT_STATUS:
            raise RpcUnavailableError(problem) from None
        raise ChainError(problem, hint="Check the credentials in the URL." if status in (401, 403) else None) from None

    def _redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def redact_url(url: str) -> str:
    """Scheme, host and port; user, password, path and query become ``***``. Raises ``ChainError`` unless http(s)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ChainError("RPC URL is malformed", expected="http(s)://host:port/…") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChainError(
            "RPC URL cannot be used", expected="http://… or https://…", got=f"scheme {parts.scheme or 'none'!r}"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = "***@" if parts.username or parts.password else ""
    tail = "/***" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{user}{host}{f':{port}' if port else ''}{tail}"


def url_secrets(url: str) -> tuple[str, ...]:
    """The parts of a URL that may be credentials, longest first."""
    parts = urlsplit(url)
    found = {parts.username, parts.password, parts.query, parts.fragment, parts.path.strip("/"), *parts.path.split("/")}
    found |= {f"{parts.username}:{parts.password}"} if parts.password else set()
    return tuple(sorted((part for part in found if part and len(part) > 3), key=len, reverse=True))


def revert_bytes(data: object) -> bytes | None:
    """The revert payload in an error's ``data``, which nodes nest differently."""
    if isinstance(data, dict):
        inner = cast(dict[str, object], data)
        return revert_bytes(inner.get("data", inner.get("result")))
    if isinstance(data, str) and data.startswith("0x"):
        try:
            return bytes.fromhex(data[2:])
        except ValueError:
            return None
    return None


class _UrlFilter(logging.Filter):
    """Replaces known secrets in the records of web3's and urllib3's debug loggers."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if self.secrets:
            text = record.getMessage()
            for secret in sorted(self.secrets, key=len, reverse=True):
                text = text.replace(secret, "***")
            record.msg, record.args = text, ()
        return True


_LOGGERS = (
    "web3.providers.HTTPProvider",
    "web3._utils.http_session_manager.HTTPSessionManager",
    "urllib3.connectionpool",
)
_url_filter = _UrlFilter()


def _hide_in_logs(secrets: tuple[str, ...]) -> None:
    _url_filter.secrets.update(secrets)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_url_filter)
