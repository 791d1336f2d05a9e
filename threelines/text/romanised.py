"""Hindi, Urdu, Bengali and Arabic in Latin letters: known by their most frequent words.

Closed-class words of chat spelling (Hinglish, Banglish, Arabizi). Languages that are at home in Latin letters spell
many words alike (Somali `inta ana`, Estonian `tere mera`), so these are kept apart: they help, and never
tell alone. Where the letters are sure of such a language, more words of its own are asked for.
"""

from __future__ import annotations

import re

_WORDS: dict[str, tuple[str, str, frozenset[str]]] = {
    "Hindi or Urdu": ("hi-Latn", "hin", frozenset(
        "hai hain nahi nahin kya kyu kyun mein mera meri mere tera teri tere aap apna apni apne hum tum mujhe tumhe "
        "usko isko unka uska uski iska iski kaise kaisa kahan kab abhi aur lekin magar bhi bahut bohot accha acha theek "
        "karo karna karta karte karke raha rahe rahi gaya gayi hoga hogi tha thi wala wali wale bhai yaar kuch koi sab "
        "matlab chahiye dena lena paisa paise jaldi bolo batao kaam hoon aaj kyunki isliye kabhi zaroor tumhara tumhari "
        "hamara hamare kaun".split())),
    "Bengali": ("bn-Latn", "ben", frozenset(
        "ami tumi apni amar tomar apnar amake tomake ache achhe nei ki keno kemon kothay korbo korbe korte hobe hoyeche "
        "bhalo valo kintu ekta ekhon jabo dibo diben taka lagbe kotha bolo bolen jonno theke acho achi achen amra tomra "
        "amader tomader kichu onek korche korchi korcho ajke khub".split())),
    "Arabic": ("ar-Latn", "arb", frozenset(
        "ana enta enti inta inti ehna howa heya mesh mish msh mafi mafish ahlan salam habibi habibti yalla wallah walla "
        "inshallah inshalla hamdulillah alhamdulillah shukran keda kda leh fein feen ezayak izayak kifak keefak shu chno "
        "wach rak rani bzaf bezaf daba kan3 3andi 3and 3la 3an 3ala 7abibi 7aga mabrouk khalas sah bghit wakha mzyan "
        "bokra".split())),
}  # fmt: skip

_SHARED = frozenset(
    # Estonian, Finnish, Turkish, Vietnamese, Dutch, German, Luganda, Albanian, Somali, Tagalog, Hausa and names
    "hai hain kyu mein mera meri mere tera teri tere aap hum tum kaisa kab abhi aur lekin magar karo karna acha "
    "raha rahe rahi gaya tha thi wala wali wale bhai yaar koi sab matlab dena lena paisa paise bolo kaam apna apni "
    # French, Spanish, Portuguese, Finnish, Sesotho, Turkish, Papiamentu and names
    "ami tumi amar tomar ache nei ki keno hobe valo jabo dibo taka theke kotha "
    # Swahili, Javanese, Somali, Hausa, German, Mizo, Malay, names; greetings and thanks of Muslims in any language
    "ana enti inta inti howa heya mesh mish msh mafi salam wallah walla inshallah inshalla alhamdulillah shukran "
    "leh shu wach rak rani daba sah".split()
)
"""Words that languages at home in Latin letters spell alike."""

_KIN = {"hns": "hin"}
"""Learned languages that are one of these in Latin letters: Sarnami is a Hindustani. What it shares is its own."""
_TELLING = frozenset().union(*(telling for _, _, telling in _WORDS.values()))
_WORD = re.compile(r"[^\W_]+")
_PARTED = bytes(code if chr(code).isalnum() else ord(" ") for code in range(256))
"""The same words of ASCII text, faster."""
_DIGIT_LETTER = re.compile(
    r"(?!\d+(?:th|rd|[ap]m|k?m|[ckm]m|k?gs?|m[gl]|[kmgt]b|lbs?|ft|yrs?|hrs?|mins?|secs?|days?|star|g?hz|mah|x[a-z]+)$)"
    r"(?=.*[a-z].*[a-z])[a-z]*[3579][a-z]+[a-z3579]*"
)
"""Arabic sounds without a Latin letter (3 is ayn, 7 is ha, 5 kha, 9 qaf), and no ordinals, hours and measures."""
_SHARE = 0.2
_LEAST = 2
_ENOUGH, _ENOUGH_WHERE_SURE = 3, 4
"""Different words that tell, those of its own twice."""
_SURE = 0.5


def romanised(text: str, *, letters: str = "", sure: float = 0.0) -> tuple[str, str, float] | None:
    """Return (code, ISO 639-3, share of the words that tell), or None.

    A fifth of all words must tell: two of which one is no word of other languages, or three. Where the letters are
    `sure` (0 to 1) of another language, ISO 639-3 `letters`: two that are no word of others, or one among three.
    """
    words = text.lower().encode().translate(_PARTED).decode().split() if text.isascii() else _WORD.findall(text.lower())
    if len(words) < _LEAST or _TELLING.isdisjoint(words):
        return None
    best: tuple[str, str, float] | None = None
    for code, iso, telling in _WORDS.values():
        found = [word for word in words if word in telling or (iso == "arb" and _DIGIT_LETTER.fullmatch(word))]
        share, different = len(found) / len(words), set(found)
        kin = _KIN.get(letters) == iso
        own = len(different if kin else different - _SHARED)
        doubted = sure >= _SURE and not kin
        enough = len(different) + own >= (_ENOUGH_WHERE_SURE if doubted else _ENOUGH) and (own or not doubted)
        if len(different) < _LEAST or not enough or different.isdisjoint(telling):
            continue
        if share >= _SHARE and (best is None or share > best[2]):
            best = code, iso, share
    return best
