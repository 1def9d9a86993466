"""Conversations and their messages: a tree of rows, of which one path is active."""
