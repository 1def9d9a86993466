"""Why nothing, or not all, came back. Each one's text is a sentence for whoever set the address.

None says where a name led to, and none holds the exception of the library that failed: that one knows addresses
and keys.
"""


class OutboundError(Exception):
    pass


class AddressRefused(OutboundError):
    """The address is not one that is fetched from."""


class RequestRefused(OutboundError):
    """The address may do; the method or a header is not one that is sent."""


class Unreachable(OutboundError):
    """No connection, or one that ended without an answer."""


class Redirected(OutboundError):
    """The answer is: elsewhere. Nobody goes there."""


class TooLong(OutboundError):
    """In time."""


class TooBig(OutboundError):
    """In bytes: what was to be sent, or what came."""


class Broken(OutboundError):
    """What came is no HTTP, or ended too early."""


# One sentence for a name that nobody has and for one that leads inside: else it would tell which names there are.
NOT_PUBLIC = "This address does not lead to a public server."
