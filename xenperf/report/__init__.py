"""Judged rows as words and tables; nothing is measured or computed here."""
