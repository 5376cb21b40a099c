"""Search without a server: everything that a page needs to rank papers inside the reader's browser. Bytes, no files.

`site/docs/assets/search/` reads what is made here.
"""
