from rest_framework.exceptions import PermissionDenied


class PromptHidden(PermissionDenied):
    """For what would show, or copy, a prompt that its owner keeps to themselves."""

    default_code = "prompt_hidden"
    default_detail = "The owner of this character does not show its prompt."
