"""XML documents: escaped, and free of what XML forbids."""

import xml.etree.ElementTree as ET

import pytest

from sts_server.sandbox.xml import Element, document, elements


@pytest.mark.parametrize("text", ["", "a & b < c > d \"e\" 'f' ]]>", "中 \t\n", "tail "])
def test_text_survives(text: str) -> None:
    root = ET.fromstring(document(Element("Error", elements({"Key": text}))))
    assert root.findtext("Key") == text


def test_control_characters_become_references() -> None:
    assert b"<Key>&#1;&#13;</Key>" in document(Element("E", elements({"Key": "\x01\r"})))


def test_text_that_is_no_unicode_is_still_a_document() -> None:
    assert b"<Key>?</Key>" in document(Element("E", elements({"Key": "\udcff"})))
