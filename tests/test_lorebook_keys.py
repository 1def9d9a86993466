"""What a key is found in: words, patterns in JavaScript's manner, letters in any form, names."""

from typing import Any

import pytest

from apps.characters.macros import Macros
from apps.chat import lorebook
from apps.chat.lorebook import Scene
from tests.lore import entry, fire, told


def is_found(key: str, text: str, **more: Any) -> bool:
    return bool(fire(entry(key, **more), talk=[text]).lore)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        # Groups by name and by number; one that took no part is empty.
        (r"/(?<who>ada|bo) and \k<who>/", "ada and ada", True),
        (r"/(?<who>ada|bo) and \k<who>/", "ada and bo", False),
        (r"/(?:ada|(bo)) and \1!/", "ada and !", True),
        (r"/\1(ada)/", "ada", True),
        (r"/\k<who>/", "k<who>", True),
        # Sets, the empty ones among them.
        ("/a[^]b/", "a\nb", True),
        ("/[]/", "anything", False),
        (r"/[\w-]{3}/", "a-b", True),
        ("/[[a]x/", "[x", True),
        ("/[a&&b]x/", "&x", True),
        ("/[z-a]/", "z", False),
        (r"/[\b]/", "\b", True),
        # Letters by their codes.
        (r"/\u{1F600}/u", "😀", True),
        (r"/\u{1F600}/v", "😀", True),
        (r"/\u{1F600}/", "😀", False),
        (r"/\uD83D\uDE00/", "😀", True),
        (r"/\u00e9\x41\cJ\t/", "éA\n\t", True),
        (r"/\101\0?/", "A", True),
        # Words and digits are of ASCII, whatever the flags are.
        (r"/\bété\b/", "un été chaud", False),
        (r"/é\b/", "éa", True),
        (r"/^\w+$/u", "été", False),
        (r"/^\W$/", "é", True),
        (r"/\d/", "٣", False),
        (r"/\bLAMP(s|ing)?\b/i", "two lamps", True),
        (r"/É/i", "été", True),
        (r"/s/i", "\u017f", False),
        (r"/^\s\S$/", "\u00a0a", True),
        (r"/\p{Lu}/u", "É", True),
        (r"/\p{Lu}/", "É", False),
        (r"/[\p{Script=Greek}]/u", "α", True),
        # Beginnings and ends.
        ("/lit$/", "lit\n", False),
        ("/lit$/m", "lit\nout", True),
        ("/a.b/", "a\nb", False),
        ("/a.b/s", "a\nb", True),
        ("/lamp/dgy", "the lamp", True),
        # Braces that count nothing, letters that mean themselves.
        ("/a{,2}b/", "a{,2}b", True),
        ("/a{e<=1}/", "b", False),
        (r"/\Alamp\Z/", "AlampZ", True),
        (r"/\a/u", "a", False),
        # What JavaScript knows nothing of is no pattern.
        *((pattern, "a1aa", False) for pattern in ("/a**/", "/a*+/", "/*a/", "/(?>a)/", "/(?R)a/", "/(?P<x>a)/")),
        *((pattern, "a1aa", False) for pattern in ("/(?i)a/", "/a{2,1}/", "/(a/", "/a)/", "/[a/", "/(?#a)a/", "/^*a/")),
    ],
)
def test_patterns_are_javascripts(pattern: str, text: str, found: bool) -> None:
    assert is_found(pattern, text) is found


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("lamp", "lamplight, clamp, lamp.", True),
        ("lamp", "lamplight, clamp", False),
        ("aa", "aaa aab baa", False),
        ("aa", "aaa aa", True),
        (".a", "x.ab.a", True),
        (".a", "x.ab.ac", False),
        ("l'o", "l'or l'o", True),
        ("été", "l'été", True),
        ("灯", "灯台", True),
    ],
)
def test_whole_words(key: str, text: str, found: bool) -> None:
    assert is_found(key, text, match_whole_words=True) is found


def test_a_letter_and_its_mark_are_the_letter_that_has_it() -> None:
    for key in ("caf\u00e9", "cafe\u0301", "/^caf\u00e9$/", "/^caf[e\u0301]$/", "/^cafe\u0301$/"):
        assert is_found(key, "caf\u00e9")
        assert is_found(key, "cafe\u0301")
    assert is_found("한", "\u1112\u1161\u11ab")
    long = "e\u0301 " * 1000 + "caf" + "e\u0301"
    assert is_found("café", long, match_whole_words=True)
    assert is_found("Ö", "o\u0308", case_sensitive=False)


def test_keys_may_be_names() -> None:
    cast = Macros("Ada (of the lamp)", "Zoe\u0308", {"persona": "rope"})
    for key in ("{{char}}", "{{ CHAR }}", "/^{{char}}$/i", "old {{user}}", "/{{user}} is/"):
        fired = fire(entry(key), talk=["ada (of the lamp)", "Old Zoë is here."], scan_depth=1, macros=cast)
        fired = fired if fired.lore else fire(entry(key), talk=["Ada (of the lamp)"], macros=cast)
        assert [lore.fired_by for lore in fired.lore] == [key]
    for key in ("{{persona}}", "{{random:rope}}"):
        assert not fire(entry(key), talk=["rope"], macros=cast).lore
    assert not fire(entry("{{user}}"), talk=["anyone"], macros=Macros("Ada", "")).lore
    both = entry("fog", selective=True, secondary_keys=["{{user}}"])
    assert fire(both, talk=["Fog, Zoë!"], macros=cast).lore


def test_books_from_sillytavern_are_read_with_the_settings_it_ships_with() -> None:
    assert not is_found("lamp", "clamp", selectiveLogic=0)
    assert is_found("lamp", "clamp", selectiveLogic=0, match_whole_words=False)
    assert not is_found("lamp", "clamp", position=1, match_whole_words=None)
    assert is_found("lamp", "clamp", depth=4)
    chain = [entry("lamp", content="a rope", position=0), entry("rope", content="a bell", position=0)]
    assert told(fire(*chain)) == ["0", "1"]
    assert told(fire(*chain, recursive_scanning=False)) == ["0"]
    assert told(fire(entry("lamp", content="a rope"), entry("rope"))) == ["0"]


def test_each_entry_looks_at_as_many_messages_as_it_says() -> None:
    talk = [f"word{number} é" for number in range(6)]
    for number in range(6):
        for depth in range(8):
            assert bool(fire(entry(f"word{number}", scan_depth=depth), talk=talk).lore) is (number >= 6 - depth)
            assert bool(fire(entry(f"/word{number}/", scan_depth=depth), talk=talk).lore) is (number >= 6 - depth)
    # The word's end is in the message before, which is not looked at.
    fired = lorebook.fire(
        lorebook.read({"entries": [entry("word", match_whole_words=True)], "scan_depth": 1}),
        Scene([("user", "a"), ("user", "word")], 2),
        budget=10,
        tokens=len,
        macros=Macros("A", "B"),
    )
    assert len(fired.lore) == 1
