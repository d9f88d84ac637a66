"""Pages keep their links on the site, and a page has a policy."""

import re

import pytest

from tools.site.policy import policy_of, with_policy
from tools.site.sources import NAVIGATION, PAGES, rewritten


def links(page: str, text: str) -> tuple[list[str], list[str]]:
    """Return the links of a page as they are on the site, and what is to be shown."""
    shown: list[str] = []
    text = rewritten(page, text, shown.append)
    return re.findall(r"\]\((.*?)\)", text), shown


def test_links_between_pages_stay_as_they_are() -> None:
    """With their anchors."""
    text = "[a](../glossary.md#irb) [b](#here) [c](https://example.com/x.md)"
    assert links("docs/explore/index.md", text) == (
        ["../glossary.md#irb", "#here", "https://example.com/x.md"],
        [],
    )


def test_the_readme_is_the_first_page() -> None:
    """Links to it follow."""
    assert links("docs/qemu.md", "[a](../README.md#the-race)") == (
        ["../index.md#the-race"],
        [],
    )


def test_files_and_folders_get_pages() -> None:
    """A folder with a README of its own is shown by that."""
    found = links("docs/qemu.md", "[a](../LICENSE) [b](verdicts/records)")
    assert found == (
        ["../files/LICENSE.md", "../files/docs/verdicts/records.md"],
        ["LICENSE", "docs/verdicts/records"],
    )
    assert links("docs/qemu.md", "[a](../examples)")[1] == ["examples/README.md"]


def test_code_is_left_alone() -> None:
    """What looks like a link there is none."""
    text = "```text\n[a](../README.md)\n```\n"
    assert rewritten("docs/qemu.md", text, pytest.fail) == text


def test_every_page_that_is_listed_exists() -> None:
    """The build says which page is in no list."""
    listed = [page for pages in NAVIGATION.values() for page in pages]
    assert len(listed) == len(set(listed))
    assert {one for one in listed if one.endswith(".md")} <= set(PAGES)


def test_a_policy_names_what_is_in_the_page() -> None:
    """The hash is that of the script, to the letter."""
    page = '<meta charset="utf-8"><script>alert(1)</script><script src="a.js"></script>'
    expected = (
        "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';"
    )
    assert expected in policy_of(page)
    assert with_policy(page).count("Content-Security-Policy") == 1


@pytest.mark.parametrize("tag", ['<p style="x: y">', '<a onclick="go()">'])
def test_what_every_policy_forbids_is_an_error(tag: str) -> None:
    """The message shows the tag."""
    with pytest.raises(ValueError, match=re.escape(tag)):
        with_policy(tag)
