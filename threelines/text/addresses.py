"""Addresses on platforms whose first part names no account: pages of the platform's own, posts, groups, searches."""

from __future__ import annotations

import re

_PAGES = {
    platform: re.compile(pages)
    for platform, pages in {
        "telegram": "c|joinchat|addstickers|addemoji|addlist|share|proxy|socks|login|iv|boost|giftcode",
        "instagram": "p|t|s|reels?|tv|explore|direct|accounts|highlights|share|stories",
        "facebook": r"groups|pages|people|p|e|watch|share|sharer|events|hashtag|jobs|marketplace|reel|media|stories|photo|videos?|login|.*\.php",
        "tiktok": "t|v|tag|music|video|discover|embed|search|foryou|explore|live",
        "x": "i|home|search|hashtag|intent|share|explore|messages|notifications|settings",
        "vk": r"(?:wall|photo|video|clip|topic|album|doc|story|market)-?\d+(?:_\d+)?|feed|im|search|.*\.php",
        "whatsapp": "message|qr|c",
    }.items()
}


def names_no_account(platform: str, part: str) -> bool:
    """Tell whether the first part of an address on a platform, in lower case, is no account: a page of its own, or nothing."""
    pages = _PAGES.get(platform)
    return not part or (pages is not None and pages.fullmatch(part) is not None)
