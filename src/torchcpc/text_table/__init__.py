"""Tables of text for a terminal, a page and Markdown."""

from torchcpc.text_table.table import WIDTH, TextTable, distinct

__all__ = ["WIDTH", "TextTable", "distinct"]
