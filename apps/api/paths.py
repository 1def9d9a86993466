"""Ids in paths."""

from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    """A UUID in either case: some platforms write theirs in capitals."""

    regex = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
