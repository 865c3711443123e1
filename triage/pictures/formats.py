"""Which pictures are read: by their first bytes, whatever their name, and never larger than a reader can bear."""

from __future__ import annotations

from triage.errors import PictureError

MAX_BYTES = 10 * 1024 * 1024
"""What the platform itself takes for a picture."""
MAX_PIXELS = 40_000_000
_MAGIC = (("PNG", b"\x89PNG\r\n\x1a\n"), ("JPEG", b"\xff\xd8\xff"), ("GIF", b"GIF87a"), ("GIF", b"GIF89a"))
_RIFF, _WEBP = b"RIFF", b"WEBP"


def format_of(data: bytes) -> str | None:
    """`PNG`, `JPEG`, `GIF` or `WEBP`; None for whatever else this is."""
    found = next((name for name, magic in _MAGIC if data.startswith(magic)), None)
    if found is None and data[:4] == _RIFF and data[8:12] == _WEBP:
        return "WEBP"
    return found


def require_readable(data: bytes) -> str:
    """The format of a picture that may be opened. Raises PictureError."""
    if len(data) > MAX_BYTES:
        raise PictureError(
            f"图太大（{len(data) / 1e6:.0f} MB），最多读 {MAX_BYTES // 1024**2} MB", "too_large"
        )
    found = format_of(data)
    if found is None:
        raise PictureError("这不是能读的图片，只读 PNG、JPEG、WebP、GIF", "not_a_picture")
    return found


def require_size(width: int, height: int) -> None:
    """Raises PictureError for more pixels than are decoded."""
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"图太大（{width}×{height}），最多读 {MAX_PIXELS // 10_000} 万像素", "too_many_pixels"
        )
