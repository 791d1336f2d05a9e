"""Invented posters, and the programs that tests of pictures drive for real."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def need(program: str) -> None:
    """Skip loudly on a laptop, fail in CI."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing in CI")
        pytest.skip(f"{program} is not installed")


def need_pack(name: str) -> None:
    """Skip loudly where Tesseract lacks a language on a laptop, fail in CI."""
    from threelines.platforms.ocr import installed

    need("tesseract")
    if name not in installed():
        if os.environ.get("CI"):
            pytest.fail(f"the language pack {name} of tesseract is missing in CI")
        pytest.skip(f"the language pack {name} of tesseract is not installed")


def picture(path: Path, words: str = "Kitchen staff wanted", seed: int = 1) -> Path:
    """Draw an invented poster with enough detail to hash."""
    from PIL import Image, ImageDraw, ImageFilter

    image = Image.effect_noise((640, 480), 60).convert("RGB").filter(ImageFilter.GaussianBlur(9 + seed))
    draw = ImageDraw.Draw(image)
    for step in range(6):
        draw.rectangle(
            (40 * step * seed % 500, 70 * step, 40 * step * seed % 500 + 150, 70 * step + 50),
            fill=(30 * step, 200 - 30 * step, 90),
        )
    draw.rectangle((0, 380, 640, 480), fill="white")
    draw.text((20, 400), words, fill="black", font_size=40)
    image.save(path)
    return path


def plain(path: Path, *lines: str) -> Path:
    """Draw lines of black words on white, in a font that has Cyrillic."""
    from PIL import Image, ImageDraw, ImageFont

    letters = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if not letters.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{letters} is missing in CI")
        pytest.skip(f"{letters} is not there: fonts-dejavu-core")
    image = Image.new("RGB", (900, 80 + 70 * len(lines)), "white")
    font = ImageFont.truetype(str(letters), 40)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((30, 40 + 70 * number), line, fill="black", font=font)
    image.save(path)
    return path
