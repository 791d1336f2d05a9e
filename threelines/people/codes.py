"""Language and country codes: what is accepted, and shorter codes turned into ISO 639-3."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers

# ISO 639-1 → 639-3 and ISO 639-2/B → 639-3 (SIL code tables; codes only).
_TWO_LETTERS = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel bg:bul bi:bis
bm:bam bn:ben bo:bod br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre cs:ces cu:chu cv:chv cy:cym da:dan de:deu
dv:div dz:dzo ee:ewe el:ell en:eng eo:epo es:spa et:est eu:eus fa:fas ff:ful fi:fin fj:fij fo:fao fr:fra fy:fry
ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:hye hz:her ia:ina
id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl it:ita iu:iku ja:jpn jv:jav ka:kat kg:kon ki:kik kj:kua kk:kaz
kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao
lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri mk:mkd ml:mal mn:mon mr:mar ms:msa mt:mlt my:mya na:nau nb:nob nd:nde
ne:nep ng:ndo nl:nld nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol
ps:pus pt:por qu:que rm:roh rn:run ro:ron ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag sh:hbs si:sin sk:slk
sl:slv sm:smo sn:sna so:som sq:sqi sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir
tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol
wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:zho zu:zul
"""
_BIBLIOGRAPHIC = """
alb:sqi arm:hye baq:eus bur:mya chi:zho cze:ces dut:nld fre:fra geo:kat ger:deu gre:ell ice:isl mac:mkd mao:mri
may:msa per:fas rum:ron slo:slk tib:bod wel:cym
"""
# The individual language that people mean when they name its macrolanguage (ISO 639-3 has a code for each): counted
# under two codes, one language would be two. Others of the macrolanguage (`yue`, `prs`, `ind`, `ckb`) stay themselves.
_MEANT = """
als:sqi arb:ara azj:aze cmn:zho ekk:est khk:mon lvs:lav npi:nep ory:ori pes:fas plt:mlg swh:swa uzn:uzb ydd:yid zsm:msa
"""
_SHORT = dict(pair.split(":") for pair in (_TWO_LETTERS + _BIBLIOGRAPHIC + _MEANT).split())
_ONE_CODE = dict(pair.split(":") for pair in _MEANT.split())
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]+)?")
_COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}


def language_code(text: str) -> str:
    """Return the ISO 639-3 code for `lo`, `lao`, `lo-LA`, `fre`, and `swa` for `swh`; empty when it is none."""
    found = _LANGUAGE.fullmatch(text.strip())
    if not found:
        return ""
    code = found[1].lower()
    return _SHORT.get(code, code if len(code) == 3 else "")


def one_code(answer: Any) -> Any:
    """Return a kept language answer, one code or a list, as it would be kept today: `swa` for `swh`."""
    if isinstance(answer, list | tuple):
        return type(answer)(sorted({_ONE_CODE.get(str(code), str(code)) for code in answer}))
    return _ONE_CODE.get(answer, answer) if isinstance(answer, str) else answer


def country_code(text: str) -> str:
    """Return the ISO 3166-1 alpha-2 code in capitals; empty when it is none."""
    code = text.strip().upper()
    return code if code in _COUNTRIES else ""
