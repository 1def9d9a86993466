"""The one way out to addresses that users set: HTTP to public servers, and to what the operator allows besides.

`client.guarded()` is what everybody uses; `errors` says why nothing came back.
"""
