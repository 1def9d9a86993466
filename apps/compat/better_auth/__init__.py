"""Signing in with Better Auth: its JWTs, checked against the keys that it publishes, and its session cookie.

`options` says whose; `tokens` and `cookies` check; `authentication` is what Django REST Framework is told of.
"""
