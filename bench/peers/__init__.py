"""What Dramatis is compared with: the same tables, read and written by those who would not have taken Django.

`usual` is how a good engineer writes it with FastAPI; `fast` the same with what is slow in it left out, in two steps;
`bare` what this machine allows in Python. All check the same of a token (`gate`), give the same answers, and follow the
same links; links towards newer pages are given, and not followed, which nothing here asks for.
"""
