"""What fires of a lorebook, and why."""

from typing import Any

import pytest

from apps.characters.macros import Macros
from tests.lore import ADA, entry, fire, told


@pytest.mark.parametrize(
    ("given", "fires"),
    [
        (entry("lamp"), True),
        (entry("LAMP"), True),
        (entry("oil", "fog"), True),
        (entry("oil"), False),
        (entry(), False),
        (entry(constant=True), True),
        (entry("lamp", enabled=False), False),
        (entry(constant=True, enabled=False), False),
        (entry("Lamp", case_sensitive=True), False),
        (entry("The old", case_sensitive=True), True),
        (entry("eep"), True),
        (entry("eep", match_whole_words=True), False),
        (entry("keeper", match_whole_words=True), True),
        (entry("lit", match_whole_words=True), True),
        (entry("old la", match_whole_words=True), True),
        (entry(r"/l[ai]mp\b/"), True),
        (entry(r"/LAMP/"), False),
        (entry(r"/LAMP/i"), True),
        (entry(r"/(?<what>lamp|fog)/"), True),
        (entry(r"/(unclosed/"), False),
        (entry("l.mp"), False),
        (entry("l.mp", use_regex=True), True),
        (entry("l.mp", use_regex=True, selectiveLogic=0), False),
        (entry("l.mp", use_regex=True, position=0), False),
        (entry("(unclosed", use_regex=True), False),
        (entry("oil", use_regex=True, constant=True), False),
        (entry("lamp", selective=True, secondary_keys=["oil"]), False),
        (entry("lamp", selective=True, secondary_keys=["oil", "fog"]), True),
        (entry("lamp", selective=True, secondary_keys=[]), True),
        (entry("lamp", selective=False, secondary_keys=["oil"]), True),
        (entry("lamp", selective=True, secondary_keys=["oil", "fog"], selectiveLogic=1), True),
        (entry("lamp", selective=True, secondary_keys=["lit", "fog"], selectiveLogic=1), False),
        (entry("lamp", selective=True, secondary_keys=["oil", "fog"], selectiveLogic=2), False),
        (entry("lamp", selective=True, secondary_keys=["oil", "rope"], selectiveLogic=2), True),
        (entry("lamp", selective=True, secondary_keys=["lit", "fog"], selectiveLogic=3), True),
        (entry("lamp", selective=True, secondary_keys=["lit", "oil"], selectiveLogic=3), False),
        (entry("lamp", scan_depth=1), False),
        (entry("keeper", scan_depth=1), True),
        (entry("lamp", scan_depth=0), False),
        (entry(scan_depth=0, constant=True), True),
        (entry("lamp", content=""), False),
        (entry("lamp", delay=4), False),
        (entry("lamp", delay=3), True),
        (entry("lamp", probability=0), False),
        (entry("lamp", probability=0, useProbability=False), True),
        (entry("lamp", delay_until_recursion=True), False),
        (entry("lamp", position=7), False),
        (entry("oil", content="@@additional_keys lamp, rope\nLore."), False),
        (entry("lamp", content="@@additional_keys fog, rope\nLore."), True),
        (entry("lamp", content="@@additional_keys oil, rope\nLore."), False),
        (entry("lamp", content="@@additional_keys fog\n@@additional_keys keeper\nLore."), True),
        (entry("lamp", content="@@additional_keys fog\n@@additional_keys oil\nLore."), False),
        (entry(constant=True, content="@@additional_keys oil\nLore."), False),
        (entry("o.q", use_regex=True, content="@@additional_keys l.mp, oil\nLore."), True),
        (entry("o.q", use_regex=True, content="@@additional_keys oil, (unclosed\nLore."), False),
        (entry("l.mp", use_regex=True, content="@@exclude_keys fog\nLore."), True),
        (entry("lamp", content="@@exclude_keys rope,fog\nLore."), False),
        (entry("oil", content="@@activate\nLore."), True),
        (entry("lamp", content="@@dont_activate\nLore."), False),
        (entry("oil", content="@@dont_activate\n@@activate\nLore."), True),
        (entry(content="@@activate\n@@is_greeting 0\n@@activate_only_after 9\n@@exclude_keys lamp\nLore."), True),
        (entry(content="@@activate\nLore.", delay=9, delay_until_recursion=True, probability=0), True),
        (entry("lamp", content="@@activate\nLore.", enabled=False), False),
        (entry("lamp", content="@@scan_depth 1\nLore."), False),
        (entry("lamp", content="@@scan_depth many\n@@@scan_depth 1\nLore."), False),
        (entry("lamp", content="@@unheard_of 3\n@@@dont_activate\nLore."), False),
        (entry("lamp", content="@@scan_depth 3\n@@@dont_activate\nLore."), True),
        (entry("lamp", content="@@scan_depth 3\n@@scan_depth 1\nLore."), True),
        (entry("lamp", content="@@activate_only_after 2\nLore."), False),
        (entry("lamp", content="@@activate_only_after 1\nLore."), True),
        (entry("lamp", content="@@activate_only_every 2\nLore."), False),
        (entry("lamp", content="@@is_greeting 1\nLore."), True),
        (entry("lamp", content="@@is_greeting 0\nLore."), False),
    ],
)
def test_one_entry(given: dict[str, Any], fires: bool) -> None:
    assert bool(fire(given, scene={"answers": 1, "greeting": 1}).lore) is fires


def test_a_greeting_that_nobody_knows_is_not_asked_for() -> None:
    assert fire(entry("lamp", content="@@is_greeting 1\nLore."), scene={"greeting": None}).lore


def test_where_words_have_no_spaces_between_them() -> None:
    assert fire(entry("灯", match_whole_words=True), talk=["古い灯台の時計"]).lore
    assert not fire(entry("lamp", match_whole_words=True), talk=["lampe"]).lore


def test_why() -> None:
    fired = fire(
        entry("/l.mp/", name="By pattern"),
        entry(constant=True, name="Always"),
        entry("fog", content="A bell."),
        entry("BELL", comment="Rung"),
        recursive_scanning=True,
    )
    assert [(lore.name, lore.fired_by, lore.through) for lore in fired.lore] == [
        ("By pattern", "/l.mp/", ""),
        ("Always", "constant", ""),
        ("2", "fog", ""),
        ("3", "BELL", "2"),
    ]


def test_order_and_places() -> None:
    fired = fire(
        entry("lamp", insertion_order=3, position="before_char"),
        entry("lamp", insertion_order=1, position="after_char"),
        entry("lamp", insertion_order=2),
        entry("lamp", insertion_order=2, position="before_char"),
        entry("lamp", insertion_order=5, content="@@depth 3\n@@role assistant\nDeep."),
        entry("lamp", insertion_order=6, content="@@position personality\nKind."),
    ).lore
    assert [lore.name for lore in fired] == ["1", "2", "3", "0", "4", "5"]
    assert [lore.position for lore in fired] == [
        *("after_char", "after_char", "before_char", "before_char", "at_depth", "personality")
    ]
    [both] = fire(entry("lamp", content="@@depth 3\n@@position scenario\nLore.")).lore
    assert both.position == "scenario"
    assert (fired[4].depth, fired[4].role, fired[4].content) == (3, "assistant", "Deep.")
    places = ["before_char", "after_char", "note_top", "note_bottom", "at_depth", "examples_top", "examples_bottom"]
    for number, place in enumerate(places):
        [lore] = fire(entry("lamp", position=number, depth=6, role=2)).lore
        assert (lore.position, lore.depth, lore.role) == (place, 6, "assistant")


def test_over_the_budget_the_lowest_goes_first() -> None:
    entries = [
        entry("lamp", content="one two", insertion_order=1),
        entry("lamp", content="one two", insertion_order=3),
        entry("lamp", content="one two", insertion_order=2),
    ]
    fired = fire(*entries, token_budget=4)
    assert told(fired) == ["2", "1"]
    assert fired.dropped == [("0", "the lorebook's budget is spent")]
    assert told(fire(*entries, budget=3)) == ["1"]
    ranked = [{**each, "priority": priority} for each, priority in zip(entries, [9, 1, 5], strict=True)]
    assert told(fire(*ranked, token_budget=4)) == ["0", "2"]
    first_to_go = entry("lamp", content="@@ignore_on_max_context\none two", insertion_order=9)
    assert told(fire(*entries, first_to_go, token_budget=6)) == ["0", "2", "1"]
    spared = entry("lamp", content="one two", insertion_order=0, ignore_budget=True)
    assert told(fire(*entries, spared, token_budget=2)) == ["3", "1"]
    assert told(fire(*entries, spared, token_budget=2, budget=2)) == ["1"]


def test_what_has_no_room_sets_nothing_off() -> None:
    long = entry("lamp", content="rope " * 20)
    fired = fire(long, entry("rope"), entry("fog"), recursive_scanning=True, token_budget=10)
    assert told(fired) == ["2"]
    assert fired.dropped == [("0", "it alone is longer than the lorebook's budget")]
    both = [entry("lamp", content="rope one two", insertion_order=1), entry("fog", content="one two")]
    last = entry("rope", insertion_order=9)
    assert told(fire(*both, last, recursive_scanning=True, token_budget=4)) == ["1"]
    assert told(fire(*both, last, recursive_scanning=True, token_budget=6)) == ["0", "2", "1"]


def test_recursion_and_what_stops_it() -> None:
    chain = [entry("lamp", content="a rope"), entry("rope", content="a bell"), entry("bell", content="a lamp")]
    assert told(fire(*chain)) == ["0"]
    assert told(fire(*chain, recursive_scanning=True)) == ["0", "1", "2"]
    assert told(fire(chain[0], entry("rope", exclude_recursion=True), recursive_scanning=True)) == ["0"]
    quiet = entry("lamp", content="a rope", prevent_recursion=True)
    assert told(fire(quiet, *chain[1:], recursive_scanning=True)) == ["0"]
    late = entry("lamp", delay_until_recursion=True)
    assert told(fire(late, recursive_scanning=True)) == ["0"]
    levels = [entry("lamp", delay_until_recursion=2, content="a rope"), entry("rope", delay_until_recursion=1)]
    assert told(fire(*levels, recursive_scanning=True)) == ["0", "1"]
    hidden = entry("lamp", content="Quiet.{{hidden_key:rope}}")
    fired = fire(hidden, chain[1], recursive_scanning=True, macros=ADA)
    assert [lore.content for lore in fired.lore] == ["Quiet.", "a bell"]
    for content in ("{{// rope}}", "{{comment:rope}}", "{{random::a rope}}{{random::{{hidden_key:oil}}::{{// oil}}}}"):
        found = told(fire(entry("lamp", content=f"Lit.{content}"), entry("rope"), recursive_scanning=True))
        assert found == (["0", "1"] if "random::a" in content else ["0"])
    one_of = entry("lamp", content="{{random::fog {{hidden_key:bell}}::oil {{hidden_key:rope}}}}", name="first")
    for seed in map(str, range(9)):
        fired = fire(one_of, entry("bell"), entry("rope"), recursive_scanning=True, macros=Macros("A", "B", seed=seed))
        assert (fired.lore[0].content, told(fired)) in [("fog", ["first", "1"]), ("oil", ["first", "2"])]
    both = entry("rope", selective=True, secondary_keys=["fog"])
    assert told(fire(chain[0], both, recursive_scanning=True)) == ["0", "1"]


def test_two_entries_draw_each_for_itself() -> None:
    dice = [entry("lamp", content="{{roll:d1000000}}") for _ in range(2)]
    first, second = fire(*dice).lore
    assert first.content != second.content


def test_of_a_group_one_is_told() -> None:
    group = [entry("lamp", group="light", content=f"Light {n}.") for n in range(3)]
    winners = {told(fire(*group, scene={"seed": str(seed)}))[0] for seed in range(40)}
    assert winners == {"0", "1", "2"}
    fired = fire(*group)
    assert len(fired.lore) == 1
    assert [why for _, why in fired.dropped] == ["another entry of its group was taken"] * 2
    weighted = [entry("lamp", group="light", group_weight=weight, content=str(weight)) for weight in (1, 99)]
    won = [told(fire(*weighted, scene={"seed": str(seed)}))[0] for seed in range(100)]
    assert won.count("1") > 85
    overriding = entry("lamp", group="dark, light", group_override=True, insertion_order=1)
    assert told(fire(*group, overriding)) == ["3"]
    later = entry("lamp", group="light", delay_until_recursion=True)
    assert len(fire(*group, later, recursive_scanning=True).lore) == 1


def test_chance_is_the_seeds_and_the_entrys() -> None:
    often = [entry("lamp", probability=30, content=f"{n}") for n in range(200)]
    fired = fire(*often)
    assert 30 < len(fired.lore) < 90
    assert len(fired.dropped) == 200 - len(fired.lore)
    assert told(fire(*often)) == told(fired)
    assert told(fire(*often, scene={"seed": "other"})) != told(fired)


def walk(given: dict[str, Any], *turns: str, **more: Any) -> list[bool]:
    """Whether it is told at each turn; an answer follows each."""
    state: Any = None
    seen = []
    for number, text in enumerate(turns):
        fired = fire(given, talk=[text], length=number * 2 + 1, state=state, **more)
        state = fired.state
        seen.append(bool(fired.lore))
    return seen


def test_sticky_cooldown_and_what_is_for_ever() -> None:
    assert walk(entry("lamp", sticky=5), "lamp", "", "", "") == [True, True, True, False]
    assert walk(entry("lamp", cooldown=5), *["lamp"] * 5) == [True, False, False, True, False]
    assert walk(entry("lamp", sticky=3, cooldown=2), *["lamp"] * 4) == [True, True, False, True]
    assert walk(entry("lamp", content="@@keep_activate_after_match\nLore."), "", "lamp", "", "") == [
        *(False, True, True, True)
    ]
    assert walk(entry("lamp", content="@@dont_activate_after_match\nLore."), "lamp", "lamp", "") == [
        *(True, False, False)
    ]
    assert walk(entry("lamp"), "lamp", "") == [True, False]
    assert fire(entry("lamp")).state == {}
    assert walk(entry(content="@@activate\nLore.", cooldown=9), "", "") == [True, True]
    # Another text under the same id is another entry.
    state = fire(entry("lamp", id=1, sticky=9)).state
    assert not fire(entry("lamp", id=1, sticky=9, content="New."), talk=[""], state=state, length=3).lore


def test_a_sticky_entry_keeps_its_group_and_needs_no_luck() -> None:
    rivals = [entry("lamp", group="g", sticky=9, content="One."), entry("lamp", group="g", sticky=9, content="Two.")]
    first = fire(*rivals)
    for seed in range(9):
        again = fire(*rivals, state=first.state, length=5, scene={"seed": str(seed)})
        assert told(again) == told(first)
        assert again.lore[0].fired_by == "sticky"


def test_an_entry_can_turn_our_own_prompt_off() -> None:
    fired = fire(entry("lamp", content="@@disable_ui_prompt system_prompt\n@@disable_ui_prompt nonsense\nLore."))
    assert fired.disabled_prompts == {"system_prompt"}
    assert fired.lore[0].content == "Lore."


def test_what_had_no_room_is_not_remembered_and_turns_nothing_off() -> None:
    content = "@@disable_ui_prompt system_prompt\n@@dont_activate_after_match\none two"
    lost = entry("lamp", content=content, insertion_order=1, sticky=9, cooldown=9)
    fired = fire(lost, entry("lamp", content="one two"), token_budget=2)
    assert (told(fired), fired.state, fired.disabled_prompts) == (["1"], {}, frozenset())
    fired = fire(lost, entry("lamp", content="one two"), token_budget=4)
    assert len(fired.state) == 1
    assert fired.disabled_prompts == {"system_prompt"}


def test_slow_patterns_are_given_up() -> None:
    evil = [entry(f"/(a+)+{n}$/") for n in range(300)]
    assert told(fire(*evil, entry("lamp"), talk=["lamp " + "a" * 40])) == ["300"]


def test_absurd_numbers_are_bounded_or_passed_over() -> None:
    odd = [10**400, -(10**400), float("inf"), float("-inf"), float("nan")]
    for number in odd:
        given = entry("lamp", insertion_order=number, priority=number, depth=number, sticky=number, probability=number)
        assert len(fire(given, scan_depth=number).lore) <= 1


def test_a_book_that_sets_off_itself_ends() -> None:
    chain = [entry(f"k{n} ", content=f"k{n + 1} ") for n in range(500)]
    assert 40 < len(fire(*chain, talk=["k0 "], recursive_scanning=True).lore) < 60
    bomb = [entry("lamp", content="{{persona}}") for _ in range(3000)]
    long = Macros("Ada", "Robin", {"persona": "word " * 2000})
    fired = fire(*bomb, macros=long, recursive_scanning=True)
    assert len(fired.lore) + len(fired.dropped) == 3000
