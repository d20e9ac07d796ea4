"""Base classes of endpoints that read and accept a body."""

from envelope_gateway.api.bodies.reader import BodyReader
from envelope_gateway.api.params import RequestReader
from envelope_gateway.service.accept_envelope import EnvelopeAcceptor


class BodyEndpoint:
    """An endpoint that reads a request's head, then its body, and accepts its content."""

    def __init__(self, requests: RequestReader, bodies: BodyReader, acceptor: EnvelopeAcceptor) -> None:
        self._requests = requests
        self._bodies = bodies
        self._acceptor = acceptor


class LimitedBodyEndpoint(BodyEndpoint):
    """An endpoint with bodies of at most `bytes_max` bytes."""

    def __init__(
        self, requests: RequestReader, bodies: BodyReader, acceptor: EnvelopeAcceptor, bytes_max: int
    ) -> None:
        super().__init__(requests, bodies, acceptor)
        self._bytes_max = bytes_max
