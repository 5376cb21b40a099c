"""Papers -> themes (curated, several a paper or none) and clusters (discovered, with identities that last)."""
