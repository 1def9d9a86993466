"""Other systems' ways to what is here: routes, forms and sign-ins that people's programs speak already.

Thin over the functions of the other applications; nothing imports it.
"""
