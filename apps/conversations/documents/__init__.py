"""A conversation as a document: our JSON, Markdown for people, SillyTavern's lines. `docs/documents.md` describes them.

A document is plain data, as it stands in JSON; what reads and writes the other forms is pure and knows no rows.
"""

from apps.conversations.documents.rows import from_document, to_document

__all__ = ["from_document", "to_document"]
