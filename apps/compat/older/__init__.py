"""The routes of a chat without conversations, sessions and turns in JSON, that programs written before speak.

A session is a conversation, and its id the conversation's.
"""
