"""Addresses that are the page's to make sense of."""

from django.urls.converters import StringConverter


class PageConverter(StringConverter):
    """Whatever is not somebody else's. Those are left out here and not by the order of routes alone: whether a path
    means another one, with a slash or without, is found out by asking for its route."""

    regex = r"(?!(?:api|v1|static|admin|healthz|readyz|metrics)(?:/|\Z)).+"
