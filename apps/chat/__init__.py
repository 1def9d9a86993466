"""Talking to a character: prompts, providers, generations and streams."""
