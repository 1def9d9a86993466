"""The OpenAI-compatible face, `/v1`: a model is a character. `docs/openai.md`.

`names` says which character a model's id means, `completions` asks it and keeps nothing, `conversations` are those of
everywhere else in OpenAI's form.
"""
