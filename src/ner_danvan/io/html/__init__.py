"""A report as one HTML file, without network: highlighted text, people and tasks, search, print."""

from ner_danvan.io.html.page import html_writer

__all__ = ["html_writer"]
