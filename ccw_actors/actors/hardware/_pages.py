"""Bytes in pages: a large memory that is cheap to copy, because pages are immutable."""

from typing import Final

__all__ = ["PAGE_SIZE", "Pages", "pages_of"]

PAGE_SIZE: Final = 4096
_ZERO: Final = bytes(PAGE_SIZE)


def pages_of(address: int, length: int) -> range:
    """Return the numbers of the pages that an area touches."""
    if length <= 0:
        return range(0)
    return range(address // PAGE_SIZE, (address + length - 1) // PAGE_SIZE + 1)


class Pages:
    """`size` bytes, all zero at first. A write replaces pages and changes none."""

    __slots__ = ("_pages", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._pages: dict[int, bytes] = {}

    def read(self, address: int, length: int) -> bytes:
        """Return bytes that lie inside the memory."""
        number, offset = divmod(address, PAGE_SIZE)
        if offset + length <= PAGE_SIZE:
            return self._pages.get(number, _ZERO)[offset : offset + length]
        parts: list[bytes] = []
        while length > 0:
            number, offset = divmod(address, PAGE_SIZE)
            part = self._pages.get(number, _ZERO)[offset : offset + length]
            parts.append(part)
            address += len(part)
            length -= len(part)
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        """Store bytes that lie inside the memory."""
        done = 0
        while done < len(data):
            number, offset = divmod(address + done, PAGE_SIZE)
            part = data[done : done + PAGE_SIZE - offset]
            page = self._pages.get(number, _ZERO)
            new = page[:offset] + part + page[offset + len(part) :]
            if new == _ZERO:
                self._pages.pop(number, None)
            else:
                self._pages[number] = new
            done += len(part)

    def freeze(self) -> tuple[tuple[int, bytes], ...]:
        """Return the contents as an immutable, hashable value."""
        return tuple(sorted(self._pages.items()))

    def thaw(self, frozen: tuple[tuple[int, bytes], ...]) -> None:
        """Set the contents to what `freeze` returned before."""
        self._pages = dict(frozen)
