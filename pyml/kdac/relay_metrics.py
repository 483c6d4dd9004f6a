"""What a relay counts, in Prometheus' format, and the endpoint that shows it.

Source: specification, section 2; issue: "metrics endpoint". Counts only: no tag, address or digest is a label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

from pyml.errors import InputError

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RelayMetrics:
    """One registry a relay, so that several live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"kdac_{name}", what, labels, registry=self.registry)

        self.received = counter("frames_received", "Frames that clients sent", "type")
        self.refused = counter("refused", "Error frames sent", "code")
        self.dropped = counter("connections_dropped", "Connections that the relay ended", "reason")
        self.ordered = counter("messages_ordered", "Messages in final blocks")
        self.pushed = counter("messages_pushed", "Messages sent to their receivers")
        self.fetched = counter("messages_fetched", "Messages that receivers have stored")
        self.expired = counter("messages_expired", "Messages that nobody fetched in time")
        self.announced = counter("tags_announced", "Keys announced with a valid proof")
        self.anchored = counter("blocks_anchored", "Blocks that this relay put on the chain")
        self.anchor_failures = counter("anchor_failures", "Attempts to anchor that failed", "error")
        self.anchored_height = Gauge(
            "kdac_anchored_height", "The last height on the chain, as last seen", registry=self.registry
        )
        self.seconds = Histogram(
            "kdac_ordering_seconds",
            "From a message's arrival to its final block",
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.degraded = Gauge("kdac_outbox_unusable", "1 while the outbox cannot be written", registry=self.registry)

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks."""
        Gauge(f"kdac_{name}", what, registry=self.registry).set_function(read)

    def text(self) -> str:
        """Everything, as the endpoint shows it."""
        return generate_latest(self.registry).decode()


class MetricsEndpoint:
    """``http://host:port/metrics`` on a thread."""

    def __init__(self, metrics: RelayMetrics, host: str, port: int) -> None:
        try:
            started: tuple[Any, Any] = start_http_server(port, addr=host, registry=metrics.registry)
        except OSError as error:
            raise InputError(f"metrics cannot be shown at {host}:{port}: {error.strerror}") from error
        self._server, self._thread = started
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
