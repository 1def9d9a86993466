"""What a book of strangers may cost."""

from tests.lore import entry, fire, told


def test_many_groups_are_no_more_work_than_entries() -> None:
    """Two thousand entries of a hundred groups each, of which ten count."""
    groups = ",".join(f"g{number}" for number in range(100))
    fired = fire(*[entry("lamp", group=groups, content=f"{number}") for number in range(2000)])
    assert len(fired.lore) == 1
    assert len(fired.dropped) == 1999
    apart = [entry("lamp", group=f"{','.join(map(str, range(10)))},{last}") for last in ("ten", "ten")]
    assert len(fire(*apart).lore) == 1


def test_so_many_entries_are_remembered_and_the_newest_of_them() -> None:
    often = [entry("lamp", content=f"{number}", sticky=9) for number in range(3000)]
    first = fire(*often, budget=10_000)
    assert len(first.lore) == 3000
    assert len(first.state) == 1000
    late = entry("fog", content="New.", sticky=9)
    after = fire(*often[:1000], late, talk=["fog"], length=5, state=first.state, budget=10_000)
    assert len(after.state) == 1000
    assert "1000" in told(fire(*often[:1000], late, talk=[""], length=7, state=after.state, budget=10_000))
