"""For LiteLLM's own environment, beside litellm.yaml: refuse parts of messages whose words it shows no guard.

Of a `document` with words and of a `search_result` (Anthropic's form, `/v1/messages`) LiteLLM 1.106.2 sends the model everything and the
guard nothing. A document in base64, by address or by file id is a file, which the guard does not read anyway: remove its kind from FILES
where such files are to be refused, too. What is written beside the file (`title`, `context`) is refused with it. What stands inside a tool's result is the operator's.
"""

from __future__ import annotations

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

FILES = ("base64", "url", "file")


def hidden(part: object) -> bool:
    """Whether a part of a message holds words that no guard is shown."""
    if not isinstance(part, dict) or part.get("type") not in ("document", "search_result"):
        return False
    source = part.get("source")
    kind = source.get("type") if isinstance(source, dict) else ""
    return part["type"] == "search_result" or kind not in FILES or any(map(part.get, ("title", "context")))


class Refuses(CustomLogger):
    """Answers HTTP 400 to a call with such a part, before any model is asked."""

    async def async_pre_call_hook(self, user_api_key_dict: object, cache: object, data: dict, call_type: str) -> None:
        """Raise HTTPException for a part that no guard is shown."""
        messages = data.get("messages")
        contents = (
            [one.get("content") for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
        )
        if any(hidden(part) for content in contents if isinstance(content, list) for part in content):
            raise HTTPException(
                400, "Documents and search results cannot be checked here: send their text as a message."
            )


unread = Refuses()
