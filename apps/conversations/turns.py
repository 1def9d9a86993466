"""Changing a conversation: its beginning, a new message, another branch, a message less.

Every function here runs in a transaction that holds the conversation's row (`locked`), so that counts, leaf and
messages never tell different stories.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.ownership import hold
from apps.api.lookups import Lookup
from apps.api.saving import insert, update
from apps.characters.macros import MOST_INSERTED
from apps.characters.models import Character
from apps.conversations import tree
from apps.conversations.models import MAX_CONTENT, PREVIEW, Conversation, Message, Role, Summary


def locked(conversation: Any, *along: str) -> Conversation:
    """The conversation's row, held until the transaction ends, with those of others that are named read along;
    `DoesNotExist` where it is gone."""
    found = _held(along).first(conversation=conversation)
    if found is None:
        raise Conversation.DoesNotExist
    return found


@cache
def _held(along: tuple[str, ...]) -> Lookup[Conversation]:
    rows = Conversation.objects.select_related(*along) if along else Conversation.objects.all()
    return Lookup(lambda conversation: rows.select_for_update(of=("self",)).filter(pk=conversation))


@transaction.atomic
def begin(user: User, character: Character | None, *, greeting: int | None = 0, **fields: Any) -> Conversation:
    """A new conversation, its greetings there as sibling first messages, the chosen one active.

    `greeting` is an index that `character.greeting_at` knows; 0 for a character who says nothing first; None for none
    of them. Without a character it can be filled and read, but nobody answers in it.
    """
    hold(user)
    now = timezone.now()
    name = character.name if character else ""
    conversation = Conversation(user=user, character=character, character_name=name, created_at=now, **fields)
    chosen = character.greeting_at(greeting) if character and greeting is not None else None
    if character and chosen is not None:
        greetings = _greetings(conversation, character)
        # PostgreSQL looks at the keys between the two when the transaction ends, so one statement each is enough.
        Message.objects.bulk_create(greetings.values())
        conversation.active_leaf = greetings[chosen]
        conversation.message_count = len(greetings)
        conversation.last_message_at = now
        conversation.last_message_preview = preview(greetings[chosen])
    conversation.save(force_insert=True)
    return conversation


def _greetings(conversation: Conversation, character: Character) -> dict[int, Message]:
    """By their index, with macros filled."""
    made: dict[int, Message] = {}
    left = MOST_INSERTED
    for index, text in character.greetings().items():
        message = Message(
            conversation=conversation,
            user=conversation.user,
            role=Role.ASSISTANT,
            created_at=conversation.created_at,
            # Lore may be bound to one of them.
            extra={"greeting": index},
        )
        macros = conversation.macros(character, seed=str(message.pk), now=conversation.created_at)
        if not character.shows_prompt_to(conversation.user):
            # A persona that names the texts that are hidden would show them.
            macros = replace(macros, texts=character.named_texts())
        message.content = macros.fill(text, most=left)[:MAX_CONTENT]
        left -= max(len(message.content) - len(text), 0)
        message.follow(None, goes_on=False)
        made[index] = message
    return made


def append(conversation: Conversation, parent: Message | None, **fields: Any) -> Message:
    """A new message under `parent`; it becomes the leaf."""
    [message] = append_all(conversation, parent, fields)
    return message


def append_all(conversation: Conversation, parent: Message | None, *all_fields: dict[str, Any]) -> list[Message]:
    """New messages, the first under `parent` and each further one under the one before; the last becomes the leaf."""
    # The leaf is always the last of its branch.
    goes_on = parent is not None and (parent.pk == conversation.active_leaf_id or tree.ends_branch(parent))
    made: list[Message] = []
    for fields in all_fields:
        message = Message(conversation=conversation, user_id=conversation.user_id, **fields)
        message.client_id = message.client_id or None
        message.follow(parent, goes_on=goes_on)
        parent, goes_on = message, True
        made.append(message)
    insert(*made)
    conversation.active_leaf = made[-1]
    conversation.message_count += len(made)
    conversation.last_message_at = made[-1].created_at
    conversation.last_message_preview = preview(made[-1])
    return made


def save_head(conversation: Conversation, *more: str) -> None:
    """Write what `append` changed, once for any number of messages."""
    head = ("active_leaf", "message_count", "last_message_at", "last_message_preview", "updated_at")
    update(conversation, *head, *more)


def switch(conversation: Conversation, message: Message) -> None:
    """Make the branch that `message` is on the active one, down to its newest leaf."""
    leaf = Message.objects.get(pk=tree.newest_leaf(message.pk))
    conversation.active_leaf = leaf
    conversation.last_message_preview = preview(leaf)
    conversation.save(update_fields=["active_leaf", "last_message_preview", "updated_at"])


def edit(conversation: Conversation, message: Message, content: str) -> None:
    message.content = content
    message.edited_at = timezone.now()
    message.save(update_fields=["content", "edited_at", "updated_at"])
    forget_summaries(conversation, message)
    conversation.last_message_preview = preview(conversation.active_leaf)
    conversation.save(update_fields=["last_message_preview", "updated_at"])


def forget_summaries(conversation: Conversation, message: Message) -> None:
    """Remove what tells of a message that is about to say something else."""
    # Those of other branches too, where they reach as far: they are made anew when they are wanted.
    Summary.objects.filter(conversation=conversation, depth__gte=message.depth).delete()


def delete(conversation: Conversation, message: Message) -> None:
    """Remove a message and everything below it. A leaf in there moves to the parent's newest leaf, else the newest
    root's, else to nothing."""
    doomed = tree.subtree(message.pk)
    parent = message.parent_id
    moves = conversation.active_leaf_id in doomed
    if conversation.generating_id in doomed:
        conversation.generating = None
    Message.objects.filter(pk__in=doomed).delete()
    if moves:
        root = Message.objects.filter(conversation=conversation, parent__isnull=True).order_by("-id").first()
        start = parent or (root and root.pk)
        conversation.active_leaf = Message.objects.get(pk=tree.newest_leaf(start)) if start else None
    latest = Message.objects.filter(conversation=conversation).order_by("-id").first()
    conversation.message_count -= len(doomed)
    conversation.last_message_at = latest.created_at if latest else None
    conversation.last_message_preview = preview(conversation.active_leaf)
    save_head(conversation, "generating")


def clear(conversation: Conversation) -> None:
    """Remove every message, greetings and other branches included. An answer being written is cancelled."""
    Message.objects.filter(conversation=conversation).delete()
    conversation.active_leaf = conversation.generating = None
    conversation.message_count = 0
    conversation.last_message_at = None
    conversation.last_message_preview = ""
    save_head(conversation, "generating")


def preview(leaf: Message | None) -> str:
    """How lists show what was said last: its beginning on one line, at most `PREVIEW` characters.

    A leaf without text, as an answer that is still to come, leaves what it answers standing.
    """
    if leaf is None:
        return ""
    text = leaf.content or (leaf.parent.content if leaf.parent else "")
    return " ".join(text[: PREVIEW * 2].split())[:PREVIEW]
