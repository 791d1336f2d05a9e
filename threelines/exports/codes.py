"""Codes of other taxonomies for our own: derived, never typed by a worker.

DISARM (February 2025) and MITRE ATLAS 5.6.0 ids only: DISARM's text is share-alike and is not copied.
"""

from __future__ import annotations

CAPABILITY = {
    "translation_text": "translation", "translation_speech": "translation",
    "publication_or_advert": "publications_and_personas", "website": "publications_and_personas",
    "persona_profile": "publications_and_personas", "astroturfing": "publications_and_personas",
    "fake_company_or_certificate": "publications_and_personas", "audience_segmentation": "publications_and_personas",
    "deepfake_image": "deepfake_media", "deepfake_video": "deepfake_media", "voice_clone": "deepfake_media",
    "ncii_deepfake": "deepfake_media", "fake_identity_document": "deepfake_media",
    "automated_conversation": "automation", "victim_discovery_agent": "automation", "money_laundering_aid": "automation",
}  # fmt: skip
"""Value of `ai_Capability` → the brief's capability (figure 3 and the three tables)."""

DISARM = {
    "translation_text": ("T0085.008",), "publication_or_advert": ("T0085.001",), "persona_profile": ("T0097.106", "T0143.002"),
    "astroturfing": ("T0116.001", "T0049.003"), "website": ("T0097.205",), "deepfake_image": ("T0086.002",),
    "deepfake_video": ("T0087.001",), "voice_clone": ("T0088.001",), "automated_conversation": ("T0146.007",),
    "fake_company_or_certificate": ("T0097.205", "T0143.002"),
}  # fmt: skip

ATLAS = {
    "deepfake_image": ("AML.T0088",), "deepfake_video": ("AML.T0088",), "voice_clone": ("AML.T0088",),
    "ncii_deepfake": ("AML.T0088",), "fake_identity_document": ("AML.T0088",), "persona_profile": ("AML.T0073", "AML.T0021"),
    "translation_text": ("AML.T0016.002",), "publication_or_advert": ("AML.T0016.002",), "automated_conversation": ("AML.T0016.002",),
    "victim_discovery_agent": ("AML.T0087",),
}  # fmt: skip

DSA_KEYWORD = {
    "astroturfing": "KEYWORD_INAUTHENTIC_USER_REVIEWS", "persona_profile": "KEYWORD_INAUTHENTIC_ACCOUNTS",
    "publication_or_advert": "KEYWORD_INAUTHENTIC_LISTINGS", "ncii_deepfake": "KEYWORD_NON_CONSENSUAL_MATERIAL_DEEPFAKE",
}  # fmt: skip

FINCEN_KEY_TERMS = {
    "human_trafficking": "HUMAN TRAFFICKING FIN-2020-A008",
    "deepfake": "FIN-2024-DEEPFAKEFRAUD",
}
"""Exact strings that a suspicious activity report must carry (box 38(h) is ticked beside the first)."""

SYNTHETIC = ("deepfake_image", "deepfake_video", "voice_clone", "ncii_deepfake", "fake_identity_document")
