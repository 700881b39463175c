"""The first words of a connection, as functions of bytes: challenge, hello, welcome or refusal.

```
server  HELLO    version, nonce
client  HELLO    version, nonce, proof that it knows the token, layout, codecs of inputs and outputs
server  WELCOME  session (in the header), proof that it knows the token    or    REFUSAL  reason, text
```

A proof is an HMAC of both nonces and the server's certificate under the token: it holds for this connection only, and
a third party with another certificate cannot pass it on. Payloads are JSON of at most 4 KiB.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from axonal.runtime.crossing import Agreement, Crossing
from axonal.runtime.errors import Refused
from axonal.wire import CorruptFrame, Message, MessageKind
from axonal.wire.message import VERSION

__all__ = [
    "HELLO_BYTES",
    "PROTOCOL",
    "Challenge",
    "Hello",
    "challenge",
    "check_hello",
    "check_welcome",
    "first_header",
    "new_nonce",
    "read_challenge",
    "read_refusal",
    "refusal",
    "welcome",
]

HELLO_BYTES = 4096
"""Longest payload of a handshake."""

PROTOCOL = f"{VERSION}.1"
"""Version of the messages and of the order in which they come."""

_NONCE_BYTES = 32
_TEXT_CHARACTERS = 300  # at most 12 bytes each in JSON


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What a proof is bound to.

    Args:
        secret: The token.
        server: Nonce of the server.
        client: Nonce of the client.
        fingerprint: Of the server's certificate, as this end sees it.
    """

    secret: bytes
    server: bytes
    client: bytes
    fingerprint: bytes

    def proof(self, side: str) -> str:
        """What only who knows the token can say, of `client` or `server`."""
        text = b"|".join((b"axonal", side.encode(), self.server, self.client, self.fingerprint))
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()

    def holds(self, side: str, proof: str) -> bool:
        """Whether a side has proven it, in a time that does not tell how nearly."""
        return hmac.compare_digest(self.proof(side).encode(), proof.encode(errors="replace"))


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a client says of itself.

    Args:
        version: Of messages and protocol.
        nonce: Fresh random bytes.
        proof: See `Challenge`.
        layout: Number of the agreement.
        inputs: Name of the codec of each tensor that it sends.
        outputs: Name of the codec of each tensor that it wants to get.
    """

    version: str
    nonce: bytes
    proof: str
    layout: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def seal(self) -> bytes:
        """The message."""
        fields = {
            "version": self.version,
            "nonce": self.nonce.hex(),
            "proof": self.proof,
            "layout": self.layout,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }
        return _seal(MessageKind.HELLO, fields)

    @classmethod
    def read(cls, payload: bytes | bytearray) -> Hello:
        """The hello in a payload.

        Raises:
            Refused: It is none.
        """
        try:
            fields = _fields(payload)
            return cls(
                version=_text(fields["version"]),
                nonce=bytes.fromhex(_text(fields["nonce"])),
                proof=_text(fields["proof"]),
                layout=_whole(fields["layout"]),
                inputs=tuple(_text(name) for name in fields["inputs"]),
                outputs=tuple(_text(name) for name in fields["outputs"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("hello", "the first message is no hello: use one release of Axonal at both ends") from error


def first_header(header: bytes | bytearray) -> Message:
    """The header of the first message of the other end.

    Raises:
        Refused: It is of another version.
        CorruptFrame: It is none, or announces more than a handshake needs.
    """
    if header[:4] == b"AXON" and header[4] != VERSION:
        raise Refused("version", _versions("the other end", f"{header[4]}", PROTOCOL))
    return Message.read(header, limit_bytes=HELLO_BYTES)


def challenge() -> tuple[bytes, bytes]:
    """What a server says first: the message, and the nonce in it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _seal(MessageKind.HELLO, {"version": PROTOCOL, "nonce": nonce.hex()}), nonce


def read_challenge(payload: bytes | bytearray) -> bytes:
    """The nonce of a server.

    Raises:
        Refused: It speaks another version.
        CorruptFrame: It is none.
    """
    try:
        fields = _fields(payload)
        version, nonce = _text(fields["version"]), bytes.fromhex(_text(fields["nonce"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFrame("the server's first message is no challenge: is it axonal that listens there?") from error
    if version != PROTOCOL:
        raise Refused("version", _versions("the server", version, PROTOCOL))
    return nonce


def new_nonce() -> bytes:
    """Fresh random bytes."""
    return secrets.token_bytes(_NONCE_BYTES)


def welcome(mine: Challenge, session: int) -> bytes:
    """The message that lets a client in."""
    return _seal(MessageKind.WELCOME, {"proof": mine.proof("server")}, session=session)


def check_welcome(mine: Challenge, payload: bytes | bytearray) -> None:
    """Refused unless the server proves that it knows the token."""
    try:
        proof = _text(_fields(payload)["proof"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFrame("the server's welcome is none: use one release of Axonal at both ends") from error
    if not mine.holds("server", proof):
        raise Refused("token", "the server does not know the token: check address and token file")


def check_hello(hello: Hello, mine: Challenge, agreement: Agreement) -> None:
    """Let a client in, or say why not; who does not know the token learns nothing about the part.

    Raises:
        Refused: `version`, `token`, `layout` or `codec`.
    """
    if hello.version != PROTOCOL:
        raise Refused("version", _versions("the client", hello.version, PROTOCOL))
    if len(hello.nonce) != _NONCE_BYTES or not mine.holds("client", hello.proof):
        raise Refused("token", "the client does not know the token: give both ends the same token file")
    if hello.layout != agreement.number:
        raise Refused(
            "layout",
            f"the client expects layout {hello.layout:016x}, the server serves {agreement.number:016x}: "
            "use one model, one partition and the other part of it",
        )
    _check_codecs("input", hello.inputs, agreement.inputs)
    _check_codecs("output", hello.outputs, agreement.outputs)


def _check_codecs(side: str, names: tuple[str, ...], crossings: tuple[Crossing, ...]) -> None:
    if len(names) != len(crossings):
        raise Refused("codec", f"the client names {len(names)} {side} codecs, must name {len(crossings)}")
    for name, crossing in zip(names, crossings, strict=True):
        if name not in crossing.codecs:
            allowed = ", ".join(crossing.codecs)
            raise Refused("codec", f"codec of {side} {crossing.name} is {name[:40]!r}, must be one of {allowed}")


def refusal(refused: Refused, *, session: int = 0, step: int = 0) -> bytes:
    """The message that says no."""
    fields = {"reason": refused.reason, "text": refused.text[:_TEXT_CHARACTERS]}
    return _seal(MessageKind.REFUSAL, fields, session=session, step=step)


def read_refusal(payload: bytes | bytearray) -> Refused:
    """The refusal in a payload, as printable text.

    Raises:
        CorruptFrame: It is none.
    """
    try:
        fields = _fields(payload)
        reason, text = _text(fields["reason"]), _text(fields["text"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFrame("a refusal holds no reason: use one release of Axonal at both ends") from error
    return Refused(_printable(reason)[:40], _printable(text))


def _printable(text: str) -> str:
    """Without what could move the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _versions(who: str, found: str, wanted: str) -> str:
    return f"{who} speaks version {_printable(found)[:20]}, must be {wanted}: use one release of Axonal at both ends"


def _seal(kind: MessageKind, fields: dict[str, Any], *, session: int = 0, step: int = 0) -> bytes:
    return Message(kind=kind, session=session, step=step).seal(json.dumps(fields).encode())


def _fields(payload: bytes | bytearray) -> dict[str, Any]:
    try:
        found: Any = json.loads(payload)
    except RecursionError as error:  # deeply nested brackets
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
