"""What an older chat application kept, read into characters, conversations and messages: `docs/import-legacy.md`.

`files` and `databases` yield records as they stand at the source, `reading` makes `shapes` of them, a bounded number at
a time, and `writing` rows. Nothing before `writing` knows rows of ours.
"""
