"""`python -m config.local`: the whole of Dramatis on one machine, with a database and a model of its own."""
