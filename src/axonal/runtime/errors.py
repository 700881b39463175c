"""What goes wrong between processes, by name; garbled bytes are `wire.CorruptFrame`."""

from __future__ import annotations

__all__ = ["PeerLost", "PeerTimeout", "Refused", "RuntimeFault", "Untrusted"]


class RuntimeFault(Exception):  # noqa: N818 - the base of faults, which are named for what happened
    """Something between processes failed; the text says what to do next."""


class PeerLost(RuntimeFault):
    """The other end cannot be reached, or went away: killed, cut off, or closed."""


class PeerTimeout(RuntimeFault):
    """The other end did not answer in time: stopped, overloaded, or cut off without a sign."""


class Untrusted(RuntimeFault):
    """TLS failed: the other end does not prove that it is who it should be, or does not speak TLS."""


class Refused(RuntimeFault):
    """The other end answered, and said no.

    Args:
        reason: Why, in one word: `version`, `token`, `layout`, `codec`, `busy`, `hello`, `size`, `request`, `part`,
            `corrupt` or `slow`.
        text: Why, for people.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"refused ({reason}): {text}")
        self.reason = reason
        self.text = text
